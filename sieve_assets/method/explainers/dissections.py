"""Names of several neurons from one pass over their maps and an image set's masks.

Joins Network Dissection, Compositional Explanations and their clustered form, which look at the
same maps: `network_dissection`, `compositional`.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

from sieve_assets.method.checked_inputs import require_same_length
from sieve_assets.method.explainers.compositional import (
    Explanation,
    activation_ranges,
    explain_neurons,
)
from sieve_assets.method.explainers.concept_masks import ConceptMasks
from sieve_assets.method.explainers.formulas import formula_text
from sieve_assets.method.explainers.network_dissection import Overlaps, best_labels
from sieve_assets.method.explainers.pixel_groups import PixelGroups
from sieve_assets.method.explainers.upsampled_maps import masks_above, masks_within


class Named(NamedTuple):
    """What a method calls each neuron."""

    names: tuple[str, ...]
    concepts: Int[np.ndarray, "neuron place"]
    """Positions in `names`; -1 for none."""
    scores: Float64[np.ndarray, "neuron place"]
    """Intersection over union."""


class Formulas(NamedTuple):
    """The formulas of Compositional Explanations and of their clustered form."""

    strongest: Named
    """Of the map values above the neuron's threshold, one a neuron."""
    of_ranges: Named
    """One a range; place 0 is the highest range."""


class Dissection:
    """Counts of some neurons' pixels in concepts, while segmented images stream past."""

    def __init__(
        self,
        *,
        thresholds: Float[np.ndarray, " neuron"],
        ranges: Float[np.ndarray, "neuron range 2"],
        n_concepts: int,
        categories: Int[np.ndarray, " concept"] | None,
    ) -> None:
        """Begin with no images.

        Args:
            thresholds: Of `TopValues`.
            ranges: Of `neuron_ranges`.
            n_concepts: Concepts in the set, at least 1.
            categories: As `Overlaps`.

        Raises:
            ValueError: As `Overlaps`, or not the ranges of each neuron.
        """
        require_same_length("Dissection", thresholds=len(thresholds), ranges=len(ranges))
        self._thresholds, self._ranges = thresholds, ranges
        self._overlaps = Overlaps(
            thresholds=thresholds, n_concepts=n_concepts, categories=categories
        )
        n_masks = len(thresholds) * (1 + ranges.shape[1])
        self._groups = PixelGroups(n_neurons=n_masks, n_concepts=n_concepts)

    def add(self, maps: Float[np.ndarray, "neuron height width"], shown: ConceptMasks) -> None:
        """Count an image's pixels.

        Args:
            maps: As `TopValues` had them.
            shown: The image's concepts, in the part of it that the maps are of.

        Raises:
            ValueError: As `Overlaps.add`.
        """
        self._overlaps.add(maps[None], [shown])
        n_rows, n_columns = shown.masks.shape[1:]
        above = masks_above(maps, self._thresholds, n_rows=n_rows, n_columns=n_columns)
        within = masks_within(maps, self._ranges, n_rows=n_rows, n_columns=n_columns)
        is_hit = np.concatenate([above[:, None], within], axis=1)
        self._groups.add(is_hit.reshape(-1, n_rows, n_columns), shown)

    def labels(self, names: Sequence[str], *, min_iou: float) -> Named:
        """Each neuron's concept by Network Dissection, if it has one.

        Args:
            names: Of the concept set.
            min_iou: As `best_labels`.
        """
        found = best_labels(self._overlaps.iou(), min_iou=min_iou)
        return Named(tuple(names), found.concepts[:, None], found.iou[:, None])

    def formulas(self, names: Sequence[str], *, beam_size: int, max_length: int) -> Formulas:
        """Each neuron's formulas by Compositional Explanations and by their clustered form.

        Args:
            names: Of the concept set.
            beam_size: As `explain_neurons`.
            max_length: As `explain_neurons`.
        """
        counts = self._groups.counts()
        found = list(explain_neurons(counts, beam_size=beam_size, max_length=max_length))
        n_masks = 1 + self._ranges.shape[1]
        by_neuron = [found[start : start + n_masks] for start in range(0, len(found), n_masks)]
        strongest = _named([some[:1] for some in by_neuron], names, n_places=1)
        of_ranges = _named([some[1:] for some in by_neuron], names, n_places=n_masks - 1)
        return Formulas(strongest, of_ranges)


def neuron_ranges(
    values: Float[np.ndarray, "neuron value"],
    *,
    n_ranges: int,
    generators: Iterator[np.random.Generator],
) -> Float64[np.ndarray, "neuron range 2"]:
    """Each neuron's ranges of map values, the highest first.

    Args:
        values: All low-resolution values of each neuron; read one neuron at a time.
        n_ranges: As `activation_ranges`.
        generators: One a neuron.

    Returns:
        Least and largest value of each range; nan where a neuron has fewer ranges.

    Raises:
        ValueError: As `activation_ranges`.
    """
    ranges = np.full((len(values), n_ranges, 2), np.nan)
    for neuron, generator in zip(range(len(values)), generators, strict=True):
        found = activation_ranges(values[neuron], n_ranges=n_ranges, generator=generator)
        ranges[neuron, : len(found)] = found[::-1]
    return ranges


def _named(found: Sequence[Sequence[Explanation]], names: Sequence[str], *, n_places: int) -> Named:
    """Names that are texts of formulas, in the order of neurons and places."""
    texts: list[str] = []
    concepts = np.full((len(found), n_places), -1)
    for place, one in enumerate(chain.from_iterable(found)):
        if one.formula is not None:
            concepts.flat[place] = len(texts)
            texts.append(formula_text(one.formula, names))
    scores = np.array([[one.iou for one in some] for some in found], dtype=np.float64)
    return Named(tuple(texts), concepts, scores.reshape(len(found), n_places))
