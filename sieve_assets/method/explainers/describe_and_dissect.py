"""Describe-and-Dissect's last step: the best of a neuron's candidate concepts, by their pictures.

Bai et al., Interpreting Neurons in Deep Vision Networks with Language Models, TMLR 2025; their code
is Trustworthy-ML-Lab/Describe-and-Dissect. Candidates come from a captioner and a language model,
pictures from a text-to-image model: none of them is here.
"""

from typing import NamedTuple

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


class CandidateScores(NamedTuple):
    """One entry a candidate of one neuron."""

    mean_square_ranks: Float64[np.ndarray, " candidate"]
    """Of its best pictures among all candidates' pictures; the strongest has rank 0."""
    points: Int[np.ndarray, " candidate"]
    """Its place by these: the number of candidates for the least, 1 for the largest."""
    similarities: Float64[np.ndarray, " candidate"]
    """Mean cosine of its pictures among the strongest with the neuron's images; -1 if none is."""
    scores: Float64[np.ndarray, " candidate"]
    """Points times similarity."""


def picture_ranks(
    activations: Float[np.ndarray, "candidate picture"],
) -> Int[np.ndarray, "candidate picture"]:
    """Each picture's rank among all candidates' pictures, 0 for the strongest.

    Of equally strong pictures the candidates' first ones come before their second ones, so that a
    neuron that is silent on most pictures favours no candidate; the authors' code has no rule.

    Args:
        activations: Of one neuron (arbitrary units).

    Returns:
        A permutation of 0 ... pictures - 1.

    Raises:
        ValueError: No candidate or picture, or an activation that is not finite.

    Source: Bai et al., TMLR 2025; rank_images in the authors' code.
    """
    for axis, what in enumerate(("candidates", "pictures")):
        require_some("picture_ranks", what, activations, axis=axis)
    remedy = "Check the target's transform and precision."
    require_finite("picture_ranks", "activations", activations, row="candidate", remedy=remedy)
    by_picture = activations.T
    order = np.argsort(-by_picture, axis=None, kind="stable")
    ranks = np.empty(order.size, np.intp)
    ranks[order] = np.arange(order.size)
    return ranks.reshape(by_picture.shape).T


def candidate_scores(
    activations: Float[np.ndarray, "candidate picture"],
    pictures: Float[np.ndarray, "candidate picture feature"],
    images: Float[np.ndarray, "image feature"],
    *,
    n_best: int,
    n_strongest: int,
) -> CandidateScores:
    """How well each candidate's pictures drive the neuron and look like its images.

    The mean square rank of a candidate's n_best best pictures orders the candidates; its similarity
    is that of its pictures among the n_strongest of all. The score is the place in that order times
    the similarity. A negative similarity, such as the -1 of a candidate without a strong picture,
    turns the order around, as in the authors' code: among the last places only, if any candidate's
    similarity is positive.

    Args:
        activations: Of one neuron on the candidates' pictures (arbitrary units).
        pictures: L2-normalised embeddings of the same pictures.
        images: L2-normalised embeddings of the neuron's strongest images; 10 in the authors' code,
            crops among them.
        n_best: beta, at least 1; 5 in the authors' code. A candidate with fewer pictures has all.
        n_strongest: At least 1; 10 in the authors' code.

    Returns:
        Scores of all candidates.

    Raises:
        ValueError: No candidate, picture or image, an activation that is not finite, an embedding
            not of norm 1, sizes that differ, or a count below 1.

    Source: Bai et al., TMLR 2025 (best concept selection); the authors' scoring_function.py.
    """
    where = "candidate_scores"
    require_at_least(where, "n_best", n_best, 1)
    require_at_least(where, "n_strongest", n_strongest, 1)
    _check_embeddings(activations, pictures, images)
    ranks = picture_ranks(activations)
    means = (np.sort(ranks, axis=1)[:, :n_best].astype(np.float64) ** 2).mean(axis=1)
    points = np.empty(len(means), np.intp)
    points[np.argsort(means, kind="stable")] = np.arange(len(means), 0, -1)
    cosines = pictures.astype(np.float64) @ images.astype(np.float64).mean(axis=0)
    is_strong = ranks < n_strongest
    n_strong = is_strong.sum(axis=1)
    totals = np.where(is_strong, cosines, 0.0).sum(axis=1)
    similarities = np.divide(totals, n_strong, out=np.full(len(means), -1.0), where=n_strong > 0)
    return CandidateScores(means, points, similarities, points * similarities)


def best_candidates(
    scores: Float[np.ndarray, " candidate"], *, count: int
) -> Int[np.ndarray, " place"]:
    """Positions of the candidates of highest score.

    Args:
        scores: `CandidateScores.scores`.
        count: Names of a neuron, at least 1; 3 in the authors' code, of which the first is meant.

    Returns:
        min(count, candidates) positions, best first, ties by lower position.

    Raises:
        ValueError: A score is not finite, or count below 1.

    Source: the authors' describe_neurons.py.
    """
    require_at_least("best_candidates", "count", count, 1)
    remedy = "Pass what candidate_scores returns."
    require_finite("best_candidates", "scores", scores, row="candidate", remedy=remedy)
    return np.argsort(-scores, kind="stable")[:count]


def _check_embeddings(
    activations: Float[np.ndarray, "_ _"],
    pictures: Float[np.ndarray, "_ _ _"],
    images: Float[np.ndarray, "_ _"],
) -> None:
    where = "candidate_scores"
    if pictures.shape[:2] != activations.shape:
        got = f"embeddings of {pictures.shape[:2]} and activations of {activations.shape}"
        remedy = "Pass rows of the same candidates and pictures."
        raise ValueError(refusal(where, "embeddings of the same pictures", got, remedy))
    require_some(where, "images", images, axis=0)
    require_same_length(where, pictures=pictures.shape[2], images=images.shape[1])
    require_unit_norm(where, "pictures", pictures.reshape(-1, pictures.shape[2]))
    require_unit_norm(where, "images", images)
