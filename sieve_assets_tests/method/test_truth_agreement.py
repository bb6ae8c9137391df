"""Verdicts against the truth: a case by hand, loops over the definitions, and nothing to judge."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.truth_agreement import is_first_name, kept_by_oracle, truth_agreement


def agreement_of(rows):
    """Of rows (neuron, AR, oracle AR, kept, true, first name)."""
    columns = list(zip(*rows, strict=True)) or [[]] * 6
    kinds = (np.int64, np.float64, np.float64, bool, bool, bool)
    neurons, rates, oracle, kept, true, first = (
        np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)
    )
    return truth_agreement(
        neurons, rates=rates, oracle_rates=oracle, paper_kept=kept, oracle_true=true, is_first=first
    )


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else math.nan


def constant_error(rates):
    rates = list(rates)
    return mean(abs(rate - statistics.median(rates)) for rate in rates) if rates else math.nan


def judged_by_loops(rows):
    """The same figures from their definitions, hypothesis by hypothesis."""
    named = [row for row in rows if not math.isnan(row[2])]
    graded = [row for row in named if 0.1 < row[2] < 0.9]
    counted = [0 if math.isnan(row[2]) else row[2] for row in rows]
    line = math.fsum(counted) / len(counted) - 1e-12
    keeps = [not math.isnan(row[2]) and row[2] >= line for row in rows]
    return {
        "n_neurons": len({row[0] for row in rows}),
        "n_hypotheses": len(rows),
        "n_nameless": len(rows) - len(named),
        "mean_ar": mean(row[1] for row in rows),
        "mean_oracle_ar": mean(counted),
        "mean_abs_ar_error": mean(abs(row[1] - row[2]) for row in named),
        "constant_error": constant_error(row[2] for row in named),
        "n_graded": len(graded),
        "mean_abs_ar_error_graded": mean(abs(row[1] - row[2]) for row in graded),
        "constant_error_graded": constant_error(row[2] for row in graded),
        "verified_precision": mean(k for k, row in zip(keeps, rows, strict=True) if row[3]),
        "verified_recall": mean(row[3] for k, row in zip(keeps, rows, strict=True) if k),
        "top1_precision": mean(row[4] for row in rows if row[5]),
        "kept_precision": mean(row[4] for row in rows if row[3]),
        "hypotheses_precision": mean(row[4] for row in rows),
    }


BY_HAND = [
    # neuron, AR, oracle AR, kept, true, first name
    (3, 1.0, 0.8, True, True, True),
    (3, 0.0, 0.0, False, False, False),
    (5, 0.5, math.nan, True, False, True),
    (5, 0.2, 0.4, False, True, False),
]


def test_a_case_by_hand():
    found = agreement_of(BY_HAND)
    # The oracle's mean is (.8 + 0 + 0 + .4) / 4 = .3: it keeps the first and the last.
    assert found._asdict() == pytest.approx(
        {
            "n_neurons": 2,
            "n_hypotheses": 4,
            "n_nameless": 1,
            "mean_ar": 0.425,
            "mean_oracle_ar": 0.3,
            "mean_abs_ar_error": 0.4 / 3,
            "constant_error": 0.8 / 3,
            "n_graded": 2,
            "mean_abs_ar_error_graded": 0.2,
            "constant_error_graded": 0.2,
            "verified_precision": 0.5,
            "verified_recall": 0.5,
            "top1_precision": 0.5,
            "kept_precision": 0.5,
            "hypotheses_precision": 0.5,
        }
    )


SHARES = st.integers(0, 10).map(lambda tenths: tenths / 10)
ROWS = st.tuples(
    st.integers(0, 3),
    SHARES,
    SHARES | st.just(math.nan),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=60)
@given(rows=st.lists(ROWS, min_size=1, max_size=12))
def test_it_agrees_with_loops_over_the_definitions(rows):
    assert agreement_of(rows)._asdict() == pytest.approx(judged_by_loops(rows), nan_ok=True)


def test_the_order_of_hypotheses_changes_nothing():
    assert agreement_of(BY_HAND[::-1]) == pytest.approx(agreement_of(BY_HAND))


def test_without_hypotheses_there_are_counts_and_nothing_else(recwarn):
    found = agreement_of([])._asdict()
    counts = {name: found.pop(name) for name in list(found) if name.startswith("n_")}
    assert set(counts.values()) == {0}
    assert all(math.isnan(value) for value in found.values())
    assert not recwarn.list


def test_words_that_all_name_nothing_are_never_right(recwarn):
    found = agreement_of(
        [(0, 1.0, math.nan, True, False, True), (1, 0.0, math.nan, False, *[0] * 2)]
    )
    assert (found.n_nameless, found.n_graded) == (2, 0)
    assert found.mean_oracle_ar == found.verified_precision == found.kept_precision == 0
    assert found.top1_precision == 0
    for value in (found.mean_abs_ar_error, found.constant_error, found.verified_recall):
        assert math.isnan(value)
    assert not recwarn.list


def test_graded_means_strictly_between(recwarn):
    found = agreement_of([(0, 0.5, oracle, True, True, True) for oracle in (0.1, 0.9, 0.0, 1.0)])
    assert found.n_graded == 0
    assert math.isnan(found.mean_abs_ar_error_graded)
    assert not recwarn.list


def test_a_word_that_names_nothing_lowers_the_mean_and_is_never_kept():
    assert kept_by_oracle(np.array([0.4, 0.6])).tolist() == [False, True]
    assert kept_by_oracle(np.array([0.4, 0.6, math.nan])).tolist() == [True, True, False]
    assert kept_by_oracle(np.array([0.0, math.nan])).tolist() == [True, False]
    assert kept_by_oracle(np.zeros(0)).tolist() == []


def test_the_first_name_is_the_best_of_the_largest_cluster_and_of_equals_of_the_first():
    # neuron, cluster, size, place
    rows = np.array(
        [
            (4, 0, 5, 0),
            (4, 0, 5, 1),
            (4, 1, 9, 1),
            (4, 1, 9, 0),  # of the largest
            (2, 2, 7, 0),
            (2, 1, 7, 0),  # as large, and before
            (2, 1, 7, 1),
        ]
    )
    found = is_first_name(*rows.T)
    assert np.flatnonzero(found).tolist() == [3, 5]
    order = np.random.default_rng(0).permutation(len(rows))
    assert is_first_name(*rows[order].T).tolist() == found[order].tolist()
    assert is_first_name(*rows[:0].T).tolist() == []


def test_the_inputs_are_unchanged():
    rates = np.array([0.2, math.nan])
    kept_by_oracle(rates)
    np.testing.assert_array_equal(rates, [0.2, math.nan])


def test_a_rate_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match=r"expected rates between 0 and 1, got 1\.5"):
        agreement_of([(0, 0.5, 1.5, True, True, True)])


def test_sizes_that_differ_are_refused(unchecked):
    one, two = np.zeros(1), np.zeros(2)
    with pytest.raises(ValueError, match=r"got 1 in neurons, 2 in rates, "):
        unchecked(truth_agreement)(
            one.astype(int),
            rates=two,
            oracle_rates=one,
            paper_kept=one > 0,
            oracle_true=one > 0,
            is_first=one > 0,
        )
