"""How well a neuron tells the images that show a concept from the others."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from sieve_assets.method.natural_scores import natural_scores


def made_up(n_hypotheses=6, n_images=80, seed=0):
    generator = np.random.default_rng(seed)
    is_shown = generator.random((n_hypotheses, n_images)) < 0.2
    activations = generator.random((n_hypotheses, n_images)) + is_shown * generator.random(
        (n_hypotheses, 1)
    )
    similarity = generator.random((n_hypotheses, n_images)) + is_shown
    return activations.round(2), np.full(n_hypotheses, 0.8), is_shown, similarity


def test_one_that_one_can_work_out():
    found = natural_scores(
        np.array([[4.0, 3.0, 2.0, 1.0]]),
        np.array([1.5]),
        np.array([[True, False, True, False]]),
        np.array([[1.0, 0.0, 1.0, 0.0]]),
    )
    assert found.n_shown.tolist() == [2]
    assert found.recall.tolist() == [1.0]
    assert found.precision.tolist() == [2 / 3]
    assert found.f1.tolist() == [0.8]
    assert found.correlation.tolist() == [pytest.approx(1 / math.sqrt(5))]


def test_agrees_with_the_definitions():
    activations, thresholds, is_shown, similarity = made_up()
    found = natural_scores(activations, thresholds, is_shown, similarity)
    for row in range(len(activations)):
        is_active = activations[row].astype(np.float32) > np.float32(thresholds[row])
        truth = is_shown[row]
        assert found.recall[row] == pytest.approx(metrics.recall_score(truth, is_active))
        assert found.precision[row] == pytest.approx(metrics.precision_score(truth, is_active))
        assert found.f1[row] == pytest.approx(metrics.f1_score(truth, is_active))
        expected = stats.pearsonr(activations[row], similarity[row]).statistic
        assert found.correlation[row] == pytest.approx(expected)


def test_a_name_that_is_half_too_narrow_loses_recall_and_f1_but_no_precision_on_its_own_pictures():
    """What AR cannot see: every image of the narrow concept fires."""
    is_wide = np.arange(100) < 20
    activations, similarity = is_wide.astype(float)[None], is_wide.astype(float)[None]
    wide, narrow = (
        natural_scores(activations, np.array([0.5]), shown[None], similarity)
        for shown in (is_wide, np.arange(100) < 10)
    )
    assert (wide.f1.item(), narrow.f1.item()) == (1.0, pytest.approx(2 / 3))
    assert wide.recall.item() == narrow.recall.item() == 1.0


def test_order_of_images_makes_no_difference_and_inputs_stay():
    given = made_up()
    copies = [one.copy() for one in given]
    before = natural_scores(*given)
    activations, thresholds, is_shown, similarity = given
    after = natural_scores(activations[:, ::-1], thresholds, is_shown[:, ::-1], similarity[:, ::-1])
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(one, other)
    for one, other in zip(copies, given, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_concept_that_no_image_or_every_image_shows_cannot_be_scored():
    activations = np.arange(10.0)[None].repeat(2, axis=0)
    is_shown = np.array([[False] * 10, [True] * 10])
    found = natural_scores(activations, np.array([5.0, 5.0]), is_shown, activations)
    for scores in (found.recall, found.precision, found.f1):
        assert np.isnan(scores).all()
    assert found.n_shown.tolist() == [0, 10]
    np.testing.assert_allclose(found.correlation, 1)


def test_a_neuron_that_never_fires():
    found = natural_scores(
        np.zeros((1, 4)), np.zeros(1), np.array([[True, False, False, False]]), np.eye(4)[:1]
    )
    assert (found.recall.item(), found.precision.item(), found.f1.item()) == (0.0, 0.0, 0.0)
    assert np.isnan(found.correlation).all()


def test_refuses_what_it_cannot_score(unchecked):
    given = made_up(n_hypotheses=2)
    with pytest.raises(ValueError, match="as many in each of activations, thresholds"):
        unchecked(natural_scores)(given[0], given[1][:1], *given[2:])
    empty = np.zeros((1, 0))
    with pytest.raises(ValueError, match="at least one of the images, got none"):
        natural_scores(empty, np.zeros(1), empty.astype(bool), empty)
    with pytest.raises(ValueError, match="finite activations, got nan"):
        natural_scores(np.full_like(given[0], np.nan), *given[1:])
    with pytest.raises(ValueError, match="finite similarities, got inf"):
        natural_scores(*given[:3], np.full_like(given[3], np.inf))
