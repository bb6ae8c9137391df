"""Names of whole layers are those of the methods, called with what is stored in tables."""

import logging
from functools import partial

import numpy as np
import pytest

from sieve_assets.assets.layer_explanations import layer_rows
from sieve_assets.assets.probe_embeddings import read_embeddings
from sieve_assets.assets.staleness import find_stale
from sieve_assets.method.explainers import clip_dissect, clip_dissect_values
from sieve_assets.method.explainers.linear_names import Fit, Presence, image_parts, linear_names
from sieve_assets.models.vision_language import OpenClipModel
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.studies import CONCEPTS, DEAD, assert_same_rows

CLIP_DISSECT = {
    "clip_dissect_soft_wpmi": partial(
        clip_dissect.soft_wpmi,
        n_images=100,
        sharpness=10.0,
        p_start=0.998,
        p_end=0.97,
        floor=1e-7,
        evidence_weight=1.0,
    ),
    "clip_dissect_wpmi": partial(
        clip_dissect.wpmi, n_images=28, sharpness=2.0, floor=1e-7, evidence_weight=0.6
    ),
    "clip_dissect_rank_reorder": partial(
        clip_dissect_values.rank_reorder,
        top_fraction=0.05,
        power=3,
        cosine_power=0.5,
        min_cosine=1e-3,
    ),
    "clip_dissect_cosine_cubed": partial(clip_dissect_values.cosine_cubed, min_norm=1e-3),
}
rows_of = partial(layer_rows, log=logging.getLogger())


def other_folder(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def seen(study, model):
    """Neurons that vary, their activations, embeddings and ids of images that find hypotheses."""
    images = study.table("probe_images", probe="scenes").sort_values("position")
    is_used = ~images["is_held_out"].to_numpy()
    assert 0 < is_used.sum() < len(images)
    stored = study.table("neuron_activations", model=model)
    activations = np.stack(list(stored["activation"]))[:, is_used].T
    neurons = np.flatnonzero(np.ptp(activations, axis=0))
    embeddings = read_embeddings(study.bench(), model)[is_used]
    return neurons, activations[:, neurons], embeddings, list(images["image_id"][is_used])


def put_pass(study, model, change):
    """Store other activations in the place of a pass's, neuron by neuron as `change` gives them."""
    bench = study.bench()
    row = study.table("probe_passes", model=model)
    arrays = bench.arrays.open(row["activations_uri"].iloc[0][0])
    arrays["all_activations"] = change(arrays["all_activations"].copy())
    row = row.assign(activations_uri=[[bench.arrays.put(arrays)]])
    bench.warehouse.replace(Replacement("probe_passes", row, row.filter(["model"])))


@pytest.mark.parametrize("explainer", list(CLIP_DISSECT))
@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_each_neuron_that_varies_has_the_best_name_by_clip_dissect(compared, model, explainer):
    neurons, activations, embeddings, _ = seen(compared, model)
    texts = compared.bench().vision_language.embed_texts(CONCEPTS)
    scores = CLIP_DISSECT[explainer](activations, embeddings, texts)

    found = compared.table("layer_explanations", model=model, explainer=explainer)

    assert found["neuron"].tolist() == neurons.tolist()
    assert set(found["place"]) == {0}
    best = scores.argmax(axis=1)
    assert found["concept"].tolist() == [CONCEPTS[one] for one in best]
    np.testing.assert_allclose(found["score"], scores.max(axis=1), atol=1e-6)


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_linear_explanations_have_the_names_of_the_method_from_place_0(compared, model):
    neurons, activations, embeddings, ids = seen(compared, model)
    texts = compared.bench().vision_language.embed_texts(CONCEPTS)
    expected = linear_names(
        activations,
        embeddings,
        texts,
        image_parts(ids, validation_share=0.1, test_share=0.2, seed=0),
        presence=Presence(60.0, 0.13, 5, 0.5, 1e-5),
        fit=Fit(0.05, 0.99, 10, 0.02, 10),
    )

    found = compared.table("layer_explanations", model=model, explainer="linear_explanations")

    assert len(found) == (expected.concepts >= 0).sum() > 2
    for position, neuron in enumerate(neurons):
        rows, n_names = found[found["neuron"] == neuron], (expected.concepts[position] >= 0).sum()
        names = [CONCEPTS[one] for one in expected.concepts[position, :n_names]]
        assert rows["concept"].tolist() == names
        assert rows["place"].tolist() == list(range(n_names))
        np.testing.assert_allclose(rows["score"], expected.scores[position, :n_names], atol=1e-6)


def test_a_constant_neuron_has_no_name(compared):
    named = compared.table("layer_explanations", model="cnn")["neuron"]
    assert DEAD not in set(named)
    assert set(named) == {1, 2, 3, 4, 5}


def test_a_neuron_that_is_not_finite_has_no_name_and_spoils_no_other(compared, tmp_path):
    study = compared.changed(tmp_path)
    neurons, activations, embeddings, _ = seen(study, "cnn")

    def spoiled(activations):
        activations[3, 2], activations[5, 4] = np.nan, np.inf
        return activations

    put_pass(study, "cnn", spoiled)
    study.forget("cnn", "layer_explanations")
    study.of_model("cnn", "layer_explanations")

    found = study.table("layer_explanations", model="cnn")
    texts = study.bench().vision_language.embed_texts(CONCEPTS)
    whole = [neuron not in {2, 4} for neuron in neurons]
    assert set(found["neuron"]) == {1, 3, 5}
    for explainer, score in CLIP_DISSECT.items():
        expected = score(activations[:, whole], embeddings, texts).max(axis=1)
        got = found.loc[found["explainer"] == explainer, "score"]
        np.testing.assert_allclose(got, expected, atol=1e-6)


def test_a_layer_of_constant_neurons_has_no_rows(compared, tmp_path):
    study = compared.changed(tmp_path)
    put_pass(study, "cnn", np.zeros_like)
    study.forget("cnn", "layer_explanations")
    study.of_model("cnn", "layer_explanations")
    assert study.table("layer_explanations", model="cnn").empty
    assert len(study.table("provenance", model="cnn", stage="layer_explanations")) == 1


def test_of_a_single_concept_every_name_is_that(compared, tmp_path):
    text = compared.file.read_text()
    concepts = text[text.index("[concepts]\n") : text.index("\n\n[vision_language]")]
    one = compared.changed(tmp_path, {concepts: '[concepts]\nwords = ["fish"]'})
    rows = rows_of(one.bench(), "cnn")
    assert set(rows["concept"]) == {"fish"}
    assert set(rows["explainer"]) >= set(CLIP_DISSECT)


def test_a_tiny_probe_set_still_names_by_its_strongest_images(compared, tmp_path):
    few = compared.changed(tmp_path, {"[select]": "[select]\nheld_out_share = 0.92"})
    few.of_model("cnn", "probe_images")
    _, _, _, ids = seen(few, "cnn")
    assert 3 <= len(ids) < 10

    rows = rows_of(few.bench(), "cnn")

    assert set(CLIP_DISSECT) <= set(rows["explainer"])
    assert np.isfinite(rows.loc[rows["explainer"] != "linear_explanations", "score"]).all()


def test_a_second_run_makes_nothing_and_texts_are_not_embedded_again(compared, tmp_path, count):
    study = compared.changed(tmp_path)
    before = study.table("provenance", stage="layer_explanations")
    embedded = count(OpenClipModel, "embed_texts")
    study.of_model("cnn", "layer_explanations")
    assert study.table("provenance", stage="layer_explanations").equals(before)

    study.forget("cnn", "layer_explanations")
    study.of_model("cnn", "layer_explanations")

    assert embedded == []
    found, expected = (one.table("layer_explanations") for one in (study, compared))
    assert_same_rows(found, expected, tolerance=0)


@pytest.mark.parametrize(
    "changes",
    [
        {"shift = 0.13": "shift = 0.12"},
        {"[compare.www]": "[compare.clip_dissect]\nwpmi_images = 7\n\n[compare.www]"},
        {"[targets.cnn]": "seed = 5\n\n[targets.cnn]"},
    ],
    ids=["linear", "clip_dissect", "seed"],
)
def test_another_setting_makes_it_stale_and_gives_other_rows(compared, tmp_path, changes):
    other = compared.changed(other_folder(tmp_path), changes)
    assert "layer_explanations" in {one.stage for one in find_stale(other.bench())}
    other.of_model("vit", "layer_explanations")
    found, before = (one.table("layer_explanations", model="vit") for one in (other, compared))
    assert not found.equals(before)


def test_settings_of_other_explainers_leave_it_fresh(compared, tmp_path):
    other = compared.changed(other_folder(tmp_path), {"alpha = 0.5": "alpha = 0.6"})
    assert "layer_explanations" not in {one.stage for one in find_stale(other.bench())}
