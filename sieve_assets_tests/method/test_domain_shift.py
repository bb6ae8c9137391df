"""Names on images of any kind, against loops and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from sieve_assets.method.domain_shift import firing_share, shown_scores, strongest


@pytest.fixture
def seen():
    """One neuron's activations on 60 images with ties, and which of 4 concepts each shows."""
    random = np.random.default_rng(0)
    activation = np.round(random.normal(size=60), 1).astype(np.float32)
    is_shown = random.random((60, 4)) < [0.05, 0.3, 0.9, 0]
    return activation, is_shown


def test_scores_are_those_of_loops_and_of_scikit_learn(seen):
    activation, is_shown = seen
    threshold = float(activation[7])

    found = shown_scores(activation, is_shown, threshold=threshold, n_strongest=10)

    order = sorted(range(60), key=lambda at: (-activation[at], at))[:10]
    for concept in range(3):
        own = [at for at in range(60) if is_shown[at, concept]]
        assert found.n_shown[concept] == len(own) > 0
        fires = [activation[at] > np.float32(threshold) for at in own]
        assert found.recall[concept] == pytest.approx(sum(fires) / len(own))
        expected = average_precision_score(is_shown[:, concept], activation)
        assert found.average_precision[concept] == pytest.approx(expected)
        shown = [at for at in order if is_shown[at, concept]]
        assert found.top_share[concept] == pytest.approx(len(shown) / 10)
    assert strongest(activation, 10).tolist() == order


def test_a_concept_that_no_image_shows_has_no_rates(seen):
    activation, is_shown = seen

    found = shown_scores(activation, is_shown, threshold=0.0, n_strongest=10)

    assert (found.n_shown[3], found.top_share[3]) == (0, 0)
    assert np.isnan([found.recall[3], found.average_precision[3]]).all()


def test_the_order_of_images_changes_nothing_without_ties(seen):
    _, is_shown = seen
    activation = np.random.default_rng(1).normal(size=60).astype(np.float32)
    mixed = np.random.default_rng(2).permutation(60)
    before = activation.copy()

    one = shown_scores(activation, is_shown, threshold=0.2, n_strongest=5)
    other = shown_scores(activation[mixed], is_shown[mixed], threshold=0.2, n_strongest=5)

    for found, again in zip(one, other, strict=True):
        np.testing.assert_allclose(found, again)
    assert (activation == before).all()


def test_fewer_images_than_are_asked_for_are_all_at_the_top():
    activation = np.array([1, 2], np.float32)

    found = shown_scores(activation, np.array([[True], [False]]), threshold=1.0, n_strongest=20)

    assert found.top_share.tolist() == [0.5]
    assert found.recall.tolist() == [0]
    assert firing_share(activation, 1.0) == 0.5


def test_an_activation_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="finite"):
        shown_scores(
            np.array([np.nan], np.float32), np.ones((1, 1), bool), threshold=0.0, n_strongest=1
        )
