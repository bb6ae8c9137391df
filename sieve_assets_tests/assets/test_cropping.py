"""Patches as they are cut, tried on the target and embedded."""

import numpy as np
import pytest

from sieve_assets.assets.cropping import Cropper
from sieve_assets.assets.partitions import Share
from sieve_assets.models.vision_language import OpenClipModel


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
