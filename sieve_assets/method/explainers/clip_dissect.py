"""CLIP-Dissect: names a neuron by how well a concept accounts for its strongest images.

Oikarinen and Weng, "CLIP-Dissect: Automatic Description of Neuron Representations in Deep Vision
Networks", ICLR 2023: soft-WPMI, the method's own similarity function, and WPMI. Two more that
compare values rather than sets of images are in `clip_dissect_values`. Published settings are
those of the authors' similarity.py. Larger scores are better names; they rank the concepts of one
neuron, and across neurons they say little.
"""

# scipy ships no types: what comes from it is annotated where it is used.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int
from scipy import special

from sieve_assets.method.checked_inputs import (
    require_at_least,
    require_between,
    require_same_length,
)
from sieve_assets.method.concept_hypotheses import best_concepts
from sieve_assets.method.explainers.probe_inputs import (
    require_positive,
    require_probe,
    strongest_images,
)


class ImageEvidence(NamedTuple):
    """How well each concept accounts for strongest images."""

    of_neuron: Float64[np.ndarray, "neuron concept"]
    """S(k, t): log-likelihood of the neuron's own strongest images under the concept."""
    of_layer: Float64[np.ndarray, " concept"]
    """log of the mean of exp S(k, t) over the neurons of the call."""


class BestNames(NamedTuple):
    """Each neuron's best concepts, best first; ties by lower position in the concept set."""

    concepts: Int[np.ndarray, "neuron place"]
    """Positions in the concept set."""
    scores: Float64[np.ndarray, "neuron place"]


def soft_wpmi(
    activations: Float[np.ndarray, "image neuron"],
    image_embeddings: Float[np.ndarray, "image feature"],
    concept_embeddings: Float[np.ndarray, "concept feature"],
    *,
    n_images: int,
    sharpness: float,
    p_start: float,
    p_end: float,
    floor: float,
    evidence_weight: float,
) -> Float64[np.ndarray, "neuron concept"]:
    """Soft weighted pointwise mutual information of a layer's neurons and every concept.

    For a whole layer at once; for some neurons of it see `image_evidence` and `evidence_scores`.

    Args:
        activations: Activations over the probe set, of all neurons of the layer.
        image_embeddings: L2-normalised embeddings of the same whole images.
        concept_embeddings: L2-normalised embeddings of the concepts.
        n_images: As in `image_evidence`; 100 in the authors' code.
        sharpness: As in `image_evidence`; 10 in the authors' code.
        p_start: As in `image_evidence`; 0.998 in the authors' code.
        p_end: As in `image_evidence`; 0.97 in the authors' code.
        floor: As in `image_evidence`; 1e-7 in the authors' code.
        evidence_weight: As in `evidence_scores`; 1 in the authors' code.

    Returns:
        Scores, of any sign.

    Raises:
        ValueError: As in `image_evidence` and `evidence_scores`.

    Source: CLIP-Dissect, ICLR 2023, Sec. 3.2, SoftWPMI.
    """
    evidence = image_evidence(
        activations,
        image_embeddings,
        concept_embeddings,
        n_images=n_images,
        sharpness=sharpness,
        p_start=p_start,
        p_end=p_end,
        floor=floor,
    )
    return evidence_scores(evidence.of_neuron, evidence.of_layer, weight=evidence_weight)


def wpmi(
    activations: Float[np.ndarray, "image neuron"],
    image_embeddings: Float[np.ndarray, "image feature"],
    concept_embeddings: Float[np.ndarray, "concept feature"],
    *,
    n_images: int,
    sharpness: float,
    floor: float,
    evidence_weight: float,
) -> Float64[np.ndarray, "neuron concept"]:
    """Weighted pointwise mutual information: soft-WPMI in which every image belongs for sure.

    For some neurons of a layer, call `image_evidence` with both memberships 1.

    Args:
        activations: Activations over the probe set, of all neurons of the layer.
        image_embeddings: L2-normalised embeddings of the same whole images.
        concept_embeddings: L2-normalised embeddings of the concepts.
        n_images: As in `image_evidence`; 28 in the authors' code.
        sharpness: As in `image_evidence`; 2 in the authors' code.
        floor: As in `image_evidence`; 1e-7 in the authors' code.
        evidence_weight: As in `evidence_scores`; 0.6 in the authors' code.

    Returns:
        Scores, of any sign.

    Raises:
        ValueError: As in `image_evidence` and `evidence_scores`.

    Source: CLIP-Dissect, ICLR 2023, Sec. 3.2, WPMI.
    """
    return soft_wpmi(
        activations,
        image_embeddings,
        concept_embeddings,
        n_images=n_images,
        sharpness=sharpness,
        p_start=1.0,
        p_end=1.0,
        floor=floor,
        evidence_weight=evidence_weight,
    )


def image_evidence(
    activations: Float[np.ndarray, "image neuron"],
    image_embeddings: Float[np.ndarray, "image feature"],
    concept_embeddings: Float[np.ndarray, "concept feature"],
    *,
    n_images: int,
    sharpness: float,
    p_start: float,
    p_end: float,
    floor: float,
) -> ImageEvidence:
    """S(k, t) of every neuron and concept, and its log-mean over the neurons.

    S(k, t) = sum over r of log(1 + p_r (P - 1) + floor). Image r is the neuron's r-th strongest,
    counted from 0; P is the softmax over the concepts of sharpness times the image's cosines;
    p_r = p_start - r / n_images * (p_start - p_end) is how surely the image is one that the neuron
    stands for.

    A neuron's part is the same to the last bit whatever other neurons are in the call. The layer's
    part is not: it is to be made once a target, of all its neurons, and stored.

    Fewer images than `n_images`: all are used, each with the p_r that it has among `n_images`. The
    authors' code fails there. Ties in activation go by lower position, in theirs by chance.

    Args:
        activations: Activations over the probe set (arbitrary units).
        image_embeddings: L2-normalised embeddings of the same whole images.
        concept_embeddings: L2-normalised embeddings of the concepts.
        n_images: Strongest images a neuron, at least 1.
        sharpness: Factor of the cosines in the softmax, above 0.
        p_start: Membership of the strongest image, 0 to 1.
        p_end: Membership that an image at place `n_images` would have, 0 to 1.
        floor: Added within the logarithm, above 0.

    Returns:
        Both parts of the score.

    Raises:
        ValueError: There is no image, neuron or concept, sizes differ, an embedding is not of norm
            1, an activation is not finite, or a setting is out of its range.

    Source: CLIP-Dissect, ICLR 2023, Sec. 3.2.
    """
    where = "image_evidence"
    require_probe(where, activations, image_embeddings, concept_embeddings)
    require_at_least(where, "n_images", n_images, 1)
    require_between(where, "p_start", p_start, 0.0, 1.0)
    require_between(where, "p_end", p_end, 0.0, 1.0)
    require_positive(where, "sharpness", sharpness)
    require_positive(where, "floor", floor)
    strongest = strongest_images(activations, count=n_images)
    membership = p_start - np.arange(strongest.shape[1])[:, None] / n_images * (p_start - p_end)
    concepts = concept_embeddings.astype(np.float64)
    of_neuron = np.empty((len(strongest), len(concepts)))
    # Neuron by neuron: the products have one size, and all that is between fits in a cache.
    for neuron, images in enumerate(strongest):
        cosines = image_embeddings[images].astype(np.float64) @ concepts.T
        shares = special.softmax(sharpness * cosines, axis=1)
        of_neuron[neuron] = np.log(membership * shares + (1 - membership + floor)).sum(axis=0)
    return ImageEvidence(of_neuron, special.logsumexp(of_neuron, axis=0) - math.log(len(of_neuron)))


def evidence_scores(
    of_neuron: Float64[np.ndarray, "neuron concept"],
    of_layer: Float64[np.ndarray, " concept"],
    *,
    weight: float,
) -> Float64[np.ndarray, "neuron concept"]:
    """S(k, t) less `weight` times the layer's log-evidence: concepts that fit all neurons lose.

    Args:
        of_neuron: From `image_evidence`, of any of the target's neurons.
        of_layer: From `image_evidence` of all of the target's neurons.
        weight: lambda, 0 to 1.

    Returns:
        Scores of the neurons given.

    Raises:
        ValueError: The weight is out of its range, or the concepts are not as many in both.

    Source: CLIP-Dissect, ICLR 2023, Sec. 3.2.
    """
    where = "evidence_scores"
    require_between(where, "weight", weight, 0.0, 1.0)
    require_same_length(where, of_neuron=of_neuron.shape[1], of_layer=len(of_layer))
    return of_neuron - weight * of_layer


def best_names(scores: Float64[np.ndarray, "neuron concept"], *, count: int) -> BestNames:
    """Each neuron's best concepts with their scores, by any explainer's scores.

    Args:
        scores: Larger for better names.
        count: Names a neuron, at least 1.

    Returns:
        min(count, concepts) names a neuron.

    Raises:
        ValueError: As in `concept_hypotheses.best_concepts`, which picks them.
    """
    concepts = best_concepts(scores, count=count)
    return BestNames(concepts, np.take_along_axis(scores, concepts, axis=1))
