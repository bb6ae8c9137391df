"""A method's figures on a target: by hand, by loops, and where there is little to compare."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.coverage import CoverageCurve, coverage_curve
from sieve_assets.method.method_comparison import (
    Names,
    at_equal_coverage,
    chosen_names,
    figures_of,
    one_a_neuron,
    verified_curve,
)

KINDS = (np.int64, np.int64, np.float64, np.float64, np.float64, np.bool_)


def names_of(rows):
    """Of rows (neuron, place, AR, AR to decide, AR to report, verified)."""
    columns = list(zip(*rows, strict=True)) or [[]] * len(KINDS)
    return Names(*(np.array(one, dtype=kind) for one, kind in zip(columns, KINDS, strict=True)))


def figured(rows, n_neurons=8, n_resamples=50, confidence=0.9):
    return figures_of(
        names_of(rows),
        n_neurons=n_neurons,
        confidence=confidence,
        n_resamples=n_resamples,
        generator=np.random.default_rng(0),
    )


BY_HAND = [
    (5, 0, 0.2, 0.0, 0.4, False),
    (5, 1, 0.9, 1.0, 0.8, True),
    (2, 0, 0.6, 0.8, 0.4, True),
    (2, 1, 0.8, 0.6, 1.0, True),
    (7, 0, 0.4, 0.2, 0.6, False),
]


def test_figures_that_one_can_work_out():
    found = figured(BY_HAND, n_neurons=4)
    # First names: .6, .2 and .4, whose mean .4 keeps .6 and .4.
    assert found.first[:2] == (3, 0.75)
    assert found.first.mean.mean == pytest.approx(0.4)
    assert found.kept[:2] == (2, 0.5)
    assert found.kept.mean.mean == pytest.approx(0.5)
    # Verified: of neuron 2 the one that decides at .8, of neuron 5 the second; .4 and .8.
    assert found.verified[:2] == (2, 0.5)
    assert found.verified.mean.mean == pytest.approx(0.6)
    # Chosen by what decides: neuron 5 (1.0 -> .8), neuron 2 (.8 -> .4), neuron 7 (.2 -> .6).
    assert found.curve.coverage.tolist() == [0.25, 0.5, 0.75]
    np.testing.assert_allclose(found.curve.mean_ar, [0.8, 0.6, 0.6])


def test_the_names_that_count_are_told_by_position():
    found = chosen_names(names_of(BY_HAND))
    assert [one.tolist() for one in found] == [[2, 0, 4], [2, 4], [2, 1]]
    nobody = chosen_names(names_of([(5, 0, 0.2, 0.0, 0.4, False)]))
    assert [one.tolist() for one in nobody] == [[0], [0], []]


def test_the_curve_of_verified_names_leaves_the_other_neurons_out():
    found = verified_curve(names_of(BY_HAND), n_neurons=4)
    assert found.coverage.tolist() == [0.25, 0.5]
    np.testing.assert_allclose(found.mean_ar, [0.8, 0.6])


def best(rows, key):
    """Each neuron's row with the largest key, by neuron; of equal ones that of lower place."""
    chosen = {}
    for row in sorted(rows, key=lambda row: row[:2]):
        if row[0] not in chosen or key(row) > key(chosen[row[0]]):
            chosen[row[0]] = row
    return [chosen[neuron] for neuron in sorted(chosen)]


def mean(values):
    return math.fsum(values) / len(values) if values else math.nan


def curve_by_loops(rows, n_neurons):
    """Rows of equal trust share their mean."""
    gains = [
        mean([other[4] for other in rows if other[3] == row[3]])
        for row in sorted(rows, key=lambda row: -row[3])
    ]
    return [((count + 1) / n_neurons, mean(gains[: count + 1])) for count in range(len(gains))]


SHARES = st.integers(0, 5).map(lambda fifths: fifths / 5)
NAMES = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 5), SHARES, SHARES, SHARES, st.booleans()),
    min_size=1,
    max_size=14,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=60, deadline=None)
@given(rows=NAMES)
def test_agrees_with_loops_over_the_definitions(rows):
    found = figured(rows, n_neurons=5, n_resamples=2)
    first = best(rows, lambda row: -row[1])
    line = mean([row[2] for row in first]) - 1e-12
    expected = [
        [row[2] for row in first],
        [row[2] for row in first if row[2] >= line],
        [row[4] for row in best([row for row in rows if row[5]], lambda row: row[3])],
    ]
    for rates, values in zip(found[:3], expected, strict=True):
        assert rates.n_named == len(values)
        assert rates.coverage == pytest.approx(len(values) / 5)
        assert rates.mean.mean == pytest.approx(mean(values), nan_ok=True)
    verified = [row for row in rows if row[5]]
    for curve, some in (
        (found.curve, rows),
        (verified_curve(names_of(rows), n_neurons=5), verified),
    ):
        points = curve_by_loops(best(some, lambda row: row[3]), 5)
        np.testing.assert_allclose(np.array(list(zip(*curve, strict=True))), np.array(points))


def test_the_interval_is_that_of_means_over_resampled_neurons():
    generator = np.random.default_rng(1)
    rows = [(neuron, 0, rate, 0.0, 0.0, False) for neuron, rate in enumerate(generator.random(12))]
    found = figured(rows, n_neurons=12, n_resamples=5000).first.mean
    rates = [row[2] for row in rows]
    means = [mean([rates[one] for one in generator.integers(0, 12, 12)]) for _ in range(5000)]
    assert (found.low, found.high) == pytest.approx(np.percentile(means, [5, 95]), abs=0.02)


def test_the_order_of_names_makes_no_difference_even_where_they_tie():
    generator = np.random.default_rng(2)
    rows = [
        (neuron, place, *(generator.integers(0, 3, 3) / 2).tolist(), bool(generator.random() < 0.5))
        for neuron in range(6)
        for place in range(4)
    ]
    shuffled = [rows[one] for one in generator.permutation(len(rows))]
    before, after = figured(rows), figured(shuffled)
    assert before[:3] == after[:3]
    curves = [(before.curve, after.curve)]
    curves += [tuple(verified_curve(names_of(some), n_neurons=6) for some in (rows, shuffled))]
    for one, other in curves:
        np.testing.assert_array_equal(one.coverage, other.coverage)
        np.testing.assert_array_equal(one.mean_ar, other.mean_ar)


def test_of_names_that_decide_alike_the_methods_first_is_chosen_wherever_it_stands():
    rows = [(0, 1, 0.5, 0.5, 1.0, True), (0, 0, 0.5, 0.5, 0.25, True)]
    found = figured(rows)
    assert found.verified.mean.mean == 0.25
    assert found.curve.mean_ar.tolist() == [0.25]
    assert verified_curve(names_of(rows), n_neurons=1).mean_ar.tolist() == [0.25]


def test_other_numbers_of_neurons_and_places_with_gaps_change_nothing():
    moved = [(10 * row[0] + 3, 2 * row[1] + 5, *row[2:]) for row in BY_HAND]
    assert figured(moved)[:3] == figured(BY_HAND)[:3]


def test_equal_rates_are_all_kept_although_their_mean_rounds_above_them():
    assert np.full(3, 0.1).mean() > 0.1
    found = figured([(neuron, 0, 0.1, 0.0, 0.0, False) for neuron in range(3)])
    assert found.kept.n_named == 3
    assert found.kept.mean == pytest.approx((0.1, 0.1, 0.1))


def test_a_single_name_has_itself_as_mean_and_interval():
    found = figured([(3, 2, 0.6, 0.4, 0.8, True)], n_neurons=1)
    assert found.first == found.kept == (1, 1.0, (0.6, 0.6, 0.6))
    assert found.verified == (1, 1.0, (0.8, 0.8, 0.8))
    assert (found.curve.coverage.tolist(), found.curve.mean_ar.tolist()) == ([1.0], [0.8])


def test_without_a_verified_name_its_share_is_0_and_its_mean_is_not_known():
    rows = [(*row[:5], False) for row in BY_HAND]
    found = figured(rows).verified
    assert found[:2] == (0, 0.0)
    assert all(math.isnan(one) for one in found.mean)
    assert len(verified_curve(names_of(rows), n_neurons=4).coverage) == 0
    assert len(verified_curve(names_of([]), n_neurons=0).coverage) == 0


def test_one_a_neuron_takes_the_most_preferred_that_is_allowed():
    neuron = np.array([4, 1, 4, 1, 4, 9])
    preference = np.array([0.5, 0.2, 0.9, 0.2, 0.9, 1.0])
    everything = np.ones(6, dtype=bool)
    assert one_a_neuron(neuron, preference, everything).tolist() == [1, 2, 5]
    some = np.array([True, False, False, True, True, False])
    assert one_a_neuron(neuron, preference, some).tolist() == [3, 4]
    assert one_a_neuron(neuron, preference, ~everything).tolist() == []


def test_one_a_neuron_agrees_with_a_loop_and_prefers_anything_to_nan():
    generator = np.random.default_rng(3)
    neuron, allowed = generator.integers(0, 9, 60), generator.random(60) < 0.7
    preference = generator.choice([math.nan, -math.inf, 0.0, 1.0], 60)
    expected = {}
    for place in np.flatnonzero(allowed).tolist():
        one, known = int(neuron[place]), expected.get(int(neuron[place]))
        better = known is None or (
            not math.isnan(preference[place])
            and (math.isnan(preference[known]) or preference[place] > preference[known])
        )
        expected[one] = place if better else known
    found = one_a_neuron(neuron, preference, allowed)
    assert found.tolist() == [expected[one] for one in sorted(expected)]


def test_at_equal_coverage_both_are_read_where_the_shorter_curve_ends():
    one = coverage_curve(np.array([1.0, 0.5, 0.0]), np.array([3.0, 2.0, 1.0]), n_neurons=6)
    other = coverage_curve(np.array([0.75, 0.25]), np.array([2.0, 1.0]), n_neurons=6)
    assert at_equal_coverage(one, other) == pytest.approx((1 / 3, 0.75, 0.5))
    assert at_equal_coverage(other, one) == pytest.approx((1 / 3, 0.5, 0.75))
    assert at_equal_coverage(one, one) == pytest.approx((0.5, 0.5, 0.5))


def test_at_equal_coverage_both_name_the_same_number_of_neurons_whatever_the_share_rounds_to():
    for n_neurons in (3, 7, 49, 2048):
        rates = np.linspace(1, 0, n_neurons)
        longer = coverage_curve(rates, rates, n_neurons=n_neurons)
        for count in range(1, min(n_neurons, 60)):
            shorter = CoverageCurve(longer.coverage[:count], np.zeros(count))
            found = at_equal_coverage(longer, shorter)
            assert found == pytest.approx((count / n_neurons, rates[:count].mean(), 0.0))


def test_a_method_without_names_compares_with_none():
    one = coverage_curve(np.ones(2), np.ones(2), n_neurons=2)
    none = coverage_curve(np.zeros(0), np.zeros(0), n_neurons=2)
    for pair in ((one, none), (none, one), (none, none)):
        found = at_equal_coverage(*pair)
        assert found.coverage == 0.0
        assert math.isnan(found.mean)
        assert math.isnan(found.other)


def test_inputs_are_unchanged():
    names = names_of(BY_HAND)
    curve = verified_curve(names, n_neurons=4)
    given_before = [part.copy() for part in (*names, *curve)]
    how = {"confidence": 0.9, "n_resamples": 5, "generator": np.random.default_rng(0)}
    figures_of(names, n_neurons=4, **how)
    one_a_neuron(names.neuron, names.decided, names.is_verified)
    at_equal_coverage(curve, curve)
    for before, after in zip(given_before, (*names, *curve), strict=True):
        np.testing.assert_array_equal(before, after)


def test_no_name_too_few_neurons_and_impossible_settings_are_refused():
    with pytest.raises(ValueError, match=r"^figures_of: .* at least one of the names, got none"):
        figured([])
    with pytest.raises(ValueError, match=r"^figures_of: expected n_neurons of at least 3, got 2\."):
        figured(BY_HAND, n_neurons=2)
    with pytest.raises(ValueError, match=r"^verified_curve: expected n_neurons of at least 3"):
        verified_curve(names_of(BY_HAND), n_neurons=0)
    with pytest.raises(ValueError, match="expected confidence between 0 and 1, got 95"):
        figured(BY_HAND, confidence=95.0)
    with pytest.raises(ValueError, match="expected n_resamples of at least 1, got 0"):
        figured(BY_HAND, n_resamples=0)


@pytest.mark.parametrize(("column", "what"), [(2, "rate"), (3, "decided"), (4, "reported")])
def test_a_rate_that_is_not_finite_is_refused_though_no_figure_would_use_it(column, what):
    worst = [5, 9, 0.0, 0.0, 0.0, False]
    worst[column] = math.nan
    message = f"expected finite values of {what}, got nan for name 5. Leave out names"
    with pytest.raises(ValueError, match=f"^figures_of: {message}"):
        figured([*BY_HAND, tuple(worst)])
    with pytest.raises(ValueError, match=f"^verified_curve: {message}"):
        verified_curve(names_of([*BY_HAND, tuple(worst)]), n_neurons=4)


def test_an_activation_rate_in_percent_is_refused():
    with pytest.raises(ValueError, match="expected rates between 0 and 1, got 60"):
        figured([(0, 0, 60.0, 0.5, 0.5, True)])


def test_sizes_that_differ_are_refused(unchecked):
    names = names_of(BY_HAND)
    names = names._replace(rate=names.rate[1:])
    how = {"confidence": 0.9, "n_resamples": 5, "generator": np.random.default_rng(0)}
    with pytest.raises(ValueError, match=r"^figures_of: .*got 5 in neuron, 5 in place, 4 in rate"):
        unchecked(figures_of)(names, n_neurons=4, **how)
    with pytest.raises(ValueError, match=r"^verified_curve: .* 4 in rate"):
        unchecked(verified_curve)(names, n_neurons=4)
    with pytest.raises(ValueError, match="got 5 in neuron, 4 in preference, 5 in is_allowed"):
        unchecked(one_a_neuron)(names.neuron, names.rate, names.is_verified)
