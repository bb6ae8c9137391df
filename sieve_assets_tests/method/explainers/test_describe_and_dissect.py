"""A candidate's score is the place of its pictures' ranks times their likeness to the images."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.explainers.describe_and_dissect import (
    best_candidates,
    candidate_scores,
    picture_ranks,
)


def unit(*shape, seed=0):
    rows = np.random.default_rng(seed).standard_normal(shape)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def scores_by_loops(activations, pictures, images, n_best, n_strongest):
    """The scoring function, one picture after the other."""
    n_candidates, n_pictures = len(activations), len(activations[0])
    everything = [(c, p) for p in range(n_pictures) for c in range(n_candidates)]
    everything.sort(key=lambda pair: -activations[pair[0]][pair[1]])
    means, similarities = [], []
    for candidate in range(n_candidates):
        ranks = [place for place, pair in enumerate(everything) if pair[0] == candidate]
        best = ranks[:n_best]
        means.append(sum(rank * rank for rank in best) / len(best))
        cosines = [
            sum(float(a) * float(b) for a, b in zip(pictures[c][p], image, strict=True))
            for c, p in everything[:n_strongest]
            if c == candidate
            for image in images
        ]
        similarities.append(sum(cosines) / len(cosines) if cosines else -1.0)
    places = sorted(range(n_candidates), key=lambda candidate: means[candidate])
    points = [n_candidates - places.index(candidate) for candidate in range(n_candidates)]
    scores = [one * other for one, other in zip(points, similarities, strict=True)]
    return means, points, similarities, scores


def test_a_case_that_one_can_work_out():
    # Strongest first: candidate 1's first picture, candidate 0's first, 1's second, 0's second.
    activations = np.array([[3.0, 1.0], [4.0, 2.0]])
    pictures = np.array([[[1.0, 0], [0, 1]], [[0.6, 0.8], [0, 1]]])
    found = candidate_scores(activations, pictures, np.array([[1.0, 0]]), n_best=2, n_strongest=2)
    assert found.mean_square_ranks.tolist() == [(1 + 9) / 2, (0 + 4) / 2]
    assert found.points.tolist() == [1, 2]
    np.testing.assert_allclose(found.similarities, [1.0, 0.6])
    np.testing.assert_allclose(found.scores, [1.0, 1.2])
    assert best_candidates(found.scores, count=1).tolist() == [1]


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    n_candidates=st.integers(1, 5),
    n_pictures=st.integers(1, 6),
    n_best=st.integers(1, 7),
    n_strongest=st.integers(1, 8),
)
def test_scores_agree_with_loops(seed, n_candidates, n_pictures, n_best, n_strongest):
    activations = np.random.default_rng(seed).integers(0, 9, (n_candidates, n_pictures)) / 2
    pictures, images = unit(n_candidates, n_pictures, 3, seed=seed), unit(2, 3, seed=seed + 1)
    found = candidate_scores(activations, pictures, images, n_best=n_best, n_strongest=n_strongest)
    expected = scores_by_loops(activations, pictures, images, n_best, n_strongest)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_of_equally_strong_pictures_all_first_ones_come_before_any_second_one():
    assert picture_ranks(np.zeros((2, 3))).tolist() == [[0, 2, 4], [1, 3, 5]]


def test_scores_follow_their_candidates_and_no_scale_matters():
    generator = np.random.default_rng(3)
    activations, order = generator.standard_normal((5, 10)), generator.permutation(5)
    pictures, images = unit(5, 10, 8), unit(10, 8, seed=1)
    scores = candidate_scores(activations, pictures, images, n_best=5, n_strongest=10)
    moved = candidate_scores(
        7 * activations[order] - 3, pictures[order], images[::-1], n_best=5, n_strongest=10
    )
    for one, other in zip(scores, moved, strict=True):
        np.testing.assert_allclose(other, one[order], atol=1e-12)


def test_a_candidate_without_a_strong_picture_comes_after_all_that_have_one():
    activations = np.array([[1.0, 1.0], [9.0, 8.0], [2.0, 2.0]])
    pictures = np.tile([1.0, 0.0], (3, 2, 1))
    found = candidate_scores(activations, pictures, np.array([[1.0, 0]]), n_best=2, n_strongest=2)
    assert found.similarities.tolist() == [-1.0, 1.0, -1.0]
    assert found.scores.tolist() == [-1.0, 3.0, -2.0]
    assert best_candidates(found.scores, count=5).tolist() == [1, 0, 2]


def test_one_candidate_of_one_picture_has_one_point():
    picture = unit(1, 1, 4)
    found = candidate_scores(np.zeros((1, 1)), picture, picture[0], n_best=5, n_strongest=10)
    assert found.points.tolist() == [1]
    np.testing.assert_allclose(found.scores, [1.0])


def test_a_silent_neuron_prefers_no_pictures_and_ties_go_to_the_earlier_candidate():
    pictures = np.tile([1.0, 0.0], (3, 4, 1))
    found = candidate_scores(
        np.zeros((3, 4)), pictures, np.array([[1.0, 0]]), n_best=2, n_strongest=3
    )
    assert found.similarities.tolist() == [1.0, 1.0, 1.0]
    assert best_candidates(found.scores, count=3).tolist() == [0, 1, 2]
    assert best_candidates(np.array([0.5, 0.7, 0.7]), count=2).tolist() == [1, 2]


def test_inputs_are_unchanged():
    given_arrays = unit(3, 4, seed=2), unit(3, 4, 5), unit(2, 5, seed=1)
    copies = [values.copy() for values in given_arrays]
    scores = candidate_scores(*given_arrays, n_best=2, n_strongest=3).scores
    best_candidates(scores, count=1)
    for before, now in zip(copies, given_arrays, strict=True):
        np.testing.assert_array_equal(before, now)


def test_nothing_to_score_and_counts_below_1_are_refused():
    activations, pictures, images = np.ones((2, 3)), unit(2, 3, 4), unit(2, 4)
    with pytest.raises(ValueError, match=r"^candidate_scores: expected at least one of the images"):
        candidate_scores(activations, pictures, images[:0], n_best=1, n_strongest=1)
    with pytest.raises(ValueError, match=r"^picture_ranks: expected at least one of the pictures"):
        candidate_scores(activations[:, :0], pictures[:, :0], images, n_best=1, n_strongest=1)
    with pytest.raises(ValueError, match=r"^picture_ranks: expected at least one of the candidate"):
        picture_ranks(activations[:0])
    for counts in ({"n_best": 0, "n_strongest": 1}, {"n_best": 1, "n_strongest": 0}):
        with pytest.raises(ValueError, match=r"^candidate_scores: expected n_\w+ of at least 1"):
            candidate_scores(activations, pictures, images, **counts)
    with pytest.raises(ValueError, match=r"^best_candidates: expected count of at least 1, got 0"):
        best_candidates(np.ones(2), count=0)


def test_values_that_are_not_finite_and_other_embeddings_are_refused():
    activations, pictures, images = np.ones((2, 3)), unit(2, 3, 4), unit(2, 4)
    with pytest.raises(ValueError, match=r"got nan for candidate 1\. Check the target's transform"):
        picture_ranks(np.array([[1.0], [math.nan]]))
    with pytest.raises(ValueError, match=r"expected finite scores, got nan for candidate 0"):
        best_candidates(np.array([math.nan]), count=1)
    with pytest.raises(ValueError, match=r"expected embeddings of pictures with norm 1"):
        candidate_scores(activations, 2 * pictures, images, n_best=1, n_strongest=1)
    with pytest.raises(ValueError, match=r"expected embeddings of images with norm 1"):
        candidate_scores(activations, pictures, 2 * images, n_best=1, n_strongest=1)


def test_sizes_that_differ_are_refused(unchecked):
    score = unchecked(candidate_scores)
    with pytest.raises(ValueError, match=r"got embeddings of \(2, 3\) and activations of \(2, 2\)"):
        score(np.ones((2, 2)), unit(2, 3, 4), unit(2, 4), n_best=1, n_strongest=1)
    with pytest.raises(ValueError, match=r"got 4 in pictures, 5 in images\. "):
        score(np.ones((2, 3)), unit(2, 3, 4), unit(2, 5), n_best=1, n_strongest=1)
