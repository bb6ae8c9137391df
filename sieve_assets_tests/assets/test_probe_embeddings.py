"""The probe images as the vision-language model sees them, once a probe set."""

import numpy as np
import pytest

from sieve_assets.assets.probe_embeddings import read_embeddings
from sieve_assets.assets.probe_sets import read_probe
from sieve_assets.image_sets.listing import open_image
from sieve_assets.models.vision_language import OpenClipModel


def test_every_image_has_the_embedding_it_has_alone(finished):
    bench = finished.bench()
    images, found = read_probe(bench, "scenes"), read_embeddings(bench, "cnn")
    assert len(found) == len(images)
    for position in (0, 7, len(images) - 1):
        image = open_image(bench.image_set("scenes"), images["uri"][position])
        [alone] = bench.vision_language.embed_images([image])
        np.testing.assert_allclose(found[position], alone, atol=1e-5)


def test_targets_of_one_probe_set_share_the_shards(copied, count):
    rows = copied.table("probe_embeddings")
    assert rows["embeddings_uri"].map(tuple).nunique() == 1
    assert len(rows) == 2
    copied.forget("vit", "probe_embeddings")
    embedded = count(OpenClipModel, "embed_frames")

    copied.of_model("vit", "probe_embeddings")

    assert embedded == []
    assert len(copied.table("probe_embeddings")) == 2


def test_without_them_the_stage_to_run_is_named(copied):
    bench = copied.bench()
    with pytest.raises(LookupError, match="Materialize probe_embeddings first"):
        read_embeddings(bench, "nobody")
