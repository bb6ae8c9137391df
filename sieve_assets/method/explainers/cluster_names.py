"""The names of a neuron's clusters as one list, as other explainers give theirs."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

from sieve_assets.method.concept_hypotheses import CheckedConcepts, best_concepts, cluster_scores


class OrderedNames(NamedTuple):
    """A neuron's names, best first, each once."""

    concepts: Int[np.ndarray, " name"]
    """Positions in the concept set."""
    scores: Float64[np.ndarray, " name"]


def cluster_names(
    embeddings: Float[np.ndarray, "image feature"],
    labels: Int[np.ndarray, " image"],
    concepts: CheckedConcepts,
    *,
    count: int,
) -> OrderedNames:
    """The best concepts of every cluster of a neuron's images, in one list.

    With one cluster these are simply the best concepts by the mean embedding.

    Args:
        embeddings: L2-normalised embeddings of patches or whole images.
        labels: Cluster of each, 0 to m - 1, each present.
        concepts: From `checked_concepts`.
        count: Names a cluster, at least 1.

    Returns:
        As `ordered_names`.

    Raises:
        ValueError: As `cluster_scores` and `best_concepts`.

    Source: SIEVE, Eq. 1 to 3.
    """
    scores = cluster_scores(embeddings, labels, concepts)
    best = best_concepts(scores, count=count)
    return ordered_names(best, np.take_along_axis(scores, best, axis=1), np.bincount(labels))


def ordered_names(
    concepts: Int[np.ndarray, "cluster place"],
    scores: Float64[np.ndarray, "cluster place"],
    sizes: Int[np.ndarray, " cluster"],
) -> OrderedNames:
    """Names by the size of their cluster, then by place, then by the cluster's number.

    So the best name of the largest cluster is the first. A name of several clusters stands where
    it comes first, with the largest of its scores.

    Args:
        concepts: Positions in the concept set, best first.
        scores: Of the same names.
        sizes: Images of each cluster.

    Returns:
        Each name once.
    """
    cluster, place = (axis.ravel() for axis in np.indices(concepts.shape))
    order = np.lexsort((cluster, place, -sizes[cluster]))
    listed, values = concepts.ravel()[order], scores.ravel()[order]
    names, first, which = np.unique(listed, return_index=True, return_inverse=True)
    largest = np.full(len(names), -np.inf)
    np.maximum.at(largest, which, values)
    by_place = np.argsort(first)
    return OrderedNames(names[by_place], largest[by_place])
