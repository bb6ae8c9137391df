"""Names made from the truth: the truest, narrower and wider ones, and some at random."""

import numpy as np

from sieve_assets.assets.control_explanations import CONTROLS
from sieve_assets.terrarium.captions import concept_named, truth_table
from sieve_assets.terrarium.oracle_scenes import SceneSet
from sieve_assets_tests.methods import NAMES, known_truth


def test_the_truest_name_is_true_and_no_other_says_better_when_the_neuron_fires(methods):
    named = methods.table("control_explanations", explainer=CONTROLS["best"])
    truth = methods.table("compared_truth").merge(named, on=["model", "neuron", "concept"])

    assert len(truth) == len(named) > 0
    assert (truth["oracle_f1"] == truth["best_f1"]).all()
    assert (truth["concept"] == truth["best_concept"]).all()
    words = methods.table("compared_truth").query("concept in @NAMES")
    of_neuron = words.groupby("neuron")["oracle_f1"].max()
    assert (truth.set_index("neuron")["best_f1"] >= of_neuron.reindex(truth["neuron"])).all()


def test_narrower_and_wider_names_are_true_of_fewer_and_of_more_scenes(methods):
    rows = methods.table("control_explanations").pivot_table(
        index="neuron", columns="explainer", values="concept", aggfunc="first"
    )
    scenes = SceneSet(None, 2000).scenes()
    table = truth_table(scenes, tuple(concept_named(name) for name in NAMES))
    shown = dict(zip(NAMES, table.T, strict=True))
    pairs = [
        (best, other, kind)
        for kind in ("narrower", "wider")
        if CONTROLS[kind] in rows
        for best, other in zip(rows[CONTROLS["best"]], rows[CONTROLS[kind]], strict=True)
        if isinstance(other, str)
    ]

    assert pairs
    for best, other, kind in pairs:
        few, many = (shown[other], shown[best])[:: 1 if kind == "narrower" else -1]
        assert (few <= many).all()
        assert few.sum() < many.sum()


def test_random_names_are_of_the_concept_set_and_the_same_again(methods, tmp_path):
    study = methods.changed(tmp_path)
    before = study.table("control_explanations")
    study.forget("cnn", "control_explanations")
    with known_truth():
        study.of_model("cnn", "control_explanations")

    after = study.table("control_explanations")

    assert set(after["concept"]) <= set(NAMES)
    assert after.equals(before)
    assert len(after[after["explainer"] == CONTROLS["random"]]) == 6
    assert np.isfinite(after.loc[after["explainer"] == CONTROLS["best"], "score"]).all()


def test_a_target_without_a_known_truth_has_none(methods):
    assert methods.table("control_explanations", model="vit").empty
