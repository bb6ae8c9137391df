"""A cluster's scores are its mean cosines, and its hypotheses the best of them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sieve_assets.method.concept_hypotheses import (
    best_concepts,
    checked_concepts,
    cluster_scores,
)


def unit(n_rows, features=16, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n_rows, features))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def cosine(one, other):
    """Eq. 1, number by number."""
    product = sum(float(a) * float(b) for a, b in zip(one, other, strict=True))
    norms = math.sqrt(sum(float(a) ** 2 for a in one)) * math.sqrt(
        sum(float(b) ** 2 for b in other)
    )
    return product / norms


def test_scores_that_one_can_work_out():
    patches = np.array([[1, 0], [0, 1], [0.6, 0.8]])
    concepts = np.array([[1.0, 0], [0, 1], [-1, 0]])
    scores = cluster_scores(patches, np.array([0, 0, 1]), concepts)
    np.testing.assert_allclose(scores, [[0.5, 0.5, -0.5], [0.6, 0.8, -0.6]])


def test_scores_agree_with_equations_1_and_2_in_loops():
    patches, concepts = unit(9), unit(5, seed=1)
    labels = np.array([1, 0, 2, 1, 0, 0, 1, 2, 1])
    scores = cluster_scores(patches, labels, concepts)
    for cluster in range(3):
        members = [patch for patch, label in zip(patches, labels, strict=True) if label == cluster]
        for position, concept in enumerate(concepts):
            expected = sum(cosine(patch, concept) for patch in members) / len(members)
            assert scores[cluster, position] == pytest.approx(expected, abs=1e-6)


def test_company_and_order_change_a_score_by_rounding_of_float64_only():
    patches, concepts, labels = unit(12), unit(7, seed=1), np.repeat([0, 1, 2], 4)
    whole = cluster_scores(patches, labels, concepts)
    for cluster in range(3):
        rows = labels == cluster
        alone = cluster_scores(patches[rows][::-1], np.zeros(4, dtype=int), concepts[2:5])
        np.testing.assert_allclose(alone[0], whole[cluster, 2:5], rtol=0, atol=1e-15)


def test_concepts_checked_before_give_the_same_scores_to_the_last_bit():
    patches, concepts, labels = unit(12), unit(7, seed=1), np.repeat([0, 1, 2], 4)
    checked = checked_concepts(concepts)
    for _ in range(2):
        found = cluster_scores(patches, labels, checked)
        np.testing.assert_array_equal(found, cluster_scores(patches, labels, concepts))


def test_inputs_are_unchanged():
    patches, concepts, labels = unit(4), unit(3, seed=1), np.array([0, 1, 1, 0])
    copies = patches.copy(), labels.copy(), concepts.copy()
    cluster_scores(patches, labels, concepts)
    for before, now in zip(copies, (patches, labels, concepts), strict=True):
        assert np.array_equal(before, now)


def test_the_two_best_concepts_come_best_first():
    assert best_concepts(np.array([[0.1, 0.9, 0.5], [0.3, 0.2, 0.1]]), count=2).tolist() == [
        [1, 2],
        [0, 1],
    ]


@settings(max_examples=40)
@given(
    scores=arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 3), st.integers(1, 6)),
        elements=st.sampled_from([-0.5, 0.0, 0.25, 1.0]),
    ),
    count=st.integers(1, 7),
)
def test_ties_go_to_the_earlier_concept_and_places_are_as_many_as_there_are_concepts(scores, count):
    expected = [
        [p for _, p in sorted((-score, p) for p, score in enumerate(row))][:count]
        for row in scores.tolist()
    ]
    assert best_concepts(scores, count=count).tolist() == expected


def test_many_equal_scores_are_ordered_by_position():
    scores = np.tile([0.25, 0.5], (1, 500))
    assert best_concepts(scores, count=500).tolist() == [list(range(1, 1000, 2))]


def test_the_best_concepts_follow_the_concepts_when_these_are_reordered():
    scores = np.random.default_rng(0).standard_normal((4, 30))
    order = np.random.default_rng(1).permutation(30)
    shuffled = best_concepts(scores[:, order], count=5)
    assert order[shuffled].tolist() == best_concepts(scores, count=5).tolist()


@pytest.mark.parametrize("labels", [[0, 2, 2], [1, 1, 1], [-1, 0, 1]])
def test_clusters_without_patches_are_refused(labels):
    with pytest.raises(
        ValueError, match=r"expected clusters numbered 0, 1, \.\.\. with a patch ea"
    ):
        cluster_scores(unit(3), np.array(labels), unit(2))


def test_embeddings_that_are_not_unit_vectors_are_refused():
    labels = np.zeros(3, dtype=int)
    with pytest.raises(ValueError, match=r"^cluster_scores: expected embeddings of patches with n"):
        cluster_scores(unit(3) * 2, labels, unit(2))
    with pytest.raises(ValueError, match=r"^cluster_scores: expected embeddings of concepts with"):
        cluster_scores(unit(3), labels, unit(2) * np.nan)


def test_nothing_to_score_is_refused():
    labels = np.zeros(3, dtype=int)
    with pytest.raises(ValueError, match=r"expected at least one of the patches, got none\. "):
        cluster_scores(unit(0), labels[:0], unit(2))
    with pytest.raises(ValueError, match=r"expected at least one of the concepts, got none\. "):
        cluster_scores(unit(3), labels, unit(0))


def test_sizes_that_differ_are_refused(unchecked):
    labels = np.zeros(3, dtype=int)
    with pytest.raises(
        ValueError, match=r"^cluster_scores: .* got 2 in embeddings, 3 in labels\. "
    ):
        unchecked(cluster_scores)(unit(2), labels, unit(2))
    with pytest.raises(ValueError, match=r"got 16 in patch_features, 8 in features\. "):
        unchecked(cluster_scores)(unit(3), labels, unit(2, features=8))


def test_scores_that_are_not_finite_and_no_hypotheses_are_refused():
    with pytest.raises(
        ValueError, match=r"^best_concepts: expected finite scores, got nan for clu"
    ):
        best_concepts(np.array([[0.1, math.nan]]), count=1)
    with pytest.raises(ValueError, match=r"^best_concepts: expected n_concepts of at least 1, got"):
        best_concepts(np.array([[0.1, 0.2]]), count=0)


@settings(max_examples=40)
@given(data=st.data(), n_clusters=st.integers(1, 3), n_concepts=st.integers(1, 5))
def test_scores_follow_their_cluster_and_concept_through_any_order(data, n_clusters, n_concepts):
    extra = data.draw(st.lists(st.integers(0, n_clusters - 1), max_size=6))
    labels = np.array([*range(n_clusters), *extra])
    patches, concepts = unit(len(labels), seed=len(extra)), unit(n_concepts, seed=7)
    rows = data.draw(st.permutations(range(len(labels))))
    columns = data.draw(st.permutations(range(n_concepts)))
    names = np.array(data.draw(st.permutations(range(n_clusters))))
    scores = cluster_scores(patches, labels, concepts)
    assert (np.abs(scores) <= 1 + 1e-6).all()
    moved = cluster_scores(patches[rows], names[labels[rows]], concepts[columns])
    np.testing.assert_allclose(moved[names], scores[:, columns], rtol=0, atol=1e-15)


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), n_patches=st.integers(1, 9))
def test_a_cluster_scores_no_higher_than_its_best_patch_and_itself_scores_1(seed, n_patches):
    patches, concepts = unit(n_patches, seed=seed), unit(4, seed=seed + 1)
    one_cluster = cluster_scores(patches, np.zeros(n_patches, dtype=int), concepts)[0]
    alone = cluster_scores(patches, np.arange(n_patches), concepts)
    assert (alone.min(axis=0) - 1e-12 <= one_cluster).all()
    assert (one_cluster <= alone.max(axis=0) + 1e-12).all()
    np.testing.assert_allclose(
        np.diag(cluster_scores(patches, np.arange(n_patches), patches)), 1, atol=1e-6
    )
