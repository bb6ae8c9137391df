"""The stages that know the truth, on the tiny CNN; the ViT stands for a target without."""

import itertools
import math

import numpy as np
import pytest
from PIL import Image

from sieve_assets.assets import evaluate, pipeline
from sieve_assets.assets.evaluate import agreement
from sieve_assets.assets.records import rows_hash
from sieve_assets.models.target import NeuronTarget
from sieve_assets.terrarium import oracle_scenes, workers
from sieve_assets.terrarium.captions import concept_named
from sieve_assets.terrarium.oracle_scenes import SceneSet, draw_images
from sieve_assets_tests.studies import assert_same_rows

N_UNBIASED, N_OF_CONCEPT = 300, 8
NAMES = [
    "dog on grass",
    "animal",
    "snow",
    "penguin",
    "cat at night",
    "bus",
    "owl",
    "fruit",
    "a fish",
]
KEY = ["neuron", "cluster", "concept"]


@pytest.fixture(scope="module", autouse=True)
def few_scenes():
    """Few scenes, and the truth taken for known though the world's scenes lie in a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oracle_scenes, "UNBIASED_SCENES", N_UNBIASED)
        patch.setattr(oracle_scenes, "CONCEPT_SCENES", N_OF_CONCEPT)
        patch.setattr(workers, "N_WORKERS", 1)
        for module in (evaluate, pipeline):
            patch.setattr(module, "has_known_truth", lambda _, model: model == "cnn")
        yield


def of_the_world(finished, folder):
    """The tiny study with a concept set that names, but for one, what is in its scenes."""
    names = folder / "names.txt"
    names.write_text("\n".join(NAMES))
    old = finished.bench().study.concepts.file
    study = finished.changed(folder, {str(old): str(names)})
    for model in ("cnn", "vit"):
        study.of_model(model, "concept_hypotheses", "generated_image_sets", "activation_rates")
        study.of_model(model, "verified_concepts")
    return study


@pytest.fixture(scope="module")
def judged(finished, tmp_path_factory):
    """That study, its CNN held against the truth; for tests that only read it."""
    study = of_the_world(finished, tmp_path_factory.mktemp("judged"))
    for model in ("cnn", "vit"):
        study.of_model(model, "oracle_rates")
        study.of_model(model, "truth_agreement")
    return study


@pytest.fixture
def again(judged, tmp_path):
    """A copy of it, to change."""
    return judged.changed(tmp_path)


@pytest.fixture
def drawn(monkeypatch):
    """Grows by each scene that is drawn."""
    scenes, original = [], oracle_scenes.draw_scenes
    monkeypatch.setattr(
        oracle_scenes, "draw_scenes", lambda several: scenes.extend(several) or original(several)
    )
    return scenes


def seen_by(study, scenes):
    """The CNN's activations `[scene, neuron]`, from the pictures themselves."""
    pictures = [Image.fromarray(picture) for picture in draw_images(scenes)]
    return study.bench().target("cnn").activations(pictures)


def test_each_hypothesis_of_the_world_has_the_rate_of_scenes_that_show_it(judged):
    rows = judged.table("oracle_rates")
    thresholds = judged.table("neuron_ratios", model="cnn").set_index("neuron")["p99"]

    for row in rows.itertuples():
        assert row.is_of_world == concept_named(row.concept).is_of_the_world
        assert row.threshold == thresholds[row.neuron]
        if not row.is_of_world:
            assert row.n_scenes == 0
            assert math.isnan(row.oracle_ar)
            continue
        answers = seen_by(judged, SceneSet(row.concept, N_OF_CONCEPT).scenes())[:, row.neuron]
        assert row.n_scenes == N_OF_CONCEPT
        assert row.oracle_ar == np.mean([value > row.threshold for value in answers])
    assert set(rows["is_of_world"]) == {True, False}


def test_f1_is_of_the_neurons_strongest_scenes_and_the_best_is_over_the_concept_set(judged):
    rows = judged.table("oracle_rates")
    scenes = SceneSet(None, N_UNBIASED).scenes()
    answers = seen_by(judged, scenes)

    for neuron, of_neuron in rows.groupby("neuron"):
        order = sorted(range(N_UNBIASED), key=lambda at, n=neuron: (-answers[at, n], at))
        f1 = {}
        for name in NAMES:
            members = {at for at in order if concept_named(name).is_true_of(scenes[at])}
            if members:
                f1[name] = len(members & set(order[: len(members)])) / len(members)
        best = max(f1, key=f1.get)
        assert set(of_neuron["best_concept"]) == {best}
        assert set(of_neuron["best_f1"]) == {f1[best]}
        for row in of_neuron.itertuples():
            assert row.oracle_f1 == f1.get(row.concept, pytest.approx(math.nan, nan_ok=True))
            is_true = row.oracle_f1 >= f1[best] / 2 and row.oracle_f1 > row.shuffled_f1
            assert row.oracle_true == is_true
    assert not rows.loc[~rows["is_of_world"], "oracle_true"].any()


def test_there_is_a_row_for_every_hypothesis_and_its_note_holds(judged):
    rows = judged.table("oracle_rates", model="cnn")
    hypotheses = judged.table("concept_hypotheses", model="cnn")

    assert sorted(rows[KEY].to_numpy().tolist()) == sorted(hypotheses[KEY].to_numpy().tolist())
    notes = judged.table("provenance", stage="oracle_rates", model="cnn").set_index("neuron")
    assert sorted(notes.index) == list(range(6))
    for neuron, note in notes.iterrows():
        mine = rows[rows["neuron"] == neuron]
        assert note["n_rows"] == len(mine)
        assert note["output_hash"] == rows_hash(mine)
        assert note["weights_hash"] == judged.bench().target("cnn").weights_hash


def test_a_target_over_other_images_has_no_rows_and_says_why(judged, again):
    for name in ("oracle_rates", "truth_agreement"):
        assert set(judged.table(name)["model"]) == {"cnn"}
        again.forget("vit", name)
        result = again.of_model("vit", name)
        events = result.asset_materializations_for_node(name)
        assert {event.metadata["status"].value for event in events} == {"no known truth"}
    assert judged.table("provenance", model="vit", stage="oracle_rates")["n_rows"].sum() == 0


def test_nothing_is_drawn_or_observed_a_second_time(judged, again, drawn, count):
    observed = count(NeuronTarget, "activations")

    again.of_model("cnn", "oracle_rates")
    again.of_model("cnn", "truth_agreement")

    assert drawn == observed == []
    for table in ("oracle_rates", "truth_agreement", "scene_activations"):
        assert_same_rows(again.table(table), judged.table(table), tolerance=0)


def test_a_neuron_by_itself_draws_its_own_concepts_and_has_the_same_rows(
    finished, judged, tmp_path, drawn
):
    study = of_the_world(finished, tmp_path)
    of_world = judged.table("oracle_rates", is_of_world=True)
    first, second = of_world["neuron"].unique()[:2]
    concepts = [set(of_world.loc[of_world["neuron"] == n, "concept"]) for n in (first, second)]

    study.of_model("cnn", "oracle_rates", neurons=[first])
    assert len(drawn) == N_UNBIASED + N_OF_CONCEPT * len(concepts[0])
    drawn.clear()
    study.of_model("cnn", "oracle_rates", neurons=[second])
    assert len(drawn) == N_OF_CONCEPT * len(concepts[1] - concepts[0])

    rows = judged.table("oracle_rates")
    assert_same_rows(
        study.table("oracle_rates"),
        rows[rows["neuron"].isin([first, second])].reset_index(drop=True),
        tolerance=0,
    )


def test_a_backfill_of_one_neuron_changes_no_others_rows_or_notes(judged, again):
    neuron = int(judged.table("oracle_rates")["neuron"].iloc[0])

    again.of_model("cnn", "oracle_rates", neurons=[neuron])

    assert_same_rows(again.table("oracle_rates"), judged.table("oracle_rates"), tolerance=0)
    notes, before = (
        rows[(rows["neuron"] != neuron) | (rows["model"] == "vit")]
        for rows in (one.table("provenance", stage="oracle_rates") for one in (again, judged))
    )
    assert notes["run_id"].tolist() == before["run_id"].tolist()


def test_another_number_of_scenes_is_drawn_anew_and_changes_the_settings(
    judged, again, drawn, monkeypatch
):
    monkeypatch.setattr(oracle_scenes, "CONCEPT_SCENES", N_OF_CONCEPT + 1)
    named = judged.table("oracle_rates", is_of_world=True)["concept"].nunique()

    again.of_model("cnn", "oracle_rates")

    assert len(drawn) == named * (N_OF_CONCEPT + 1)
    assert set(again.table("oracle_rates")["n_scenes"]) == {0, N_OF_CONCEPT + 1}
    new, old = (
        one.table("provenance", stage="oracle_rates", model="cnn") for one in (again, judged)
    )
    assert not set(new["settings_hash"]) & set(old["settings_hash"])


def test_hypotheses_of_another_concept_set_are_refused(again, tmp_path):
    concepts = again.bench().study.concepts.file
    own = tmp_path / "fewer.txt"
    own.write_text("owl\nbus\n")
    folder = tmp_path / "other"
    folder.mkdir()
    other = again.changed(folder, {str(concepts): str(own)})

    with pytest.raises(LookupError, match=r"^oracle_rates: expected concept_hypotheses of cnn"):
        other.of_model("cnn", "oracle_rates")


def test_agreement_is_that_of_the_stored_rows(judged):
    row = judged.table("truth_agreement").iloc[0]
    key = ["model", *KEY]
    rows = judged.table("oracle_rates").merge(judged.table("verified_concepts"), on=key)
    named = rows[rows["is_of_world"]]
    counted = rows["oracle_ar"].fillna(0)
    keeps = (counted >= counted.mean() - 1e-12) & rows["is_of_world"]

    assert row["n_hypotheses"] == len(rows) == len(judged.table("activation_rates", model="cnn"))
    assert row["n_nameless"] == len(rows) - len(named)
    assert row["n_neurons"] == rows["neuron"].nunique()
    assert row["mean_ar"] == pytest.approx(rows["activation_rate"].mean())
    assert row["mean_oracle_ar"] == pytest.approx(counted.mean())
    error = (named["activation_rate"] - named["oracle_ar"]).abs().mean()
    assert row["mean_abs_ar_error"] == pytest.approx(error)
    assert row["kept_precision"] == pytest.approx(
        rows.loc[rows["paper_kept"], "oracle_true"].mean()
    )
    both = (keeps & rows["paper_kept"]).sum()
    assert row["verified_precision"] == pytest.approx(both / rows["paper_kept"].sum())
    assert row["verified_recall"] == pytest.approx(both / keeps.sum())
    assert row["top1_precision"] == pytest.approx(np.mean(first_names(judged)["oracle_true"]))
    assert row["is_complete"]


def first_names(study):
    """Rows of `oracle_rates` for the best concept of each neuron's largest cluster."""
    sizes = study.table("clusters", model="cnn").groupby(["neuron", "cluster"]).size()
    best = study.table("concept_hypotheses", model="cnn", place=0)
    chosen = [
        max(group.itertuples(), key=lambda one: (sizes[one.neuron, one.cluster], -one.cluster))
        for _, group in best.groupby("neuron")
    ]
    rates = study.table("oracle_rates").set_index(KEY)
    return rates.loc[[(one.neuron, one.cluster, one.concept) for one in chosen]]


def test_agreement_over_some_neurons_says_that_it_is_not_complete(finished, tmp_path):
    study = of_the_world(finished, tmp_path)
    study.of_model("cnn", "oracle_rates", neurons=[1, 2])
    study.of_model("cnn", "truth_agreement")

    row = study.table("truth_agreement").iloc[0]
    assert not row["is_complete"]
    assert row["n_neurons"] <= 2


def test_without_hypotheses_the_row_has_counts_only(again):
    tested = again.bench().warehouse.read(evaluate._TESTED, {"model": "none"})
    found = agreement(tested)

    assert {value for name, value in found.items() if name.startswith("n_")} == {0}
    assert all(math.isnan(v) for name, v in found.items() if not name.startswith("n_"))


def test_neurons_without_hypotheses_have_no_rows_and_draw_nothing(finished, tmp_path, drawn):
    study = of_the_world(finished, tmp_path)
    without = set(range(6)) - set(study.table("concept_hypotheses", model="cnn")["neuron"])

    for neuron in itertools.islice(without, 1):
        study.of_model("cnn", "oracle_rates", neurons=[neuron])
    study.of_model("cnn", "truth_agreement")

    assert without
    assert drawn == []
    assert study.table("oracle_rates").empty
    row = study.table("truth_agreement").iloc[0]
    assert row["n_hypotheses"] == 0
    assert math.isnan(row["mean_ar"])
