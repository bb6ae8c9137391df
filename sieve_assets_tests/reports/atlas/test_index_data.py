"""What pages load of a target as a whole, against recounts from the tables."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from sieve_assets.assets.atlas_material import material_of
from sieve_assets.assets.neuron_atlas import READS
from sieve_assets.method.activation_rates import wilson_interval
from sieve_assets.method.near_names import near_names
from sieve_assets.reports.atlas.index_data import (
    LEAST_COSINE,
    SOURCES,
    STATUSES,
    VERDICTS,
    history_data,
    made_with_data,
    neurons_data,
    rates_data,
    share,
    target_facts,
    verified_now,
    words_data,
)
from sieve_assets.reports.atlas.site import slug
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.studies import BY_NEURON, CONCEPTS, DEAD, SPARSE

MODEL = pd.DataFrame({"model": ["cnn"]})
STAGES = [one.name for one in READS]
REVISED = ["verified", "refuted", "untestable", "ambiguous", "refuted"]
"""Of the CNN's living neurons 1 to 5."""
OF_FOUR = {"an animal": (0.25, "verified"), "a fruit": (0.75, "verified")}
"""Of neuron 4, which has a revised name that is not verified: rate to decide, verdict."""
NAMELESS = ("concept_hypotheses", "generated_image_sets", "reference_pictures", "evidence")


@pytest.fixture(scope="module")
def judged(finished, tmp_path_factory):
    """The tiny study with verdicts of all kinds, whatever its pictures say."""
    study = finished.changed(tmp_path_factory.mktemp("judged"))
    revised = study.table("revised_names", model="cnn").assign(verdict=REVISED)
    evidence, verdicts = (study.table(name, model="cnn") for name in ("evidence", "verdicts"))
    for concept, (rate, verdict) in OF_FOUR.items():
        for rows, column, value in (
            (evidence, "ar_to_decide", rate),
            (verdicts, "verdict", verdict),
        ):
            is_its = (rows["neuron"] == 4) & (rows["concept"] == concept)
            assert is_its.sum() == 1
            rows.loc[is_its, column] = value
    study.bench().warehouse.replace(
        Replacement("revised_names", revised, MODEL),
        Replacement("evidence", evidence, MODEL),
        Replacement("verdicts", verdicts, MODEL),
    )
    return study


@pytest.fixture(scope="module")
def material(judged):
    return material_of(judged.bench(), "cnn", STAGES)


@pytest.fixture(scope="module")
def nameless(finished, tmp_path_factory):
    """Of a target for which nothing was drawn."""
    study = finished.changed(tmp_path_factory.mktemp("nameless"))
    for table in (*NAMELESS, "revised_names", "verdicts", "verified_concepts"):
        study.delete(table, pd.DataFrame({"model": ["vit"]}))
    return material_of(study.bench(), "vit", BY_NEURON)


def expected_names(study):
    """`{neuron: [(concept, verdict, source, AR), …]}`, the one that is shown first, by loops."""
    found = {}
    evidence = study.table("evidence", model="cnn").set_index(["neuron", "concept"])
    verdicts = study.table("verdicts", model="cnn").set_index(["neuron", "concept"])
    for row in study.table("revised_names", model="cnn").itertuples():
        own = evidence[evidence.index.get_level_values("neuron") == row.neuron].reset_index()
        others = [name for name in own["concept"] if name != row.concept]
        source = "both" if row.concept in set(own["concept"]) else "revised"
        revised = (row.concept, row.verdict, source, row.activation_rate)
        hypotheses = [
            (
                name,
                verdicts.loc[row.neuron, name]["verdict"],
                "hypothesis",
                evidence.loc[row.neuron, name]["activation_rate"],
            )
            for name in others
        ]
        good = [one for one in hypotheses if one[1] == "verified"]
        good.sort(key=lambda one: -evidence.loc[row.neuron, one[0]]["ar_to_decide"])
        best = good[0] if good and row.verdict != "verified" else revised
        rest = [one for one in (revised, *hypotheses) if one != best]
        found[int(row.neuron)] = [best, *sorted(rest)]
    return found


def test_every_neuron_has_its_shown_name_verdict_and_rate(judged, material):
    found, expected = neurons_data(material), expected_names(judged)
    columns, names = found["neurons"], [name for name, _ in found["names"]]
    assert found["names"] == [[name, slug(name)] for name in sorted(names)]
    for neuron in range(6):
        if neuron == DEAD:
            assert [columns[name][DEAD] for name in ("name", "verdict", "source", "ar", "n")] == [
                None
            ] * 5
            assert found["tried"][DEAD] == []
            continue
        concept, verdict, source, rate = expected[neuron][0]
        assert names[columns["name"][neuron]] == concept
        assert VERDICTS[columns["verdict"][neuron]] == verdict
        assert SOURCES[columns["source"][neuron]] == source
        assert columns["ar"][neuron] == round(rate, 3)
        assert columns["low"][neuron] <= columns["ar"][neuron] <= columns["high"][neuron]
        assert columns["n"][neuron] == 3
    assert names[columns["name"][4]] == "a fruit"


def test_all_names_that_were_tried_are_listed_with_their_verdicts(judged, material):
    found = neurons_data(material)
    for neuron, expected in expected_names(judged).items():
        tried = {
            (found["names"][name][0], VERDICTS[verdict], SOURCES[source], ar)
            for name, verdict, ar, _, _, source in found["tried"][neuron]
        }
        assert tried == {(*one[:3], round(one[3], 3)) for one in expected}
        assert len(found["tried"][neuron]) == len(expected)


def test_statuses_and_ratios_are_those_of_select(judged, material):
    columns = neurons_data(material)["neurons"]
    for row in judged.table("neuron_ratios", model="cnn").itertuples():
        assert STATUSES[columns["status"][row.neuron]] == row.status
        assert columns["thumb"][row.neuron] == (row.status != "dead")
        if row.neuron in {DEAD, SPARSE}:
            assert columns["ratio"][row.neuron] is None
        else:
            assert columns["ratio"][row.neuron] == pytest.approx(row.ratio, rel=1e-3)
    assert columns["is_sparse"] == [int(neuron == SPARSE) for neuron in range(6)]
    assert set(columns["status"]) == {0, 1, 2}


def test_only_neurons_with_a_verified_name_are_on_the_map(material):
    columns = neurons_data(material)["neurons"]
    for x, y, verdict in zip(columns["x"], columns["y"], columns["verdict"], strict=True):
        assert (x is None) == (y is None) == (verdict is None or VERDICTS[verdict] != "verified")
        assert x is None or (0 <= x <= 1 and 0 <= y <= 1)
    assert sum(x is not None for x in columns["x"]) == 2


def test_every_column_has_a_value_a_neuron(material, nameless):
    for one in (material, nameless):
        found = neurons_data(one)
        assert {len(some) for some in found["neurons"].values()} == {one.width}
        assert len(found["tried"]) == one.width


def test_a_neuron_that_was_not_observed_has_nothing(judged, tmp_path):
    study = judged.changed(tmp_path)
    for table in ("neuron_ratios", "concept_hypotheses", "evidence", "revised_names"):
        study.delete(table, pd.DataFrame({"model": ["cnn"], "neuron": [3]}))
    found = neurons_data(material_of(study.bench(), "cnn", BY_NEURON))
    columns = {name: some[3] for name, some in found["neurons"].items()}
    assert {name for name, value in columns.items() if value is not None} == {"is_sparse", "thumb"}
    assert (columns["is_sparse"], columns["thumb"], found["tried"][3]) == (0, 0, [])


def test_a_target_without_names_has_an_empty_index(nameless):
    found = neurons_data(nameless)
    assert (found["names"], found["tried"]) == ([], [[]] * 8)
    assert found["neurons"]["name"] == found["neurons"]["x"] == [None] * 8
    assert rates_data(nameless) == {"n_neurons": 8, "rates": {}, "concepts": {}}
    assert words_data(nameless)["near"] == [[] for _ in CONCEPTS]


def test_words_find_the_names_nearest_to_them(judged, material):
    found = words_data(material)
    assert found["words"] == CONCEPTS
    texts = judged.bench().vision_language.embed_texts([*CONCEPTS, *material.names]).astype(float)
    for at, pairs in enumerate(found["near"]):
        cosines = dict(enumerate((texts[len(CONCEPTS) :] @ texts[at]).tolist()))
        told = dict(zip(pairs[::2], pairs[1::2], strict=True))
        assert set(told) == set(cosines)
        for name, cosine in told.items():
            assert cosine == pytest.approx(100 * cosines[name], abs=0.51)
        assert pairs[1::2] == sorted(pairs[1::2], reverse=True)


def test_names_that_are_far_from_a_word_are_not_found_by_it(material):
    angles = np.arccos([[LEAST_COSINE + 0.01, LEAST_COSINE - 0.01]])
    names = np.stack([np.cos(angles[0]), np.sin(angles[0])], axis=1)
    near = near_names(np.array([[1.0, 0.0]]), names, count=2)
    far = dataclasses.replace(material, words=["a"], near=near)
    assert words_data(far) == {"words": ["a"], "near": [[0, 31]]}


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_rates_are_those_of_a_loop_over_the_pictures(finished, materials, model):
    found = rates_data(materials[model])
    seen = finished.table("picture_activations", model=model).set_index("picture_id")["activation"]
    limits = finished.table("neuron_ratios", model=model)["p99"].astype(np.float32)
    links = [
        finished.table(name, model=model) for name in ("generated_image_sets", "reference_pictures")
    ]
    pictures = pd.concat(links).drop_duplicates(["concept", "seed"])
    assert found["concepts"] == {slug(name): name for name in set(pictures["concept"])}
    assert set(found["rates"]) == set(found["concepts"])
    for concept, rows in pictures.groupby("concept"):
        counts = {
            neuron: sum(bool(seen[one][neuron] > limit) for one in rows["picture_id"])
            for neuron, limit in enumerate(limits)
        }
        best = sorted(
            (neuron for neuron in counts if counts[neuron]), key=lambda n: (-counts[n], n)
        )
        told = found["rates"][slug(str(concept))]
        assert [row[0] for row in told] == best
        for neuron, ar, low, high, n_active, n in told:
            assert (n_active, n) == (counts[neuron], len(rows))
            interval = wilson_interval(np.array([n_active]), n, confidence=0.95)
            expected = n_active / n, interval.low[0], interval.high[0]
            assert (ar, low, high) == pytest.approx(expected, abs=5e-4)
    assert model == "vit" or any(found["rates"].values())


def test_the_target_is_told_as_the_study_and_its_last_run_say(judged, material):
    found, study = target_facts(material), judged.bench().study
    target = study.targets["cnn"]
    expected = {"name": "cnn", "network": target.network, "width": 6, "n_probe_images": 60}
    expected |= {"beta": study.select.beta, "n_images": 3, "n_candidates": 7, "is_complete": True}
    assert {name: found[name] for name in expected} == expected
    notes = judged.table("provenance", model="cnn")
    last = notes[notes["stage"].isin(["verdicts", "revised_names"])].nlargest(1, "recorded_at")
    assert [found["run_id"]] == last["run_id"].tolist()
    assert found["made_at"] == str(last["recorded_at"].iloc[0])
    assert (
        found["final_mean_ar"]
        == judged.table("verified_concepts", model="cnn")["final_mean_ar"].unique()
    )
    assert target_facts(material_of(judged.bench(), "vit", []))["beta"] == study.select.beta_signed


def test_beta_is_what_the_neurons_were_held_against(judged, tmp_path):
    bench = judged.changed(tmp_path).bench()
    rows = bench.warehouse.read("SELECT * FROM neuron_ratios WHERE model = 'cnn'")
    of_model = Replacement("neuron_ratios", rows.assign(beta=1.9), MODEL)
    bench.warehouse.replace(of_model)
    assert target_facts(material_of(bench, "cnn", []))["beta"] == 1.9


def test_the_verified_names_of_now_and_of_earlier_runs_are_told(judged, material):
    row = verified_now(material)
    names = list(zip(row["neuron"].iloc[0], row["concept"].iloc[0], strict=True))
    first = expected_names(judged)[1][0][0]
    assert names == [(1, first), (4, "a fruit"), (4, "an animal")]

    judged.bench().warehouse.add_missing("name_history", row.assign(run_id="later"))
    earlier = row.assign(run_id="earlier", recorded_at=pd.Timestamp("2020-01-01"))
    judged.bench().warehouse.add_missing("name_history", earlier)
    found = history_data(material)
    assert [one["run_id"] for one in found][-1] == "earlier"
    times = [one["recorded_at"] for one in found]
    assert times == sorted(times, reverse=True)
    rate = expected_names(judged)[1][0][3]
    assert found[-1]["names"]["1"] == [[first, "verified", round(rate, 3)]]
    assert [one[0] for one in found[-1]["names"]["4"]] == ["a fruit", "an animal"]


def test_what_the_atlas_was_made_from_is_told_and_nothing_that_comes_after_it(judged, material):
    found, notes = made_with_data(material), judged.table("provenance", model="cnn", neuron=-1)
    read = set(notes["stage"]) & set(STAGES)
    assert sorted(row["stage"] for row in found["stages"]) == sorted(read)
    assert {"neuron_atlas", "target_report"} <= set(notes["stage"]) - read
    assert {stage for stage, _ in found["recipes"]} == {*read, *BY_NEURON}


def test_a_share_has_three_decimals_and_may_be_missing():
    assert share(np.float32(2 / 3)) == 0.667
    assert [share(one) for one in (None, np.nan, pd.NA, 0)] == [None, None, None, 0.0]
