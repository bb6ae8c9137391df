"""A word's score is its best caption's probability, averaged over the neuron's pictures."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.explainers import falcon
from sieve_assets.method.explainers.falcon import (
    best_words,
    is_interpretable,
    mean_similarities,
    word_scores,
)


def unit(n_rows, features=6, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n_rows, features))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def cosine(one, other):
    return sum(float(a) * float(b) for a, b in zip(one, other, strict=True))


def scores_by_loops(patches, neurons, captions, has_word, n_neurons, scale, n_captions):
    """The authors' rule, picture by picture and caption by caption."""
    n_words = len(has_word[0])
    table = [[0.0] * n_words for _ in range(n_neurons)]
    for patch, neuron in zip(patches, neurons, strict=True):
        powers = [math.exp(scale * cosine(patch, caption)) for caption in captions]
        order = sorted(range(len(captions)), key=lambda c: -powers[c])[:n_captions]
        for word in range(n_words):
            of_word = [powers[c] / sum(powers) for c in order if has_word[c][word]]
            table[neuron][word] += max(of_word, default=0.0) / list(neurons).count(neuron)
    return table


def test_similarities_that_one_can_work_out():
    patches = np.array([[1.0, 0], [0, 1], [0.6, 0.8], [0.6, 0.8]])
    found = mean_similarities(patches, np.array([0, 0, 2, 2]), n_neurons=3)
    # Two crops at a right angle: of four pairs, the two with themselves have cosine 1.
    np.testing.assert_allclose(found, [0.5, math.nan, 1.0])


@settings(max_examples=40)
@given(seed=st.integers(0, 1000), labels=st.lists(st.integers(0, 3), min_size=1, max_size=9))
def test_similarities_agree_with_all_pairs_in_loops(seed, labels):
    patches = unit(len(labels), seed=seed)
    found = mean_similarities(patches, np.array(labels), n_neurons=4)
    for neuron in range(4):
        own = [patch for patch, label in zip(patches, labels, strict=True) if label == neuron]
        cosines = [cosine(one, other) for one in own for other in own]
        expected = sum(cosines) / len(cosines) if cosines else math.nan
        np.testing.assert_allclose(found[neuron], expected, atol=1e-6)


def test_crops_must_be_more_alike_than_the_least_and_a_neuron_without_any_is_not():
    similarities = np.array([0.8, 0.81, math.nan])
    assert is_interpretable(similarities, min_similarity=0.8).tolist() == [False, True, False]


def test_scores_that_one_can_work_out():
    patches, captions = np.array([[1.0, 0], [0, 1]]), np.array([[1.0, 0], [0, 1]])
    scale = math.log(3)  # probabilities 3/4 for the caption that fits and 1/4 for the other
    found = word_scores(
        patches, np.array([0, 0]), captions, has_word=None, n_neurons=2, scale=scale, n_captions=2
    )
    np.testing.assert_allclose(found, [[0.5, 0.5], [0, 0]])
    found = word_scores(
        patches, np.array([0, 1]), captions, has_word=None, n_neurons=2, scale=scale, n_captions=1
    )
    np.testing.assert_allclose(found, [[0.75, 0], [0, 0.75]])


def test_a_word_has_the_probability_of_the_best_caption_that_it_is_in():
    has_word = np.array([[True, True, False], [True, False, False]])
    found = word_scores(
        np.array([[1.0, 0]]),
        np.array([0]),
        np.array([[1.0, 0], [0, 1]]),
        has_word=has_word,
        n_neurons=1,
        scale=math.log(3),
        n_captions=2,
    )
    np.testing.assert_allclose(found, [[0.75, 0.75, 0]])


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000),
    labels=st.lists(st.integers(0, 2), min_size=1, max_size=8),
    n_texts=st.integers(1, 7),
    n_captions=st.integers(1, 8),
)
def test_scores_agree_with_loops(seed, labels, n_texts, n_captions):
    patches, captions = unit(len(labels), seed=seed), unit(n_texts, seed=seed + 1)
    settings_of = {"n_neurons": 3, "scale": 10.0, "n_captions": n_captions}
    random = np.random.default_rng(seed).random((n_texts, 4)) < 0.4
    for has_word in (None, random):
        found = word_scores(patches, np.array(labels), captions, has_word=has_word, **settings_of)
        words = np.eye(n_texts, dtype=bool) if has_word is None else has_word
        expected = scores_by_loops(patches, labels, captions, words, *settings_of.values())
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_of_equal_captions_the_earlier_ones_count():
    captions = np.array([[0.6, 0.8], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    found = word_scores(
        np.array([[1.0, 0.0]]),
        np.array([0]),
        captions,
        has_word=None,
        n_neurons=1,
        scale=100.0,
        n_captions=2,
    )
    np.testing.assert_allclose(found, [[0, 1 / 3, 1 / 3, 0]], atol=1e-6)


def test_a_neuron_has_the_same_scores_alone_and_in_blocks_of_any_size(monkeypatch):
    patches, captions = unit(30), unit(11, seed=1)
    neurons = np.random.default_rng(2).integers(0, 3, 30)
    settings_of = {"has_word": None, "n_neurons": 3, "scale": 20.0, "n_captions": 3}
    whole = word_scores(patches, neurons, captions, **settings_of)
    own = neurons == 1
    alone = word_scores(patches[own], neurons[own], captions, **settings_of)
    np.testing.assert_allclose(alone[1], whole[1], rtol=0, atol=1e-15)
    monkeypatch.setattr(falcon, "_BLOCK_PATCHES", 7)
    again = word_scores(patches, neurons, captions, **settings_of)
    np.testing.assert_allclose(again, whole, rtol=0, atol=1e-15)
    together = mean_similarities(patches, neurons, n_neurons=3)
    assert mean_similarities(patches[own], neurons[own], n_neurons=3)[1] == together[1]


def test_scores_follow_the_order_of_words_and_patches():
    patches, captions, neurons = unit(9), unit(8, seed=1), np.repeat([0, 1, 2], 3)
    order, rows = np.random.default_rng(0).permutation(8), np.random.default_rng(1).permutation(9)
    settings_of = {"has_word": None, "n_neurons": 3, "scale": 5.0, "n_captions": 3}
    scores = word_scores(patches, neurons, captions, **settings_of)
    moved = word_scores(patches[rows], neurons[rows], captions[order], **settings_of)
    np.testing.assert_allclose(moved, scores[:, order], rtol=0, atol=1e-14)


def test_words_of_the_contrast_images_and_words_of_no_caption_are_left_out():
    scores = np.array([[0.9, 0.5, 0.5, 0.0], [0.1, 0.2, 0.0, 0.0]])
    contrast = np.array([[0.1, 0.09, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    found = best_words(scores, contrast, max_contrast=0.1, count=3)
    assert found.tolist() == [[1, 2, -1], [1, 0, -1]]
    assert best_words(scores, contrast, max_contrast=0.1, count=9).shape == (2, 4)


@settings(max_examples=40)
@given(seed=st.integers(0, 1000), n_words=st.integers(1, 6), count=st.integers(1, 7))
def test_best_words_agree_with_a_sort(seed, n_words, count):
    generator = np.random.default_rng(seed)
    scores, contrast = generator.integers(0, 4, (2, 3, n_words)) / 4
    found = best_words(scores, contrast, max_contrast=0.5, count=count)
    for row, own, other in zip(found.tolist(), scores, contrast, strict=True):
        words = sorted((-s, w) for w, s in enumerate(own) if s > 0 and other[w] < 0.5)
        expected = [w for _, w in words][:count]
        assert row == expected + [-1] * (min(count, n_words) - len(expected))


def test_without_contrast_images_no_word_is_left_out():
    nothing = np.zeros((0, 6))
    none = word_scores(
        nothing,
        np.zeros(0, int),
        unit(3),
        has_word=None,
        n_neurons=2,
        scale=100.0,
        n_captions=5,
    )
    assert none.tolist() == [[0.0] * 3] * 2
    assert best_words(np.full((2, 3), 0.5), none, max_contrast=0.1, count=2).tolist() == [
        [0, 1],
        [0, 1],
    ]


def test_inputs_are_unchanged():
    given_arrays = unit(4), np.array([1, 0, 1, 1]), unit(3, seed=1), np.eye(3, dtype=bool)
    copies = [values.copy() for values in given_arrays]
    patches, neurons, captions, has_word = given_arrays
    mean_similarities(patches, neurons, n_neurons=2)
    scores = word_scores(
        patches, neurons, captions, has_word=has_word, n_neurons=2, scale=9.0, n_captions=2
    )
    before = scores.copy()
    best_words(scores, scores, max_contrast=0.1, count=2)
    for old, now in zip((*copies, before), (*given_arrays, scores), strict=True):
        np.testing.assert_array_equal(old, now)


SETTINGS = {"has_word": None, "n_neurons": 2, "scale": 9.0, "n_captions": 2}


def test_embeddings_that_are_not_unit_vectors_and_neurons_that_are_none_are_refused():
    neurons = np.array([0, 1])
    with pytest.raises(
        ValueError, match=r"^mean_similarities: expected embeddings of patches with"
    ):
        mean_similarities(2 * unit(2), neurons, n_neurons=2)
    with pytest.raises(ValueError, match=r"^word_scores: expected embeddings of captions with nor"):
        word_scores(unit(2), neurons, 2 * unit(2), **SETTINGS)
    for bad in (-1, 2):
        with pytest.raises(
            ValueError, match=rf"expected neurons from 0 to 1, got {bad}\. Pass pos"
        ):
            mean_similarities(unit(2), np.array([0, bad]), n_neurons=2)


def test_no_caption_counts_below_1_and_scores_that_are_not_finite_are_refused():
    neurons = np.array([0, 1])
    with pytest.raises(ValueError, match=r"^word_scores: .* one of the captions, got none"):
        word_scores(unit(2), neurons, unit(0), **SETTINGS)
    with pytest.raises(ValueError, match=r"^word_scores: expected n_captions of at least 1, got 0"):
        word_scores(unit(2), neurons, unit(2), **{**SETTINGS, "n_captions": 0})
    scores = np.ones((1, 2))
    with pytest.raises(ValueError, match=r"^best_words: expected count of at least 1, got 0"):
        best_words(scores, scores, max_contrast=0.1, count=0)
    for one, other, what in ((math.nan, 1, "scores"), (1, math.nan, "contrast scores")):
        with pytest.raises(ValueError, match=rf"expected finite {what}, got nan for neuron 0\. "):
            best_words(one * scores, other * scores, max_contrast=0.1, count=1)


def test_sizes_that_differ_are_refused(unchecked):
    with pytest.raises(ValueError, match=r"got 3 in patches, 2 in neurons\. "):
        unchecked(mean_similarities)(unit(3), np.array([0, 1]), n_neurons=2)
    with pytest.raises(ValueError, match=r"got 6 in patches, 5 in captions\. "):
        unchecked(word_scores)(unit(2), np.array([0, 1]), unit(2, features=5), **SETTINGS)
    other = {**SETTINGS, "has_word": np.eye(3, dtype=bool)}
    with pytest.raises(ValueError, match=r"got 2 in captions, 3 in has_word\. "):
        unchecked(word_scores)(unit(2), np.array([0, 1]), unit(2), **other)
