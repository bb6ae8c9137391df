"""Ratios agree with the definition, and every odd distribution has the status decided for it."""

import math
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sieve_assets.method.neuron_ratios import (
    activation_ratios,
    activation_thresholds,
    neuron_ratios,
)

PAPER: dict[str, Any] = {
    "rule": "ratio",
    "beta": 10.0,
    "percentile": 99.0,
    "normalise": "none",
    "gate": "neuron",
}
SIGNED = PAPER | {"rule": "signed", "beta": 3.0}
MINMAX = PAPER | {"normalise": "minmax"}


def ratios(activations, base=PAPER, **change: Any):
    return neuron_ratios(activations, **(base | change))


def percentile_by_hand(values, percent):
    """Linear interpolation between the two sorted values around the place (n - 1) percent / 100."""
    ordered = sorted(float(value) for value in values)
    place = (len(ordered) - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def ratio_by_hand(values, rule="ratio", normalise="none"):
    """The formula of each rule, for one neuron whose denominator is not 0."""
    values = [float(value) for value in values]
    if normalise == "minmax":
        values = [(v - min(values)) / (max(values) - min(values)) for v in values]
    p99, median = percentile_by_hand(values, 99), statistics.median(values)
    if rule == "ratio":
        return p99 / median
    mad = statistics.median(abs(v - median) for v in values)
    return (p99 - median) / (1.4826 * mad)


def skewed(n_neurons=5, n_images=157, seed=0):
    return np.random.default_rng(seed).gamma(0.4, size=(n_neurons, n_images)).astype(np.float32)


def one(values, **settings_):
    """The result of a single neuron."""
    result = ratios(np.array([values], dtype=np.float32), **settings_)
    return result.ratio[0], result.status[0], bool(result.is_sparse[0])


def test_a_ratio_that_one_can_work_out():
    # 0 .. 100: the median is 50, the 99th percentile 99.
    result = ratios(np.arange(101, dtype=np.float32)[None], beta=1.9)
    assert (result.median[0], result.p99[0]) == (50, 99)
    assert result.ratio[0] == pytest.approx(1.98)
    assert result.status == ["selected"]
    assert not result.is_sparse[0]


def test_a_signed_ratio_that_one_can_work_out():
    # -50 .. 50: median 0, p99 49, median absolute deviation 25.
    result = ratios(np.arange(-50, 51, dtype=np.float32)[None], SIGNED)
    assert result.ratio[0] == pytest.approx(49 / (1.4826 * 25))
    assert result.status == ["low_contrast"]


def test_the_median_and_p99_agree_with_sorting_and_interpolating():
    activations = skewed()
    result = ratios(activations)
    for row, median, p99 in zip(activations, result.median, result.p99, strict=True):
        assert median == np.float32(statistics.median(float(value) for value in row))
        assert p99 == pytest.approx(percentile_by_hand(row, 99), rel=1e-7)
    assert (result.median.dtype, result.p99.dtype) == (np.float32, np.float32)
    assert result.ratio.dtype == np.float64


@pytest.mark.parametrize("choice", [PAPER, SIGNED, MINMAX], ids=["ratio", "signed", "minmax"])
def test_ratios_agree_with_the_formula(choice):
    activations = skewed() - (0 if choice is PAPER else 0.5)
    expected = [ratio_by_hand(row, choice["rule"], choice["normalise"]) for row in activations]
    np.testing.assert_allclose(ratios(activations, choice).ratio, expected, rtol=1e-5)


def test_the_ratio_can_be_recomputed_from_the_stored_median_and_p99():
    result = ratios(skewed())
    expected = result.p99.astype(np.float64) / result.median.astype(np.float64)
    assert result.ratio.tolist() == expected.tolist()


def test_a_gaussian_and_a_laplacian_have_the_signed_ratios_that_beta_was_chosen_by():
    generator = np.random.default_rng(0)
    shapes = [generator.standard_normal(200_000), generator.laplace(size=200_000)]
    found = ratios(np.array(shapes, dtype=np.float32), SIGNED).ratio
    np.testing.assert_allclose(found, [2.33, 3.8], atol=0.05)


@settings(max_examples=30)
@given(
    activations=arrays.arrays(np.float32, (3, 12), elements=st.integers(0, 30).map(float)),
    exponent=st.integers(-6, 6),
)
def test_a_change_of_units_or_of_the_images_order_leaves_the_paper_s_ratio(activations, exponent):
    before = ratios(activations)
    after = ratios(np.flip(activations, axis=1) * np.float32(2.0**exponent))
    np.testing.assert_allclose(after.ratio, before.ratio, rtol=1e-6)
    assert after.status == before.status


@pytest.mark.parametrize("choice", [SIGNED, MINMAX], ids=["signed", "minmax"])
def test_signed_and_minmax_ratios_do_not_change_with_units_or_offset(choice):
    activations = skewed()
    moved = ratios(activations * 4 - 3, choice)
    np.testing.assert_allclose(moved.ratio, ratios(activations, choice).ratio, rtol=1e-4)


def test_minmax_cancels_in_the_signed_rule():
    activations = skewed() - 1
    plain = ratios(activations, SIGNED)
    rescaled = ratios(activations, SIGNED, normalise="minmax")
    assert rescaled.ratio.tolist() == plain.ratio.tolist()


def test_minmax_leaves_the_median_and_the_threshold_in_the_neuron_s_units():
    activations = skewed() - 1
    result = ratios(activations, MINMAX)
    np.testing.assert_allclose(result.median, np.median(activations, axis=1), rtol=1e-6)
    assert (result.median < 0).all()


def test_a_neuron_does_not_depend_on_the_others_and_inputs_are_unchanged():
    activations = skewed()
    before = activations.copy()
    whole = ratios(activations)
    for neuron in range(len(activations)):
        alone = ratios(activations[neuron : neuron + 1])
        assert alone.ratio[0] == whole.ratio[neuron]
        assert alone.status[0] == whole.status[neuron]
    assert np.array_equal(activations, before)


def test_the_ratio_must_exceed_beta_not_reach_it():
    values = [1.0] * 50 + [10.0] * 50
    ratio, _, _ = one(values)
    assert one(values, beta=float(ratio))[1] == "low_contrast"
    assert one(values, beta=float(ratio) - 1e-9)[1] == "selected"


@pytest.mark.parametrize("constant", [0.0, 0.7])
@pytest.mark.parametrize("choice", [PAPER, SIGNED, MINMAX], ids=["ratio", "signed", "minmax"])
def test_a_neuron_that_never_changes_is_dead_and_has_no_ratio(constant, choice):
    ratio, status, is_sparse = one([constant] * 30, **choice)
    assert math.isnan(ratio)
    assert (status, is_sparse) == ("dead", False)


def test_of_one_image_alone_every_neuron_is_dead():
    assert ratios(np.array([[0.0], [7.0]], dtype=np.float32)).status == ["dead", "dead"]


def test_a_median_of_0_under_a_positive_maximum_is_infinite_selected_and_sparse():
    assert one([0.0] * 60 + [1.0] * 40) == (math.inf, "selected", True)


def test_a_neuron_that_fires_on_under_one_in_a_hundred_is_selected_with_a_threshold_of_0():
    values = [0.0] * 999 + [2.0]
    assert one(values) == (math.inf, "selected", True)
    assert ratios(np.array([values], dtype=np.float32)).p99[0] == 0


def test_no_epsilon_is_added_to_a_tiny_median():
    assert one([1e-30] * 50 + [3e-30] * 49)[0] == pytest.approx(3)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-1.0] * 60 + [2.0] * 40, (math.inf, "selected", True)),
        ([-1.0] * 999 + [2.0], (0.0, "low_contrast", False)),
        ([-1.0] * 60 + [-2.0] * 40, (0.0, "low_contrast", False)),
    ],
    ids=["p99 above the median", "fires on under 1 %", "only dips"],
)
def test_a_signed_neuron_without_deviation_is_infinite_only_if_its_p99_exceeds_the_median(
    values, expected
):
    assert one(values, rule="signed", beta=3.0) == expected


def test_the_gate_on_samples_selects_a_neuron_by_its_single_strongest_image():
    values = [1.0] * 999 + [50.0]
    assert one(values)[1] == "low_contrast"
    assert one(values, gate="sample")[1] == "selected"
    assert one(values, gate="sample", beta=50.0)[1] == "low_contrast"
    assert one(values, gate="sample")[0] == one(values)[0]


@pytest.mark.parametrize("choice", [PAPER, SIGNED, MINMAX], ids=["ratio", "signed", "minmax"])
def test_a_sample_at_the_p99_has_the_neuron_s_ratio(choice):
    activations = skewed()
    result = ratios(activations, choice)
    kind = {key: choice[key] for key in ("rule", "normalise")}
    found = activation_ratios(result.p99[:, None], activations, **kind)
    np.testing.assert_allclose(found[:, 0], result.ratio, rtol=1e-12)


def test_ratios_of_samples_are_multiples_of_the_median_and_infinite_over_a_median_of_0():
    activations = np.array([[2, 2, 2, 8], [0, 0, 0, 8], [5, 5, 5, 5]], dtype=np.float32)
    samples = np.array([[8, 2], [8, 0], [5, 5]], dtype=np.float32)
    found = activation_ratios(samples, activations, rule="ratio", normalise="none")
    np.testing.assert_array_equal(found, [[4, 1], [math.inf, 0], [math.nan, math.nan]])


def test_a_negative_activation_under_the_ratio_rule_is_refused_with_the_remedy():
    activations = skewed()
    activations[3, 7] = -0.25
    expected = r"^neuron_ratios: expected activations of at least 0 .*got -0\.25 for neuron 3\. "
    with pytest.raises(ValueError, match=expected + r'Set rule = "signed"'):
        ratios(activations)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_an_activation_that_is_not_finite_is_refused(bad):
    activations = skewed()
    activations[2, 0] = bad
    for choice in (PAPER, SIGNED, MINMAX):
        with pytest.raises(
            ValueError, match=rf"expected finite activations, got {bad} for neuron 2"
        ):
            ratios(activations, choice)


def test_no_images_a_percentile_below_the_median_and_other_neurons_samples_are_refused(unchecked):
    with pytest.raises(ValueError, match=r"^neuron_ratios: expected at least one of the probe"):
        ratios(np.zeros((2, 0), dtype=np.float32))
    with pytest.raises(ValueError, match=r"expected percentile between 50 and 100, got 1\.0\."):
        ratios(skewed(), percentile=1.0)
    with pytest.raises(ValueError, match=r"^activation_ratios: .*got 4 in samples, 5 in activ"):
        unchecked(activation_ratios)(skewed()[:4], skewed(), rule="ratio", normalise="none")


@settings(max_examples=40)
@given(
    activations=arrays.arrays(np.float32, (2, 9), elements=st.integers(-5, 20).map(float)),
    order=st.permutations(range(9)),
    choice=st.sampled_from([SIGNED, MINMAX]),
)
def test_any_neuron_has_the_formula_s_ratio_or_the_status_decided_for_it(
    activations, order, choice
):
    result = ratios(activations[:, order], choice)
    for row, ratio, status in zip(activations, result.ratio, result.status, strict=True):
        if len(set(row.tolist())) == 1:
            assert (status, math.isnan(ratio)) == ("dead", True)
            continue
        try:
            expected = ratio_by_hand(row, choice["rule"], choice["normalise"])
        except ZeroDivisionError:
            assert ratio in {0.0, math.inf}
        else:
            assert ratio == pytest.approx(expected, rel=1e-5)
        assert status == ("selected" if ratio > choice["beta"] else "low_contrast")


@settings(max_examples=30)
@given(
    activations=arrays.arrays(np.float32, (3, 9), elements=st.integers(0, 20).map(float)),
    betas=st.tuples(st.floats(0, 20), st.floats(0, 20)).map(sorted),
    percentiles=st.tuples(st.floats(50, 100), st.floats(50, 100)).map(sorted),
)
def test_a_higher_beta_selects_no_other_neuron_and_a_higher_percentile_is_no_lower(
    activations, betas, percentiles
):
    low, high = (ratios(activations, beta=beta).status for beta in betas)
    assert all(few != "selected" or many == "selected" for few, many in zip(high, low, strict=True))
    below, above = (ratios(activations, percentile=percent).p99 for percent in percentiles)
    assert (below <= above).all()


@pytest.mark.parametrize("percentile", [50.0, 90.0, 99.0, 100.0])
def test_thresholds_are_those_of_the_ratios(percentile):
    activations = np.random.default_rng(7).gamma(1, size=(3, 50)).astype(np.float32)
    found = activation_thresholds(activations, percentile=percentile)
    np.testing.assert_array_equal(found, ratios(activations, percentile=percentile).p99)
    with pytest.raises(ValueError, match=r"^activation_thresholds: expected percentile"):
        activation_thresholds(activations, percentile=40.0)
