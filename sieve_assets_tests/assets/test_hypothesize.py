"""Patches, clusters and hypotheses as they are stored."""

import json
import shutil

import dagster as dg
import numpy as np
import pytest

from sieve_assets.assets import cropping
from sieve_assets.assets.hypothesize import concept_names, embed_concepts, neuron_generator
from sieve_assets.assets.records import NeuronFailuresError
from sieve_assets.image_sets.listing import open_image
from sieve_assets.models.vision_language import OpenClipModel
from sieve_assets_tests.checks import failing_checks
from sieve_assets_tests.studies import CONCEPTS, assert_same_rows

HYPOTHESIZE = ("patch_embeddings", "clusters", "concept_hypotheses")


def other_folder(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def test_every_sample_has_its_patch_cluster_and_unit_vector(finished):
    samples = finished.table("selected_samples")

    for table in ("patch_embeddings", "clusters"):
        rows = finished.table(table)
        for column in ("model", "neuron", "rank"):
            assert rows[column].tolist() == samples[column].tolist()
    patches = finished.table("patch_embeddings")
    assert patches["image_id"].tolist() == samples["image_id"].tolist()
    norms = np.linalg.norm(np.stack(list(patches["embedding"])), axis=1)
    np.testing.assert_allclose(norms, 1, atol=1e-6)


def refuse_to_open(monkeypatch, image_id):
    """Have an image that cannot be read, though nothing says so before it is opened."""

    def open_others(image_set, uri, **options):
        if uri.endswith(image_id):
            raise ValueError("open_image: expected an image, got a hole in the disk")
        return open_image(image_set, uri, **options)

    monkeypatch.setattr(cropping, "open_image", open_others)


def test_one_neurons_broken_image_costs_only_that_neuron(finished, copied, monkeypatch):
    samples = finished.table("selected_samples", model="cnn")
    shared = samples.groupby("image_id")["neuron"].nunique()
    alone = samples[samples["image_id"].map(shared) == 1].iloc[0]
    refuse_to_open(monkeypatch, alone["image_id"])
    copied.forget("cnn", "patch_embeddings")

    result = copied.of_model("cnn", "patch_embeddings", "clusters")

    assert set(failing_checks(result)) == {
        ("patch_embeddings", "lineage", f"cnn|000{alone['neuron']}"),
        ("clusters", "lineage", f"cnn|000{alone['neuron']}"),
    }

    notes = copied.table("provenance", model="cnn", stage="patch_embeddings")
    assert set(notes["neuron"]) == set(range(6)) - {alone["neuron"]}
    [failure] = copied.table("failures").to_dict("records")
    assert (failure["stage"], failure["neuron"]) == ("patch_embeddings", alone["neuron"])
    assert failure["reason"].startswith("open_image: expected an image")
    rows, old = (  # what was stored of it stays
        one.table("patch_embeddings", model="cnn", neuron=int(alone["neuron"]))
        for one in (copied, finished)
    )
    assert_same_rows(rows, old, tolerance=0)


def test_after_a_failure_one_neuron_is_run_again_alone(finished, tmp_path, monkeypatch):
    study = finished.anew(tmp_path)
    study.of_model("cnn", "probe_images", "probe_pass")
    study.of_model("cnn", "probe_activations", "neuron_ratios", "selected_samples")
    samples = study.table("selected_samples")
    shared = samples.groupby("image_id")["neuron"].nunique()
    alone = samples[samples["image_id"].map(shared) == 1].iloc[0]
    neuron = int(alone["neuron"])
    with monkeypatch.context() as patch:
        refuse_to_open(patch, alone["image_id"])
        study.of_model("cnn", *HYPOTHESIZE)
        with pytest.raises(NeuronFailuresError, match=rf"cnn\|000{neuron}: open_image: expected"):
            study.of_model("cnn", "patch_embeddings", neurons=[neuron])
        with pytest.raises(LookupError, match="since patch_embeddings failed: open_image"):
            study.of_model("cnn", "clusters", neurons=[neuron])
    for stage in HYPOTHESIZE:
        done = set(study.table("provenance", stage=stage)["neuron"])
        assert done == set(range(6)) - {neuron}
    study.of_model("cnn", "patch_embeddings", neurons=[neuron])
    assert study.table("failures").empty
    study.of_model("cnn", "clusters", "concept_hypotheses")

    for table in HYPOTHESIZE:
        expected = finished.table(table, model="cnn")
        assert_same_rows(study.table(table), expected, tolerance=1e-6)


def test_each_neuron_has_its_own_randomness():
    draws = {
        (seed, model, neuron): neuron_generator(seed, model, neuron).integers(2**62)
        for seed in (0, 1)
        for model in ("cnn", "vit")
        for neuron in (0, 1, 12)
    }

    assert len(set(draws.values())) == len(draws)
    assert neuron_generator(1, "vit", 12).integers(2**62) == draws[1, "vit", 12]


def test_the_null_of_a_neuron_does_not_depend_on_the_others(copied, tmp_path):
    null = 'single_cluster_test = "null"\nnull_draws = 10'
    study = copied.changed(other_folder(tmp_path), {'single_cluster_test = "min_silhouette"': null})
    study.of_model("cnn", "clusters")
    together = study.table("clusters", model="cnn", neuron=3)
    study.of_model("cnn", "clusters", neurons=[3])

    alone = study.table("clusters", model="cnn", neuron=3)
    assert alone["null_silhouette"].notna().all()
    assert_same_rows(alone, together, tolerance=0)


def test_clusters_are_numbered_and_counted(finished):
    rows = finished.table("clusters")

    assert {1, 2} <= set(rows["n_clusters"])
    for _, neuron in rows.groupby(["model", "neuron"]):
        labels = neuron["cluster"].tolist()
        count = neuron["n_clusters"].iloc[0]
        assert sorted(set(labels)) == list(range(count))
        assert list(dict.fromkeys(labels)) == list(range(count))
        assert neuron["silhouette"].isna().all() == (count == 1)


def test_each_cluster_has_two_concepts_of_the_file_without_its_blemishes(finished):
    """CLIP-Dissect's defect: blank lines dropped in one place and not in another shift labels."""
    rows = finished.table("concept_hypotheses")
    clusters = finished.table("clusters").groupby(["model", "neuron"])["cluster"].nunique()

    counts = rows.groupby(["model", "neuron"]).size()
    assert (counts == 2 * clusters).all()
    assert set(rows["concept"]) <= set(CONCEPTS)
    first, second = (rows[rows["place"] == place]["score"].to_numpy() for place in (0, 1))
    assert (first >= second).all()


def test_a_clean_file_of_the_same_concepts_gives_the_same_hypotheses(copied, tmp_path):
    file = tmp_path / "clean.txt"
    file.write_text("\n".join(CONCEPTS))
    old = str(copied.bench().study.concepts.file)
    study = copied.changed(other_folder(tmp_path), {old: str(file)})

    study.of_model("cnn", "concept_hypotheses")

    same = ["model", "neuron", "settings_hash", "input_hash", "output_hash"]
    before, after = (
        one.table("provenance", stage="concept_hypotheses")[same] for one in (copied, study)
    )
    assert_same_rows(after, before, tolerance=0)


def test_the_template_is_part_of_the_text_and_of_the_settings(copied, tmp_path):
    study = copied.changed(
        other_folder(tmp_path),
        {"[vision_language]": 'template = "a photo of {}"\n[vision_language]'},
    )

    study.of_model("cnn", "concept_hypotheses")

    before, after = (one.table("concept_hypotheses", model="cnn") for one in (copied, study))
    assert set(before["score"]).isdisjoint(after["score"])
    before, after = (
        one.table("provenance", stage="concept_hypotheses", model="cnn") for one in (copied, study)
    )
    assert (before["settings_hash"] != after["settings_hash"]).all()


def test_a_hypothesis_that_cannot_be_drawn_is_told_and_holds_nothing_up(copied):
    study = copied.edited(
        {
            "[concepts]": '[concepts]\nwords = ["of", "dog"]',
            "[hypothesize]": "[hypothesize]\nn_concepts = 99",
        }
    )

    result = study.of_model("cnn", "concept_hypotheses")

    neurons = set(study.table("concept_hypotheses", model="cnn")["neuron"])
    told = failing_checks(result)
    assert set(told) == {
        ("concept_hypotheses", "drawable", f"cnn|{neuron:04}") for neuron in neurons
    }
    for evaluation in told.values():
        assert evaluation.severity == dg.AssetCheckSeverity.WARN
        assert "can be drawn, got 'of' (a function word). Its" in evaluation.description
    assert study.table("failures").empty


def test_where_the_concepts_come_from_is_stored_and_changes_no_result(copied, finished):
    [said] = set(copied.table("recipes", stage="concept_hypotheses")["said"])

    assert json.loads(said)["concepts from"] == ["concepts.txt (one concept a line)"]
    old = copied.bench().study.concepts.file
    new = shutil.copy(old, copied.file.parent / "renamed.txt")
    study = copied.edited({str(old): str(new)})
    study.of_model("cnn", "concept_hypotheses")
    assert_same_rows(
        study.table("provenance", stage="concept_hypotheses"),
        finished.table("provenance", stage="concept_hypotheses"),
        tolerance=0,
    )


def test_concepts_are_embedded_once_for_all_runs_and_targets(copied, tmp_path, count):
    embedded = count(OpenClipModel, "embed_texts")
    for model in ("cnn", "vit"):
        copied.forget(model, "concept_hypotheses")
        copied.of_model(model, "concept_hypotheses")
    assert embedded == []

    changes = {"[concepts]": '[concepts]\ntemplate = "one {}"'}
    other = copied.changed(other_folder(tmp_path), changes)
    for model in ("cnn", "vit"):
        other.of_model(model, "concept_hypotheses")

    assert embedded == [len(concept_names(other.bench().study))]
    n_before = len(copied.table("text_embeddings"))
    assert len(other.table("text_embeddings")) == n_before + 1


def test_texts_are_read_once_a_run(copied):
    bench = copied.bench()
    before = embed_concepts(bench)
    shutil.rmtree(bench.arrays.root)
    again = embed_concepts(bench)
    assert list(again) == list(before)
    np.testing.assert_array_equal(list(again.values()), list(before.values()))
    with pytest.raises(FileNotFoundError):
        embed_concepts(copied.bench())
