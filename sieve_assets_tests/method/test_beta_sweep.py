"""SIEVE at a threshold: by hand, by loops, and where nothing is left."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from sieve_assets.method.beta_sweep import at_beta, mean_over_neurons
from sieve_assets.method.coverage import bootstrapped_mean
from sieve_assets.method.method_comparison import Names, figures_of

NAN, INF = math.nan, math.inf
HOW = {"confidence": 0.9, "n_resamples": 60}
RATIO = [3.0, 7.0, NAN, 12.0, INF, 10.0]
"""Neuron 2 is dead, neuron 4 sparse."""
ROWS = [
    (3, 0, 0.9, 0.8, 1.0, True, 1.0),
    (3, 1, 0.5, 0.4, 0.6, False, 0.0),
    (1, 0, 0.2, 0.4, 0.0, False, 1.0),
    (0, 0, 0.6, 0.6, 0.6, True, 0.0),
    (4, 1, 0.7, 1.0, 0.4, True, 0.0),
    (4, 0, 0.1, 0.0, 0.2, False, 0.0),
]
"""Neuron, place, AR, AR that decides, AR that is reported, verified, true."""


def names_of(rows):
    kinds = (np.int64, np.int64, np.float64, np.float64, np.float64, np.bool_, np.float64)
    columns = list(zip(*rows, strict=True)) or [[]] * len(kinds)
    *parts, is_true = (np.array(one, kind) for one, kind in zip(columns, kinds, strict=True))
    return Names(*parts), is_true


def swept(rows, beta, ratio=None):
    return at_beta(
        *names_of(rows),
        np.array(RATIO if ratio is None else ratio, dtype=np.float64),
        beta=beta,
        generator=np.random.default_rng(3),
        **HOW,
    )


def test_figures_that_one_can_work_out():
    found = swept(ROWS, 10.0)

    # Above 10, strictly: neurons 3 and 4 of six; their names' AR .9, .5, .7 and .1, mean .55.
    assert (found.n_selected, found.coverage) == (2, pytest.approx(1 / 3))
    assert found.names.n_names == 4
    assert found.names.mean.mean == pytest.approx(0.55)
    assert found.names.true_share == 0.25
    assert found.kept.n_names == 2
    assert found.kept.mean.mean == pytest.approx(0.8)
    assert found.kept.true_share == 0.5
    # First names .9 and .1: the filter keeps .9. Verified: 1.0 and .4, one of them true.
    assert found.figures.first.mean.mean == pytest.approx(0.5)
    assert found.figures.kept.mean.mean == pytest.approx(0.9)
    assert found.figures.verified[:2] == (2, pytest.approx(1 / 3))
    assert found.figures.verified.mean.mean == pytest.approx(0.7)
    assert found.true_verified == 0.5


@dataclass
class Slow:
    """The same by loops over rows."""

    rows: list

    def mean(self):
        return math.fsum(row[2] for row in self.rows) / len(self.rows)

    def kept(self):
        return Slow([row for row in self.rows if row[2] >= self.mean() - 1e-12])

    def true_share(self):
        return math.fsum(row[6] for row in self.rows) / len(self.rows)


def random_rows(seed, n_neurons=30):
    draw = np.random.default_rng(seed)
    rows = []
    for neuron in range(n_neurons):
        for place in range(draw.integers(4)):
            *rates, one, other = (draw.integers(11, size=5) / 10).tolist()
            rows.append((neuron, place, *rates, one > 0.5, float(other > 0.4)))
    ratio = np.where(draw.random(n_neurons) < 0.1, NAN, draw.gamma(2.0, 5.0, n_neurons))
    return [rows[place] for place in draw.permutation(len(rows))], ratio


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("beta", [0.1, 6.0, 12.0])
def test_means_and_shares_are_those_of_loops(seed, beta):
    rows, ratio = random_rows(seed)
    slow = Slow([row for row in rows if ratio[row[0]] > beta])

    found = swept(rows, beta, ratio)

    assert found.n_selected == sum(one > beta for one in ratio)
    for some, expected in ((found.names, slow), (found.kept, slow.kept())):
        assert some.n_names == len(expected.rows)
        assert some.mean.mean == pytest.approx(expected.mean())
        assert some.true_share == pytest.approx(expected.true_share())
        assert some.mean.low <= some.mean.mean <= some.mean.high
    only = names_of(slow.rows)[0]
    generator = np.random.default_rng(3)
    assert str(found.figures) == str(figures_of(only, n_neurons=30, generator=generator, **HOW))


def test_the_order_of_names_makes_no_difference_and_inputs_stay():
    rows, ratio = random_rows(5)
    names, is_true = names_of(rows)
    before = [part.copy() for part in (*names, is_true, ratio)]
    found = at_beta(names, is_true, ratio, beta=5.0, generator=np.random.default_rng(3), **HOW)
    for part, was in zip((*names, is_true, ratio), before, strict=True):
        np.testing.assert_array_equal(part, was)
    other = swept(rows[::-1], 5.0, ratio)
    for some, same in ((found.names, other.names), (found.kept, other.kept)):
        assert some.n_names == same.n_names
        np.testing.assert_allclose(some.mean, same.mean)


def test_a_higher_threshold_selects_no_more():
    rows, ratio = random_rows(6)
    found = [swept(rows, beta, ratio) for beta in (2.0, 4.0, 8.0, 16.0)]
    for lower, higher in pairwise(found):
        assert higher.n_selected <= lower.n_selected
        assert higher.names.n_names <= lower.names.n_names


@pytest.mark.parametrize(("rows", "n_selected"), [(ROWS, 1), ([], 1), (ROWS[:3], 1)])
def test_without_a_name_left_there_is_no_mean(rows, n_selected):
    """Only the sparse neuron is above any finite threshold."""
    rows = [row for row in rows if row[0] != 4]
    found = swept(rows, 1e30)

    assert (found.n_selected, found.names.n_names, found.kept.n_names) == (n_selected, 0, 0)
    assert found.figures is None
    assert np.isnan([*found.names.mean, *found.kept.mean, found.true_verified]).all()


def test_unknown_truth_is_unknown():
    rows = [(*row[:6], NAN) for row in ROWS]
    found = swept(rows, 5.0)
    assert np.isnan([found.names.true_share, found.kept.true_share, found.true_verified]).all()
    assert found.names.mean.mean == pytest.approx(swept(ROWS, 5.0).names.mean.mean)


def test_what_does_not_fit_is_refused():
    names, is_true = names_of(ROWS)
    how = HOW | {"beta": 5.0, "generator": np.random.default_rng(0)}
    ratio = np.array(RATIO)
    with pytest.raises(ValueError, match="expected neurons below 4, got a name of neuron 4"):
        at_beta(names, is_true, ratio[:4], **how)
    with pytest.raises(ValueError, match="at_beta: expected"):
        at_beta(names, is_true[:-1], ratio, **how)
    wrong = names._replace(rate=names.rate + 1)
    with pytest.raises(ValueError, match="rates between 0 and 1"):
        at_beta(wrong, is_true, ratio, **how)


def means(values, neuron, **changes):
    how = {"confidence": 0.9, "n_resamples": 300} | changes
    return mean_over_neurons(
        np.array(values, dtype=np.float64),
        np.array(neuron, dtype=np.int64),
        generator=np.random.default_rng(1),
        **how,
    )


def test_the_interval_is_that_of_neurons_drawn_with_all_their_names():
    values, neuron = [0.1, 0.5, 0.9, 0.3, 0.2], [4, 4, 9, 2, 2]
    by_neuron = {2: [0.3, 0.2], 4: [0.1, 0.5], 9: [0.9]}
    draws, generator = [], np.random.default_rng(1)
    for _ in range(300):
        drawn = [sorted(by_neuron)[one] for one in generator.integers(3, size=3)]
        together = [value for one in drawn for value in by_neuron[one]]
        draws.append(sum(together) / len(together))

    found = means(values, neuron)

    assert found.mean == pytest.approx(0.4)
    assert found.low == pytest.approx(np.quantile(draws, 0.05))
    assert found.high == pytest.approx(np.quantile(draws, 0.95))


def test_with_one_name_a_neuron_it_is_the_usual_bootstrap():
    values = np.random.default_rng(2).random(40)
    usual = bootstrapped_mean(
        values, confidence=0.9, n_resamples=4000, generator=np.random.default_rng(1)
    )
    found = means(values, range(40), n_resamples=4000)
    np.testing.assert_allclose(found, usual, atol=0.01)


def test_names_that_say_the_same_narrow_nothing():
    values = np.random.default_rng(2).random(20)
    once, thrice = means(values, range(20)), means(np.repeat(values, 3), np.repeat(range(20), 3))
    np.testing.assert_allclose(once, thrice)


def test_a_single_neuron_has_no_interval_and_no_name_no_mean():
    assert means([0.2, 0.4], [3, 3]) == pytest.approx((0.3, 0.3, 0.3))
    assert np.isnan(means([], [])).all()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"n_resamples": 0}, "n_resamples"),
        ({"confidence": 1.5}, "confidence"),
    ],
)
def test_draws_that_cannot_be_are_refused(changes, what):
    with pytest.raises(ValueError, match=what):
        means(**{"values": [0.1, 0.2], "neuron": [1, 2]} | changes)


def test_sizes_that_differ_are_refused(unchecked):
    how = HOW | {"generator": np.random.default_rng(0)}
    with pytest.raises(ValueError, match="got 3 in values, 2 in neuron"):
        unchecked(mean_over_neurons)(np.zeros(3), np.arange(2), **how)
