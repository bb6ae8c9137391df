import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.explainers import top_values
from sieve_assets.method.explainers.top_values import TopValues


def quantiles(maps, share, *, batch, dtype=np.float32):
    top = TopValues(n_neurons=maps.shape[1], n_values=maps[:, :1].size, share=share, dtype=dtype)
    for start in range(0, len(maps), batch):
        top.add(maps[start : start + batch])
    return top.thresholds()


def sorted_quantile(values, share):
    """The value at (n - 1)(1 - share) from the least, between two neighbours if need be."""
    ordered = sorted(float(value) for value in values)
    position = (len(ordered) - 1) * (1 - share)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def maps_of(n_images, n_neurons, seed=0, side=2):
    generator = np.random.default_rng(seed)
    return generator.standard_normal((n_images, n_neurons, side, side)).astype(np.float32)


def test_the_upper_quarter_of_five_values():
    maps = np.array([5.0, 1.0, 4.0, 2.0, 3.0]).reshape(5, 1, 1, 1)
    assert quantiles(maps, 0.25, batch=2).tolist() == [4.0]
    assert quantiles(maps, 0.125, batch=2).tolist() == [4.5]


@settings(max_examples=60)
@given(
    n_images=st.integers(1, 40),
    share=st.sampled_from([0.0, 0.005, 0.1, 0.3, 0.5, 0.995, 1.0]),
    batch=st.integers(1, 50),
    seed=st.integers(0, 100),
)
def test_thresholds_are_numpys_quantile_to_the_last_bit_and_that_of_sorted_values(
    n_images, share, batch, seed
):
    maps = maps_of(n_images, 3, seed)
    found = quantiles(maps, share, batch=batch)
    values = maps.transpose(1, 0, 2, 3).reshape(3, -1)
    np.testing.assert_array_equal(found, np.quantile(values.astype(np.float64), 1 - share, axis=1))
    np.testing.assert_allclose(
        found, [sorted_quantile(row, share) for row in values], rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("batch", [1, 7, 64, 1000])
@pytest.mark.parametrize("order", ["rising", "falling", "random"])
def test_neither_batches_nor_order_nor_how_often_values_are_dropped_matter(
    monkeypatch, batch, order
):
    maps = maps_of(500, 4)
    expected = np.quantile(maps.transpose(1, 0, 2, 3).reshape(4, -1).astype(float), 0.98, axis=1)
    monkeypatch.setattr(top_values, "_LEAST_SLACK", 8)
    if order != "random":
        maps = np.sort(maps, axis=0)[:: 1 if order == "rising" else -1]
    np.testing.assert_array_equal(quantiles(maps, 1 - 0.98, batch=batch), expected)


def test_memory_is_that_of_the_largest_values(monkeypatch):
    monkeypatch.setattr(top_values, "_LEAST_SLACK", 1)
    top = TopValues(n_neurons=2, n_values=100_000, share=0.005, dtype=np.float32)
    assert top._kept.nbytes <= 2 * 1.51 * 0.005 * 100_000 * 4


def test_ties_dead_and_all_negative_neurons_have_their_true_quantile(monkeypatch):
    monkeypatch.setattr(top_values, "_LEAST_SLACK", 4)
    maps = np.zeros((100, 4, 1, 1), dtype=np.float32)
    maps[:, 1] = 7
    maps[:, 2, 0, 0] = -1 - np.arange(100)
    maps[::2, 3] = 1
    found = quantiles(maps, 0.1, batch=3)
    np.testing.assert_array_equal(found, np.quantile(maps[:, :, 0, 0].astype(float), 0.9, axis=0))
    assert found[[0, 1, 3]].tolist() == [0, 7, 1]


def test_thresholds_can_be_asked_for_twice_and_the_maps_stay_as_they_are():
    maps = maps_of(30, 3)
    copy = maps.copy()
    top = TopValues(n_neurons=3, n_values=120, share=0.1, dtype=np.float32)
    top.add(maps)
    np.testing.assert_array_equal(top.thresholds(), top.thresholds())
    np.testing.assert_array_equal(maps, copy)


def test_float64_is_kept_where_it_is_asked_for():
    maps = np.array([1.0, 1.0 + 1e-12]).reshape(2, 1, 1, 1)
    assert quantiles(maps, 0.0, batch=1, dtype=np.float64)[0] == 1.0 + 1e-12


def test_a_neuron_has_the_same_threshold_alone_and_follows_its_scale():
    maps = maps_of(60, 5)
    together = quantiles(maps, 0.05, batch=16)
    np.testing.assert_array_equal(quantiles(maps[:, 3:4], 0.05, batch=16), together[3:4])
    np.testing.assert_array_equal(quantiles(4 * maps, 0.05, batch=16), 4 * together)


def test_no_neurons_have_no_thresholds():
    top = TopValues(n_neurons=0, n_values=12, share=0.1, dtype=np.float32)
    top.add(maps_of(3, 0))
    assert top.thresholds().shape == (0,)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"^TopValues: expected n_values of at least 1, got 0"):
        TopValues(n_neurons=1, n_values=0, share=0.1, dtype=np.float32)
    with pytest.raises(ValueError, match=r"^TopValues: expected share between 0 and 1, got 1\.5"):
        TopValues(n_neurons=1, n_values=1, share=1.5, dtype=np.float32)


def test_values_too_few_or_too_many_are_refused():
    top = TopValues(n_neurons=1, n_values=12, share=0.1, dtype=np.float32)
    top.add(maps_of(2, 1))
    with pytest.raises(ValueError, match=r"^TopValues: expected 12 values a neuron, got 8\. "):
        top.thresholds()
    with pytest.raises(ValueError, match=r"^TopValues: expected 12 values a neuron, got 16\. "):
        top.add(maps_of(2, 1))


def test_maps_that_are_not_finite_or_of_other_neurons_are_refused():
    top = TopValues(n_neurons=2, n_values=8, share=0.1, dtype=np.float32)
    maps = maps_of(2, 2)
    maps[1, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"expected finite maps, got nan for image 1\. "):
        top.add(maps)
    with pytest.raises(ValueError, match=r"got 3 in maps, 2 in neurons\. "):
        top.add(maps_of(2, 3))
