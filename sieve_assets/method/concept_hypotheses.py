"""Which concepts fit each cluster of patches best."""

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

_WHERE = "cluster_scores"
_BLOCK_ROWS = 64
"""Clusters in one product, always: how a library rounds depends on the product's size."""


class CheckedConcepts(NamedTuple):
    """Concepts to score one neuron after the other with."""

    vectors: Float64[np.ndarray, "concept feature"]
    """L2-normalised embeddings."""


def checked_concepts(concepts: Float[np.ndarray, "concept feature"]) -> CheckedConcepts:
    """Concepts checked and made float64 once: for each neuron anew, that takes most of the time.

    Args:
        concepts: L2-normalised embeddings of concepts.

    Returns:
        What `cluster_scores` takes in their place.

    Raises:
        ValueError: There is no concept, or an embedding is not of norm 1.
    """
    require_some(_WHERE, "concepts", concepts, axis=0)
    require_unit_norm(_WHERE, "concepts", concepts)
    return CheckedConcepts(concepts.astype(np.float64))


def cluster_scores(
    embeddings: Float[np.ndarray, "patch feature"],
    labels: Int[np.ndarray, " patch"],
    concepts: Float[np.ndarray, "concept feature"] | CheckedConcepts,
) -> Float64[np.ndarray, "cluster concept"]:
    """g(t, C): the mean cosine between a cluster's patches and a concept.

    The mean of a cluster's unit embeddings times the concept's. In float64, so that what else is in
    the call changes a score by rounding only (about 1e-16). Patches of several neurons can go
    together if their labels are distinct.

    Args:
        embeddings: L2-normalised embeddings of patches.
        labels: Cluster of each patch, 0 to m - 1, each present.
        concepts: L2-normalised embeddings of concepts, or the same from `checked_concepts`.

    Returns:
        Scores between -1 and 1.

    Raises:
        ValueError: Sizes differ, an embedding is not of norm 1, or a cluster has no patch.

    Source: SIEVE, Eq. 1 and 2.
    """
    if not isinstance(concepts, CheckedConcepts):
        concepts = checked_concepts(concepts)
    require_same_length(_WHERE, embeddings=len(embeddings), labels=len(labels))
    n_features = concepts.vectors.shape[1]
    require_same_length(_WHERE, patch_features=embeddings.shape[1], features=n_features)
    return concept_scores(mean_embeddings(embeddings, labels), concepts)


def mean_embeddings(
    embeddings: Float[np.ndarray, "patch feature"], labels: Int[np.ndarray, " patch"]
) -> Float64[np.ndarray, "cluster feature"]:
    """The mean of each cluster's unit embeddings; the first half of `cluster_scores`.

    Args:
        embeddings: As in `cluster_scores`.
        labels: As in `cluster_scores`.

    Returns:
        Means, of norm 1 at most.

    Raises:
        ValueError: An embedding is not of norm 1, or a cluster has no patch.
    """
    require_some(_WHERE, "patches", embeddings, axis=0)
    require_unit_norm(_WHERE, "patches", embeddings)
    sizes = _cluster_sizes(labels)
    totals = np.zeros((len(sizes), embeddings.shape[1]))
    np.add.at(totals, labels, embeddings.astype(np.float64))
    return totals / sizes[:, None]


def concept_scores(
    means: Float64[np.ndarray, "cluster feature"], concepts: CheckedConcepts
) -> Float64[np.ndarray, "cluster concept"]:
    """The means' products with every concept; the second half of `cluster_scores`.

    Many clusters go best together: alone, each would wait for all concepts to come from memory.

    Args:
        means: From `mean_embeddings`, of any number of neurons.
        concepts: From `checked_concepts`.

    Returns:
        As `cluster_scores`.

    Source: SIEVE, Eq. 1 and 2.
    """
    scores = np.empty((len(means), len(concepts.vectors)))
    block = np.zeros((_BLOCK_ROWS, means.shape[1]))
    for start in range(0, len(means), _BLOCK_ROWS):
        some = means[start : start + _BLOCK_ROWS]
        block[: len(some)] = some
        scores[start : start + len(some)] = (block @ concepts.vectors.T)[: len(some)]
    return scores


def best_concepts(
    scores: Float[np.ndarray, "cluster concept"], *, count: int
) -> Int[np.ndarray, "cluster place"]:
    """Positions of each cluster's best concepts: its hypotheses.

    Args:
        scores: From `cluster_scores`.
        count: Hypotheses a cluster (K), at least 1; 2 in the paper.

    Returns:
        min(count, concepts) positions in the concept set, best first; ties by lower position.

    Raises:
        ValueError: A score is not finite, or count < 1.

    Source: SIEVE, Eq. 3.
    """
    require_at_least("best_concepts", "n_concepts", count, 1)
    remedy = "Pass what cluster_scores returns."
    require_finite("best_concepts", "scores", scores, row="cluster", remedy=remedy)
    return np.argsort(-scores, axis=1, kind="stable")[:, :count]


def _cluster_sizes(labels: Int[np.ndarray, " patch"]) -> Int[np.ndarray, " cluster"]:
    is_numbered = labels.min() >= 0 and np.bincount(labels).min() > 0
    if not is_numbered:
        got = f"labels {sorted(set(labels.tolist()))}"
        expected = "clusters numbered 0, 1, ... with a patch each"
        remedy = "Pass what cluster_patches returns."
        raise ValueError(refusal(_WHERE, expected, got, remedy))
    return np.bincount(labels)
