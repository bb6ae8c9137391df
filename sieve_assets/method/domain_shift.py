"""How well a neuron's names say what it fires on, on images of any kind.

Not here: which images show a concept.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int

from sieve_assets.method.average_precisions import average_precisions


class ShownScores(NamedTuple):
    """One entry a concept; nan where no image shows it."""

    n_shown: Int[np.ndarray, " concept"]
    """Images that show the concept."""
    recall: Float64[np.ndarray, " concept"]
    """Share of them on which the neuron fires."""
    average_precision: Float64[np.ndarray, " concept"]
    """Of the activation for "shows the concept"."""
    top_share: Float64[np.ndarray, " concept"]
    """Share of the neuron's strongest images that show it; 0 if no image does."""


def shown_scores(
    activation: Float32[np.ndarray, " image"],
    is_shown: Bool[np.ndarray, "image concept"],
    *,
    threshold: float,
    n_strongest: int,
) -> ShownScores:
    """One neuron against some concepts: at a threshold, over all thresholds, at the top.

    Args:
        activation: Of the neuron.
        is_shown: Which concept is in which image.
        threshold: The neuron fires above it, strictly; that of the original images, so that it is
            the same neuron everywhere.
        n_strongest: Images at the top; of equal ones the first.

    Source: docs/explainers.md; SIEVE, Eq. 4 for the threshold.
    """
    fires = activation > np.float32(threshold)
    n_shown = is_shown.sum(axis=0)
    n_hits = is_shown[fires].sum(axis=0)
    top = strongest(activation, n_strongest)
    return ShownScores(
        n_shown,
        np.divide(n_hits, n_shown, out=np.full(len(n_shown), np.nan), where=n_shown > 0),
        average_precisions(activation[None], is_shown)[0],
        is_shown[top].mean(axis=0, dtype=np.float64),
    )


def strongest(activation: Float32[np.ndarray, " image"], count: int) -> Int[np.ndarray, " place"]:
    """Positions of the strongest images, of equal ones the first."""
    return np.argsort(-activation, kind="stable")[:count]


def firing_share(activation: Float32[np.ndarray, " image"], threshold: float) -> float:
    """Share of the images on which a neuron is above the threshold."""
    return float((activation > np.float32(threshold)).mean())
