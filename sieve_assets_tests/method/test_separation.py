"""AUC and MAD of a neuron's activations on a concept's pictures against the probe images."""

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from sieve_assets.method.separation import separation


def made_up(n_hypotheses=5, seed=0):
    generator = np.random.default_rng(seed)
    shift = np.arange(n_hypotheses)[:, None] / 2
    pictures = (generator.standard_normal((n_hypotheses, 12)) + shift).round(1)
    probe = generator.standard_normal((n_hypotheses, 90)).round(1)
    return pictures.astype(np.float32), probe.astype(np.float32)


def test_one_that_one_can_work_out():
    found = separation(np.array([[1.0, 3.0]]), np.array([[0.0, 1.0, 2.0, 5.0]]))
    # 1 is above 0 and as high as 1: 1.5 of 4; 3 is above 3 of 4
    assert found.auc.tolist() == [(1.5 + 3) / 8]
    # mean 2, deviations -2 -1 0 3, variance 14 / 4
    assert found.mad.tolist() == [pytest.approx((2 - 2) / math.sqrt(3.5))]


def test_auc_is_that_of_scikit_learn_with_ties():
    pictures, probe = made_up()
    found = separation(pictures, probe)
    for row in range(len(pictures)):
        is_drawn = np.repeat([1, 0], [pictures.shape[1], probe.shape[1]])
        expected = roc_auc_score(is_drawn, np.concatenate([pictures[row], probe[row]]))
        assert found.auc[row] == pytest.approx(expected, abs=1e-12)


def test_mad_agrees_with_the_formula_in_loops():
    pictures, probe = made_up()
    found = separation(pictures, probe)
    for row in range(len(pictures)):
        drawn, seen = pictures[row].tolist(), probe[row].tolist()
        mean = sum(seen) / len(seen)
        spread = math.sqrt(sum((one - mean) ** 2 for one in seen) / len(seen))
        assert found.mad[row] == pytest.approx((sum(drawn) / len(drawn) - mean) / spread)


def test_another_scale_and_order_change_nothing():
    pictures, probe = made_up()
    before = separation(pictures, probe)
    after = separation(8 * pictures[:, ::-1], 8 * probe[:, ::-1])
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_a_neuron_that_never_changes_tells_nothing():
    found = separation(np.zeros((1, 3)), np.zeros((1, 5)))
    assert found.auc.tolist() == [0.5]
    assert np.isnan(found.mad).all()


def test_inputs_are_unchanged():
    pictures, probe = made_up()
    copies = pictures.copy(), probe.copy()
    separation(pictures, probe)
    np.testing.assert_array_equal(copies[0], pictures)
    np.testing.assert_array_equal(copies[1], probe)


def test_refuses_what_it_cannot_compare(unchecked):
    with pytest.raises(ValueError, match="at least one of the pictures, got none"):
        separation(np.zeros((1, 0)), np.zeros((1, 5)))
    with pytest.raises(ValueError, match="at least one of the probe images, got none"):
        separation(np.zeros((1, 3)), np.zeros((1, 0)))
    with pytest.raises(ValueError, match="finite activations on pictures, got nan"):
        separation(np.full((1, 3), np.nan), np.zeros((1, 5)))
    with pytest.raises(ValueError, match="as many in each of pictures, probe"):
        unchecked(separation)(np.zeros((2, 3)), np.zeros((1, 5)))
