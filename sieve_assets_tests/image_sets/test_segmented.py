"""Broden as images with masks: pictures, masks and names go together."""

import os

import numpy as np
from PIL import Image

from sieve_assets.image_sets.broden import Broden
from sieve_assets.image_sets.segmented import SegmentedBroden
from sieve_assets_tests.image_sets.broden_folder import make_broden


def made(tmp_path):
    """Two images: a red one that shows an owl left, a blue one without labels."""
    make_broden(
        tmp_path,
        {
            "red.png": (Image.new("RGB", (8, 4), "red"), [[2, 2, 0, 0], [2, 2, 0, 0]]),
            "blue.png": (Image.new("RGB", (8, 4), "blue"), None),
        },
        ["cat", "owl"],
    )
    return SegmentedBroden(Broden(tmp_path))


def test_masks_come_in_the_order_of_the_pictures(tmp_path):
    images = made(tmp_path)
    red, blue = (images.picture(item) for item in images.items())
    assert (red.getpixel((0, 0)), blue.getpixel((0, 0))) == ((255, 0, 0), (0, 0, 255))
    first, second = images.masks()
    assert [images.names[concept] for concept in first.concepts] == ["owl"]
    assert first.masks.astype(int).tolist() == [[[1, 1, 0, 0], [1, 1, 0, 0]]]
    assert second.masks.shape == (0, 2, 4)


def test_names_and_categories_are_the_labels(tmp_path):
    images = made(tmp_path)
    assert images.names == ["cat", "owl"]
    assert images.categories.tolist() == [0, 0]
    assert images.readers == Broden(tmp_path).readers


def test_identity_changes_with_a_label_image(tmp_path):
    images = made(tmp_path)
    before = images.identity
    assert before == SegmentedBroden(Broden(tmp_path)).identity
    label = tmp_path / "images" / "red.png.object.png"
    label.write_bytes(label.read_bytes())
    os.utime(label, (1, 1))
    assert images.identity != before
    assert np.asarray(images.masks().__next__().masks).any()
