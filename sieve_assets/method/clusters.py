"""How many response patterns a neuron's patches show, and which patch belongs to which."""

# scipy ships no types: what comes from it is annotated where it is used.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int
from scipy.cluster import hierarchy
from scipy.spatial import distance

from sieve_assets.method.checked_inputs import (
    require_at_least,
    require_between,
    require_some,
    require_unit_norm,
)

SingleClusterTest = Literal["null", "min_silhouette"]

_FEWEST_CLUSTERS = 2
"""Of a cut: the silhouette of one cluster is undefined."""
_NO_CUT = -1.0
"""The silhouette counted for a null draw that has no admissible cut: the least there is."""


class PatchClusters(NamedTuple):
    """The clusters of one neuron's patches."""

    labels: Int[np.ndarray, " patch"]
    """Cluster of each patch, numbered from 0 by first appearance in rank order."""
    n_clusters: int
    silhouette: float | None
    """Mean silhouette of the clusters; None for a single cluster, where it is undefined."""
    best_silhouette: float | None
    """The best over all admissible cuts, accepted or not; None if no cut is admissible."""
    null_silhouette: float | None
    """The percentile of the null's best silhouettes; None if the null was not drawn."""


class _Cut(NamedTuple):
    silhouette: float
    labels: Int[np.ndarray, " patch"]


def cluster_patches(
    embeddings: Float[np.ndarray, "patch feature"],
    *,
    max_clusters: int,
    min_patches: int,
    test: SingleClusterTest,
    null_draws: int,
    null_percentile: float,
    min_silhouette: float,
    generator: np.random.Generator,
) -> PatchClusters:
    """Ward clusters of a neuron's patches, as many as give the best mean silhouette.

    One linkage on Euclidean distances is cut at every k from 2 to max_clusters (below the number of
    patches); a cut with a cluster under min_patches is not admissible. One cluster is the answer
    unless the best silhouette exceeds the bar: the percentile of the same statistic over draws from
    one Gaussian with the patches' covariance, or a fixed value. The paper does not say when a
    neuron has one cluster; the silhouette is undefined there.

    Args:
        embeddings: L2-normalised embeddings, in rank order.
        max_clusters: Most clusters, at least 2.
        min_patches: Fewest patches a cluster, at least 1.
        test: `null` or `min_silhouette`: which bar.
        null_draws: Draws, at least 1 for the null.
        null_percentile: Percentile of the draws, 0 to 100.
        min_silhouette: The fixed bar, -1 to 1.
        generator: Randomness of the null; one a neuron, so that no neuron depends on another.

    Returns:
        Labels, their number, and the silhouettes behind the decision. Of equally good cuts, the one
        with fewer clusters.

    Raises:
        ValueError: No patch, embeddings not of norm 1, or a setting out of range.

    Source: SIEVE, Sec. 3.3, with Ward's agglomeration [18] and the silhouette [29]; decision 10.
    """
    where = "cluster_patches"
    require_some(where, "patches", embeddings, axis=0)
    require_unit_norm(where, "patches", embeddings)
    require_at_least(where, "max_clusters", max_clusters, _FEWEST_CLUSTERS)
    require_at_least(where, "min_patches", min_patches, 1)
    require_at_least(where, "null_draws", null_draws, 1 if test == "null" else 0)
    require_between(where, "null_percentile", null_percentile, 0.0, 100.0)
    require_between(where, "min_silhouette", min_silhouette, -1.0, 1.0)
    points = embeddings.astype(np.float64)
    best = _best_cut(points, max_clusters, min_patches)
    if best is None:
        return PatchClusters(_one_cluster(points), 1, None, None, None)
    null = None
    if test == "null":
        draws = _null_silhouettes(points, max_clusters, min_patches, null_draws, generator)
        null = float(np.percentile(draws, null_percentile))
    if best.silhouette <= (min_silhouette if null is None else null):
        return PatchClusters(_one_cluster(points), 1, None, best.silhouette, null)
    n_clusters = int(best.labels.max()) + 1
    return PatchClusters(best.labels, n_clusters, best.silhouette, best.silhouette, null)


def mean_silhouette(
    distances: Float[np.ndarray, "patch patch"], labels: Int[np.ndarray, " patch"]
) -> float:
    """Mean over patches of (b - a) / max(a, b).

    a is the mean distance to the rest of the patch's own cluster, b the least mean distance to
    another cluster; a patch alone in its cluster counts 0, and so does 0 / 0.

    Args:
        distances: Symmetric, with a zero diagonal.
        labels: Cluster of each patch, 0 to k - 1, each present; k at least 2.

    Returns:
        Between -1 and 1.

    Raises:
        ValueError: There is only one cluster.

    Source: Rousseeuw 1987, the paper's [29].
    """
    n_clusters = int(labels.max()) + 1
    require_at_least("mean_silhouette", "number of clusters", n_clusters, _FEWEST_CLUSTERS)
    membership = np.eye(n_clusters)[labels]
    sizes, patches = membership.sum(axis=0), np.arange(len(labels))
    totals = distances @ membership
    own_sizes = sizes[labels]
    within = totals[patches, labels] / np.maximum(own_sizes - 1, 1)
    others = totals / sizes
    others[patches, labels] = np.inf
    between = others.min(axis=1)
    larger = np.maximum(within, between)
    is_defined = (own_sizes > 1) & (larger > 0)
    values = np.divide(between - within, larger, out=np.zeros_like(larger), where=is_defined)
    return float(values.mean())


def _best_cut(
    points: Float64[np.ndarray, "patch feature"], max_clusters: int, min_patches: int
) -> _Cut | None:
    """The admissible cut with the best silhouette; the fewest clusters if several have it."""
    most = min(max_clusters, len(points) - 1)
    if most < _FEWEST_CLUSTERS:
        return None
    pairs: Float64[np.ndarray, " pair"] = distance.pdist(points)
    distances: Float64[np.ndarray, "patch patch"] = distance.squareform(pairs)
    linkage: Float64[np.ndarray, "merge 4"] = hierarchy.ward(pairs)
    cuts = [
        _Cut(mean_silhouette(distances, labels), labels)
        for labels in _cuts(linkage, most)
        if np.bincount(labels).min() >= min_patches
    ]
    return max(cuts, key=lambda cut: (cut.silhouette, -cut.labels.max()), default=None)


def _cuts(linkage: Float64[np.ndarray, "merge 4"], most: int) -> Iterator[np.ndarray]:
    """The labels of every cut of the tree into `most`, ..., 2 clusters."""
    n_patches = len(linkage) + 1
    owner = np.arange(n_patches)
    for step, (left, right) in enumerate(linkage[: n_patches - 2, :2]):
        owner[(owner == left) | (owner == right)] = n_patches + step
        if n_patches - 1 - step <= most:
            yield _numbered_by_appearance(owner)


def _numbered_by_appearance(owner: Int[np.ndarray, " patch"]) -> Int[np.ndarray, " patch"]:
    _, first, inverse = np.unique(owner, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def _null_silhouettes(
    points: Float64[np.ndarray, "patch feature"],
    max_clusters: int,
    min_patches: int,
    null_draws: int,
    generator: np.random.Generator,
) -> Float64[np.ndarray, " draw"]:
    """The best silhouette of each draw from one Gaussian with the points' covariance.

    Drawn along the principal axes: distances are the same as in the space of the embeddings, there
    are never more axes than patches, and the order of the patches makes no difference.
    """
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    deviations = spread / math.sqrt(max(len(points) - 1, 1))
    draws = generator.standard_normal((null_draws, len(points), len(spread))) * deviations
    cuts = (_best_cut(draw, max_clusters, min_patches) for draw in draws)
    return np.array([_NO_CUT if cut is None else cut.silhouette for cut in cuts])


def _one_cluster(points: Float64[np.ndarray, "patch feature"]) -> Int[np.ndarray, " patch"]:
    return np.zeros(len(points), dtype=np.int64)
