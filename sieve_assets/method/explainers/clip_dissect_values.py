"""CLIP-Dissect's similarity functions that compare activations' values with images' cosines.

Oikarinen and Weng, "CLIP-Dissect: Automatic Description of Neuron Representations in Deep Vision
Networks", ICLR 2023: rank reorder and cosine cubed, which the paper compares with soft-WPMI (in
`clip_dissect`). Published settings are those of the authors' similarity.py.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int, Int64

from sieve_assets.method.checked_inputs import require_at_least, require_between
from sieve_assets.method.concept_hypotheses import checked_concepts, concept_scores
from sieve_assets.method.explainers.probe_inputs import (
    require_positive,
    require_probe,
    strongest_images,
    summed_embeddings,
)

_BLOCK_IMAGES = 2048
"""Images held in float64 at a time: 80 MB for 2,048 neurons and 3,000 concepts."""
_BLOCK_CONCEPTS = 128
"""Concepts whose order of all images is held at a time: 50 MB for 50,000 images."""
_COSINE_STEPS = 2**30
"""Of a cosine of 1, in the upper half of 64 bits."""
_POSITIONS = 2**32
"""That the lower half of 64 bits can tell apart."""


class _Tops(NamedTuple):
    """The strongest images of each neuron, strongest first."""

    images: Int[np.ndarray, "neuron place"]
    heights: Float64[np.ndarray, "neuron place"]
    """Their activations, moved and scaled to 1 for the first and 0 for the last; or all 0."""
    chance: Float64[np.ndarray, " neuron"]
    """The error that an order by chance makes; 0 if the activations are all the same."""


def rank_reorder(
    activations: Float[np.ndarray, "image neuron"],
    image_embeddings: Float[np.ndarray, "image feature"],
    concept_embeddings: Float[np.ndarray, "concept feature"],
    *,
    top_fraction: float,
    power: int,
    cosine_power: float,
    min_cosine: float,
) -> Float64[np.ndarray, "neuron concept"]:
    """Minus the error made by reordering a neuron's strongest activations as a concept orders them.

    The strongest images are put in the order of their cosines with the concept and get the sorted
    activations in that order; the error is the mean of |own - new activation|^power over its mean
    for orders by chance, and is divided by (mean cosine)^cosine_power. Moving or scaling a neuron's
    activations changes nothing.

    Differs from the authors' code: the mean for orders by chance is exact, theirs is of five random
    orders (a factor a neuron, which ranks no concept differently). Strongest activations that are
    all equal have no order to get wrong: their error counts as that of chance, 1, where theirs is
    nan. A mean cosine below `min_cosine` counts as that, where theirs gives nan below 0.
    Ties in activation, and in cosine to nine digits, go by lower position of the image. At least
    one image is used.

    Args:
        activations: Activations over the probe set (arbitrary units).
        image_embeddings: L2-normalised embeddings of the same whole images.
        concept_embeddings: L2-normalised embeddings of the concepts.
        top_fraction: Share of the images that is used, rounded down, 0 to 1; 0.05 in the authors'
            code. Memory grows with it.
        power: Of the error, a whole number of at least 1; 3 in the authors' code.
        cosine_power: Of the mean cosine, 0 to 1; 0.5 in the authors' code.
        min_cosine: The least mean cosine, above 0; the authors' code has none.

    Returns:
        Scores of at most 0.

    Raises:
        ValueError: There is no image, neuron or concept, sizes differ, an embedding is not of norm
            1, an activation is not finite, or a setting is out of its range.

    Source: CLIP-Dissect, ICLR 2023, Sec. 3.2, rank reorder.
    """
    where = "rank_reorder"
    require_probe(where, activations, image_embeddings, concept_embeddings)
    require_between(where, "top_fraction", top_fraction, 0.0, 1.0)
    require_at_least(where, "power", power, 1)
    require_between(where, "cosine_power", cosine_power, 0.0, 1.0)
    require_positive(where, "min_cosine", min_cosine)
    count = max(1, int(len(activations) * top_fraction))
    tops = _tops(activations, count, power)
    means = summed_embeddings(image_embeddings, tops.images) / count
    cosines = concept_scores(means, checked_concepts(concept_embeddings))
    errors = np.empty(cosines.shape)
    for start in range(0, len(concept_embeddings), _BLOCK_CONCEPTS):
        some = slice(start, start + _BLOCK_CONCEPTS)
        keys = _order_keys(image_embeddings, concept_embeddings[some])
        errors[:, some] = _order_errors(tops, keys, power)
    return -errors / np.maximum(cosines, min_cosine) ** cosine_power


def cosine_cubed(
    activations: Float[np.ndarray, "image neuron"],
    image_embeddings: Float[np.ndarray, "image feature"],
    concept_embeddings: Float[np.ndarray, "concept feature"],
    *,
    min_norm: float,
) -> Float64[np.ndarray, "neuron concept"]:
    """Cosine over the images of a neuron's activations and a concept's cosines, centred and cubed.

    Cubes keep the sign and let the extremes decide. A neuron or concept that is the same for every
    image scores 0. What else is in the call changes a score by rounding only.

    Args:
        activations: Activations over the probe set (arbitrary units).
        image_embeddings: L2-normalised embeddings of the same whole images.
        concept_embeddings: L2-normalised embeddings of the concepts.
        min_norm: The least norm to divide by, above 0; 1e-3 in the authors' code. Cosines with a
            standard deviation of 0.02 fall below it, cubed, on fewer than about 1,000 images, and
            the concepts with the smallest spread then lose most.

    Returns:
        Scores between -1 and 1.

    Raises:
        ValueError: There is no image, neuron or concept, sizes differ, an embedding is not of norm
            1, an activation is not finite, or a setting is out of its range.

    Source: CLIP-Dissect, ICLR 2023, the authors' `cos_similarity_cubed`.
    """
    require_probe("cosine_cubed", activations, image_embeddings, concept_embeddings)
    require_positive("cosine_cubed", "min_norm", min_norm)
    concepts = concept_embeddings.astype(np.float64)
    mean_activations = activations.mean(axis=0, dtype=np.float64)
    mean_cosines = image_embeddings.mean(axis=0, dtype=np.float64) @ concepts.T
    products = np.zeros((len(mean_activations), len(concepts)))
    neuron_squares, concept_squares = np.zeros(len(mean_activations)), np.zeros(len(concepts))
    for start in range(0, len(activations), _BLOCK_IMAGES):
        some = slice(start, start + _BLOCK_IMAGES)
        neuron_cubes = _cubed(activations[some] - mean_activations)
        cosines = image_embeddings[some].astype(np.float64) @ concepts.T
        concept_cubes = _cubed(cosines - mean_cosines)
        products += neuron_cubes.T @ concept_cubes
        neuron_squares += np.square(neuron_cubes).sum(axis=0)
        concept_squares += np.square(concept_cubes).sum(axis=0)
    neuron_norms = np.maximum(np.sqrt(neuron_squares), min_norm)
    concept_norms = np.maximum(np.sqrt(concept_squares), min_norm)
    return products / neuron_norms[:, None] / concept_norms


def _cubed(values: Float64[np.ndarray, "image column"]) -> Float64[np.ndarray, "image column"]:
    return values * values * values  # half the time of a power


def _tops(activations: Float[np.ndarray, "image neuron"], count: int, power: int) -> _Tops:
    images = strongest_images(activations, count=count)
    values = np.take_along_axis(activations, images.T, axis=0).T.astype(np.float64)
    heights = values - values[:, -1:]
    spans = heights[:, :1]
    heights = np.divide(heights, spans, out=np.zeros_like(heights), where=spans > 0)
    return _Tops(images, heights, _chance_errors(heights, power))


def _chance_errors(
    heights: Float64[np.ndarray, "neuron place"], power: int
) -> Float64[np.ndarray, " neuron"]:
    """Mean of |difference|^power over all pairs of places: an order by chance pairs any two alike.

    Heights fall, so each pair is once a difference that is not negative, which the binomial theorem
    takes apart into running sums: count steps instead of count squared.
    """
    n_places = heights.shape[1]
    totals = np.zeros(len(heights))
    for term in range(power + 1):
        higher = np.cumsum(heights ** (power - term), axis=1)
        totals += math.comb(power, term) * ((-heights) ** term * higher).sum(axis=1)
    return 2 * totals / n_places**2


def _order_keys(
    image_embeddings: Float[np.ndarray, "image feature"],
    concept_embeddings: Float[np.ndarray, "concept feature"],
) -> Int64[np.ndarray, "concept image"]:
    """Numbers whose order is a concept's: by falling cosine, of equals by position.

    The upper half of the bits holds the cosine to nine digits, so that equal embeddings tie however
    the library rounds a product, and the lower half the image's position.
    """
    concepts = concept_embeddings.astype(np.float64)
    keys = np.empty((len(concepts), len(image_embeddings)), np.int64)
    for start in range(0, len(image_embeddings), _BLOCK_IMAGES):
        some = slice(start, start + _BLOCK_IMAGES)
        cosines = concepts @ image_embeddings[some].astype(np.float64).T
        keys[:, some] = np.rint(cosines * -_COSINE_STEPS)
    keys *= _POSITIONS
    keys += np.arange(len(image_embeddings))
    return keys


def _order_errors(
    tops: _Tops, keys: Int64[np.ndarray, "concept image"], power: int
) -> Float64[np.ndarray, "neuron concept"]:
    """The error of each concept's order over that of chance."""
    errors = np.ones((len(tops.images), len(keys)))
    height_of_image = np.empty(keys.shape[1])
    for neuron in np.flatnonzero(tops.chance > 0):
        images, heights = tops.images[neuron], tops.heights[neuron]
        height_of_image[images] = heights
        # `take` lays rows out for the sort, which indexing does not: half of the time.
        ordered = np.sort(np.take(keys, images, axis=1), axis=1) & (_POSITIONS - 1)
        misses = np.abs(height_of_image[ordered] - heights) ** power
        errors[neuron] = misses.mean(axis=1) / tops.chance[neuron]
    return errors
