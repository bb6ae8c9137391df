"""Linear explanations of a layer as names: parts of the images, the fit in blocks, its terms.

Oikarinen & Weng, Linear Explanations for Individual Neurons, ICML 2024; the fit itself is in
`linear_explanations`, what it is fitted to in `linear_moments`.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from sieve_assets.method.checked_inputs import refusal
from sieve_assets.method.explainers.clip_dissect import BestNames
from sieve_assets.method.explainers.linear_explanations import (
    LinearExplanations,
    fit_explanations,
    held_out_correlations,
)
from sieve_assets.method.explainers.linear_moments import (
    Moments,
    active_concepts,
    concept_activations,
    joined_moments,
    moments,
)
from sieve_assets.method.explainers.probe_inputs import require_probe

_BLOCK_IMAGES = 2048
"""Images whose concept activations are held at a time: 25 MB for 3,000 concepts."""
_BLOCK_CONCEPTS = 256
"""Concepts whose activations on all images are held at a time: 50 MB for 50,000 images."""
_FEWEST_IMAGES = 3
"""One for each part."""


class ImageParts(NamedTuple):
    """Positions of images, rising; every image is in one part."""

    train: Int[np.ndarray, " train"]
    validation: Int[np.ndarray, " validation"]
    test: Int[np.ndarray, " test"]


class Presence(NamedTuple):
    """When a concept counts as present, and when images show it at all: see `linear_moments`."""

    slope: float
    shift: float
    n_strongest: int
    min_mean: float
    min_std: float


class Fit(NamedTuple):
    """How terms are found: see `fit_explanations`."""

    penalty: float
    l1_share: float
    max_terms: int
    min_gain: float
    width: int


def image_parts(
    image_ids: Sequence[str], *, validation_share: float, test_share: float, seed: int
) -> ImageParts:
    """Images parted by chance, in parts of a set size.

    By the order of a hash of seed and id, so that the order in which images are listed makes no
    difference, and images that come or go move few others to another part.

    Args:
        image_ids: Ids of the images, each once.
        validation_share: Part to choose terms by; 0.1 in the authors' code.
        test_share: Part that no fit sees; 0.2 in the authors' code.
        seed: Another seed gives other parts.

    Returns:
        Parts of at least one image.

    Raises:
        ValueError: There are fewer than three images.

    Source: the authors' data_utils.py, which parts by NumPy's generator with seed 42.
    """
    n_images = len(image_ids)
    if n_images < _FEWEST_IMAGES:
        expected, remedy = f"at least {_FEWEST_IMAGES} images", "Use a larger probe set."
        raise ValueError(refusal("image_parts", expected, n_images, remedy))
    by_hash = sorted(range(n_images), key=lambda position: _hash(seed, image_ids[position]))
    n_test = max(1, round(n_images * test_share))
    n_validation = max(1, round(n_images * validation_share))
    ends = (n_images - n_test - n_validation, n_images - n_test)
    return ImageParts(*(np.sort(part) for part in np.split(np.array(by_hash), ends)))


def linear_names(
    activations: Float[np.ndarray, "image neuron"],
    image_embeddings: Float[np.ndarray, "image feature"],
    concept_embeddings: Float[np.ndarray, "concept feature"],
    parts: ImageParts,
    *,
    presence: Presence,
    fit: Fit,
) -> BestNames:
    """The concepts that each neuron's linear explanation adds up, in the order they were found.

    The first explains most of the neuron alone; a term of negative weight names what weakens the
    neuron and is left out. Images are gone through in blocks, so that no array has all images and
    all concepts.

    Args:
        activations: Activations over the probe set (arbitrary units).
        image_embeddings: L2-normalised embeddings of the same whole images.
        concept_embeddings: L2-normalised embeddings of the concepts.
        parts: From `image_parts`.
        presence: When a concept counts as present.
        fit: How terms are found.

    Returns:
        Positions in the concept set, -1 where there are no more; the scores of a neuron's names are
        all its correlation on the test images, nan where it or its explanation is constant there.

    Raises:
        ValueError: As `require_probe`, `fit_explanations` and `concept_activations`.

    Source: Oikarinen & Weng, ICML 2024.
    """
    require_probe("linear_names", activations, image_embeddings, concept_embeddings)
    seen = np.concatenate([parts.train, parts.validation])
    is_candidate = _candidates(image_embeddings[seen], concept_embeddings, presence)
    sums = [
        _moments(activations, image_embeddings, concept_embeddings, images, presence)
        for images in (parts.train, parts.validation)
    ]
    found = fit_explanations(*sums, is_candidate=is_candidate, **fit._asdict())
    present = concept_activations(
        image_embeddings[parts.test],
        concept_embeddings,
        slope=presence.slope,
        shift=presence.shift,
    )
    scores = held_out_correlations(present, activations[parts.test], found)
    concepts = _in_order_found(found)
    return BestNames(concepts, np.where(concepts >= 0, scores[:, None], np.nan))


def _hash(seed: int, image_id: str) -> bytes:
    return hashlib.sha256(f"{seed} {image_id}".encode()).digest()


def _candidates(
    images: Float[np.ndarray, "image feature"],
    concepts: Float[np.ndarray, "concept feature"],
    presence: Presence,
) -> Bool[np.ndarray, " concept"]:
    """Which concepts the images show at all."""
    blocks = [
        concepts[start : start + _BLOCK_CONCEPTS]
        for start in range(0, len(concepts), _BLOCK_CONCEPTS)
    ]
    found = [
        active_concepts(
            concept_activations(images, some, slope=presence.slope, shift=presence.shift),
            n_strongest=presence.n_strongest,
            min_mean=presence.min_mean,
            min_std=presence.min_std,
        )
        for some in blocks
    ]
    return np.concatenate(found)


def _moments(
    activations: Float[np.ndarray, "image neuron"],
    image_embeddings: Float[np.ndarray, "image feature"],
    concepts: Float[np.ndarray, "concept feature"],
    images: Int[np.ndarray, " part"],
    presence: Presence,
) -> Moments:
    blocks = [
        images[start : start + _BLOCK_IMAGES] for start in range(0, len(images), _BLOCK_IMAGES)
    ]
    return joined_moments(
        moments(
            concept_activations(
                image_embeddings[some], concepts, slope=presence.slope, shift=presence.shift
            ),
            activations[some],
        )
        for some in blocks
    )


def _in_order_found(found: LinearExplanations) -> Int[np.ndarray, "neuron place"]:
    """The terms of positive weight by their steps, -1 after the last."""
    is_name = found.weights > 0
    late = found.steps.shape[1]
    order = np.argsort(np.where(is_name, found.steps, late), axis=1, kind="stable")
    names = np.where(is_name, found.concepts, -1)
    return np.take_along_axis(names, order, axis=1)
