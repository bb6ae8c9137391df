"""FALCON as a stage: its names from stored activations and from crops made anew."""

import logging
import tomllib

import numpy as np
import pytest

from sieve_assets.assets.falcon_explanations import embedded_crops, falcon_explanations
from sieve_assets.assets.hypothesize import embed_concepts
from sieve_assets.assets.lineage import Lineage
from sieve_assets.assets.partitions import OF_A_MODEL, Share
from sieve_assets.assets.probe import read_pass
from sieve_assets.assets.probe_embeddings import read_embeddings
from sieve_assets.assets.probe_sets import read_probe
from sieve_assets.image_sets.listing import open_image
from sieve_assets.method.explainers.falcon_images import NeuronImages
from sieve_assets.method.patch_embeddings import box_in_original, crop_box
from sieve_assets.models.target import NeuronTarget
from sieve_assets_tests.falcon_loops import names_by_loops

LOG = logging.getLogger("test")
COMPARE = """\
n_reference = 4

[compare.falcon]
n_sigmas = 0.3
min_images = 4
max_images = 7
min_similarity = -0.5
n_contrast = 3
min_contrast_similarity = 0.05
scale = 20.0
max_contrast = 0.14
n_words = 3
"""
HOW = tomllib.loads(COMPARE)["compare"]["falcon"] | {"n_captions": 5}


@pytest.fixture(scope="module")
def compared(finished, tmp_path_factory):
    """The tiny study, which compares with FALCON; both targets' names are there."""
    folder = tmp_path_factory.mktemp("falcon")
    study = finished.changed(folder, {"n_reference = 4\n": COMPARE})
    for model in ("cnn", "vit"):
        study.run("falcon_explanations", first=model, last=model)
    return study


def is_stale(bench):
    share = Share("cnn", [OF_A_MODEL], ["cnn"])
    return Lineage(bench, falcon_explanations, share).change(falcon_explanations, OF_A_MODEL)


def other_folder(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def expected_names(bench, model, *, max_contrast=0.14):
    """{neuron: [(word, score), ...]}, each crop cut and embedded alone."""
    probe = read_probe(bench, "scenes")
    used = np.flatnonzero(~probe["is_held_out"])
    shards = [bench.arrays.open(uri) for uri in read_pass(bench, model)["activations_uri"]]
    layer = np.concatenate([shard["all_activations"] for shard in shards])[used]
    target, texts = bench.target(model), embed_concepts(bench)
    found = names_by_loops(
        layer,
        lambda neuron, image: crop(bench, target, probe.iloc[used[image]], neuron),
        read_embeddings(bench, model)[used],
        list(texts.values()),
        HOW | {"max_contrast": max_contrast},
    )
    words = list(texts)
    return {
        neuron: [(words[word], score) for word, score in names] for neuron, names in found.items()
    }


def crop(bench, target, row, neuron):
    image = open_image(bench.image_set("scenes"), row["uri"])
    activation_map = target.observe([image]).maps[0, neuron].numpy()
    box = crop_box(activation_map, frame_px=32, level=0.6, padding=0.0, min_side=0.0)
    size = {"width_px": image.width, "height_px": image.height}
    part = image.crop(box_in_original(box, **size, resize_px=32, crop_px=32))
    return bench.vision_language.embed_images([part])[0]


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_names_are_those_of_the_formulas_on_crops_made_one_by_one(compared, model):
    expected = expected_names(compared.bench(), model)
    rows = compared.table("falcon_explanations", model=model)
    assert set(rows["explainer"]) == {"falcon"}
    assert sum(map(len, expected.values())) == len(rows) > 0
    for neuron, names in expected.items():
        own = rows[rows["neuron"] == neuron]
        assert own["place"].tolist() == list(range(len(names)))
        assert own["concept"].tolist() == [name for name, _ in names]
        np.testing.assert_allclose(own["score"], [score for _, score in names], atol=1e-4)


def test_words_that_fit_contrast_images_are_left_out(compared):
    bench = compared.bench()
    rows = compared.table("falcon_explanations", model="cnn")
    with_all = expected_names(bench, "cnn", max_contrast=1.0)
    listed = {(neuron, name) for neuron, names in with_all.items() for name, _ in names}
    assert listed - set(zip(rows["neuron"], rows["concept"], strict=True))


def test_names_are_among_all_explanations(compared):
    found = compared.table("explanations", explainer="falcon")
    assert len(found) == len(compared.table("falcon_explanations"))


def test_a_high_image_whose_map_is_not_stored_is_cropped_too(compared):
    """The strongest of scaled activations are not those whose maps the probe pass keeps."""
    bench = compared.bench()
    probe = read_probe(bench, "scenes")
    kept = bench.arrays.open(read_pass(bench, "cnn")["strongest_uri"])["positions"]
    weakest = next(one for one in range(len(probe)) if one not in kept[2])
    high = NeuronImages(np.array([2, 1, 2]), np.array([weakest, 3, 3]))
    found = embedded_crops(bench, "cnn", probe, high, log=LOG)
    target = bench.target("cnn")
    expected = [crop(bench, target, probe.iloc[i], n) for n, i in zip(*high, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_crops_do_not_depend_on_how_many_are_looked_at_together(compared):
    high = NeuronImages(np.array([2, 2, 1, 4, 4]), np.array([9, 3, 3, 30, 9]))
    alone, together = (
        embedded_crops(bench, "vit", read_probe(bench, "scenes"), high, log=LOG)
        for bench in (compared.bench(batch_size=1), compared.bench(batch_size=64))
    )
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_an_image_goes_through_the_target_once(compared, count):
    bench = compared.bench()
    looked_at = count(NeuronTarget, "observe")
    high = NeuronImages(np.array([1, 2, 3, 3]), np.array([5, 5, 5, 8]))
    embedded_crops(bench, "cnn", read_probe(bench, "scenes"), high, log=LOG)
    assert sum(looked_at) == 2


def test_a_second_run_makes_nothing(compared, count):
    looked_at = count(NeuronTarget, "observe")
    before = compared.table("provenance", stage="falcon_explanations")
    compared.run("falcon_explanations", first="cnn", last="cnn")
    assert looked_at == []
    after = compared.table("provenance", stage="falcon_explanations")
    assert after["recorded_at"].tolist() == before["recorded_at"].tolist()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("n_words = 3", "n_words = 2"),
        ("max_images = 7", "max_images = 6"),
        ("[vision_language]", 'template = "a {}"\n\n[vision_language]'),
    ],
)
def test_other_settings_make_the_names_stale(compared, tmp_path, old, new):
    other = compared.changed(other_folder(tmp_path), {old: new})
    assert is_stale(other.bench())
    assert not is_stale(compared.bench())


def test_no_neuron_that_is_high_gives_no_rows(compared, tmp_path, count):
    high = compared.changed(other_folder(tmp_path), {"n_sigmas = 0.3": "n_sigmas = 50.0"})
    looked_at = count(NeuronTarget, "observe")
    high.run("falcon_explanations", first="cnn", last="cnn")
    assert high.table("falcon_explanations", model="cnn").empty
    assert looked_at == []
    assert not is_stale(high.bench())


def test_a_study_that_compares_nothing_has_no_such_stage(finished):
    with pytest.raises(Exception, match="falcon_explanations"):
        finished.run("falcon_explanations", first="cnn", last="cnn")
