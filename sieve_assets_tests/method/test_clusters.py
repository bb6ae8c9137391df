"""Clusters agree with scikit-learn, and their number with what was built into the points."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import distance
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import silhouette_score

from sieve_assets.method.clusters import cluster_patches, mean_silhouette

SETTINGS = {
    "max_clusters": 6,
    "min_patches": 2,
    "test": "null",
    "null_draws": 60,
    "null_percentile": 95.0,
    "min_silhouette": 0.1,
}


def cluster(points, *, seed=0, **change):
    return cluster_patches(points, generator=np.random.default_rng(seed), **(SETTINGS | change))


def groups(*sizes, features=32, spread=0.2, seed=0):
    """Unit vectors around as many directions as there are sizes; 0 is one direction's spread."""
    generator = np.random.default_rng(seed)
    centres = np.linalg.qr(generator.standard_normal((features, features)))[0][: len(sizes)]
    points = np.repeat(centres, sizes, axis=0)
    points = points + spread * generator.standard_normal(points.shape) / math.sqrt(features)
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def on_circle(*degrees):
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def by_scikit_learn(points, max_clusters, min_patches):
    """Ward's labels at every admissible k with the best silhouette."""
    best = (-2.0, None)
    for k in range(2, min(max_clusters, len(points) - 1) + 1):
        labels = AgglomerativeClustering(n_clusters=k, linkage="ward").fit_predict(points)
        if np.bincount(labels).min() >= min_patches:
            best = max(best, (silhouette_score(points, labels), labels), key=lambda pair: pair[0])
    return best


def partition(labels):
    """Which patches are together, whatever the clusters are called."""
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


def silhouette_by_loops(points, labels):
    """Rousseeuw's definition, patch by patch."""
    values = []
    for i, own in enumerate(labels):
        by_cluster = {}
        for j, label in enumerate(labels):
            if i != j:
                by_cluster.setdefault(label, []).append(math.dist(points[i], points[j]))
        means = {label: sum(far) / len(far) for label, far in by_cluster.items()}
        if own not in means:
            values.append(0.0)
            continue
        within = means.pop(own)
        between = min(means.values())
        larger = max(within, between)
        values.append((between - within) / larger if larger else 0.0)
    return sum(values) / len(values)


def test_two_pairs_on_a_circle():
    result = cluster(on_circle(0, 1, 90, 91), test="min_silhouette")
    assert result.labels.tolist() == [0, 0, 1, 1]
    assert result.n_clusters == 2
    within = 2 * math.sin(math.radians(0.5))
    far = [2 * math.sin(math.radians(d / 2)) for d in (89, 90, 91)]
    expected = [1 - 2 * within / (far[1] + far[2]), 1 - 2 * within / (far[0] + far[1])]
    assert result.silhouette == pytest.approx(sum(expected) / 2)
    assert (result.best_silhouette, result.null_silhouette) == (result.silhouette, None)


@pytest.mark.parametrize("sizes", [(7, 7, 6), (15, 5), (4, 4, 4, 4, 4), (10, 8, 2)])
def test_groups_that_are_far_apart_are_found_by_both_tests(sizes):
    points = groups(*sizes)
    expected = partition(np.repeat(np.arange(len(sizes)), sizes))
    for test in ("null", "min_silhouette"):
        result = cluster(points, test=test)
        assert partition(result.labels) == expected
        assert result.n_clusters == len(sizes)


@pytest.mark.parametrize("min_patches", [1, 2, 4])
@pytest.mark.parametrize("seed", range(4))
def test_labels_and_silhouette_agree_with_scikit_learn(seed, min_patches):
    points = groups(6, 5, 5, 4, spread=1.2, seed=seed)
    result = cluster(points, test="min_silhouette", min_silhouette=-1.0, min_patches=min_patches)
    silhouette, labels = by_scikit_learn(points, 6, min_patches)
    assert result.silhouette == pytest.approx(silhouette, abs=1e-12)
    assert partition(result.labels) == partition(labels)
    assert min(len(together) for together in partition(result.labels)) >= min_patches


@pytest.mark.parametrize("seed", range(5))
def test_the_silhouette_agrees_with_its_definition_and_with_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    points = generator.standard_normal((9, 3))
    labels = np.concatenate([[0, 1, 2], generator.integers(0, 3, 6)])
    value = mean_silhouette(distance.squareform(distance.pdist(points)), labels)
    assert value == pytest.approx(silhouette_by_loops(points.tolist(), labels.tolist()))
    assert value == pytest.approx(silhouette_score(points, labels))


def test_lone_patches_and_equal_patches_count_0_in_the_silhouette():
    points = np.array([[0.0], [0.0], [3.0]])
    distances = distance.squareform(distance.pdist(points))
    assert mean_silhouette(distances, np.array([0, 0, 1])) == pytest.approx(2 / 3)
    assert mean_silhouette(np.zeros((4, 4)), np.array([0, 0, 1, 1])) == 0


def test_one_cluster_has_no_silhouette_to_compute():
    with pytest.raises(ValueError, match=r"^mean_silhouette: expected number of clusters of at le"):
        mean_silhouette(np.zeros((3, 3)), np.zeros(3, dtype=int))


def test_one_gaussian_is_one_cluster_nearly_always():
    found = [cluster(groups(20, spread=0.8, seed=seed), seed=seed) for seed in range(20)]
    single = [result for result in found if result.n_clusters == 1]
    assert len(single) >= 18
    for result in single:
        assert set(result.labels.tolist()) == {0}
        assert result.silhouette is None
        assert result.best_silhouette is not None
        assert result.null_silhouette is not None
        assert result.best_silhouette <= result.null_silhouette


@pytest.mark.parametrize("sizes", [(12,), (6, 6)])
def test_the_bar_of_the_null_is_the_percentile_of_draws_from_one_gaussian(sizes):
    """Drawn here in the space of the embeddings, and cut by scikit-learn."""
    points = groups(*sizes, spread=0.7)
    covariance = np.cov(points, rowvar=False)
    generator = np.random.default_rng(5)
    draws = [
        by_scikit_learn(generator.multivariate_normal(points.mean(axis=0), covariance, 12), 6, 1)
        for _ in range(40)
    ]
    bar = cluster(points, null_draws=400, null_percentile=50.0, min_patches=1).null_silhouette
    values = np.array([silhouette for silhouette, _ in draws])
    standard_error = 1.25 * values.std() / math.sqrt(len(values))
    assert abs(bar - np.median(values)) < 4 * standard_error


def test_a_higher_percentile_is_a_higher_bar_and_the_best_silhouette_stays():
    points = groups(10, 10, spread=1.0)
    bars = [cluster(points, null_percentile=percent) for percent in (0.0, 50.0, 100.0)]
    heights = np.array([result.null_silhouette for result in bars], dtype=float)
    assert (np.diff(heights) > 0).all()
    assert len({result.best_silhouette for result in bars}) == 1


def test_a_silhouette_must_exceed_the_fixed_bar():
    points = on_circle(0, 1, 90, 91)
    best = cluster(points, test="min_silhouette").best_silhouette
    assert best is not None
    at_the_bar = cluster(points, test="min_silhouette", min_silhouette=best)
    assert (at_the_bar.n_clusters, at_the_bar.silhouette) == (1, None)
    assert at_the_bar.best_silhouette == best
    assert cluster(points, test="min_silhouette", min_silhouette=best - 1e-9).n_clusters == 2


def test_clusters_are_numbered_by_first_appearance():
    points = groups(5, 5, 5)[np.random.default_rng(1).permutation(15)]
    labels = cluster(points).labels.tolist()
    assert list(dict.fromkeys(labels)) == [0, 1, 2]


def test_the_order_of_patches_changes_names_only():
    points = groups(8, 6, 6, spread=0.7)
    order = np.random.default_rng(2).permutation(20)
    before, after = cluster(points), cluster(points[order])
    assert {frozenset(order[list(part)].tolist()) for part in partition(after.labels)} == (
        partition(before.labels)
    )
    assert after.best_silhouette == pytest.approx(before.best_silhouette)
    assert after.null_silhouette == pytest.approx(before.null_silhouette)


def test_a_rotation_of_the_space_changes_nothing_and_neither_does_the_call():
    points = groups(8, 6, 6, spread=0.7)
    kept = points.copy()
    rotation = np.linalg.qr(np.random.default_rng(3).standard_normal((32, 32)))[0]
    before, after = cluster(points), cluster(points @ rotation)
    assert before.labels.tolist() == after.labels.tolist()
    assert after.null_silhouette == pytest.approx(before.null_silhouette)
    assert np.array_equal(points, kept)


def test_the_same_generator_gives_the_same_bar_and_half_precision_the_same_clusters():
    points = groups(7, 7, 6)
    assert cluster(points, seed=4).null_silhouette == cluster(points, seed=4).null_silhouette
    assert cluster(points, seed=4).null_silhouette != cluster(points, seed=5).null_silhouette
    half = cluster(points.astype(np.float16))
    assert half.labels.tolist() == cluster(points).labels.tolist()


@pytest.mark.parametrize("test", ["null", "min_silhouette"])
def test_equal_patches_are_one_cluster(test):
    points = np.repeat(groups(1), 12, axis=0).astype(np.float32)
    result = cluster(points, test=test)
    assert result.n_clusters == 1
    assert result.labels.tolist() == [0] * 12


def test_two_pictures_repeated_are_two_clusters_without_any_spread():
    points = np.repeat(on_circle(0, 90), [6, 4], axis=0)
    result = cluster(points)
    assert result.labels.tolist() == [0] * 6 + [1] * 4
    assert result.silhouette == 1


@pytest.mark.parametrize("n_patches", [1, 2, 3])
def test_too_few_patches_for_two_clusters_of_two_are_one_cluster(n_patches):
    result = cluster(on_circle(0, 90, 180)[:n_patches])
    assert result.labels.tolist() == [0] * n_patches
    assert (result.n_clusters, result.silhouette, result.best_silhouette) == (1, None, None)
    assert result.null_silhouette is None


def test_a_lone_outlier_does_not_become_a_cluster_unless_one_patch_is_enough():
    points = on_circle(0, 1, 2, 3, 4, 180)
    assert cluster(points, max_clusters=2, test="min_silhouette").best_silhouette is None
    alone = cluster(points, max_clusters=2, test="min_silhouette", min_patches=1)
    assert alone.labels.tolist() == [0, 0, 0, 0, 0, 1]


def test_there_are_never_more_clusters_than_allowed():
    points = groups(4, 4, 4, 4, 4)
    assert cluster(points, max_clusters=3).n_clusters == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_clusters": 1}, "max_clusters of at least 2, got 1"),
        ({"min_patches": 0}, "min_patches of at least 1, got 0"),
        ({"null_draws": 0}, "null_draws of at least 1, got 0"),
        ({"null_percentile": 101.0}, "null_percentile between 0 and 100, got 101.0"),
        ({"min_silhouette": 1.5}, "min_silhouette between -1 and 1, got 1.5"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(change, message):
    with pytest.raises(ValueError, match=f"^cluster_patches: expected {message}"):
        cluster(groups(4, 4), **change)


def test_no_patches_and_embeddings_that_are_not_unit_vectors_are_refused():
    with pytest.raises(ValueError, match=r"^cluster_patches: expected at least one of the patches"):
        cluster(np.zeros((0, 8)))
    with pytest.raises(ValueError, match=r"of patches with norm 1, got norm 2 for row 0\. Divide"):
        cluster(2 * groups(4, 4))


@settings(max_examples=30)
@given(
    degrees=st.lists(st.integers(0, 359), min_size=1, max_size=10),
    max_clusters=st.integers(2, 6),
    min_patches=st.integers(1, 3),
)
def test_clusters_are_few_large_and_clear_enough(degrees, max_clusters, min_patches):
    points, most = on_circle(*degrees), max_clusters
    result = cluster(points, test="min_silhouette", max_clusters=most, min_patches=min_patches)
    sizes = np.bincount(result.labels)
    assert len(sizes) == result.n_clusters <= max(1, min(max_clusters, len(points) - 1))
    if result.n_clusters > 1:
        assert sizes.min() >= min_patches
        assert 0.1 < result.silhouette <= 1
        by_loops = silhouette_by_loops(points.tolist(), result.labels.tolist())
        assert result.silhouette == pytest.approx(by_loops, abs=1e-9)


@settings(max_examples=30)
@given(data=st.data(), n_clusters=st.integers(2, 4))
def test_a_silhouette_is_between_minus_1_and_1_in_any_units_and_order(data, n_clusters):
    extra = data.draw(st.lists(st.integers(0, n_clusters - 1), max_size=6))
    labels = np.array([*range(n_clusters), *extra])
    places = data.draw(st.lists(st.integers(-9, 9), min_size=len(labels), max_size=len(labels)))
    points = np.array(places, dtype=float)[:, None]
    distances = np.abs(points - points.T)
    order = np.array(data.draw(st.permutations(range(len(labels)))))
    value = mean_silhouette(distances, labels)
    assert -1 <= value <= 1
    assert value == pytest.approx(silhouette_by_loops(points.tolist(), labels.tolist()))
    moved = mean_silhouette(distances[np.ix_(order, order)] * 8, labels[order])
    assert moved == pytest.approx(value)
