"""One number a name: how well it says when the neuron fires, against the best other name.

Not in the SIEVE paper: docs/method.md, section 3.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64

from sieve_assets.method.checked_inputs import require_same_length


def name_scores(
    natural: Float[np.ndarray, "neuron concept"],
    drawn: Float[np.ndarray, "neuron concept"],
    is_candidate: Bool[np.ndarray, "neuron concept"],
    *,
    is_rival: Bool[np.ndarray, " concept"],
) -> Float64[np.ndarray, "neuron concept"]:
    """The mean of two average precisions, each relative to the neuron's best candidate.

    On natural images a name that is too narrow leaves out images that fire, and one that is too
    wide adds images that do not. But what goes together in them cannot be told apart; in pictures
    drawn for many concepts it can. A right name is good at both.

    Args:
        natural: `average_precisions` over probe images.
        drawn: The same over pictures of many concepts.
        is_candidate: Concepts that may be the neuron's name: those whose pictures show them.
        is_rival: Concepts that others are held against: those of the concept set. A phrase beyond
            it, such as another method's formula, is fitted to one neuron and in no name's way.

    Returns:
        1 for the best of a neuron in both, and at most that for what is no rival; 0 for what is no
        candidate; an average precision that is nan counts as 0.

    Raises:
        ValueError: Sizes that differ.

    Source: docs/method.md, section 3.
    """
    require_same_length(
        "name_scores", natural=len(natural), drawn=len(drawn), is_candidate=len(is_candidate)
    )
    both = [_relative(one, is_candidate, is_rival) for one in (natural, drawn)]
    return (both[0] + both[1]) / 2


def _relative(
    precisions: Float[np.ndarray, "neuron concept"],
    is_candidate: Bool[np.ndarray, "neuron concept"],
    is_rival: Bool[np.ndarray, " concept"],
) -> Float64[np.ndarray, "neuron concept"]:
    counted = np.where(is_candidate, np.nan_to_num(precisions.astype(np.float64)), 0.0)
    best = np.where(is_rival, counted, 0.0).max(axis=1, keepdims=True, initial=0.0)
    relative = np.divide(counted, best, out=np.zeros(counted.shape), where=best > 0)
    return np.minimum(relative, 1.0)
