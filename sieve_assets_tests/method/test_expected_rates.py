"""Common concepts cannot reach a high rate above a high percentile; at the matched one they can."""

import numpy as np
import pytest

from sieve_assets.method.expected_rates import expected_rates, matched_thresholds


def test_a_concept_in_an_eighth_of_the_images_fires_in_eight_percent_of_them_at_most():
    found = expected_rates(np.array([0.125, 0.01, 0.005, 0.0, 1.0]), percentile=99.0)
    np.testing.assert_allclose(found, [0.08, 1.0, 1.0, 1.0, 0.01])


def test_it_is_what_a_neuron_that_knows_the_concept_perfectly_reaches():
    """Count it: 400 images, some show the concept, and the neuron prefers all of these."""
    for n_shown in (2, 4, 20, 100):
        activations = np.zeros(400)
        activations[:n_shown] = 1 + np.arange(n_shown) / n_shown
        n_above = int((activations > np.percentile(activations, 99)).sum())
        bound = expected_rates(np.array([n_shown / 400]), percentile=99.0).item()
        assert n_above / n_shown <= bound + 1e-12
        assert n_above / n_shown >= bound - 1 / n_shown


def test_at_the_matched_threshold_a_perfect_neuron_fires_on_every_image_of_the_concept():
    activations = np.arange(200.0)[None]
    for n_shown in (10, 50):
        threshold = matched_thresholds(activations, np.array([n_shown / 200]), percentile=99.0)
        assert int((activations[0] > threshold).sum()) == n_shown


def test_rare_concepts_have_the_usual_threshold():
    activations = np.random.default_rng(0).standard_normal((2, 300)).astype(np.float32)
    found = matched_thresholds(activations, np.array([0.0, 0.01]), percentile=99.0)
    expected = np.percentile(activations.astype(np.float64), 99, axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_threshold_is_the_quantile_worked_out_by_hand():
    # 5 values, share .3: the quantile .7 lies .8 of the way from the third to the fourth
    found = matched_thresholds(
        np.array([[5.0, 1.0, 4.0, 2.0, 3.0]]), np.array([0.3]), percentile=99.0
    )
    np.testing.assert_allclose(found, [3.8])


def test_order_of_images_makes_no_difference_and_inputs_stay():
    activations, shares = np.random.default_rng(1).random((3, 50)), np.array([0.1, 0.5, 0.9])
    copies = activations.copy(), shares.copy()
    one = matched_thresholds(activations, shares, percentile=99.0)
    other = matched_thresholds(activations[:, ::-1], shares, percentile=99.0)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(copies[0], activations)
    np.testing.assert_array_equal(copies[1], shares)


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan])
def test_refuses_what_is_no_share(share):
    with pytest.raises(ValueError, match=f"shares between 0 and 1, got {share} for hypothesis 0"):
        expected_rates(np.array([share]), percentile=99.0)
    with pytest.raises(ValueError, match="shares between 0 and 1"):
        matched_thresholds(np.zeros((1, 3)), np.array([share]), percentile=99.0)


def test_refuses_what_is_no_percentile_and_other_sizes(unchecked):
    with pytest.raises(ValueError, match="percentile between 0 and 100, got 101"):
        expected_rates(np.array([0.5]), percentile=101.0)
    with pytest.raises(ValueError, match="as many in each of activations, shares"):
        unchecked(matched_thresholds)(np.zeros((2, 3)), np.array([0.5]), percentile=99.0)
