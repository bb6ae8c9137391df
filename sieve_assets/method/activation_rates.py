"""How often a concept's generated images activate a neuron, with the uncertainty of the count."""

# scipy ships no types: what comes from it is annotated where it is used.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int
from scipy import special

from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_finite,
    require_same_length,
    require_some,
)


class ActivationRates(NamedTuple):
    """One entry a hypothesis, over the same number of images."""

    n_active: Int[np.ndarray, " hypothesis"]
    n_images: int
    activation_rate: Float64[np.ndarray, " hypothesis"]
    ci_low: Float64[np.ndarray, " hypothesis"]
    ci_high: Float64[np.ndarray, " hypothesis"]


class Interval(NamedTuple):
    """Ends of the confidence intervals of shares."""

    low: Float64[np.ndarray, " hypothesis"]
    high: Float64[np.ndarray, " hypothesis"]


def activation_rates(
    activations: Float[np.ndarray, "hypothesis picture"],
    thresholds: Float[np.ndarray, " hypothesis"],
    *,
    confidence: float,
) -> ActivationRates:
    """The share of each hypothesis's generated images that exceed the neuron's threshold.

    Compared as float32, the precision of both when they are stored; strictly, so that an activation
    of 0 does not exceed a threshold of 0.

    Args:
        activations: Of the hypothesis's neuron on its generated images (arbitrary units).
        thresholds: T_i, the 99th percentile of the neuron over the probe set.
        confidence: Of the Wilson interval, above 0 and below 1.

    Returns:
        Counts, rates and intervals.

    Raises:
        ValueError: No picture, a value that is not finite, sizes that differ, or a confidence out
            of range.

    Source: SIEVE, Eq. 4; docs/method.md, decisions 15 and 16.
    """
    where = "activation_rates"
    require_same_length(where, activations=len(activations), thresholds=len(thresholds))
    require_some(where, "generated images", activations, axis=1)
    remedy = "Check the target's transform and precision."
    require_finite(where, "activations", activations, row="hypothesis", remedy=remedy)
    require_finite(where, "thresholds", thresholds, row="hypothesis", remedy=remedy)
    is_active = activations.astype(np.float32) > thresholds.astype(np.float32)[:, None]
    n_active, n_images = is_active.sum(axis=1), activations.shape[1]
    interval = wilson_interval(n_active, n_images, confidence=confidence)
    return ActivationRates(n_active, n_images, n_active / n_images, interval.low, interval.high)


def wilson_interval(
    n_active: Int[np.ndarray, " hypothesis"], n_images: int, *, confidence: float
) -> Interval:
    """Wilson's score interval of a share, without continuity correction.

    Args:
        n_active: Successes.
        n_images: Trials, at least 1.
        confidence: Above 0 and below 1.

    Returns:
        Ends between 0 and 1; exactly 0 below no success and exactly 1 above no failure.

    Raises:
        ValueError: n_images < 1, a count outside 0 to n_images, or a confidence out of range.

    Source: Wilson 1927; not in the paper (docs/method.md, decision 15).
    """
    where = "wilson_interval"
    require_at_least(where, "n_images", n_images, 1)
    if not 0 < confidence < 1:
        remedy = "A usual choice is 0.95."
        raise ValueError(refusal(where, "confidence between 0 and 1", confidence, remedy))
    is_bad = (n_active < 0) | (n_active > n_images)
    if is_bad.any():
        got = int(n_active[np.argmax(is_bad)])
        remedy = "Count each image once."
        raise ValueError(refusal(where, f"counts between 0 and {n_images}", got, remedy))
    share = n_active / n_images
    z = float(special.ndtri((1 + confidence) / 2))
    centre = share + z**2 / (2 * n_images)
    spread = z * np.sqrt(share * (1 - share) / n_images + (z / (2 * n_images)) ** 2)
    low, high = ((centre + sign * spread) / (1 + z**2 / n_images) for sign in (-1, 1))
    return Interval(np.where(n_active == 0, 0.0, low), np.where(n_active == n_images, 1.0, high))
