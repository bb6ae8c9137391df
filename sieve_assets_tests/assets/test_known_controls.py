"""Controls of known neurons: which classes are tried, and directions that know their concept."""

import numpy as np
import pytest

from sieve_assets.assets import known_controls
from sieve_assets.assets.control_kinds import PLANTED
from sieve_assets.assets.known_controls import class_names_of, classes_of
from sieve_assets.terrarium import oracle_scenes
from sieve_assets.terrarium.captions import concept_named, truth_table
from sieve_assets.terrarium.probe import scenes_of
from sieve_assets_tests.studies import WORLD_PROBE

N_PROBE, N_SCENES = 240, 300
MORE = {
    **WORLD_PROBE,
    "[concepts]": WORLD_PROBE["[concepts]"].replace("n_images = 9", f"n_images = {N_PROBE}"),
    "n_controls = 4\nn_reference = 4": "n_reference = 12\nn_controls = 3",
}


@pytest.fixture(scope="module")
def world(finished, tmp_path_factory):
    """The tiny cnn on scenes that are known, with every direction taken for one that knows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oracle_scenes, "UNBIASED_SCENES", N_SCENES)
        patch.setattr(known_controls, "COPY_SCENES", N_SCENES)
        patch.setattr(known_controls, "LEAST_AP", 0.0)
        yield finished.anew(tmp_path_factory.mktemp("world"), MORE).everything("cnn")


def test_classes_that_are_drawn_come_first_then_the_concept_sets_then_others(finished):
    bench = finished.bench()
    names = ["moon", "dog", "penguin", "cat", "twin", "twin", "sun", "sky"]

    found = classes_of(bench, ["sky", "twin"], names)

    assert "sky" in set(found["concept"])
    assert set(found["concept"]) == {"dog", "penguin", "cat", "sky"}
    assert [names[one] for one in found["neuron"]] == found["concept"].tolist()
    more = classes_of(bench, ["moon", "sun", "sky", "dog", "cat"], names)
    assert set(more["concept"]) < {"moon", "sun", "sky", "dog", "cat"}
    assert classes_of(bench, ["sky"], []).empty


def test_a_target_whose_weights_do_not_name_its_classes_has_no_names(finished):
    assert class_names_of(finished.bench(), "cnn") == ["dog", "horse", "grass"]
    assert class_names_of(finished.bench(), "vit") == []


def test_planted_directions_name_what_a_fair_share_of_the_images_shows(world):
    rows = world.table("verdict_controls", control=PLANTED)
    images = world.table("probe_images", probe="world")
    scenes = scenes_of(images["image_id"].tolist(), n_images=N_PROBE, seed=0)

    assert 0 < len(rows) <= 3, "of those that are true"
    shown = truth_table(scenes, tuple(concept_named(one) for one in rows["concept"]))
    assert shown.sum(axis=0).min() >= 20
    assert ((shown.mean(axis=0) >= 0.002) & (shown.mean(axis=0) <= 0.2)).all()
    assert rows["quality"].between(0, 1).all()
    assert rows["neuron"].tolist() == list(range(len(rows)))
    assert rows["oracle_true"].all()


def test_a_direction_that_does_not_know_its_concept_is_left_out(world, monkeypatch):
    monkeypatch.setattr(known_controls, "LEAST_AP", 1.1)
    world.forget("cnn", "verdict_controls")

    world.of_model("cnn", "verdict_controls")

    found = world.table("verdict_controls", model="cnn")
    assert PLANTED not in set(found["control"])


def test_where_truth_is_known_shuffled_names_are_false_and_the_copys_are_judged(world):
    rows = world.table("verdict_controls", model="cnn").groupby("control")["oracle_true"]
    truth = {kind: np.array(values.tolist(), object) for kind, values in rows}

    assert all(value is not None for value in truth["random weights"])
    assert not any(truth.get("shuffled names", [False]))
