"""Average precision of every neuron for every concept at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from sieve_assets.method.average_precisions import (
    average_precisions,
    weighted_average_precisions,
)


def made_up(seed=0, n_neurons=4, n_images=60, n_concepts=5, levels=9):
    generator = np.random.default_rng(seed)
    activations = generator.integers(0, levels, (n_neurons, n_images)) / levels
    return activations.astype(np.float32), generator.random((n_images, n_concepts)) < 0.2


def test_one_that_one_can_work_out():
    activations = np.array([[4.0, 3.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    is_shown = np.array([[True, False], [False, False], [True, True], [False, False]])
    expected = [[(1 + 2 / 3) / 2, 1 / 3], [2 / 4, 1 / 4]]
    np.testing.assert_allclose(average_precisions(activations, is_shown), expected)


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_is_that_of_scikit_learn_with_and_without_ties(seed, levels):
    activations, is_shown = made_up(seed, levels=levels)
    found = average_precisions(activations, is_shown)
    for neuron in range(len(activations)):
        for concept in range(is_shown.shape[1]):
            truth = is_shown[:, concept]
            if truth.any():
                expected = average_precision_score(truth, activations[neuron])
                assert found[neuron, concept] == pytest.approx(expected)
            else:
                assert np.isnan(found[neuron, concept])


def test_agrees_with_the_definition_in_loops():
    activations, is_shown = made_up(1)
    found = average_precisions(activations, is_shown)
    for neuron in range(len(activations)):
        for concept in range(is_shown.shape[1]):
            shares = []
            for image in np.flatnonzero(is_shown[:, concept]):
                as_active = activations[neuron] >= activations[neuron, image]
                shares.append((as_active & is_shown[:, concept]).sum() / as_active.sum())
            assert found[neuron, concept] == pytest.approx(sum(shares) / len(shares))


def test_order_scale_and_company_make_no_difference():
    activations, is_shown = made_up(2)
    found = average_precisions(activations, is_shown)
    order = np.random.default_rng(3).permutation(len(is_shown))
    np.testing.assert_array_equal(average_precisions(activations[:, order], is_shown[order]), found)
    np.testing.assert_array_equal(average_precisions(4 * activations - 2, is_shown), found)
    alone = average_precisions(activations[2:3], is_shown[:, 1:2])
    np.testing.assert_array_equal(alone, found[2:3, 1:2])


def test_a_perfect_neuron_and_a_name_half_too_narrow():
    is_wide, is_narrow = np.arange(100) < 20, np.arange(100) < 10
    activations = is_wide.astype(float)[None]
    found = average_precisions(activations, np.stack([is_wide, is_narrow], axis=1))
    np.testing.assert_allclose(found, [[1.0, 0.5]])


def test_inputs_are_unchanged():
    activations, is_shown = made_up()
    copies = activations.copy(), is_shown.copy()
    average_precisions(activations, is_shown)
    np.testing.assert_array_equal(copies[0], activations)
    np.testing.assert_array_equal(copies[1], is_shown)


def test_refuses_what_it_cannot_score(unchecked):
    with pytest.raises(ValueError, match="at least one of the images, got none"):
        average_precisions(np.zeros((2, 0)), np.zeros((0, 3), bool))
    with pytest.raises(ValueError, match="as many in each of activations, is_shown"):
        unchecked(average_precisions)(np.zeros((2, 4)), np.zeros((3, 3), bool))
    with pytest.raises(ValueError, match="finite activations, got nan for neuron 1"):
        average_precisions(np.array([[0.0], [np.nan]]), np.ones((1, 1), bool))


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_with_weights_it_is_that_of_scikit_learn_too(seed, levels):
    activations, is_shown = made_up(seed, levels=levels)
    is_shown[seed % 60] = True
    weights = np.random.default_rng(seed).integers(1, 4, 60) / 2
    before = activations.copy()
    found = weighted_average_precisions(activations[0], is_shown, weights)
    for concept, one in enumerate(found):
        expected = average_precision_score(
            is_shown[:, concept], activations[0], sample_weight=weights
        )
        assert one == pytest.approx(expected)
    np.testing.assert_array_equal(activations, before)


def test_an_image_of_weight_two_counts_as_two_images():
    activations, is_shown = made_up(3, n_neurons=1)
    is_shown[0] = True
    weights = np.ones(60)
    weights[::4] = 2
    twice = np.repeat(np.arange(60), weights.astype(int))
    np.testing.assert_allclose(
        weighted_average_precisions(activations[0], is_shown, weights),
        average_precisions(activations[:, twice], is_shown[twice])[0],
    )


def test_where_all_weigh_the_same_weights_change_nothing():
    activations, is_shown = made_up(4)
    is_shown[0] = True
    for row, expected in zip(activations, average_precisions(activations, is_shown), strict=True):
        found = weighted_average_precisions(row, is_shown, np.full(60, 0.5))
        np.testing.assert_allclose(found, expected)
