"""A hypothesis has to beat what other concepts' pictures do to the same neuron."""

import numpy as np
import pytest
from scipy import stats

from sieve_assets.method.null_rates import is_near, neuron_ranks, null_tests

NOTHING_OUT = np.zeros((1, 4), bool)


def made_up(n_hypotheses=6, n_reference=30, seed=0):
    generator = np.random.default_rng(seed)
    rates = generator.integers(0, 11, n_hypotheses) / 10
    references = generator.integers(0, 11, (n_hypotheses, n_reference)) / 10
    return rates, references, generator.random((n_hypotheses, n_reference)) < 0.2


def test_one_that_one_can_work_out():
    found = null_tests(np.array([0.5]), np.array([[0.0, 0.5, 0.25, 1.0]]), NOTHING_OUT)
    assert found.n_reference.tolist() == [4]
    assert found.null_ar.tolist() == [0.4375]
    assert found.lift.tolist() == [0.0625]
    assert found.p_value.tolist() == [3 / 5]  # .5 and 1 are as high: (1 + 2) / (1 + 4)
    assert found.concept_rank.tolist() == [1]
    assert (found.best_reference.item(), found.best_reference_ar.item()) == (3, 1.0)


def test_agrees_with_the_definition_in_loops():
    rates, references, is_left_out = made_up()
    found = null_tests(rates, references, is_left_out)
    for row, rate in enumerate(rates):
        others = [
            (other, place)
            for place, other in enumerate(references[row])
            if not is_left_out[row, place]
        ]
        values = [other for other, _ in others]
        assert found.n_reference[row] == len(values)
        assert found.null_ar[row] == pytest.approx(sum(values) / len(values))
        assert found.lift[row] == pytest.approx(rate - sum(values) / len(values))
        n_as_high = sum(value >= rate for value in values)
        assert found.p_value[row] == pytest.approx((1 + n_as_high) / (1 + len(values)))
        assert found.concept_rank[row] == sum(value > rate for value in values)
        assert references[row, found.best_reference[row]] == max(values)
        assert found.best_reference_ar[row] == max(values)
        assert not is_left_out[row, found.best_reference[row]]


def test_what_is_left_out_makes_no_difference():
    rates, references, is_left_out = made_up()
    before = null_tests(rates, references, is_left_out)
    for value in (0.0, 1.0):
        after = null_tests(rates, np.where(is_left_out, value, references), is_left_out)
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)


def test_order_of_references_makes_no_difference():
    rates, references, is_left_out = made_up()
    order = np.random.default_rng(1).permutation(references.shape[1])
    before = null_tests(rates, references, is_left_out)
    after = null_tests(rates, references[:, order], is_left_out[:, order])
    for name in ("n_reference", "null_ar", "p_value", "concept_rank", "best_reference_ar"):
        np.testing.assert_allclose(getattr(before, name), getattr(after, name), atol=1e-12)


def test_without_references_nothing_is_significant():
    for references in (np.zeros((2, 0)), np.ones((2, 3))):
        everything = np.ones(references.shape, bool)
        found = null_tests(np.array([1.0, 0.0]), references, everything)
        assert found.p_value.tolist() == [1.0, 1.0]
        assert found.best_reference.tolist() == [-1, -1]
        assert np.isnan(found.null_ar).all()
        assert np.isnan(found.lift).all()
        assert np.isnan(found.best_reference_ar).all()


@pytest.mark.parametrize("n_pictures", [4, 24])
@pytest.mark.parametrize("n_reference", [19, 99])
def test_under_the_null_p_is_at_most_a_with_a_chance_of_at_most_a(n_pictures, n_reference):
    """Concepts differ in how often they fire; the hypothesis's is one like the others."""
    generator = np.random.default_rng(n_pictures + n_reference)
    n_hypotheses = 4000
    often = generator.beta(0.3, 1.5, (n_hypotheses, 1 + n_reference))
    rates = generator.binomial(n_pictures, often) / n_pictures
    out = np.zeros((n_hypotheses, n_reference), bool)
    p_value = null_tests(rates[:, 0], rates[:, 1:], out).p_value
    for level in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.9):
        n_below = int((p_value <= level).sum())
        tested = stats.binomtest(n_below, n_hypotheses, level, alternative="greater")
        assert tested.pvalue > 1e-4, f"{n_below} of {n_hypotheses} at {level}"


def test_near_concepts_are_those_whose_cosine_reaches_the_line():
    hypotheses = np.array([[1.0, 0.0], [0.6, 0.8]])
    references = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, -1.0]])
    # cosines: 1, .8, 0 and .6, .96, -.8
    assert is_near(hypotheses, references, most=0.9).tolist() == [
        [True, False, False],
        [False, True, False],
    ]


def test_rank_of_a_neuron_counts_those_that_fire_more_often():
    all_rates = np.array([[0.1, 0.5, 0.5, 0.9], [0.0, 0.0, 0.0, 0.0]])
    assert neuron_ranks(np.array([0.5, 0.0]), all_rates).tolist() == [1, 0]
    assert neuron_ranks(np.array([0.05, 1.0]), all_rates).tolist() == [4, 0]


def test_inputs_are_unchanged():
    rates, references, is_left_out = made_up()
    copies = rates.copy(), references.copy(), is_left_out.copy()
    null_tests(rates, references, is_left_out)
    for before, now in zip(copies, (rates, references, is_left_out), strict=True):
        np.testing.assert_array_equal(before, now)


def test_refuses_what_it_cannot_compare(unchecked):
    with pytest.raises(ValueError, match="as many in each of rates, references, left_out"):
        unchecked(null_tests)(np.zeros(2), np.zeros((1, 4)), NOTHING_OUT)
    with pytest.raises(ValueError, match="finite activation rates, got nan for hypothesis 0"):
        null_tests(np.array([np.nan]), np.zeros((1, 4)), NOTHING_OUT)
    with pytest.raises(ValueError, match="finite reference rates"):
        null_tests(np.zeros(1), np.full((1, 4), np.inf), NOTHING_OUT)
    with pytest.raises(ValueError, match="embeddings of reference concepts with norm 1"):
        is_near(np.eye(2), 2 * np.eye(2), most=0.9)
    with pytest.raises(ValueError, match="as many in each of rates, all_rates"):
        unchecked(neuron_ranks)(np.zeros(2), np.zeros((1, 4)))
