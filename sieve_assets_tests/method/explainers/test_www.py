"""WWW: by hand, against its formula in loops, and at the borders of blocks of neurons."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sieve_assets.method.explainers.www import adaptive_cosines, adaptive_selection


def unit(n_rows, features=8, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n_rows, features))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def probe(n_images=12, n_neurons=3, n_concepts=6, seed=0):
    activations = np.random.default_rng(seed).standard_normal((n_images, n_neurons))
    base = unit(1, seed=3)[0]
    return activations.astype(np.float32), unit(n_images, seed=1), unit(n_concepts, seed=2), base


def cosine(one, other):
    return math.fsum(float(a) * float(b) for a, b in zip(one, other, strict=True))


def test_scores_that_one_can_work_out():
    images = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    words, base = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]), np.array([0.6, 0.8])
    activations = np.array([[3.0, 0.0], [2.0, 1.0], [1.0, 2.0]])
    found = adaptive_cosines(activations, images, words, base, n_images=2)
    # Neuron 0: cosines with the words 1 + .6, 0 + .8 and .6 + 1, with the base .6 + 1.
    # Neuron 1: 0 + .6, 1 + .8 and .8 + 1, with the base .8 + 1.
    np.testing.assert_allclose(found, [[0.0, -0.8, 0.0], [-1.2, 0.0, 0.0]], atol=1e-12)


@pytest.mark.parametrize("n_images", [1, 5, 12, 40])
def test_scores_agree_with_the_formula_in_loops(n_images):
    activations, images, words, base = probe()
    found = adaptive_cosines(activations, images, words, base, n_images=n_images)
    for neuron in range(3):
        order = sorted(range(12), key=lambda image, k=neuron: (-activations[image, k], image))
        for position, word in enumerate(words):
            expected = sum(
                cosine(images[image], word) - cosine(images[image], base)
                for image in order[:n_images]
            )
            assert found[neuron, position] == pytest.approx(expected, abs=1e-12)


def test_no_neuron_gets_its_neighbours_words_at_the_border_of_a_block():
    # 130 neurons, each with 5 images of its own and the word of these.
    words = unit(130, features=64)
    images = np.repeat(words, 5, axis=0)
    activations = np.repeat(np.eye(130, dtype=np.float32), 5, axis=0)
    base = unit(1, features=64, seed=1)[0]
    scores = adaptive_cosines(activations, images, words, base, n_images=5)
    assert scores.argmax(axis=1).tolist() == list(range(130))


@pytest.mark.parametrize("part", [[0], [62, 63, 64, 65], [129, 3], list(range(1, 130))])
def test_a_neuron_has_the_same_scores_to_the_last_bit_in_any_company(part):
    activations, images, words, base = probe(n_images=50, n_neurons=130)
    whole = adaptive_cosines(activations, images, words, base, n_images=7)
    found = adaptive_cosines(activations[:, part], images, words, base, n_images=7)
    np.testing.assert_array_equal(found, whole[part])


@settings(max_examples=25)
@given(seed=st.integers(0, 999), scale=st.sampled_from([0.25, 1.0, 8.0]), data=st.data())
def test_scores_follow_images_and_words_through_any_order(seed, scale, data):
    activations, images, words, base = probe(seed=seed)
    scores = adaptive_cosines(activations, images, words, base, n_images=4)
    rows = data.draw(st.permutations(range(12)))
    columns = data.draw(st.permutations(range(6)))
    moved = scale * activations[rows] - 3
    found = adaptive_cosines(moved, images[rows], words[columns], base, n_images=4)
    np.testing.assert_allclose(found, scores[:, columns], atol=1e-12)


def test_a_word_that_adds_nothing_to_the_template_scores_0_exactly():
    activations, images, words, base = probe()
    words[2] = base
    scores = adaptive_cosines(activations, images, words, base, n_images=4)
    assert scores[:, 2].tolist() == [0.0, 0.0, 0.0]


def test_one_image_one_word_and_a_dead_neuron_have_scores():
    one = np.array([[1.0, 0.0]])
    found = adaptive_cosines(np.zeros((1, 1)), one, one, np.array([0.0, 1.0]), n_images=40)
    assert found.tolist() == [[1.0]]
    dead = adaptive_cosines(np.zeros((2, 1)), np.eye(2), one, np.array([0.6, 0.8]), n_images=1)
    np.testing.assert_allclose(dead, [[0.4]])


def test_words_above_alpha_times_the_best_are_selected_best_first():
    scores = np.array([[9.6, 10.0, 9.5, 9.51], [1.0, 0.0, 2.0, 1.95]])
    found = adaptive_selection(scores, alpha=0.95)
    assert found.neurons.tolist() == [0, 0, 0, 1, 1]
    assert found.places.tolist() == [0, 1, 2, 0, 1]
    assert found.concepts.tolist() == [1, 0, 3, 2, 3]
    assert found.scores.tolist() == [10.0, 9.6, 9.51, 2.0, 1.95]


def test_a_neuron_that_no_word_fits_better_than_the_template_gets_no_word():
    scores = np.array([[-1.0, -2.0], [0.0, -1.0], [0.0, 0.0], [0.5, -1.0]])
    for alpha in (0.0, 0.5, 0.95):
        found = adaptive_selection(scores, alpha=alpha)
        assert found.neurons.tolist() == [3]
        assert found.concepts.tolist() == [0]


@settings(max_examples=60)
@given(
    scores=arrays.arrays(
        np.float64,
        st.tuples(st.integers(0, 3), st.integers(1, 5)),
        elements=st.sampled_from([-0.5, 0.0, 0.25, 0.9, 0.96, 1.0]),
    ),
    alpha=st.sampled_from([0.0, 0.25, 0.95]),
)
def test_selection_agrees_with_a_loop_over_sorted_words(scores, alpha):
    expected = []
    for neuron, row in enumerate(scores.tolist()):
        ranked = sorted((-score, concept) for concept, score in enumerate(row))
        chosen = [(concept, -score) for score, concept in ranked if -score > alpha * max(row)]
        expected += [(neuron, place, *name) for place, name in enumerate(chosen)]
    found = adaptive_selection(scores, alpha=alpha)
    assert list(zip(*(column.tolist() for column in found), strict=True)) == expected


def test_selection_is_the_same_at_any_scale_of_the_scores():
    scores = np.random.default_rng(0).standard_normal((20, 30))
    whole, scaled = adaptive_selection(scores, alpha=0.5), adaptive_selection(4 * scores, alpha=0.5)
    for name in ("neurons", "places", "concepts"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(scaled, name))


def test_inputs_are_unchanged():
    inputs = probe()
    copies = [one.copy() for one in inputs]
    scores = adaptive_cosines(*inputs, n_images=4)
    before = scores.copy()
    adaptive_selection(scores, alpha=0.95)
    np.testing.assert_array_equal(scores, before)
    for then, now in zip(copies, inputs, strict=True):
        np.testing.assert_array_equal(then, now)


def test_what_cannot_be_scored_is_refused(unchecked):
    activations, images, words, base = probe()
    where = "^adaptive_cosines: expected "
    with pytest.raises(ValueError, match=where + "n_images of at least 1, got 0"):
        adaptive_cosines(activations, images, words, base, n_images=0)
    with pytest.raises(ValueError, match=where + "embeddings of the base template with norm 1"):
        adaptive_cosines(activations, images, words, base * 2, n_images=4)
    with pytest.raises(ValueError, match=where + "embeddings of concepts with norm 1"):
        adaptive_cosines(activations, images, words * 2, base, n_images=4)
    with pytest.raises(ValueError, match=where + "finite activations, got nan for neuron 0"):
        adaptive_cosines(activations * np.nan, images, words, base, n_images=4)
    with pytest.raises(ValueError, match=r"got 8 in image_features, 5 in base_features\. "):
        unchecked(adaptive_cosines)(activations, images, words, base[:5], n_images=4)


@pytest.mark.parametrize("alpha", [1.0, 1.5, -0.1, math.nan])
def test_a_share_that_no_word_or_every_word_passes_is_refused(alpha):
    with pytest.raises(ValueError, match=r"^adaptive_selection: expected alpha of at least 0 and "):
        adaptive_selection(np.ones((1, 2)), alpha=alpha)


def test_no_words_and_scores_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match=r"^adaptive_selection: .* one of the concepts, got none"):
        adaptive_selection(np.ones((1, 0)), alpha=0.5)
    with pytest.raises(ValueError, match=r"expected finite scores, got nan for "):
        adaptive_selection(np.full((1, 2), np.nan), alpha=0.5)
