"""The paper's filter: which hypotheses reach the mean activation rate of their target."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from sieve_assets.method.checked_inputs import refusal, require_finite, require_some

_EQUAL = 1e-12
"""Rates are whole pictures over whole counts: a true difference from their mean is far larger."""


class VerifiedConcepts(NamedTuple):
    """The filter's outcome over a target's hypotheses."""

    paper_kept: Bool[np.ndarray, " hypothesis"]
    initial_mean_ar: float
    """Mean activation rate of all hypotheses."""
    final_mean_ar: float
    """Mean activation rate of those kept."""


def verify(rates: Float[np.ndarray, " hypothesis"]) -> VerifiedConcepts:
    """Discard the hypotheses below the mean activation rate; take the mean again over the rest.

    A rate equal to the mean is kept: the paper discards those "below this value". Equal means
    within 1e-12, since a mean of equal rates can round to just above them.

    Args:
        rates: Activation rates of one target's hypotheses, (neuron, cluster, concept) each.

    Returns:
        Which are kept (at least one), and both means; the order of hypotheses makes no difference.

    Raises:
        ValueError: No hypothesis, or a rate outside 0 to 1 or not finite.

    Source: SIEVE, Sec. 3.4; docs/method.md, decisions 17 and 19.
    """
    require_some("verify", "hypotheses", rates, axis=0)
    remedy = "Pass what activation_rates returns."
    require_finite("verify", "activation rates", rates, row="hypothesis", remedy=remedy)
    is_bad = (rates < 0) | (rates > 1)
    if is_bad.any():
        got = rates[np.argmax(is_bad)]
        raise ValueError(refusal("verify", "rates between 0 and 1", got, remedy))
    initial = _mean(rates)
    is_kept = rates >= initial - _EQUAL
    return VerifiedConcepts(is_kept, initial, _mean(rates[is_kept]))


def _mean(rates: Float[np.ndarray, " hypothesis"]) -> float:
    """The mean of an exact sum, which the order of the terms cannot change."""
    return math.fsum(rates.tolist()) / len(rates)
