"""Strongest images against a sort by hand, and what every explainer refuses."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sieve_assets.method.explainers.probe_inputs import (
    require_positive,
    require_probe,
    strongest_images,
    summed_embeddings,
    varying_neurons,
)

ACTIVATIONS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 12), st.integers(1, 4)),
    elements=st.sampled_from([-1.0, -0.0, 0.0, 0.5, 2.0]).map(np.float32),
)


def unit(n_rows, features=8, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n_rows, features))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_constant_neurons_and_those_that_are_not_finite_vary_in_nothing():
    nan, inf = math.nan, math.inf
    activations = np.array([[0.0, 1, 2, nan, 1, -1], [0, 1, 1, 1, inf, -1], [0, 2, 0, 2, 1, -inf]])
    assert varying_neurons(activations).tolist() == [1, 2]
    assert varying_neurons(activations[:1]).tolist() == []
    with pytest.raises(ValueError, match="varying_neurons: expected at least one of the images"):
        varying_neurons(activations[:0])


def test_strongest_images_come_strongest_first_and_ties_by_position():
    activations = np.array([[0.5, -2.0], [3.0, -1.0], [0.5, -2.0], [1.0, -3.0]])
    assert strongest_images(activations, count=3).tolist() == [[1, 3, 0], [1, 0, 2]]


@settings(max_examples=60)
@given(activations=ACTIVATIONS, count=st.integers(1, 14))
def test_strongest_images_are_those_of_a_sort_by_activation_and_position(activations, count):
    expected = [
        sorted(range(len(activations)), key=lambda image, column=column: (-column[image], image))
        for column in activations.T.tolist()
    ]
    found = strongest_images(activations, count=count)
    assert found.tolist() == [order[:count] for order in expected]


def test_a_neuron_has_the_same_strongest_images_on_either_side_of_a_block():
    activations = np.random.default_rng(0).integers(0, 9, (40, 130)).astype(np.float32)
    whole = strongest_images(activations, count=7)
    for neuron in (0, 63, 64, 65, 127, 128, 129):
        alone = strongest_images(activations[:, [neuron]], count=7)
        assert alone[0].tolist() == whole[neuron].tolist()


def test_a_dead_and_an_all_negative_neuron_have_their_true_strongest_images():
    activations = np.array([[0.0, -3.0], [0.0, -1.0], [0.0, -2.0]])
    assert strongest_images(activations, count=2).tolist() == [[0, 1], [1, 2]]


def test_sums_of_embeddings_are_those_of_a_loop_and_a_neurons_own():
    embeddings, images = unit(9), np.array([[0, 3, 5], [8, 8, 1]])
    sums = summed_embeddings(embeddings, images)
    for neuron, positions in enumerate(images.tolist()):
        for feature in range(8):
            expected = math.fsum(float(embeddings[image, feature]) for image in positions)
            assert sums[neuron, feature] == pytest.approx(expected, abs=1e-15)
        np.testing.assert_array_equal(
            summed_embeddings(embeddings, images[[neuron]])[0], sums[neuron]
        )


def test_inputs_are_unchanged():
    activations, embeddings = np.array([[1.0, 0.0], [2.0, 0.0]]), unit(2)
    before = embeddings.copy()
    images = strongest_images(activations, count=1)
    summed_embeddings(embeddings, images)
    require_probe("here", activations, embeddings, embeddings)
    assert activations.tolist() == [[1.0, 0.0], [2.0, 0.0]]
    np.testing.assert_array_equal(embeddings, before)


def test_strongest_images_of_nothing_none_or_nan_are_refused():
    with pytest.raises(ValueError, match=r"^strongest_images: .* one of the images, got none\. "):
        strongest_images(np.ones((0, 2)), count=1)
    with pytest.raises(ValueError, match=r"^strongest_images: expected count of at least 1, got 0"):
        strongest_images(np.ones((2, 2)), count=0)
    bad = np.ones((2, 70))
    bad[1, 66] = math.nan
    with pytest.raises(ValueError, match=r"finite activations, got nan for neuron 66\. Check"):
        strongest_images(bad, count=1)


def test_a_probe_set_that_is_right_passes():
    require_probe("here", np.ones((3, 2)), unit(3), unit(4, seed=1))


@pytest.mark.parametrize(
    ("activations", "images", "concepts", "words"),
    [
        (np.ones((0, 2)), unit(0), unit(4), r"here: .* at least one of the images, got none\. "),
        (np.ones((3, 0)), unit(3), unit(4), r"here: .* at least one of the neurons, got none\. "),
        (np.ones((3, 2)), unit(3), unit(0), r"here: .* at least one of the concepts, got none\. "),
        (np.ones((3, 2)), unit(3) * 2, unit(4), r"embeddings of images with norm 1, got norm 2 "),
        (np.ones((3, 2)), unit(3), unit(4) * 3, r"embeddings of concepts with norm 1, got norm 3 "),
        (np.full((3, 2), np.inf), unit(3), unit(4), r"finite activations, got inf for neuron 0\. "),
    ],
)
def test_a_probe_set_that_is_wrong_is_refused(activations, images, concepts, words):
    with pytest.raises(ValueError, match=words):
        require_probe("here", activations, images, concepts)


def test_sizes_that_differ_are_refused(unchecked):
    with pytest.raises(ValueError, match=r"got 3 in activations, 2 in image_embeddings\. "):
        unchecked(require_probe)("here", np.ones((3, 2)), unit(2), unit(4))
    with pytest.raises(ValueError, match=r"got 8 in image_features, 6 in concept_features\. "):
        unchecked(require_probe)("here", np.ones((3, 2)), unit(3), unit(4, features=6))


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_a_setting_that_is_not_above_0_and_finite_is_refused(value):
    with pytest.raises(ValueError, match=r"^here: expected knob above 0 and finite, got .* Change"):
        require_positive("here", "knob", value)


def test_a_small_setting_passes():
    require_positive("here", "knob", 1e-300)
