"""Names by WWW and by SIEVE without a step are those of the methods, called with what is stored."""

import numpy as np
import pandas as pd
import pytest

from sieve_assets.assets.neuron_explanations import NeuronNames
from sieve_assets.assets.partitions import Share
from sieve_assets.assets.probe_embeddings import read_embeddings
from sieve_assets.assets.staleness import STALE, find_stale
from sieve_assets.method.clusters import cluster_patches
from sieve_assets.method.explainers.www import adaptive_cosines, adaptive_selection
from sieve_assets.models.vision_language import OpenClipModel
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.studies import CONCEPTS, DEAD, assert_same_rows

WITHOUT_SELECT, WITHOUT_CROPS = "sieve_without_select", "sieve_without_crops"
WITHOUT_ANY_STEP = "sieve_without_any_step"
BY_NEURON_AFTER_RATIOS = (
    *("neuron_ratios", "selected_samples", "patch_embeddings", "clusters"),
    *("concept_hypotheses", "neuron_explanations"),
)


def other_folder(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def names(study, explainer, model, neuron):
    """Names and scores by place, which counts from 0."""
    key = {"model": model, "explainer": explainer, "neuron": int(neuron)}
    table = study.table("neuron_explanations", **key)
    assert table["place"].tolist() == list(range(len(table)))
    return table["concept"].tolist(), table["score"].tolist()


def statuses(study, model):
    rows = study.table("neuron_ratios", model=model)
    return {status: part["neuron"].tolist() for status, part in rows.groupby("status")}


def position_of(study):
    images = study.table("probe_images", probe="scenes")
    return dict(zip(images["image_id"], images["position"], strict=True))


def best_on_average(study, embeddings, count=2):
    """The words nearest to the embeddings, one product after the other."""
    texts = study.bench().vision_language.embed_texts(CONCEPTS)
    means = [
        float(np.mean([np.dot(one.astype(np.float64), text) for one in embeddings]))
        for text in texts
    ]
    best = sorted(range(len(CONCEPTS)), key=lambda word: -means[word])[:count]
    return [CONCEPTS[word] for word in best], [means[word] for word in best]


def assert_named(found, expected):
    assert found[0] == expected[0]
    np.testing.assert_allclose(found[1], expected[1], atol=1e-6)


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_www_gives_every_neuron_that_varies_all_its_words(compared, model):
    bench = compared.bench()
    images = compared.table("probe_images", probe="scenes").sort_values("position")
    is_used = ~images["is_held_out"].to_numpy()
    stored = compared.table("neuron_activations", model=model)["activation"]
    activations = np.stack(list(stored))[:, is_used].T
    model_of_texts = bench.vision_language
    words = model_of_texts.embed_texts([f"A photo of a {name}" for name in CONCEPTS])
    [base] = model_of_texts.embed_texts(["A photo of a"])
    n_words = []
    for neuron in np.flatnonzero(np.ptp(activations, axis=0)):
        scores = adaptive_cosines(
            activations[:, [neuron]],
            read_embeddings(bench, model)[is_used],
            words,
            base,
            n_images=9,
        )
        selected = adaptive_selection(scores, alpha=0.5)
        expected = [CONCEPTS[word] for word in selected.concepts], selected.scores.tolist()
        assert_named(names(compared, "www", model, neuron), expected)
        n_words.append(len(selected.concepts))
    assert len(n_words) >= 5
    assert max(n_words) > 1


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_without_clusters_all_patches_are_named_as_one(compared, model):
    patches = compared.table("patch_embeddings", model=model)
    selected = statuses(compared, model)["selected"]
    for neuron in selected:
        embeddings = patches.loc[patches["neuron"] == neuron, "embedding"]
        expected = best_on_average(compared, embeddings)
        assert_named(names(compared, "sieve_without_clusters", model, neuron), expected)
    named = compared.table("neuron_explanations", model=model, explainer="sieve_without_clusters")
    assert set(named["neuron"]) == set(selected)


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_without_crops_whole_images_of_the_samples_are_named_as_one(compared, model):
    samples = compared.table("selected_samples", model=model)
    embeddings, position = read_embeddings(compared.bench(), model), position_of(compared)
    selected = statuses(compared, model)["selected"]
    for neuron in selected:
        ids = samples.loc[samples["neuron"] == neuron, "image_id"]
        expected = best_on_average(compared, embeddings[[position[one] for one in ids]])
        assert_named(names(compared, WITHOUT_CROPS, model, neuron), expected)
    named = compared.table("neuron_explanations", model=model, explainer=WITHOUT_CROPS)
    assert set(named["neuron"]) == set(selected)


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_without_select_a_selected_neuron_has_sieves_own_names_in_the_views_order(compared, model):
    own = compared.table("explanations", model=model, explainer="sieve")
    selected = statuses(compared, model)["selected"]
    assert set(own["neuron"]) == set(selected)
    for neuron in selected:
        rows = own[own["neuron"] == neuron].sort_values("place")
        found = names(compared, WITHOUT_SELECT, model, neuron)
        assert found == (rows["concept"].tolist(), rows["score"].tolist())


def strongest_positions(study, model, neuron, count=6):
    images = study.table("probe_images", probe="scenes").sort_values("position")
    [values] = study.table("neuron_activations", model=model, neuron=neuron)["activation"]
    values = np.where(images["is_held_out"], -np.inf, values)
    return np.argsort(-values, kind="stable")[:count]


def names_by_cluster(study, embeddings):
    """The best words of each cluster, those of larger clusters before others of their place."""
    labels = cluster_patches(
        embeddings,
        max_clusters=6,
        min_patches=2,
        test="min_silhouette",
        null_draws=100,
        null_percentile=95.0,
        min_silhouette=0.4,
        generator=np.random.default_rng(0),
    ).labels
    listed = []
    for cluster in sorted(set(labels.tolist())):
        concepts, scores = best_on_average(study, embeddings[labels == cluster])
        size = int((labels == cluster).sum())
        listed += [
            (-size, place, cluster, *one)
            for place, one in enumerate(zip(concepts, scores, strict=True))
        ]
    found = {}
    for *_, concept, score in sorted(listed):
        found[concept] = max(score, found.get(concept, score))
    return list(found), list(found.values())


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_without_select_a_dropped_neuron_is_named_by_clusters_of_whole_images(compared, model):
    embeddings = read_embeddings(compared.bench(), model)
    for neuron in statuses(compared, model)["low_contrast"]:
        strongest = embeddings[strongest_positions(compared, model, neuron)]
        found = names(compared, WITHOUT_SELECT, model, neuron)
        assert_named(found, names_by_cluster(compared, strongest))


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_without_any_step_every_neurons_strongest_whole_images_are_named_as_one(compared, model):
    embeddings, by_status = read_embeddings(compared.bench(), model), statuses(compared, model)
    varying = [*by_status["selected"], *by_status["low_contrast"]]
    for neuron in varying:
        strongest = embeddings[strongest_positions(compared, model, neuron)]
        found = names(compared, WITHOUT_ANY_STEP, model, neuron)
        assert_named(found, best_on_average(compared, strongest))
    named = compared.table("neuron_explanations", model=model, explainer=WITHOUT_ANY_STEP)
    assert set(named["neuron"]) == set(varying)


def test_of_dropped_neurons_some_have_several_clusters(compared):
    found = compared.table("neuron_explanations", explainer=WITHOUT_SELECT)
    dropped = compared.table("neuron_ratios", status="low_contrast")
    of_dropped = found.merge(dropped, on=["model", "neuron"])
    assert (of_dropped.groupby(["model", "neuron"]).size() > 2).any()


def test_two_clusters_of_one_size_whose_names_are_swapped_have_one_order(compared, tmp_path):
    study, key = compared.changed(tmp_path), pd.DataFrame({"model": ["cnn"], "neuron": [3]})
    swapped = [(0, 0, "fish", 0.3), (0, 1, "cat", 0.2), (1, 0, "cat", 0.5), (1, 1, "fish", 0.1)]
    hypotheses = pd.DataFrame(swapped, columns=["cluster", "place", "concept", "score"])
    hypotheses = hypotheses.assign(model="cnn", neuron=3)
    cut = study.table("clusters", model="cnn", neuron=3).assign(cluster=[0, 1] * 3)
    study.bench().warehouse.replace(
        Replacement("concept_hypotheses", hypotheses, key), Replacement("clusters", cut, key)
    )
    own = study.table("explanations", model="cnn", explainer="sieve", neuron=3)
    own = own.sort_values("place")
    found = NeuronNames(study.bench(), Share("cnn", [3], [""])).rows(3)
    found = found[found["explainer"] == WITHOUT_SELECT]
    for rows in (own, found):
        assert rows["concept"].tolist() == ["fish", "cat"]
        assert rows["score"].tolist() == [0.3, 0.5]


def test_sieve_names_some_neuron_by_more_than_one_cluster(compared):
    own = compared.table("explanations", explainer="sieve")
    assert (own.groupby(["model", "neuron"]).size() > 2).any()


def test_what_a_dropped_neuron_is_called_once_selected_without_crops_is_the_same(
    compared, tmp_path
):
    """Select must then admit it, and crops must give way to whole images."""
    changes = {
        "beta_signed = 1.6": "beta_signed = 0.1",
        "[hypothesize]": "[hypothesize]\nmin_retention = 1.0\ncrop_min_side = 1.0",
    }
    admitted = compared.changed(other_folder(tmp_path), changes)
    admitted.of_model("vit", *BY_NEURON_AFTER_RATIOS[:-1])
    own = admitted.table("explanations", model="vit", explainer="sieve")
    dropped = statuses(compared, "vit")["low_contrast"]
    assert set(dropped) <= set(own["neuron"])
    for neuron in dropped:
        rows = own[own["neuron"] == neuron].sort_values("place")
        found = names(compared, WITHOUT_SELECT, "vit", neuron)
        assert_named(found, (rows["concept"].tolist(), rows["score"].tolist()))


def test_a_constant_neuron_has_no_name(compared):
    assert compared.table("neuron_explanations", model="cnn", neuron=DEAD).empty
    notes = compared.table("provenance", stage="neuron_explanations", model="cnn")
    assert len(notes) == 6


def test_if_none_is_selected_only_www_and_strongest_images_name(compared, tmp_path):
    none = compared.changed(other_folder(tmp_path), {"beta = 1.12": "beta = 1e30"})
    none.of_model("cnn", *BY_NEURON_AFTER_RATIOS, neurons=[2, 3])
    found = none.table("neuron_explanations", model="cnn")
    found = found[found["neuron"].isin([2, 3])]
    assert set(found["explainer"]) == {"www", WITHOUT_SELECT, WITHOUT_ANY_STEP}
    assert set(found["neuron"]) == {2, 3}


def test_a_neuron_run_alone_gives_the_same_rows(compared, tmp_path):
    study = compared.changed(tmp_path)
    for neuron in (3, 2):
        study.forget("cnn", "neuron_explanations", neurons=[neuron])
        study.of_model("cnn", "neuron_explanations", neurons=[neuron])
    found, expected = (one.table("neuron_explanations") for one in (study, compared))
    assert_same_rows(found, expected, tolerance=1e-9)


def test_of_a_single_concept_every_name_is_that(compared, tmp_path):
    text = compared.file.read_text()
    concepts = text[text.index("[concepts]\n") : text.index("\n\n[vision_language]")]
    one = compared.changed(tmp_path, {concepts: '[concepts]\nwords = ["fish"]'})
    one.of_model("cnn", "concept_hypotheses")
    share = Share("cnn", [1, 2], ["", ""])
    rows = [NeuronNames(one.bench(), share).rows(neuron) for neuron in (1, 2)]
    for found in rows:
        assert set(found["concept"]) == {"fish"}
        assert set(found["place"]) == {0}


def test_a_second_run_makes_nothing_and_texts_are_not_embedded_again(compared, tmp_path, count):
    study = compared.changed(tmp_path)
    before = study.table("provenance", stage="neuron_explanations")
    embedded = count(OpenClipModel, "embed_texts")
    study.of_model("cnn", "neuron_explanations")
    assert study.table("provenance", stage="neuron_explanations").equals(before)

    study.forget("cnn", "neuron_explanations")
    study.of_model("cnn", "neuron_explanations")

    assert embedded == []
    assert study.table("text_embeddings").equals(compared.table("text_embeddings"))
    found, expected = (one.table("neuron_explanations") for one in (study, compared))
    assert_same_rows(found, expected, tolerance=0)


@pytest.mark.parametrize(
    "changes",
    [{"alpha = 0.5": "alpha = 0.9"}, {"alpha = 0.5": 'alpha = 0.5\ntemplate = "some {} here"'}],
    ids=["alpha", "template"],
)
def test_another_setting_makes_it_stale_and_gives_other_rows(compared, tmp_path, changes):
    other = compared.changed(other_folder(tmp_path), changes)
    stale = {one.stage for one in find_stale(other.bench()) if one.state == STALE}
    assert stale - {"target_report"} == {"neuron_explanations"}
    other.of_model("cnn", "neuron_explanations")
    found, before = (one.table("neuron_explanations", model="cnn") for one in (other, compared))
    is_www = (found["explainer"] == "www", before["explainer"] == "www")
    assert not found[is_www[0]].reset_index().equals(before[is_www[1]].reset_index())
    assert_same_rows(
        found[~is_www[0]].reset_index(drop=True),
        before[~is_www[1]].reset_index(drop=True),
        tolerance=0,
    )
