"""What is stored of each neuron, against the tables themselves."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from sieve_assets.reports.atlas.neuron_facts import NeuronFacts, facts_of, plain, rows_of
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.studies import BY_NEURON, DEAD

WIDTHS = {"cnn": 6, "vit": 8}


@pytest.fixture(scope="module")
def facts(finished):
    """Of all neurons, by target."""
    return {
        model: facts_of(finished.bench().warehouse, model, range(width), BY_NEURON)
        for model, width in WIDTHS.items()
    }


@pytest.fixture(params=WIDTHS)
def model(request):
    return request.param


def values(rows, *columns):
    return [tuple(row[name] for name in columns) for row in rows]


def test_every_neuron_has_its_activations_and_ratio(finished, facts, model):
    ratios = finished.table("neuron_ratios", model=model)
    activations = finished.table("neuron_activations", model=model)["activation"]
    assert [one.neuron for one in facts[model]] == list(range(WIDTHS[model]))
    for one, row in zip(facts[model], ratios.itertuples(), strict=True):
        assert (one.ratio["status"], one.ratio["p99"]) == (row.status, row.p99)
        np.testing.assert_array_equal(one.activation, activations[one.neuron])


def test_samples_are_the_selected_images_with_their_crops_and_clusters(finished, facts, model):
    images = finished.table("probe_images").set_index("image_id")
    samples = finished.table("selected_samples", model=model)
    key = ["neuron", "rank"]
    crops = finished.table("patch_embeddings", model=model).set_index(key)
    clusters = finished.table("clusters", model=model).set_index(key)
    found = [row for one in facts[model] for row in one.samples]
    assert values(found, "neuron", "rank", "image_id") == list(
        samples[["neuron", "rank", "image_id"]].itertuples(index=False, name=None)
    )
    for row, sample in zip(found, samples.itertuples(), strict=True):
        image, crop = images.loc[row["image_id"]], crops.loc[row["neuron"], row["rank"]]
        assert row["activation"] == sample.activation
        assert values([row], "uri", "sha256", "label", "width_px") == [
            (image["uri"], image["sha256"], image["label"], image["width_px"])
        ]
        assert values([row], "x0", "y0", "x1", "y1", "crop_uri") == [
            tuple(crop[["x0", "y0", "x1", "y1", "uri"]])
        ]
        assert row["cluster"] == clusters.loc[row["neuron"], row["rank"]]["cluster"]


def test_hypotheses_evidence_and_revised_names_are_those_of_the_tables(finished, facts, model):
    for table, order, rows_of_neuron in (
        ("concept_hypotheses", ["cluster", "place"], lambda one: one.hypotheses),
        ("revised_names", ["concept"], lambda one: [] if one.revised is None else [one.revised]),
    ):
        stored = finished.table(table, model=model).sort_values(["neuron", *order])
        found = [row for one in facts[model] for row in rows_of_neuron(one)]
        columns = ["neuron", "concept", "score"]
        assert values(found, *columns) == list(stored[columns].itertuples(index=False, name=None))

    evidence = finished.table("evidence", model=model)
    verdicts = finished.table("verdicts", model=model).set_index(["neuron", "concept"])
    for one in facts[model]:
        own = evidence[evidence["neuron"] == one.neuron]
        assert set(values(one.evidence, "concept")) == {(name,) for name in own["concept"]}
        scores = [row["score"] for row in one.evidence]
        assert scores == sorted(own["score"], reverse=True)
        for row in one.evidence:
            verdict = verdicts.loc[one.neuron, row["concept"]]
            assert (row["verdict"], row["reason"]) == (verdict["verdict"], verdict["reason"])


def test_a_hypothesis_says_whether_the_papers_rule_keeps_it(finished, facts, model):
    kept = finished.table("verified_concepts", model=model)
    expected = {
        (row.neuron, row.cluster, row.concept): bool(row.paper_kept) for row in kept.itertuples()
    }
    found = {
        (one.neuron, row["cluster"], row["concept"]): row["paper_kept"]
        for one in facts[model]
        for row in one.hypotheses
    }
    assert found == expected
    assert found


def test_provenance_is_that_of_the_stages_asked_for_by_time(finished, facts, model):
    notes = finished.table("provenance", model=model)
    for one in facts[model]:
        own = notes[(notes["neuron"] == one.neuron) & notes["stage"].isin(BY_NEURON)]
        told = own.sort_values(["recorded_at", "stage"])
        columns = ["stage", "run_id", "output_hash"]
        assert values(one.provenance, *columns) == list(
            told[columns].itertuples(index=False, name=None)
        )
        assert len(one.provenance) == len(BY_NEURON)
    [some, *_] = facts_of(finished.bench().warehouse, model, [1], ["clusters"])
    assert values(some.provenance, "stage") == [("clusters",)]


def test_each_neurons_facts_are_the_same_whichever_others_are_asked_for(finished, facts, model):
    for one in facts[model]:
        [alone] = facts_of(finished.bench().warehouse, model, [one.neuron], BY_NEURON)
        np.testing.assert_array_equal(alone.activation, one.activation)
        alone.activation = one.activation
        assert alone == one


def test_a_neuron_that_was_not_observed_has_no_facts(finished):
    warehouse = finished.bench().warehouse
    found = facts_of(warehouse, "cnn", [3, 99, DEAD], BY_NEURON)
    assert [one.neuron for one in found] == [3, DEAD]
    assert (found[1].samples, found[1].concepts, found[1].failure) == ([], [], None)
    assert facts_of(warehouse, "none", [3], BY_NEURON) == []
    assert facts_of(warehouse, "cnn", [], BY_NEURON) == []


def test_known_truth_is_told_by_concept_once_whatever_its_clusters(finished, tmp_path):
    study = finished.changed(tmp_path)
    row = {"model": "cnn", "neuron": 3, "concept": "grass", "threshold": 0.5, "n_scenes": 9}
    row |= {"is_of_world": True, "oracle_ar": 0.25, "oracle_f1": 0.5, "shuffled_f1": 0.1}
    row |= {"best_f1": 0.75, "best_concept": "sky", "oracle_true": False}
    rows = pd.DataFrame([{**row, "cluster": 0}, {**row, "cluster": 1}])
    study.bench().warehouse.replace(Replacement("oracle_rates", rows, rows[["model"]]))
    [one, other] = facts_of(study.bench().warehouse, "cnn", [3, 4], BY_NEURON)
    assert list(one.oracle) == ["grass"]
    assert one.oracle["grass"]["best_concept"] == "sky"
    assert one.oracle["grass"]["oracle_true"] is False
    assert other.oracle == {}


def test_a_failure_is_told_with_its_stage(finished, tmp_path):
    study = finished.changed(tmp_path)
    failed = {"stage": "clusters", "model": "cnn", "neuron": 3, "run_id": "r", "reason": "no luck"}
    rows = pd.DataFrame([{**failed, "failed_at": dt.datetime(2026, 1, 1)}])  # noqa: DTZ001
    study.bench().warehouse.replace(Replacement("failures", rows, rows[["stage", "model"]]))
    [one, other] = facts_of(study.bench().warehouse, "cnn", [3, 4], BY_NEURON)
    assert (one.failure["stage"], one.failure["reason"]) == ("clusters", "no luck")
    assert other.failure is None


def named(**lists):
    rows = {what: [{"concept": one} for one in some] for what, some in lists.items()}
    revised = next(iter(rows.pop("revised", [])), None)
    return NeuronFacts(0, {}, np.zeros(1), **rows, revised=revised).concepts


def test_names_are_tested_ones_then_untested_ones_then_the_revised_one_each_once():
    assert named() == []
    assert named(evidence=["b", "a"], revised=["c"]) == ["b", "a", "c"]
    assert named(evidence=["b", "a"], revised=["a"]) == ["b", "a"]
    assert named(evidence=["b"], hypotheses=["c", "b", "c"], revised=["a"]) == ["b", "c", "a"]
    assert named(hypotheses=["c", "b"]) == ["c", "b"]


def test_rows_have_plain_values():
    frame = pd.DataFrame(
        {
            "whole": pd.Series([1, 2], dtype="int32"),
            "missing": pd.Series([1, pd.NA], dtype="Int64"),
            "number": np.array([0.5, np.nan], np.float32),
            "no_time": pd.to_datetime(["2026-01-01", None]),
            "is_so": np.array([True, False]),
            "word": ["a", None],
        }
    )
    found = rows_of(frame)
    time = pd.Timestamp("2026-01-01")
    assert [tuple(row.values()) for row in found] == [
        (1, 1, 0.5, time, True, "a"),
        (2, None, None, None, False, None),
    ]
    assert [type(one) for one in found[0].values()] == [int, int, float, pd.Timestamp, bool, str]
    assert rows_of(frame.head(0)) == []


@pytest.mark.parametrize("value", [np.ones(2), [1, None], "nan", ""])
def test_lists_and_words_stay_as_they_are(value):
    assert plain(value) is value
