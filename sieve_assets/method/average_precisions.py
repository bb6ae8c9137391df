"""How well each neuron tells the images that show a concept from the others, at all thresholds.

Not in the SIEVE paper: docs/method.md, section 3.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from sieve_assets.method.checked_inputs import require_finite, require_same_length, require_some


def average_precisions(
    activations: Float[np.ndarray, "neuron image"], is_shown: Bool[np.ndarray, "image concept"]
) -> Float64[np.ndarray, "neuron concept"]:
    """Average precision of every neuron for every concept.

    The mean, over the images that show the concept, of the share that shows it among the images on
    which the neuron is at least as active. What scikit-learn computes for one pair; here only a
    concept's own images are looked at, which are few: for 64 neurons and 200 concepts on 12,000
    images a three-hundredth of the time (measured on 2 CPU cores).

    Args:
        activations: Of any scale.
        is_shown: Which concept is in which image.

    Returns:
        Between 0 and 1; nan for a concept that is in no image.

    Raises:
        ValueError: No image, an activation that is not finite, or sizes that differ.

    Source: docs/method.md, section 3; scikit-learn's `average_precision_score`.
    """
    where, remedy = "average_precisions", "Check the target's transform and precision."
    require_some(where, "images", activations, axis=1)
    require_same_length(where, activations=activations.shape[1], is_shown=len(is_shown))
    require_finite(where, "activations", activations, row="neuron", remedy=remedy)
    n_as_active = _counts_as_active(activations)
    found = np.full((len(activations), is_shown.shape[1]), np.nan)
    for concept in range(is_shown.shape[1]):
        members = np.flatnonzero(is_shown[:, concept])
        if len(members):
            of_members = np.sort(n_as_active[:, members], axis=1)
            found[:, concept] = (_places(of_members) / of_members).mean(axis=1)
    return found


def weighted_average_precisions(
    activations: Float[np.ndarray, " image"],
    is_shown: Bool[np.ndarray, "image concept"],
    weights: Float[np.ndarray, " image"],
) -> Float64[np.ndarray, " concept"]:
    """Average precision of one neuron for every concept, an image counting as often as it weighs.

    Of a concept with few pictures fewer are found among all others' by chance alone, so that its
    average precision would be lower; with weights that make up for it, concepts compare. What
    scikit-learn computes concept by concept; here for all at once, in a fraction of the time.

    Args:
        activations: Of any scale.
        is_shown: Which concept is in which image; every concept in one at least.
        weights: How often each image counts, above 0.

    Returns:
        Between 0 and 1.

    Raises:
        ValueError: Sizes that differ.

    Source: docs/method.md, section 3; scikit-learn's `average_precision_score`.
    """
    where = "weighted_average_precisions"
    require_same_length(
        where, activations=len(activations), is_shown=len(is_shown), weights=len(weights)
    )
    order = np.argsort(-activations, kind="stable")
    falling = activations[order]
    last = np.searchsorted(-falling, -falling, side="right") - 1  # of those as active
    weighed = is_shown[order] * weights[order, None]
    precision = (weighed.cumsum(axis=0) / weights[order].cumsum()[:, None])[last]
    return (weighed * precision).sum(axis=0) / weighed.sum(axis=0)


def _counts_as_active(
    activations: Float[np.ndarray, "neuron image"],
) -> Int[np.ndarray, "neuron image"]:
    """For each image, on how many the neuron is at least as active; itself counts."""
    ordered = np.sort(-activations, axis=1)
    counts = np.empty(activations.shape, np.int32)
    for row, (values, activation) in enumerate(zip(ordered, activations, strict=True)):
        counts[row] = np.searchsorted(values, -activation, side="right")
    return counts


def _places(
    counts: Int[np.ndarray, "neuron member"],
) -> Int[np.ndarray, "neuron member"]:
    """How many of a row's sorted counts are at most as large as each: equals share the last."""
    n_members = counts.shape[1]
    places: Int[np.ndarray, "neuron member"] = np.empty(counts.shape, np.int64)
    places[:] = np.arange(1, n_members + 1)
    is_followed = counts[:, :-1] == counts[:, 1:]
    places[:, :-1][is_followed] = n_members
    return np.minimum.accumulate(places[:, ::-1], axis=1)[:, ::-1]
