"""Patches as they are cut, tried on the target and embedded."""

import numpy as np
import pytest

from sieve_assets.assets.cropping import Cropper, pixel_box
from sieve_assets.assets.partitions import Share
from sieve_assets.models.vision_language import OpenClipModel
from sieve_assets.study_targets import Transform


def test_a_patch_is_embedded_as_its_stored_picture_alone(finished):
    bench = finished.bench()

    for patch in finished.table("patch_embeddings").itertuples():
        [alone] = bench.vision_language.embed_images([bench.images.open(patch.uri)])
        np.testing.assert_allclose(patch.embedding, alone, atol=1e-5)


def test_a_crop_that_loses_the_neuron_is_replaced_by_the_whole_image(finished):
    patches = finished.table("patch_embeddings")
    edges = patches[["x0", "y0", "x1", "y1"]].to_numpy()

    is_whole = patches["is_whole_image"].to_numpy()
    assert (is_whole == (patches["crop_retention"] < 0.5)).all()
    assert 0 < is_whole.sum() < len(patches)
    assert (edges[is_whole] == [0, 0, 64, 64]).all()
    assert ((edges >= 0) & (edges <= 64)).all()
    assert (edges[:, 2:] - edges[:, :2] >= 16).all()  # a quarter of the frame at least


def test_retention_is_what_the_crop_alone_makes_of_the_neuron(finished):
    bench = finished.bench()
    medians = finished.table("neuron_ratios").set_index(["model", "neuron"])["median"]
    samples = finished.table("selected_samples")["activation"]

    patches = finished.table("patch_embeddings").assign(sample=samples)
    for patch in patches[~patches["is_whole_image"]].itertuples():
        seen = bench.target(patch.model).activations([bench.images.open(patch.uri)])
        median = float(medians[patch.model, patch.neuron])
        expected = (float(seen[0, patch.neuron]) - median) / (patch.sample - median)
        assert patch.crop_retention == pytest.approx(expected, abs=1e-3)


def test_patches_that_come_again_are_embedded_once(copied, count):
    embedded = count(OpenClipModel, "embed_images")

    copied.forget("cnn", "patch_embeddings")
    copied.of_model("cnn", "patch_embeddings")

    patches = copied.table("patch_embeddings", model="cnn")
    assert sum(embedded) == patches["uri"].nunique() < len(patches)


def test_a_neuron_without_samples_has_no_patches(finished):
    share = Share("cnn", [1, 2], ["cnn|1", "cnn|2"])
    cropper = Cropper(finished.bench(), share)

    assert cropper.rows(2).empty
    assert len(cropper.rows(1)) == 6


def test_a_box_is_in_the_pixels_of_the_image_around_what_responds():
    """Of a frame of 8 x 8 pixels, centre-cropped from a picture twice as wide as high."""
    spot = np.zeros((4, 4))
    spot[0, 1] = 1
    transform = Transform(resize_px=8, crop_px=8, mean=(0, 0, 0), std=(1, 1, 1))
    box = pixel_box(spot, transform, size_px=(32, 16), level=0.6, padding=0.0, min_side=0.0)
    # Above 0.6 of its largest are the two pixels of the cell: two in a row, at 2 and 3 of 8 in
    # the frame, which begins at pixel 8 of the picture and has 2 of its pixels in one.
    assert box == (12, 0, 16, 4)
