"""Mean AR against coverage, and means with their bootstrap intervals."""

import math

import numpy as np
import pytest

from sieve_assets.method.coverage import bootstrapped_mean, coverage_curve, mean_at


def test_a_curve_that_one_can_work_out():
    curve = coverage_curve(np.array([0.2, 1.0, 0.6]), np.array([1.0, 3.0, 2.0]), n_neurons=4)
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75]
    np.testing.assert_allclose(curve.mean_ar, [1.0, 0.8, 0.6])


def test_equal_trust_comes_in_with_its_mean_whatever_the_order():
    rates, trust = np.array([1.0, 0.0, 0.5, 0.25]), np.array([2.0, 2.0, 2.0, 1.0])
    curves = [
        coverage_curve(rates[order], trust[order], n_neurons=4)
        for order in ([0, 1, 2, 3], [3, 1, 2, 0])
    ]
    for curve in curves:
        np.testing.assert_allclose(curve.mean_ar, [0.5, 0.5, 0.5, 1.75 / 4])


def test_agrees_with_the_definition_in_loops():
    generator = np.random.default_rng(0)
    rates, trust = generator.random(30), generator.permutation(30).astype(float)
    curve = coverage_curve(rates, trust, n_neurons=50)
    best_first = sorted(range(30), key=lambda one: -trust[one])
    for count in range(1, 31):
        chosen = [rates[one] for one in best_first[:count]]
        assert curve.coverage[count - 1] == pytest.approx(count / 50)
        assert curve.mean_ar[count - 1] == pytest.approx(sum(chosen) / count)


def test_the_last_point_is_the_plain_mean_whatever_is_trusted():
    rates = np.random.default_rng(1).random(12)
    for trust in (np.zeros(12), np.arange(12.0), -rates):
        curve = coverage_curve(rates, trust, n_neurons=12)
        assert curve.mean_ar[-1] == pytest.approx(rates.mean())


def test_mean_at_a_coverage_takes_the_fewest_neurons_that_reach_it():
    curve = coverage_curve(np.array([1.0, 0.5, 0.0]), np.array([3.0, 2.0, 1.0]), n_neurons=6)
    assert mean_at(curve, 1 / 6) == 1.0
    assert mean_at(curve, 0.2) == pytest.approx(0.75)
    assert mean_at(curve, 0.5) == pytest.approx(0.5)
    assert math.isnan(mean_at(curve, 0.51))


def test_without_names_the_curve_is_empty():
    curve = coverage_curve(np.zeros(0), np.zeros(0), n_neurons=3)
    assert len(curve.coverage) == 0
    assert math.isnan(mean_at(curve, 0.1))


def test_interval_of_a_mean_covers_it_about_as_often_as_it_says():
    generator = np.random.default_rng(2)
    n_covered = 0
    for _ in range(200):
        found = bootstrapped_mean(
            generator.random(40), confidence=0.9, n_resamples=500, generator=generator
        )
        n_covered += found.low <= 0.5 <= found.high
    assert 165 <= n_covered <= 195


def test_interval_is_that_of_resampled_means_in_loops():
    values = np.array([0.0, 0.2, 0.4, 1.0, 0.9, 0.3])
    found = bootstrapped_mean(
        values, confidence=0.95, n_resamples=9999, generator=np.random.default_rng(3)
    )
    other = np.random.default_rng(4)
    means = [values[other.integers(0, 6, 6)].mean() for _ in range(9999)]
    low, high = np.percentile(means, [2.5, 97.5])
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == (pytest.approx(low, abs=0.02), pytest.approx(high, abs=0.02))


def test_degenerate_means():
    def of(values):
        return bootstrapped_mean(
            np.array(values, float),
            confidence=0.95,
            n_resamples=100,
            generator=np.random.default_rng(0),
        )

    assert of([0.3]) == (0.3, 0.3, 0.3)
    assert of([1.0, 1.0, 1.0]) == (1.0, 1.0, 1.0)
    assert all(math.isnan(one) for one in of([]))


def test_refuses_what_makes_no_curve():
    with pytest.raises(ValueError, match="at most 1 names, got 2"):
        coverage_curve(np.ones(2), np.ones(2), n_neurons=1)
    with pytest.raises(ValueError, match="finite trust, got nan for name 1"):
        coverage_curve(np.ones(2), np.array([1.0, np.nan]), n_neurons=2)
    with pytest.raises(ValueError, match="finite activation rates"):
        coverage_curve(np.array([np.inf]), np.ones(1), n_neurons=2)
    with pytest.raises(ValueError, match="coverage between 0 and 1, got 2"):
        mean_at(coverage_curve(np.ones(1), np.ones(1), n_neurons=1), 2.0)
    with pytest.raises(ValueError, match="n_resamples of at least 1, got 0"):
        bootstrapped_mean(
            np.ones(2), confidence=0.9, n_resamples=0, generator=np.random.default_rng(0)
        )
    with pytest.raises(ValueError, match="finite values, got nan for neuron 0"):
        bootstrapped_mean(
            np.array([np.nan]), confidence=0.9, n_resamples=1, generator=np.random.default_rng(0)
        )
