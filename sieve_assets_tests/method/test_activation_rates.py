"""Rates are counts of pictures strictly above the threshold; intervals are Wilson's."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from sieve_assets.method.activation_rates import activation_rates, wilson_interval
from sieve_assets.method.neuron_ratios import neuron_ratios


def rates(activations, thresholds, confidence=0.95):
    return activation_rates(
        np.asarray(activations, dtype=np.float32),
        np.asarray(thresholds, dtype=np.float32),
        confidence=confidence,
    )


def test_three_of_four_pictures_above_the_threshold():
    result = rates([[3, 1, 2.5, 4], [0, 0, 0, 9]], [2, 1])
    assert result.n_active.tolist() == [3, 1]
    assert result.n_images == 4
    assert result.activation_rate.tolist() == [0.75, 0.25]


def test_rates_agree_with_equation_4_in_a_loop():
    generator = np.random.default_rng(0)
    activations = generator.standard_normal((6, 50)).astype(np.float32)
    thresholds = generator.standard_normal(6).astype(np.float32)
    result = rates(activations, thresholds)
    for row, threshold, rate in zip(activations, thresholds, result.activation_rate, strict=True):
        assert rate == sum(1 for a in row.tolist() if a > threshold.item()) / 50


def test_a_picture_at_the_threshold_does_not_count_even_at_0():
    assert rates([[0, 0, 1e-9]], [0]).n_active.tolist() == [1]
    assert rates([[5, 5, np.nextafter(np.float32(5), np.float32(6))]], [5]).n_active.tolist() == [1]


def test_float64_activations_are_compared_as_the_float32_they_are_stored_as():
    threshold = np.array([0.1], dtype=np.float32)
    as_float64 = np.array([[0.1, float(threshold[0]) + 1e-10, 0.2]])
    assert activation_rates(as_float64, threshold, confidence=0.9).n_active.tolist() == [1]


def test_about_one_in_a_hundred_probe_images_exceeds_the_neuron_s_own_p99():
    probe = np.random.default_rng(0).gamma(1, size=(3, 1001)).astype(np.float32)
    p99 = neuron_ratios(
        probe, rule="ratio", beta=1.0, percentile=99.0, normalise="none", gate="neuron"
    ).p99
    assert rates(probe, p99).n_active.tolist() == [10, 10, 10]


def test_order_units_and_other_hypotheses_change_nothing_nor_does_the_call_its_inputs():
    activations = np.random.default_rng(1).standard_normal((4, 20)).astype(np.float32)
    thresholds = np.zeros(4, dtype=np.float32) + np.float32(0.25)
    copies = activations.copy(), thresholds.copy()
    whole = rates(activations, thresholds)
    alone = rates(activations[2:3, ::-1] * 8, thresholds[2:3] * 8)
    assert alone.activation_rate[0] == whole.activation_rate[2]
    assert (alone.ci_low[0], alone.ci_high[0]) == (whole.ci_low[2], whole.ci_high[2])
    assert np.array_equal(activations, copies[0])
    assert np.array_equal(thresholds, copies[1])


@pytest.mark.parametrize(
    ("n_active", "n_images", "low", "high"), [(5, 10, 0.24, 0.76), (25, 50, 0.37, 0.63)]
)
def test_the_intervals_that_docs_method_quotes(n_active, n_images, low, high):
    interval = wilson_interval(np.array([n_active]), n_images, confidence=0.95)
    assert interval.low[0] == pytest.approx(low, abs=0.005)
    assert interval.high[0] == pytest.approx(high, abs=0.005)


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("n_images", [1, 10, 50])
def test_intervals_agree_with_scipy(n_images, confidence):
    counts = np.arange(n_images + 1)
    interval = wilson_interval(counts, n_images, confidence=confidence)
    for n_active, low, high in zip(counts.tolist(), interval.low, interval.high, strict=True):
        expected = stats.binomtest(n_active, n_images).proportion_ci(confidence, method="wilson")
        assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_intervals_mirror_contain_their_share_and_end_exactly_at_0_and_1():
    counts = np.arange(21)
    interval = wilson_interval(counts, 20, confidence=0.95)
    np.testing.assert_allclose(interval.low, 1 - interval.high[::-1], atol=1e-15)
    assert (interval.low <= counts / 20).all()
    assert (counts / 20 <= interval.high).all()
    assert interval.low[0] == 0
    assert interval.high[-1] == 1


def test_the_interval_reaches_the_results_of_each_hypothesis():
    result = rates([[1, 1, 1, 0], [0, 0, 0, 0]], [0.5, 0.5], confidence=0.8)
    expected = stats.binomtest(3, 4).proportion_ci(0.8, method="wilson")
    assert (result.ci_low[0], result.ci_high[0]) == pytest.approx((expected.low, expected.high))
    assert result.ci_low[1] == 0


def test_values_that_are_not_finite_are_refused_with_their_hypothesis():
    with pytest.raises(
        ValueError,
        match=r"^activation_rates: expected finite activations, got nan for hypothesis 1",
    ):
        rates([[0, 1], [math.nan, 1]], [0, 0])
    with pytest.raises(
        ValueError, match=r"expected finite thresholds, got inf for hypothesis 0\. "
    ):
        rates([[0, 1]], [math.inf])


def test_no_pictures_and_other_sizes_are_refused(unchecked):
    with pytest.raises(
        ValueError, match=r"expected at least one of the generated images, got none"
    ):
        rates(np.zeros((2, 0)), [0, 0])
    with pytest.raises(ValueError, match=r"got 2 in activations, 1 in thresholds\. "):
        unchecked(activation_rates)(np.zeros((2, 3)), np.zeros(1), confidence=0.95)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, math.nan])
def test_a_confidence_out_of_range_is_refused(confidence):
    with pytest.raises(
        ValueError, match=r"^wilson_interval: expected confidence between 0 and 1, "
    ):
        rates([[0, 1]], [0], confidence=confidence)


def test_counts_that_cannot_be_are_refused():
    for bad in (-1, 5):
        with pytest.raises(ValueError, match=rf"expected counts between 0 and 4, got {bad}\. "):
            wilson_interval(np.array([2, bad]), 4, confidence=0.95)
    with pytest.raises(
        ValueError, match=r"^wilson_interval: expected n_images of at least 1, got 0"
    ):
        wilson_interval(np.array([0]), 0, confidence=0.95)


TABLES = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 8)),
    elements=st.integers(-4, 4).map(float),
)


@settings(max_examples=40)
@given(activations=TABLES, data=st.data())
def test_any_order_of_pictures_and_hypotheses_gives_the_counts_of_a_loop(activations, data):
    thresholds = np.array(
        data.draw(
            st.lists(st.integers(-4, 4), min_size=len(activations), max_size=len(activations))
        )
    )
    order = data.draw(st.permutations(range(len(activations))))
    pictures = data.draw(st.permutations(range(activations.shape[1])))
    result = rates(activations[order][:, pictures], thresholds[order])
    expected = [sum(a > thresholds[row] for a in activations[row].tolist()) for row in order]
    assert result.n_active.tolist() == expected
    assert (result.ci_low <= result.activation_rate).all()
    assert (result.activation_rate <= result.ci_high).all()


@settings(max_examples=40)
@given(activations=TABLES, step=st.integers(0, 3))
def test_a_higher_threshold_never_raises_a_rate_or_an_end_of_its_interval(activations, step):
    low = rates(activations, np.full(len(activations), -1))
    high = rates(activations, np.full(len(activations), -1 + step))
    for name in ("activation_rate", "ci_low", "ci_high"):
        assert (getattr(high, name) <= getattr(low, name)).all()


@settings(max_examples=40)
@given(n_images=st.integers(1, 200), share=st.floats(0, 1), confidence=st.floats(0.01, 0.998))
def test_intervals_stay_in_0_to_1_and_widen_with_confidence(n_images, share, confidence):
    count = np.array([round(share * n_images)])
    narrow = wilson_interval(count, n_images, confidence=confidence)
    wide = wilson_interval(count, n_images, confidence=confidence + 0.001)
    assert 0 <= wide.low[0] <= narrow.low[0] <= count[0] / n_images + 1e-15
    assert count[0] / n_images - 1e-15 <= narrow.high[0] <= wide.high[0] <= 1
