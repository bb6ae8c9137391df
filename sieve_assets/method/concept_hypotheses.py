"""Which concepts fit each cluster of patches best."""

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


def cluster_scores(
    embeddings: Float[np.ndarray, "patch feature"],
    labels: Int[np.ndarray, " patch"],
    concepts: Float[np.ndarray, "concept feature"],
) -> Float64[np.ndarray, "cluster concept"]:
    """g(t, C): the mean cosine between a cluster's patches and a concept.

    As one product: the mean of a cluster's unit embeddings times the concept's. In float64, so that
    what else is in the call changes a score by rounding only (about 1e-16). Patches of several
    neurons can go together if their labels are distinct.

    Args:
        embeddings: L2-normalised embeddings of patches.
        labels: Cluster of each patch, 0 to m - 1, each present.
        concepts: L2-normalised embeddings of concepts.

    Returns:
        Scores between -1 and 1.

    Raises:
        ValueError: Sizes differ, an embedding is not of norm 1, or a cluster has no patch.

    Source: SIEVE, Eq. 1 and 2.
    """
    where = "cluster_scores"
    require_same_length(where, embeddings=len(embeddings), labels=len(labels))
    require_same_length(where, patch_features=embeddings.shape[1], features=concepts.shape[1])
    require_some(where, "patches", embeddings, axis=0)
    require_some(where, "concepts", concepts, axis=0)
    require_unit_norm(where, "patches", embeddings)
    require_unit_norm(where, "concepts", concepts)
    sizes = _cluster_sizes(labels)
    totals = np.zeros((len(sizes), embeddings.shape[1]))
    np.add.at(totals, labels, embeddings.astype(np.float64))
    return (totals / sizes[:, None]) @ concepts.T.astype(np.float64)


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
        raise ValueError(refusal("cluster_scores", expected, got, remedy))
    return np.bincount(labels)
