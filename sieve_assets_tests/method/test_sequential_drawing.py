"""Looks at few pictures first: who stops when, and how often that errs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from sieve_assets.method import verdicts as of_verdicts
from sieve_assets.method.activation_rates import Interval, wilson_interval
from sieve_assets.method.sequential_drawing import (
    is_undecided,
    pictures_needed,
    shared_confidence,
)

LOOKS = [8, 16, 24]


def look_at(fires, confidence):
    """A look at what is known of every picture beforehand."""

    def look(rows, number):
        return wilson_interval(fires[rows, :number].sum(axis=1), number, confidence=confidence)

    return look


def needed_one_by_one(fires, looks, line, confidence):
    """For one hypothesis, picture by picture, with scipy's interval."""
    for number in looks:
        n_active = sum(bool(fire) for fire in fires[:number])
        found = binomtest(n_active, number).proportion_ci(confidence, method="wilson")
        if number == looks[-1] or not found.low < line <= found.high:
            return number, found.low <= line <= found.high
    raise AssertionError


def chance_of_error(rate, looks, confidence):
    """The chance that an interval of some look leaves out the true rate, by all ways there."""
    ways, before, error = {0: 1.0}, 0, 0.0
    for number in looks:
        after = {}
        for n_active, chance in ways.items():
            for more in range(number - before + 1):
                share = math.comb(number - before, more) * rate**more
                share *= (1 - rate) ** (number - before - more)
                after[n_active + more] = after.get(n_active + more, 0.0) + chance * share
        ways, before = {}, number
        for n_active, chance in after.items():
            found = binomtest(n_active, number).proportion_ci(confidence, method="wilson")
            if found.low <= rate <= found.high:
                ways[n_active] = chance
            else:
                error += chance
    return error


def test_one_look_has_the_whole_level_and_three_a_third_each():
    assert shared_confidence(0.95, n_looks=1) == 0.95
    assert shared_confidence(0.94, n_looks=3) == pytest.approx(0.98)


def test_what_is_clear_stops_and_what_is_not_goes_on_to_the_last_look():
    fires = np.zeros((3, 24), dtype=bool)
    fires[0] = True
    fires[1, ::2] = True
    fires[2, :8:2] = True
    confidence = shared_confidence(0.95, n_looks=3)
    needed = pictures_needed(look_at(fires, confidence), 3, looks=LOOKS, line=0.5)
    assert needed.tolist() == [8, 24, 24]


@given(st.integers(0, 10_000), st.sampled_from([[8, 16, 24], [12, 24], [2, 4, 20], [6]]))
def test_numbers_are_those_of_a_slow_walk_through_each_hypothesis(seed, looks):
    generator = np.random.default_rng(seed)
    fires = generator.random((12, looks[-1])) < generator.random((12, 1))
    line = float(generator.choice([0.3, 0.5, 0.75]))
    confidence = shared_confidence(0.9, n_looks=len(looks))
    needed = pictures_needed(look_at(fires, confidence), 12, looks=looks, line=line)
    assert needed.tolist() == [needed_one_by_one(one, looks, line, confidence)[0] for one in fires]


def test_who_else_is_looked_at_makes_no_difference_and_nobody_is_looked_at_in_vain():
    fires = np.random.default_rng(0).random((20, 24)) < np.linspace(0, 1, 20)[:, None]
    asked, look = [], look_at(fires, 0.98)

    def watched(rows, number):
        asked.append((number, rows.tolist()))
        return look(rows, number)

    needed = pictures_needed(watched, 20, looks=LOOKS, line=0.5)
    alone = [
        pictures_needed(look_at(fires[[row]], 0.98), 1, looks=LOOKS, line=0.5)[0]
        for row in range(20)
    ]
    assert needed.tolist() == alone
    assert asked == [(8, list(range(20))), (16, np.flatnonzero(needed > 8).tolist())]


@pytest.mark.parametrize("rate", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("looks", [[8, 16, 24], [12, 24], [10, 20, 30, 40, 50]])
def test_a_true_rate_on_the_line_is_left_out_no_more_often_than_by_one_look(rate, looks):
    confidence = shared_confidence(0.95, n_looks=len(looks))
    n_tries = 4000
    fires = np.random.default_rng(1).random((n_tries, looks[-1])) < rate
    needed = pictures_needed(look_at(fires, confidence), n_tries, looks=looks, line=rate)
    n_active = np.array([one[:number].sum() for one, number in zip(fires, needed, strict=True)])
    is_wrong = np.zeros(n_tries, dtype=bool)
    for number in looks:
        found = wilson_interval(n_active[needed == number], number, confidence=confidence)
        is_wrong[needed == number] = (rate < found.low) | (rate > found.high)

    exact = chance_of_error(rate, looks, confidence)
    assert is_wrong.mean() == pytest.approx(exact, abs=4 * math.sqrt(0.05 * 0.95 / n_tries))
    # Counts are whole: one look at 24 pictures leaves out a rate of .5 in .064 of all cases.
    assert exact <= max(0.05, chance_of_error(rate, looks[-1:], 0.95))
    assert exact <= 0.06


def test_looks_without_a_shared_level_would_err_more_often():
    assert chance_of_error(0.5, [8, 16, 24, 32, 40], 0.95) > 0.1


@given(st.integers(0, 24), st.floats(0.01, 0.99))
def test_undecided_is_what_the_verdict_calls_ambiguous(n_active, line):
    found = wilson_interval(np.array([n_active]), 24, confidence=0.95)
    given_evidence = of_verdicts.Evidence(
        concept=["dog"],
        n_pictures=np.array([24]),
        word_rank=np.array([0]),
        rate=np.array([n_active / 24]),
        low=found.low,
        high=found.high,
        reported_rate=np.array([n_active / 24]),
        q_value=np.array([0.0]),
        score=np.array([1.0]),
        best_name=["dog"],
    )
    verdict = of_verdicts.verdicts(
        given_evidence, min_rate=line, n_best_words=5, min_score=0.5, max_q=1.0
    ).verdict
    assert is_undecided(*found, line=line).tolist() == [verdict == ["ambiguous"]]


def test_a_rate_of_the_line_itself_is_above_it():
    low, high = np.array([0.5, 0.4]), np.array([0.9, 0.5])
    assert is_undecided(low, high, line=0.5).tolist() == [False, True]


def test_without_hypotheses_nobody_looks():
    def look(_rows, _number):
        raise AssertionError

    assert len(pictures_needed(look, 0, looks=LOOKS, line=0.5)) == 0
    assert pictures_needed(look, 3, looks=[6], line=0.5).tolist() == [6, 6, 6]


@pytest.mark.parametrize("looks", [[], [8, 8], [16, 8], [0, 8]])
def test_looks_that_do_not_rise_are_refused(looks):
    with pytest.raises(ValueError, match="expected rising numbers of pictures"):
        pictures_needed(lambda rows, _: Interval(rows, rows), 2, looks=looks, line=0.5)


def test_a_confidence_out_of_range_and_no_look_are_refused():
    with pytest.raises(ValueError, match="expected confidence between 0 and 1"):
        shared_confidence(1.0, n_looks=2)
    with pytest.raises(ValueError, match="n_looks"):
        shared_confidence(0.95, n_looks=0)
