"""The paper's filter keeps what reaches the mean, and its second mean is of what it kept."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.verified_concepts import verify

COUNTS = st.integers(1, 50).flatmap(
    lambda n: st.lists(st.integers(0, n), min_size=1, max_size=40).map(lambda ks: (ks, n))
)


def test_what_is_below_the_mean_is_discarded_and_the_mean_taken_again():
    result = verify(np.array([0.2, 0.9, 0.7, 0.2]))
    assert result.initial_mean_ar == pytest.approx(0.5)
    assert result.paper_kept.tolist() == [False, True, True, False]
    assert result.final_mean_ar == pytest.approx(0.8)


@settings(max_examples=100)
@given(counts=COUNTS)
def test_it_agrees_with_exact_fractions(counts):
    active, n_images = counts
    exact = [Fraction(k, n_images) for k in active]
    mean = sum(exact) / len(exact)
    kept = [rate >= mean for rate in exact]
    final = sum(r for r, k in zip(exact, kept, strict=True) if k) / sum(kept)
    result = verify(np.array(active) / n_images)
    assert result.paper_kept.tolist() == kept
    assert result.initial_mean_ar == pytest.approx(float(mean), abs=1e-15)
    assert result.final_mean_ar == pytest.approx(float(final), abs=1e-15)


@pytest.mark.parametrize("rate", [0.0, 0.1, 1 / 3, 0.7, 1.0])
@pytest.mark.parametrize("n_hypotheses", [1, 3, 7, 10, 49])
def test_equal_rates_are_all_kept_whatever_their_mean_rounds_to(rate, n_hypotheses):
    result = verify(np.full(n_hypotheses, rate))
    assert result.paper_kept.all()
    assert result.final_mean_ar == result.initial_mean_ar


def test_a_rate_equal_to_the_mean_is_kept():
    assert verify(np.array([0.2, 0.3, 0.4])).paper_kept.tolist() == [False, True, True]


def test_the_smallest_difference_that_counts_can_make_is_not_taken_for_equal():
    # One picture of 1,000 less than the rest, among 100,000 hypotheses.
    rates = np.full(100_000, 0.5)
    rates[0] = 0.501
    assert verify(rates).paper_kept.sum() == 1


def test_the_order_of_hypotheses_changes_nothing_to_the_last_bit():
    rates = np.random.default_rng(0).integers(0, 51, 200) / 50
    order = np.random.default_rng(1).permutation(200)
    before, after = verify(rates), verify(rates[order])
    assert after.paper_kept.tolist() == before.paper_kept[order].tolist()
    assert after.initial_mean_ar == before.initial_mean_ar
    assert after.final_mean_ar == before.final_mean_ar


def test_the_input_is_unchanged():
    rates = np.array([0.1, 0.9])
    verify(rates)
    assert rates.tolist() == [0.1, 0.9]


def test_no_hypotheses_are_refused():
    with pytest.raises(
        ValueError, match=r"^verify: expected at least one of the hypotheses, got no"
    ):
        verify(np.zeros(0))


@pytest.mark.parametrize("bad", [-0.1, 1.1])
def test_rates_that_are_no_shares_are_refused(bad):
    with pytest.raises(ValueError, match=rf"^verify: expected rates between 0 and 1, got {bad}\. "):
        verify(np.array([0.5, bad]))


def test_a_rate_that_is_not_finite_is_refused_with_its_hypothesis():
    with pytest.raises(
        ValueError, match=r"expected finite activation rates, got nan for hypothesis"
    ):
        verify(np.array([0.5, math.nan]))


@settings(max_examples=40)
@given(counts=COUNTS)
def test_what_is_kept_is_no_weaker_than_what_is_not_and_the_mean_never_falls(counts):
    rates = np.array(counts[0]) / counts[1]
    found = verify(rates)
    assert found.paper_kept.any()
    assert rates[found.paper_kept].min() >= max(rates[~found.paper_kept], default=0.0)
    assert rates.min() - 1e-12 <= found.initial_mean_ar <= found.final_mean_ar + 1e-12
    assert found.final_mean_ar <= rates.max() + 1e-12
