"""What explainers read: activations and image embeddings of one probe set, in the same order."""

import math

import numpy as np
from jaxtyping import Float, Float64, Int

from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_finite,
    require_same_length,
    require_some,
    require_unit_norm,
)
from sieve_assets.method.selected_samples import top_samples

_BLOCK_NEURONS = 64
"""Neurons whose activations, or images' embeddings, are copied at a time: about 10 MB."""


def require_probe(
    where: str,
    activations: Float[np.ndarray, "image neuron"],
    image_embeddings: Float[np.ndarray, "image feature"],
    concept_embeddings: Float[np.ndarray, "concept feature"],
) -> None:
    """Refuse a probe set or concepts that no explainer can work on.

    Args:
        where: The function that checks.
        activations: Activations over the probe set.
        image_embeddings: Of the same images in the same order.
        concept_embeddings: In the same space.

    Raises:
        ValueError: There is no image, neuron or concept, sizes differ, an embedding is not of norm
            1, or an activation is not finite.
    """
    require_some(where, "images", activations, axis=0)
    require_some(where, "neurons", activations, axis=1)
    require_some(where, "concepts", concept_embeddings, axis=0)
    n_images, n_features = image_embeddings.shape
    require_same_length(where, activations=len(activations), image_embeddings=n_images)
    n_concept_features = concept_embeddings.shape[1]
    require_same_length(where, image_features=n_features, concept_features=n_concept_features)
    require_unit_norm(where, "images", image_embeddings)
    require_unit_norm(where, "concepts", concept_embeddings)
    _require_finite_activations(where, activations)


def require_positive(where: str, what: str, value: float) -> None:
    """Refuse a setting that is not above 0 and finite.

    Args:
        where: The function that checks.
        what: The name of the setting.
        value: The setting.

    Raises:
        ValueError: The value is 0, negative, infinite or nan.
    """
    if not 0 < value < math.inf:
        raise ValueError(refusal(where, f"{what} above 0 and finite", value, f"Change {what}."))


def varying_neurons(
    activations: Float[np.ndarray, "image neuron"],
) -> Int[np.ndarray, " varying"]:
    """Positions of the neurons that an explainer can say something of.

    A constant neuron has no strongest images, and any name of it would be that of the first images;
    one that is not finite everywhere would spoil its neighbours where a layer is explained as one.

    Args:
        activations: Activations over the probe set (arbitrary units), finite or not.

    Returns:
        Positions, rising, of the neurons that are finite on every image and not the same on all.

    Raises:
        ValueError: There is no image.
    """
    require_some("varying_neurons", "images", activations, axis=0)
    least, most = activations.min(axis=0), activations.max(axis=0)  # nan if there is one
    return np.flatnonzero(np.isfinite(least) & np.isfinite(most) & (most > least))


def strongest_images(
    activations: Float[np.ndarray, "image neuron"], *, count: int
) -> Int[np.ndarray, "neuron place"]:
    """Positions of each neuron's strongest images.

    The images and the order of `selected_samples.top_samples`, which sorts only those at least as
    strong as the last that is wanted: of 50,000 images, in a twentieth of the time.

    Args:
        activations: Activations over the probe set (arbitrary units).
        count: Images a neuron, at least 1.

    Returns:
        min(count, images) positions a neuron, strongest first; ties by lower position.

    Raises:
        ValueError: There is no image, an activation is not finite, or count < 1.
    """
    where = "strongest_images"
    require_some(where, "images", activations, axis=0)
    require_at_least(where, "count", count, 1)
    _require_finite_activations(where, activations)
    n_images, n_neurons = activations.shape
    strongest = np.empty((n_neurons, min(count, n_images)), np.int64)
    for start in range(0, n_neurons, _BLOCK_NEURONS):
        # A neuron's activations lie apart: copied together, they are read once.
        some = np.ascontiguousarray(activations[:, start : start + _BLOCK_NEURONS].T)
        for neuron, values in enumerate(some, start):
            strongest[neuron] = _strongest(values, strongest.shape[1])
    return strongest


def summed_embeddings(
    image_embeddings: Float[np.ndarray, "image feature"], images: Int[np.ndarray, "neuron place"]
) -> Float64[np.ndarray, "neuron feature"]:
    """Sum of the embeddings of each neuron's images.

    Its product with a concept is the sum of the images' cosines with it.

    Args:
        image_embeddings: L2-normalised.
        images: From `strongest_images`.

    Returns:
        Sums in float64; a neuron's is the same to the last bit whatever others are in the call.
    """
    sums = np.empty((len(images), image_embeddings.shape[1]))
    for neuron, positions in enumerate(images):
        sums[neuron] = image_embeddings[positions].sum(axis=0, dtype=np.float64)
    return sums


def _strongest(values: Float[np.ndarray, " image"], count: int) -> Int[np.ndarray, " place"]:
    least = np.partition(values, len(values) - count)[len(values) - count]
    candidates = np.flatnonzero(values >= least)
    return candidates[top_samples(values[None, candidates], count=count)[0]]


def _require_finite_activations(where: str, activations: Float[np.ndarray, "image neuron"]) -> None:
    remedy = "Check the target's transform and precision."
    require_finite(where, "activations", activations.T, row="neuron", remedy=remedy)
