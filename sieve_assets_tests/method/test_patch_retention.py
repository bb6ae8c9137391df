"""What is left of the activation when only the crop is shown: the rest of `patch_embeddings`."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.patch_embeddings import crop_retention, is_whole_image


def test_retention_is_what_is_left_of_the_activation_above_the_median():
    crop, image = np.array([6.0, 2.0, 1.0, 12.0]), np.array([10.0, 10.0, 10.0, 10.0])
    median = np.full(4, 2.0)
    assert crop_retention(crop, image, median).tolist() == [0.5, 0.0, -0.125, 1.25]


def test_retention_agrees_with_a_loop_and_ignores_units_and_order():
    crop, image, median = np.random.default_rng(0).standard_normal((3, 20)).astype(np.float32)
    image += 4
    inputs = crop.copy(), image.copy(), median.copy()
    retention = crop_retention(crop, image, median)
    triples = zip(crop.tolist(), image.tolist(), median.tolist(), strict=True)
    np.testing.assert_allclose(retention, [(c - m) / (i - m) for c, i, m in triples], rtol=1e-12)
    moved = crop_retention(crop[::-1] * 8, image[::-1] * 8, median[::-1] * 8)
    np.testing.assert_allclose(moved, retention[::-1], rtol=1e-12)
    for before, now in zip(inputs, (crop, image, median), strict=True):
        assert np.array_equal(before, now)


def test_an_image_at_or_below_the_median_retains_nothing_and_so_is_used_whole():
    crop, image, median = np.array([1.0, 5.0]), np.array([0.0, 0.0]), np.array([0.0, 1.0])
    retention = crop_retention(crop, image, median)
    assert retention.tolist() == [0.0, 0.0]
    assert is_whole_image(retention, min_retention=0.5).tolist() == [True, True]


def test_the_whole_image_is_used_below_the_least_retention_not_at_it():
    retention = np.array([0.49, 0.5, 0.51, -3.0])
    used_whole = is_whole_image(retention, min_retention=0.5)
    assert used_whole.tolist() == [True, False, False, True]


def test_retentions_that_cannot_be_computed_are_refused(unchecked):
    one, bad = np.ones(1), np.array([math.nan])
    for arguments, what in (
        ((bad, one, one), "crops"),
        ((one, bad, one), "images"),
        ((one, one, bad), "medians"),
    ):
        with pytest.raises(ValueError, match=f"expected finite activations of {what}, got nan for"):
            crop_retention(*arguments)
    with pytest.raises(ValueError, match=r"^is_whole_image: expected finite retentions, got nan"):
        is_whole_image(bad, min_retention=0.5)
    with pytest.raises(ValueError, match=r"got 1 in crop, 2 in image, 1 in median\. "):
        unchecked(crop_retention)(one, np.ones(2), one)


VALUES = st.lists(st.tuples(*[st.integers(-50, 50).map(float)] * 3), min_size=1, max_size=8)


@settings(max_examples=50)
@given(patches=VALUES, exponent=st.integers(-4, 4), offset=st.integers(-8, 8))
def test_retention_is_that_of_a_loop_in_any_units(patches, exponent, offset):
    expected = [(c - m) / (i - m) if i > m else 0.0 for c, i, m in patches]
    crop, image, median = np.array(patches).T
    np.testing.assert_allclose(crop_retention(crop, image, median), expected, rtol=1e-12)
    moved = (2.0**exponent * values + offset for values in (crop, image, median))
    np.testing.assert_allclose(crop_retention(*moved), expected, rtol=1e-9, atol=1e-12)


@settings(max_examples=50)
@given(patches=VALUES, more=st.integers(0, 9))
def test_a_stronger_crop_retains_no_less_and_a_higher_bar_takes_no_fewer_images_whole(
    patches, more
):
    crop, image, median = np.array(patches).T
    weak, strong = (crop_retention(crop + step, image, median) for step in (0, more))
    assert (strong >= weak).all()
    low, high = (is_whole_image(weak, min_retention=bar) for bar in (0.3, 0.3 + more))
    assert not (low & ~high).any()
