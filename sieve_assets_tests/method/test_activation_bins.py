"""A neuron's activations counted in equal bins."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sieve_assets.method.activation_bins import activation_bins


def made_up(seed=0):
    """On multiples of a quarter, so that many lie on edges."""
    generator = np.random.default_rng(seed)
    return (generator.integers(-8, 24, 200) / 4).astype(np.float32)


def test_bins_that_one_can_count():
    found = activation_bins(np.array([3.0, -1.0, 0.0, 0.5, 1.0, 2.9], np.float32), count=4)
    assert found.edges.tolist() == [-1, 0, 1, 2, 3]
    # 0 and 1 open a bin; 3, the last edge, is in the last one
    assert found.counts.tolist() == [1, 2, 1, 2]


@pytest.mark.parametrize("count", [1, 2, 8, 31])
def test_agrees_with_a_loop_over_the_activations(count):
    values = made_up()
    low, high = float(values.min()), float(values.max())
    counts = [0] * count
    for value in values.tolist():
        counts[min(math.floor((value - low) * count / (high - low)), count - 1)] += 1
    found = activation_bins(values, count=count)
    assert found.counts.tolist() == counts
    np.testing.assert_allclose(
        found.edges, [low + (high - low) * at / count for at in range(count + 1)]
    )


def test_their_order_changes_nothing():
    values = made_up()
    found, turned = activation_bins(values, count=7), activation_bins(values[::-1], count=7)
    np.testing.assert_array_equal(found.counts, turned.counts)
    np.testing.assert_array_equal(found.edges, turned.edges)


def test_another_scale_and_zero_move_the_edges_alone():
    values = made_up()
    found, moved = activation_bins(values, count=8), activation_bins(4 * values - 64, count=8)
    np.testing.assert_array_equal(found.counts, moved.counts)
    np.testing.assert_allclose(4 * found.edges - 64, moved.edges)


def test_a_neuron_that_is_never_positive_is_counted_like_any_other():
    found = activation_bins(np.array([-4, -3, -3, -2], np.float32), count=2)
    assert found.edges.tolist() == [-4, -3, -2]
    assert found.counts.tolist() == [1, 3]


@pytest.mark.parametrize("value", [0.0, -50.25])
def test_a_neuron_that_never_changes_has_one_bin_of_no_width(value):
    found = activation_bins(np.full(5, value, np.float32), count=60)
    assert found.edges.tolist() == [value, value]
    assert found.counts.tolist() == [5]


@given(
    st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=30),
    st.integers(1, 70),
)
def test_every_activation_is_in_one_bin_between_the_least_and_the_most(values, count):
    activations = np.array(values, np.float32)
    found = activation_bins(activations, count=count)
    assert found.counts.sum() == len(values)
    assert (found.edges[0], found.edges[-1]) == (activations.min(), activations.max())
    assert (np.diff(found.edges) >= 0).all()


def test_two_activations_that_barely_differ_can_be_told():
    least = np.float32(1.0)
    found = activation_bins(np.array([least, np.nextafter(least, np.float32(2))]), count=60)
    assert (found.counts[0], found.counts[-1], found.counts.sum()) == (1, 1, 2)


def test_inputs_are_unchanged():
    values = made_up()
    copy = values.copy()
    activation_bins(values, count=5)
    np.testing.assert_array_equal(values, copy)


def test_refuses_what_cannot_be_counted():
    with pytest.raises(ValueError, match="at least one of the activations, got none"):
        activation_bins(np.zeros(0, np.float32), count=3)
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match=r"finite activations, got -?(nan|inf) for image 1"):
            activation_bins(np.array([0, bad], np.float32), count=3)
    with pytest.raises(ValueError, match="expected count of at least 1, got 0"):
        activation_bins(np.zeros(2, np.float32), count=0)
