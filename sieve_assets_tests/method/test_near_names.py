"""A word is near the names whose vectors point where its own does."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from sieve_assets.method import near_names as module
from sieve_assets.method.near_names import near_names


def unit(count, n_features=6, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((count, n_features))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_one_that_one_can_work_out():
    words = np.array([[1.0, 0.0], [0.6, 0.8]])
    names = np.array([[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]])
    # cosines: 0, 1, -1 and .8, .6, -.6
    found = near_names(words, names, count=2)
    assert found.names.tolist() == [[1, 0], [0, 1]]
    np.testing.assert_allclose(found.cosines, [[1, 0], [0.8, 0.6]])


def test_agrees_with_scikit_learn_and_a_sort_in_a_loop():
    words, names = unit(40), unit(25, seed=1)
    found = near_names(words, names, count=7)
    for row, cosines in enumerate(cosine_similarity(words, names).tolist()):
        best = sorted(range(25), key=lambda name: -cosines[name])[:7]
        assert found.names[row].tolist() == best
        assert found.cosines[row] == pytest.approx([cosines[name] for name in best], abs=1e-6)


def test_of_names_that_are_as_near_the_first_comes_first():
    names = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    found = near_names(np.array([[1.0, 0.0]]), names, count=4)
    assert found.names.tolist() == [[1, 3, 4, 0]]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_neither_the_size_of_blocks_nor_other_words_change_anything(monkeypatch, size):
    words, names = unit(300), unit(9, seed=1)
    whole = near_names(words, names, count=3)
    alone = near_names(words[123:124], names, count=3)
    np.testing.assert_array_equal(alone.names[0], whole.names[123])
    np.testing.assert_array_equal(alone.cosines[0], whole.cosines[123])
    monkeypatch.setattr(module, "_BLOCK_WORDS", size)
    again = near_names(words, names, count=3)
    np.testing.assert_array_equal(again.names, whole.names)
    np.testing.assert_allclose(again.cosines, whole.cosines, rtol=1e-12)


def test_turning_all_vectors_alike_changes_nothing():
    words, names = unit(20), unit(12, seed=1)
    turn, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((6, 6)))
    before = near_names(words, names, count=4)
    after = near_names((words @ turn), (names @ turn), count=4)
    np.testing.assert_array_equal(before.names, after.names)


def test_no_more_names_than_there_are():
    words = unit(3)
    assert sorted(near_names(words, unit(2, seed=1), count=5).names[0].tolist()) == [0, 1]
    assert near_names(words, unit(0), count=5).names.shape == (3, 0)
    assert near_names(unit(0), words, count=2).cosines.shape == (0, 2)


def test_inputs_are_unchanged():
    words, names = unit(5), unit(4, seed=1)
    copies = words.copy(), names.copy()
    near_names(words, names, count=2)
    np.testing.assert_array_equal(copies[0], words)
    np.testing.assert_array_equal(copies[1], names)


def test_refuses_what_it_cannot_compare(unchecked):
    words, names = unit(3), unit(4)
    with pytest.raises(ValueError, match=r"^near_names: expected count of at least 1, got 0"):
        near_names(words, names, count=0)
    with pytest.raises(ValueError, match="embeddings of words with norm 1, got norm 2 for row 0"):
        near_names(2 * words, names, count=1)
    with pytest.raises(ValueError, match="embeddings of names with norm 1, got norm nan for row 0"):
        near_names(words, names * np.nan, count=1)
    with pytest.raises(ValueError, match="got 6 in word_features, 5 in name_features"):
        unchecked(near_names)(words, unit(4, 5), count=1)
