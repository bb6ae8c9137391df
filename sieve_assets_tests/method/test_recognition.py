"""A concept is seen in an image if it is among the best words for it."""

import numpy as np
import pytest

from sieve_assets.method.recognition import is_recognised, n_recognised, similarities


def unit(n_rows, features=16, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n_rows, features))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_similarities_that_one_can_work_out():
    images, concepts = np.array([[1.0, 0.0], [0.6, 0.8]]), np.array([[0.0, 1.0], [0.8, 0.6]])
    np.testing.assert_allclose(similarities(images, concepts), [[0.0, 0.8], [0.8, 0.96]])


def test_similarities_do_not_depend_on_what_else_is_in_the_call():
    images, concepts = unit(150), unit(9, seed=1)
    whole = similarities(images, concepts)
    np.testing.assert_allclose(whole, images.astype(float) @ concepts.T.astype(float), atol=1e-12)
    for part in (slice(0, 1), slice(3, 70), slice(149, 150)):
        np.testing.assert_array_equal(similarities(images[part], concepts), whole[part])


def test_the_best_words_are_those_with_fewer_better_ones():
    found = np.random.default_rng(2).integers(0, 6, (40, 12)) / 6  # with ties
    for count in (1, 3, 5, 12, 20):
        is_seen = is_recognised(found, count=count)
        for image in range(40):
            for concept in range(12):
                n_better = sum(other > found[image, concept] for other in found[image])
                assert is_seen[image, concept] == (n_better < count)


def test_the_order_of_concepts_makes_no_difference():
    found, order = (
        np.random.default_rng(3).random((8, 20)),
        np.random.default_rng(4).permutation(20),
    )
    is_seen = is_recognised(found, count=5)
    np.testing.assert_array_equal(is_recognised(found[:, order], count=5), is_seen[:, order])
    assert is_seen.sum(axis=1).tolist() == [5] * 8


def test_counts_pictures_in_which_their_own_concept_is_seen():
    is_seen = np.array([[True, False], [True, True], [False, True], [False, False]])
    assert n_recognised(is_seen, np.array([0, 0, 1, 1])).tolist() == [2, 1]
    assert n_recognised(is_seen, np.array([1, 1, 0, 0])).tolist() == [0, 1]
    assert n_recognised(np.ones((2, 3), bool), np.array([2, 2])).tolist() == [0, 0, 2]


def test_inputs_are_unchanged():
    images, concepts = unit(5), unit(7, seed=1)
    copies = images.copy(), concepts.copy()
    found = similarities(images, concepts)
    before = found.copy()
    is_recognised(found, count=2)
    np.testing.assert_array_equal(images, copies[0])
    np.testing.assert_array_equal(concepts, copies[1])
    np.testing.assert_array_equal(found, before)


def test_refuses_what_it_cannot_compare(unchecked):
    with pytest.raises(ValueError, match="embeddings of images with norm 1"):
        similarities(2 * np.eye(2), np.eye(2))
    with pytest.raises(ValueError, match="embeddings of concepts with norm 1"):
        similarities(np.eye(2), 2 * np.eye(2))
    with pytest.raises(ValueError, match="at least one of the concepts, got none"):
        is_recognised(np.zeros((2, 0)), count=1)
    with pytest.raises(ValueError, match="count of at least 1, got 0"):
        is_recognised(np.zeros((2, 3)), count=0)
    with pytest.raises(ValueError, match="as many in each of is_seen, asked"):
        unchecked(n_recognised)(np.ones((2, 3), bool), np.array([0]))
