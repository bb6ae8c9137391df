"""How well a neuron tells the probe images that show a concept from those that do not.

Not in the SIEVE paper: docs/method.md, section 3.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from sieve_assets.method.checked_inputs import require_finite, require_same_length, require_some


class NaturalScores(NamedTuple):
    """One entry a hypothesis; nan where no image, or every image, shows the concept."""

    n_shown: Int[np.ndarray, " hypothesis"]
    """Images that show the concept."""
    recall: Float64[np.ndarray, " hypothesis"]
    """Share of them on which the neuron is above the threshold."""
    precision: Float64[np.ndarray, " hypothesis"]
    """Share of the images above the threshold that show the concept; 0 if none is above."""
    f1: Float64[np.ndarray, " hypothesis"]
    correlation: Float64[np.ndarray, " hypothesis"]
    """Pearson's, of activation and similarity; nan if one of them never changes."""


def natural_scores(
    activations: Float[np.ndarray, "hypothesis image"],
    thresholds: Float[np.ndarray, " hypothesis"],
    is_shown: Bool[np.ndarray, "hypothesis image"],
    similarity: Float[np.ndarray, "hypothesis image"],
) -> NaturalScores:
    """Recall, precision, F1 and correlation of each hypothesis; see also `average_precisions`.

    AR is a precision: it cannot see that a name is too narrow. These can.

    Args:
        activations: Of the hypothesis's neuron on natural images.
        thresholds: A neuron counts as active above it, strictly.
        is_shown: Whether an image shows the hypothesis's concept.
        similarity: Of the image and the concept, any scale.

    Returns:
        One entry a hypothesis.

    Raises:
        ValueError: No image, a value that is not finite, or sizes that differ.

    Source: docs/method.md, section 3; Oikarinen, Yan and Weng, "Evaluating Neuron Explanations",
        ICML 2025, for which scores pass sanity checks.
    """
    where, remedy = "natural_scores", "Check the target's transform and precision."
    require_same_length(
        where,
        activations=len(activations),
        thresholds=len(thresholds),
        is_shown=len(is_shown),
        similarity=len(similarity),
    )
    require_some(where, "images", activations, axis=1)
    require_finite(where, "activations", activations, row="hypothesis", remedy=remedy)
    require_finite(where, "similarities", similarity, row="hypothesis", remedy=remedy)
    n_images, n_shown = activations.shape[1], is_shown.sum(axis=1)
    is_active = activations.astype(np.float32) > thresholds.astype(np.float32)[:, None]
    n_active, n_hits = is_active.sum(axis=1), (is_active & is_shown).sum(axis=1)
    can_tell = (n_shown > 0) & (n_shown < n_images)
    precision = np.divide(n_hits, n_active, out=np.zeros(len(n_hits)), where=n_active > 0)
    return NaturalScores(
        n_shown,
        _share(n_hits, n_shown, can_tell),
        np.where(can_tell, precision, np.nan),
        _share(2 * n_hits, n_active + n_shown, can_tell),
        _correlations(activations.astype(np.float64), similarity.astype(np.float64)),
    )


def _share(
    part: Int[np.ndarray, " hypothesis"],
    whole: Int[np.ndarray, " hypothesis"],
    can_tell: Bool[np.ndarray, " hypothesis"],
) -> Float64[np.ndarray, " hypothesis"]:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=can_tell)


def _correlations(
    one: Float64[np.ndarray, "hypothesis image"], other: Float64[np.ndarray, "hypothesis image"]
) -> Float64[np.ndarray, " hypothesis"]:
    """Pearson's, row by row; a row that never changes has none."""
    varies = (np.ptp(one, axis=1) > 0) & (np.ptp(other, axis=1) > 0)
    one = one - one.mean(axis=1, keepdims=True)
    other = other - other.mean(axis=1, keepdims=True)
    covariance = (one * other).sum(axis=1)
    spread = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return np.divide(covariance, spread, out=np.full(len(one), np.nan), where=varies & (spread > 0))
