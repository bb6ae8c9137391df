"""Scores against the truth: by hand, pair by pair, against scikit-learn, and nothing to tell."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from sieve_assets.method.score_truth import auroc, truth_of


def area(scores, is_true, neuron=None, confidence=0.9, n_resamples=20, seed=0):
    return auroc(
        np.array(scores, dtype=np.float64),
        np.array(is_true, dtype=bool),
        np.arange(len(scores)) if neuron is None else np.array(neuron),
        confidence=confidence,
        n_resamples=n_resamples,
        generator=np.random.default_rng(seed),
    )


def truth(named, is_true, nameable):
    return truth_of(
        np.array(named, dtype=np.int64),
        np.array(is_true, dtype=bool),
        np.array(nameable, dtype=np.int64),
    )


def pair_by_pair(scores, is_true):
    """Share of pairs of a true and another name that the scores order; nan is below all."""
    ordered = [(-math.inf, 0) if math.isnan(one) else (one, 1) for one in scores]
    trues = [one for one, right in zip(ordered, is_true, strict=True) if right]
    others = [one for one, right in zip(ordered, is_true, strict=True) if not right]
    wins = [(one > other) + (one == other) / 2 for one in trues for other in others]
    return sum(wins) / len(wins) if wins else math.nan


def test_an_area_that_one_can_work_out():
    # .9 is above both others, .5 is above .1 and as high as .5: 3.5 of 4 pairs
    assert area([0.9, 0.5, 0.5, 0.1], [True, True, False, False]).value == 3.5 / 4
    assert area([3.0, 2.0, 1.0], [True, False, False]).value == 1.0
    assert area([3.0, 2.0, 1.0], [False, False, True]).value == 0.0


def test_a_score_that_is_not_known_is_below_the_lowest_and_ties_with_its_like():
    assert area([-math.inf, math.nan], [True, False]).value == 1.0
    assert area([-5.0, math.nan], [False, True]).value == 0.0
    assert area([math.nan, math.nan, 1.0], [True, False, False]).value == 0.25
    assert area([math.nan, math.nan], [True, False]).value == 0.5


SCORED = st.lists(
    st.tuples(
        st.sampled_from([math.nan, -math.inf, -1.0, 0.0, 0.5, math.inf]),
        st.booleans(),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=15,
)


@settings(max_examples=80, deadline=None)
@given(rows=SCORED)
def test_agrees_with_every_pair_of_a_true_and_another_name(rows):
    scores, is_true, neuron = zip(*rows, strict=True)
    found = area(scores, is_true, neuron, n_resamples=3)
    assert found.value == pytest.approx(pair_by_pair(scores, is_true), nan_ok=True)


def test_agrees_with_scikit_learn():
    generator = np.random.default_rng(1)
    scores, is_true = generator.random(300).round(1), generator.random(300) < 0.3
    found = area(scores, is_true)
    assert found.value == pytest.approx(roc_auc_score(is_true, scores), abs=1e-12)


def made_up(n_neurons=12, seed=2):
    generator = np.random.default_rng(seed)
    neuron = np.repeat(np.arange(n_neurons), generator.integers(1, 5, n_neurons))
    is_true = generator.random(len(neuron)) < 0.4
    return (generator.normal(size=len(neuron)) + is_true).round(1), is_true, neuron


def test_the_interval_is_that_of_neurons_drawn_with_all_their_names():
    scores, is_true, neuron = made_up()
    found = area(scores, is_true, neuron, n_resamples=4000, confidence=0.8)
    generator = np.random.default_rng(3)
    areas = []
    for _ in range(1500):
        rows = [
            row
            for one in generator.integers(0, 12, 12)
            for row in np.flatnonzero(neuron == one).tolist()
        ]
        if 0 < is_true[rows].sum() < len(rows):
            areas.append(roc_auc_score(is_true[rows], scores[rows]))
    assert (found.low, found.high) == pytest.approx(np.percentile(areas, [10, 90]), abs=0.025)


def test_names_of_one_neuron_count_as_one_and_not_as_many():
    scores, is_true, neuron = made_up()
    once = area(scores, is_true, neuron, n_resamples=100)
    # Ten copies of each name tell nothing new.
    scores, is_true, neuron = (np.repeat(one, 10) for one in (scores, is_true, neuron))
    many = area(scores, is_true, neuron, n_resamples=100)
    assert many == pytest.approx(once)


def test_a_wider_confidence_has_a_wider_interval_up_to_all_draws():
    rows = made_up()
    narrow, wide, all_draws, none = (
        area(*rows, n_resamples=200, confidence=one) for one in (0.5, 0.95, 1.0, 0.0)
    )
    assert all_draws.low <= wide.low < narrow.low < none.low == none.high
    assert none.high < narrow.high < wide.high <= all_draws.high


def test_order_scale_and_the_neurons_numbers_make_no_difference():
    scores, is_true, neuron = made_up()
    before = area(scores, is_true, neuron)
    order = np.random.default_rng(4).permutation(len(scores))
    after = area(np.exp(scores[order]) * 7 - 3, is_true[order], neuron[order] * 5 - 100)
    assert after == before
    mirrored = area(-scores, ~is_true, neuron)
    assert mirrored == pytest.approx(before)


def test_half_precision_scores_are_taken_as_they_are():
    generator = {"generator": np.random.default_rng(0)}
    scores = np.array([0.25, 0.5, 0.75], dtype=np.float16)
    found = auroc(
        scores, np.array([0, 1, 1], bool), np.arange(3), confidence=0.9, n_resamples=5, **generator
    )
    assert found.value == 1.0


def test_where_all_names_are_true_or_none_is_there_is_nothing_to_tell(recwarn):
    for scores, is_true in (
        ([], []),
        ([0.5], [True]),
        ([0.1, 0.2], [True, True]),
        ([0.1, 0.2], [False, False]),
    ):
        assert all(math.isnan(one) for one in area(scores, is_true))
    assert not recwarn.list


def test_draws_that_tell_nothing_are_left_out_of_the_interval():
    # Two neurons, one of them true: half of the draws hold only one of the two.
    found = area([1.0, 0.0], [True, False], n_resamples=50)
    assert found == (1.0, 1.0, 1.0)
    bounds = {area([1.0, 0.0], [True, False], n_resamples=1, seed=seed)[1:] for seed in range(20)}
    assert (1.0, 1.0) in bounds
    assert any(math.isnan(low) and math.isnan(high) for low, high in bounds)


def test_a_single_neuron_with_both_kinds_has_its_area_as_interval():
    assert area([0.9, 0.5, 0.7], [True, True, False], [6, 6, 6]) == (0.5, 0.5, 0.5)


def test_the_same_draws_give_the_same_interval():
    rows = made_up()
    assert area(*rows, seed=5) == area(*rows, seed=5)
    assert area(*rows, seed=5) != area(*rows, seed=6)


def test_precision_and_recall_that_one_can_work_out():
    # Neurons 3 and 8 are named rightly, 5 wrongly; 1 has a true name that was not found.
    assert truth([3, 5, 8], [True, False, True], [1, 3, 5, 8]) == (2 / 3, 0.5)


def test_precision_and_recall_agree_with_loops_in_any_order():
    generator = np.random.default_rng(7)
    for _ in range(30):
        nameable = np.flatnonzero(generator.random(20) < 0.6)
        named = generator.permutation(20)[: generator.integers(1, 20)]
        is_true = np.isin(named, nameable) & (generator.random(len(named)) < 0.5)
        right = {int(one) for one, is_right in zip(named, is_true, strict=True) if is_right}
        recall = sum(int(one) in right for one in nameable) / len(nameable)
        expected = pytest.approx((len(right) / len(named), recall))
        assert truth(named, is_true, nameable) == expected
        assert truth(named[::-1], is_true[::-1], nameable[::-1]) == expected


def test_all_true_none_true_and_a_single_name():
    assert truth([0, 1], [True, True], [0, 1]) == (1.0, 1.0)
    assert truth([0, 1], [False, False], [0, 1]) == (0.0, 0.0)
    assert truth([4], [True], [4, 6]) == (1.0, 0.5)


def test_a_neuron_listed_twice_among_the_nameable_counts_once():
    assert truth([4], [True], [4, 4, 6]) == (1.0, 0.5)


def test_without_names_or_nameable_neurons_a_share_is_not_known():
    precision, recall = truth([], [], [1])
    assert math.isnan(precision)
    assert recall == 0.0
    precision, recall = truth([1], [False], [])
    assert precision == 0.0
    assert math.isnan(recall)


def test_inputs_are_unchanged():
    scores, is_true, neuron = made_up()
    scores[0] = math.nan
    copies = scores.copy(), is_true.copy(), neuron.copy()
    how = {"confidence": 0.9, "n_resamples": 5, "generator": np.random.default_rng(0)}
    auroc(scores, is_true, neuron, **how)
    numbers = np.arange(len(neuron))[::-1].copy()
    truth_of(numbers, is_true, neuron)
    assert numbers.tolist() == list(range(len(neuron)))[::-1]
    for before, after in zip(copies, (scores, is_true, neuron), strict=True):
        np.testing.assert_array_equal(before, after)


def test_no_draw_and_an_impossible_confidence_are_refused():
    with pytest.raises(ValueError, match=r"^auroc: expected n_resamples of at least 1, got 0\."):
        area([1.0, 0.0], [True, False], n_resamples=0)
    for bad in (95.0, -0.1, math.nan):
        with pytest.raises(ValueError, match=r"^auroc: expected confidence between 0 and 1"):
            area([1.0, 0.0], [True, False], confidence=bad)


def test_two_names_of_a_neuron_are_refused():
    with pytest.raises(
        ValueError, match=r"expected one name a neuron, got 2 for neuron 7\. Choose"
    ):
        truth([3, 7, 7], [True, True, False], [3])


def test_sizes_that_differ_are_refused(unchecked):
    how = {"confidence": 0.9, "n_resamples": 5, "generator": np.random.default_rng(0)}
    with pytest.raises(ValueError, match="got 3 in scores, 2 in is_true, 3 in neuron"):
        unchecked(auroc)(np.zeros(3), np.ones(2, bool), np.arange(3), **how)
    with pytest.raises(ValueError, match=r"^truth_of: .*got 2 in named, 3 in is_true"):
        unchecked(truth_of)(np.arange(2), np.ones(3, bool), np.arange(2))
