"""What linear explanations are fitted to: concepts' activations, and sums of products over images.

Oikarinen & Weng, Linear Explanations for Individual Neurons, ICML 2024; their code is
Trustworthy-ML-Lab/Linear-Explanations. A fit on few concepts, and its correlation with a neuron,
follow from these sums alone, so that images are gone through once for all neurons.
"""

# scipy ships no types: what comes from it is annotated where it is used.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64
from scipy import special

from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_between,
    require_finite,
    require_same_length,
    require_some,
    require_unit_norm,
)

_BLOCK_IMAGES = 2048
_BLOCK_CONCEPTS = 256
"""Sizes of one step, always: how a library rounds depends on them."""
_CONSTANT = 1e-12
"""A variance below this share of the mean square is rounding."""


class Moments(NamedTuple):
    """Sums over images, to which those of other images can be added (`joined_moments`)."""

    n_images: int
    concept_sums: Float64[np.ndarray, " concept"]
    neuron_sums: Float64[np.ndarray, " neuron"]
    concept_products: Float64[np.ndarray, "concept concept"]
    cross_products: Float64[np.ndarray, "neuron concept"]
    neuron_squares: Float64[np.ndarray, " neuron"]


class Scales(NamedTuple):
    """Means and standard deviations (of the population); 0 for what is constant but rounding."""

    concept_means: Float64[np.ndarray, " concept"]
    concept_stds: Float64[np.ndarray, " concept"]
    neuron_means: Float64[np.ndarray, " neuron"]
    neuron_stds: Float64[np.ndarray, " neuron"]


class Covariances(NamedTuple):
    """Covariances of concepts over given scales, and of neurons over their own."""

    concepts: Float64[np.ndarray, "concept concept"]
    neurons: Float64[np.ndarray, "neuron concept"]
    """Of each neuron with each concept; 0 for a neuron that is constant."""


def concept_activations(
    images: Float[np.ndarray, "image feature"],
    concepts: Float[np.ndarray, "concept feature"],
    *,
    slope: float,
    shift: float,
) -> Float32[np.ndarray, "image concept"]:
    """How present each concept is in each image, by a vision-language model: sigmoid(a (cos + b)).

    Where labels say what is in an image, use these (0 or 1) in place of it, as the paper also does.

    Args:
        images: L2-normalised embeddings.
        concepts: L2-normalised embeddings.
        slope: a, above 0. Of the vision-language model: 58 for CLIP ViT-L/14-336, 60 for SigLIP
            L/16-384, 58 for SigLIP SO400M/14-384 in the authors' code.
        shift: b; -0.25, -0.09 and -0.13 for the same.

    Returns:
        Between 0 and 1.

    Raises:
        ValueError: No image or concept, sizes that differ, or an embedding not of norm 1.

    Source: Oikarinen & Weng, ICML 2024 (LE(SigLIP)).
    """
    where = "concept_activations"
    require_between(where, "slope", slope, 0.0, np.inf)
    for what, rows in (("images", images), ("concepts", concepts)):
        require_some(where, what, rows, axis=0)
        require_unit_norm(where, what, rows)
    require_same_length(where, images=images.shape[1], concepts=concepts.shape[1])
    texts = concepts.astype(np.float64).T
    present = np.empty((len(images), len(concepts)), np.float32)
    block = np.zeros((_BLOCK_IMAGES, images.shape[1]))
    for rows in _blocks(len(images), _BLOCK_IMAGES):
        some = images[rows]
        block[: len(some)] = some
        present[rows] = special.expit(slope * ((block @ texts)[: len(some)] + shift))
    return present


def active_concepts(
    present: Float[np.ndarray, "image concept"],
    *,
    n_strongest: int,
    min_mean: float,
    min_std: float,
) -> Bool[np.ndarray, " concept"]:
    """Which concepts the images show at all: only these are to explain a neuron.

    Args:
        present: From `concept_activations`, of all images there are to fit and to choose on.
        n_strongest: Images that must show it, at least 1; 5 in the authors' code. If there are
            fewer images, all.
        min_mean: The least mean over these; 0.5 in the authors' code.
        min_std: The least standard deviation over all images; 1e-5 in the authors' code.

    Returns:
        True where both hold.

    Raises:
        ValueError: No image, a value that is not finite, or n_strongest below 1.

    Source: the authors' explain_neurons.py.
    """
    require_at_least("active_concepts", "n_strongest", n_strongest, 1)
    _check("active_concepts", "concept activations", present)
    most = min(n_strongest, len(present))
    is_active = np.zeros(present.shape[1], bool)
    for columns in _blocks(len(is_active), _BLOCK_CONCEPTS):
        some = present[:, columns].T.astype(np.float64, order="C")
        strongest = np.partition(some, -most, axis=1)[:, -most:]
        is_active[columns] = (strongest.mean(axis=1) >= min_mean) & (some.std(axis=1) >= min_std)
    return is_active


def moments(
    present: Float[np.ndarray, "image concept"], activations: Float[np.ndarray, "image neuron"]
) -> Moments:
    """The sums over images that a fit needs.

    Args:
        present: From `concept_activations`, or labels.
        activations: Of the same images (arbitrary units).

    Returns:
        Sums in float64.

    Raises:
        ValueError: No image, sizes that differ, or a value that is not finite.
    """
    require_same_length("moments", present=len(present), activations=len(activations))
    _check("moments", "concept activations", present)
    _check("moments", "activations", activations)
    return joined_moments(
        _block_moments(present[rows].astype(np.float64), activations[rows].astype(np.float64))
        for rows in _blocks(len(present), _BLOCK_IMAGES)
    )


def joined_moments(parts: Iterable[Moments]) -> Moments:
    """The sums over the images of all parts, so that no array need hold all of them.

    How images are parted changes a sum by rounding only.

    Args:
        parts: At least one, of the same concepts and neurons.

    Returns:
        Their sum.

    Raises:
        ValueError: There is no part, or sizes differ.
    """
    rest = iter(parts)
    first = next(rest, None)
    if first is None:
        remedy = "Pass the moments of some images."
        raise ValueError(refusal("joined_moments", "at least one part", "none", remedy))
    n_images, sums = first.n_images, [values.copy() for values in first[1:]]
    for part in rest:
        sizes = {"first": sums[3].shape, "part": part.cross_products.shape}
        for axis in (0, 1):
            require_same_length("joined_moments", **{k: v[axis] for k, v in sizes.items()})
        n_images += part.n_images
        for total, values in zip(sums, part[1:], strict=True):
            np.add(total, values, out=total)
    return Moments(n_images, *sums)


def scales(sums: Moments) -> Scales:
    """Means and standard deviations of concepts and neurons.

    Args:
        sums: From `moments`.

    Returns:
        In the units of the activations.
    """
    concept_squares = np.diagonal(sums.concept_products)
    return Scales(
        *_mean_and_std(sums.concept_sums, concept_squares, sums.n_images),
        *_mean_and_std(sums.neuron_sums, sums.neuron_squares, sums.n_images),
    )


def covariances(sums: Moments, concept_scales: Float64[np.ndarray, " concept"]) -> Covariances:
    """Covariances of concepts over given scales and of neurons over their own.

    Args:
        sums: From `moments`.
        concept_scales: What concepts are measured in; correlations come of their own deviations.

    Returns:
        0 for whatever is constant on these images, or has the scale 0.
    """
    own = scales(sums)
    factors = _inverse(np.where(own.concept_stds > 0, concept_scales, 0.0))
    means = own.concept_means
    concepts = sums.concept_products / sums.n_images
    concepts -= np.outer(means, means)
    concepts *= factors
    concepts *= factors[:, None]
    neurons = sums.cross_products / sums.n_images - np.outer(own.neuron_means, means)
    neurons *= factors
    neurons *= _inverse(own.neuron_stds)[:, None]
    return Covariances(concepts, neurons)


def _blocks(n_entries: int, size: int) -> Iterator[slice]:
    """Slices of an axis, all of the same size but the last."""
    return (slice(start, start + size) for start in range(0, n_entries, size))


def _check(where: str, what: str, values: Float[np.ndarray, "image column"]) -> None:
    require_some(where, "images", values, axis=0)
    remedy = "Check the models' transforms and precision."
    require_finite(where, what, values, row="image", remedy=remedy)


def _block_moments(
    present: Float64[np.ndarray, "image concept"], activations: Float64[np.ndarray, "image neuron"]
) -> Moments:
    return Moments(
        n_images=len(present),
        concept_sums=present.sum(axis=0),
        neuron_sums=activations.sum(axis=0),
        concept_products=present.T @ present,
        cross_products=activations.T @ present,
        neuron_squares=(activations**2).sum(axis=0),
    )


def _mean_and_std(
    sums: Float64[np.ndarray, " value"], squares: Float64[np.ndarray, " value"], n_images: int
) -> tuple[Float64[np.ndarray, " value"], Float64[np.ndarray, " value"]]:
    means = sums / n_images
    variances = squares / n_images - means**2
    is_constant = variances <= _CONSTANT * squares / n_images
    return means, np.sqrt(np.where(is_constant, 0.0, variances))


def _inverse(values: Float64[np.ndarray, " value"]) -> Float64[np.ndarray, " value"]:
    """1 over each value, and 0 for 0."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
