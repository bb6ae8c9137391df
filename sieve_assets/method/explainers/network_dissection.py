"""Network Dissection: the concept whose masks a neuron's strongest map values overlap most.

Bau, Zhou, Khosla, Oliva and Torralba, "Network Dissection: Quantifying Interpretability of Deep
Visual Representations", CVPR 2017; Zhou, Bau, Oliva and Torralba, "Interpreting Deep Visual
Representations via Network Dissection", TPAMI 2018. Two passes over the images: `top_values` finds
each neuron's threshold, `Overlaps` counts pixels above it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int, Int64

from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_finite,
    require_same_length,
    require_some,
)
from sieve_assets.method.explainers.concept_masks import ConceptMasks, require_known_concepts
from sieve_assets.method.explainers.upsampled_maps import masks_above

_MOST_PIXELS = 2**24
"""Of a mask: up to here sums of zeros and ones in float32 are exact."""
_MAPS_REMEDY = "Check the target's maps and precision."


class BestLabels(NamedTuple):
    """What each neuron is called."""

    concepts: Int[np.ndarray, " neuron"]
    """Position of the best concept, of equals the first; -1 if none overlaps enough."""
    iou: Float64[np.ndarray, " neuron"]
    """The largest intersection over union, whether it is enough or not."""


class Overlaps:
    """How many pixels each neuron's mask shares with each concept's, summed over images.

    A neuron's mask is that of `masks_above`. Its pixels count in the union only on images that show
    a concept of the same category: elsewhere nobody has looked for the concept.

    NetDissect-Lite asks whether the neuron's own mask touches a concept of the category, and counts
    a pixel twice that two layers of labels give the same concept; here both are as in the paper.

    Source: Bau et al., CVPR 2017, Sec. 2.2, Eq. 1.
    """

    def __init__(
        self,
        *,
        thresholds: Float[np.ndarray, " neuron"],
        n_concepts: int,
        categories: Int[np.ndarray, " concept"] | None,
    ) -> None:
        """Begin with no images.

        Args:
            thresholds: Of `TopValues`.
            n_concepts: Concepts in the set, at least 1.
            categories: Category of each concept, from 0; None to count every image for all.

        Raises:
            ValueError: No concept, not one category for each, one below 0, or a threshold that is
                not finite.
        """
        require_at_least("Overlaps", "n_concepts", n_concepts, 1)
        self._categories = np.zeros(n_concepts, np.intp) if categories is None else categories
        require_same_length("Overlaps", concepts=n_concepts, categories=len(self._categories))
        require_at_least("Overlaps", "least category", int(self._categories.min()), 0)
        remedy = "Pass what TopValues.thresholds returns."
        require_finite("Overlaps", "thresholds", thresholds, row="neuron", remedy=remedy)
        self._thresholds, self._has_categories = thresholds, categories is not None
        n_categories = int(self._categories.max()) + 1
        self._shared = np.zeros((len(thresholds), n_concepts), np.int64)
        self._neuron_pixels = np.zeros((len(thresholds), n_categories), np.int64)
        self._concept_pixels = np.zeros(n_concepts, np.int64)

    def add(
        self, maps: Float[np.ndarray, "image neuron height width"], shown: Sequence[ConceptMasks]
    ) -> None:
        """Count more images.

        Args:
            maps: As `TopValues` had them.
            shown: The concepts of each image; masks of any size, also one each.

        Raises:
            ValueError: A value is not finite, sizes differ, a concept is not in the set, or a mask
                has more than 2^24 pixels.
        """
        require_same_length("Overlaps", maps=len(maps), shown=len(shown))
        require_same_length("Overlaps", maps=maps.shape[1], thresholds=len(self._thresholds))
        require_finite("Overlaps", "maps", maps, row="image", remedy=_MAPS_REMEDY)
        for one in shown:  # all before any is counted
            require_known_concepts("Overlaps", one, len(self._concept_pixels))
            _check_size(one)
        for image_maps, one in zip(maps, shown, strict=True):
            self._add_image(image_maps, one)

    def intersections(self) -> Int64[np.ndarray, "neuron concept"]:
        """Pixels of both masks."""
        return self._shared.copy()

    def unions(self) -> Int64[np.ndarray, "neuron concept"]:
        """Pixels of either mask, on images that show a concept of the category."""
        return self._neuron_pixels[:, self._categories] + self._concept_pixels - self._shared

    def iou(self) -> Float64[np.ndarray, "neuron concept"]:
        """Intersection over union; 0 where the union is empty."""
        unions = self.unions()
        scores = np.zeros(unions.shape)
        return np.divide(self._shared, unions, out=scores, where=unions > 0)

    def _add_image(
        self, maps: Float[np.ndarray, "neuron height width"], shown: ConceptMasks
    ) -> None:
        n_present, n_rows, n_columns = shown.masks.shape
        flat_masks = shown.masks.reshape(n_present, n_rows * n_columns)
        self._concept_pixels[shown.concepts] += np.count_nonzero(flat_masks, axis=1)
        counted = self._categories[shown.concepts] if self._has_categories else np.zeros(1, np.intp)
        categories = np.unique(counted)
        # Most neurons have nothing above their threshold.
        active = np.flatnonzero((maps > self._thresholds[:, None, None]).any(axis=(1, 2)))
        is_above = masks_above(
            maps[active], self._thresholds[active], n_rows=n_rows, n_columns=n_columns
        ).reshape(len(active), n_rows * n_columns)
        n_above = np.count_nonzero(is_above, axis=1)
        self._neuron_pixels[np.ix_(active, categories)] += n_above[:, None]
        shared = is_above.astype(np.float32) @ flat_masks.T.astype(np.float32)
        self._shared[np.ix_(active, shown.concepts)] += shared.astype(np.int64)


def best_labels(iou: Float64[np.ndarray, "neuron concept"], *, min_iou: float) -> BestLabels:
    """The concept that overlaps most with each neuron, if it does so enough.

    Args:
        iou: Of `Overlaps`.
        min_iou: A label's overlap must be above it; .04 in the paper.

    Returns:
        One label a neuron, or none; of equal concepts the one with the lower position.

    Raises:
        ValueError: No concept, or an overlap that is not finite.

    Source: Bau et al., CVPR 2017, Sec. 2.2.
    """
    require_some("best_labels", "concepts", iou, axis=1)
    remedy = "Pass what Overlaps.iou returns."
    require_finite("best_labels", "overlaps", iou, row="neuron", remedy=remedy)
    best, largest = iou.argmax(axis=1), iou.max(axis=1)
    return BestLabels(np.where(largest > min_iou, best, -1), largest)


def _check_size(shown: ConceptMasks) -> None:
    n_rows, n_columns = shown.masks.shape[1:]
    require_at_least("Overlaps", "masks' pixels", n_rows * n_columns, 1)
    if n_rows * n_columns > _MOST_PIXELS:
        expected = f"masks of at most {_MOST_PIXELS:,} pixels"
        remedy = "Scale them down."
        raise ValueError(refusal("Overlaps", expected, f"{n_rows} x {n_columns}", remedy))
