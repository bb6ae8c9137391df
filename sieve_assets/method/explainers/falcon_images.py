"""FALCON's images: those that a neuron is high on, and those to contrast them with.

Kalibhat et al., Identifying Interpretable Subspaces in Image Representations, ICML 2023; their
code is NehaKalibhat/falcon-explain. It explains groups of neurons that are high on the same images;
here each neuron is a group of its own, with every image that it is high on, whatever else is.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Float64, Int

from sieve_assets.method.checked_inputs import (
    require_at_least,
    require_between,
    require_finite,
    require_some,
)

_BLOCK_IMAGES = 1024
_BLOCK_NEURONS = 64
"""Sizes of one product, always: how a library rounds depends on them."""

_Pairs = tuple[Int[np.ndarray, " _"], Int[np.ndarray, " _"]]
"""Neurons and, of the same length, images."""


class LayerLevels(NamedTuple):
    """Where all activations of a layer lie."""

    mean: float
    """An image below it is low."""
    high: float
    """An image at or above it is high."""


class NeuronImages(NamedTuple):
    """Images by neuron: one entry a neuron and image, lower neurons first."""

    neurons: Int[np.ndarray, " sample"]
    images: Int[np.ndarray, " sample"]
    """Positions; within a neuron the best first, ties by lower position."""


def scaled_activations(
    activations: Float[np.ndarray, "image neuron"],
) -> Float32[np.ndarray, "image neuron"]:
    """Each image's activations over their Euclidean norm, as all of FALCON sees them.

    Args:
        activations: Of a whole layer: part of it has another norm.

    Returns:
        Rows of norm 1; an image that activates nothing stays 0.

    Raises:
        ValueError: No image, or an activation that is not finite.

    Source: get_interpretable_features.py of the authors' code.
    """
    where = "scaled_activations"
    require_some(where, "images", activations, axis=0)
    remedy = "Check the target's transform and precision."
    require_finite(where, "activations", activations, row="image", remedy=remedy)
    scaled = np.empty(activations.shape, np.float32)
    for rows in _blocks(len(activations), _BLOCK_IMAGES):
        exact = activations[rows].astype(np.float64, order="C")
        norms = np.linalg.norm(exact, axis=1, keepdims=True)
        scaled[rows] = np.divide(exact, norms, out=np.zeros_like(exact), where=norms > 0)
    return scaled


def layer_levels(scaled: Float32[np.ndarray, "image neuron"], *, n_sigmas: float) -> LayerLevels:
    """The mean of all activations of the layer, and that many standard deviations above it.

    Args:
        scaled: From `scaled_activations`.
        n_sigmas: 5 in the authors' code.

    Returns:
        One pair for the layer.

    Raises:
        ValueError: No image, or n_sigmas that are negative.

    Source: Kalibhat et al., ICML 2023; the authors' get_interpretable_features.py.
    """
    require_some("layer_levels", "images", scaled, axis=0)
    require_between("layer_levels", "n_sigmas", n_sigmas, 0.0, np.inf)
    blocks = list(_blocks(len(scaled), _BLOCK_IMAGES))
    sums = [scaled[rows].sum(axis=1, dtype=np.float64) for rows in blocks]
    mean = float(np.concatenate(sums).sum() / scaled.size)
    squares = [((scaled[rows] - np.float64(mean)) ** 2).sum(axis=1) for rows in blocks]
    sigma = float(np.sqrt(np.concatenate(squares).sum() / scaled.size))
    return LayerLevels(mean, mean + n_sigmas * sigma)


def high_images(
    scaled: Float32[np.ndarray, "image neuron"],
    *,
    level: float,
    min_images: int,
    max_images: int | None,
) -> NeuronImages:
    """The images that each neuron is high on, strongest first.

    Args:
        scaled: From `scaled_activations`.
        level: `LayerLevels.high`.
        min_images: A neuron that is high on fewer has none. The authors' code wants more than 10.
        max_images: The strongest that are taken of those; None, as the authors, takes all.

    Returns:
        The crops to make, one an entry.

    Raises:
        ValueError: min_images or max_images below 1.

    Source: Kalibhat et al., ICML 2023; the authors' get_interpretable_features.py.
    """
    most = max(len(scaled), 1) if max_images is None else max_images
    require_at_least("high_images", "min_images", min_images, 1)
    require_at_least("high_images", "max_images", most, 1)
    found: list[_Pairs] = []
    for columns in _blocks(scaled.shape[1], _BLOCK_NEURONS):
        some = scaled[:, columns]
        images, neurons = np.nonzero(some >= level)
        order = np.lexsort((images, -some[images, neurons], neurons))
        images, neurons = images[order], neurons[order]
        counts = np.bincount(neurons, minlength=some.shape[1])
        places = np.arange(len(neurons)) - (np.cumsum(counts) - counts)[neurons]
        is_taken = (counts[neurons] >= min_images) & (places < most)
        found.append((neurons[is_taken] + columns.start, images[is_taken]))
    return _joined(found)


def contrast_images(
    scaled: Float32[np.ndarray, "image neuron"],
    high: NeuronImages,
    *,
    level: float,
    min_similarity: float,
    max_images: int,
) -> NeuronImages:
    """Images on which the neuron is low and all others are as on the images it is high on.

    How alike is the inner product of the image's scaled activations with the mean of the high
    images', the neuron itself left out of both and neither scaled again.

    Args:
        scaled: From `scaled_activations`.
        high: From `high_images`, of the neurons that are still of interest.
        level: `LayerLevels.mean`; an image is low strictly below it.
        min_similarity: At least so alike; 0.3 in the authors' code.
        max_images: The most alike that are taken; 10 in the authors' code.

    Returns:
        Contrast images, the most alike first, of the neurons in `high`; some may have none.

    Raises:
        ValueError: max_images below 1.

    Source: Kalibhat et al., ICML 2023; the authors' explain_feature_group.py.
    """
    require_at_least("contrast_images", "max_images", max_images, 1)
    owners, starts = np.unique(high.neurons, return_index=True)
    groups = np.split(high.images, starts[1:])
    found: list[_Pairs] = []
    for some in _blocks(len(owners), _BLOCK_NEURONS):
        centres = np.zeros((_BLOCK_NEURONS, scaled.shape[1]), np.float32)
        for row, (neuron, images) in enumerate(zip(owners[some], groups[some], strict=True)):
            centres[row] = _mean_row(scaled, images)
            centres[row, neuron] = 0
        similarities = scaled @ centres.T
        for row, neuron in enumerate(owners[some]):
            is_low = scaled[:, neuron] < level
            images = np.flatnonzero(is_low & (similarities[:, row] >= min_similarity))
            best = np.argsort(-similarities[images, row], kind="stable")[:max_images]
            found.append((np.full(len(best), neuron), images[best]))
    return _joined(found)


def _blocks(n_entries: int, size: int) -> Iterator[slice]:
    """Slices of an axis, all of the same size but the last."""
    return (slice(start, start + size) for start in range(0, n_entries, size))


def _mean_row(
    scaled: Float32[np.ndarray, "image neuron"], images: Int[np.ndarray, " _"]
) -> Float64[np.ndarray, " neuron"]:
    """The mean of some images' rows, without a copy of all of them."""
    total = np.zeros(scaled.shape[1])
    for rows in _blocks(len(images), _BLOCK_IMAGES):
        total += scaled[images[rows]].sum(axis=0, dtype=np.float64)
    return total / len(images)


def _joined(pairs: list[_Pairs]) -> NeuronImages:
    """The pairs of all blocks one after the other; none is an empty one."""
    nothing = np.zeros(0, np.intp)
    neurons, images = zip((nothing, nothing), *pairs, strict=True)
    return NeuronImages(np.concatenate(neurons), np.concatenate(images))
