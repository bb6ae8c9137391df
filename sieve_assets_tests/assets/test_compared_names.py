"""Every method's names are drawn, held against the same evidence, judged and checked alike."""

import pandas as pd
import pytest
from scipy import stats

from sieve_assets.assets import compared_names
from sieve_assets.models.generator import DiffusersGenerator
from sieve_assets.models.target import NeuronTarget
from sieve_assets_tests.methods import NAMES, known_truth
from sieve_assets_tests.recomputation import verdicts_of

KEY = ["model", "neuron", "concept"]
JUDGED = ["verdict", "reason", "q_value"]


def first_names(study):
    """Pairs that are to be judged, by a loop over the view."""
    rows = study.table("explanations").to_dict("records")
    return {
        (row["model"], row["neuron"], row["concept"])
        for row in rows
        if row["place"] == 0 or row["explainer"].startswith("sieve")
    }


def test_each_methods_first_name_and_all_of_sieves_are_judged_once(methods):
    rows = methods.table("compared_evidence")

    assert set(rows[KEY].itertuples(index=False, name=None)) == first_names(methods)
    assert not rows.duplicated(KEY).any()
    explainers = set(methods.table("explanations", model="cnn")["explainer"])
    assert {"sieve", "www", "imported (others)", "oracle", "clip_dissect_wpmi"} <= explainers


def test_more_names_of_a_method_are_judged_if_asked_for(methods, tmp_path):
    folder = tmp_path / "more"
    folder.mkdir()
    study = methods.changed(folder, {"[compare.www]": "[compare]\nn_names = 3\n\n[compare.www]"})
    bench = study.bench()

    some = compared_names.compared(methods.bench(), "vit", left_out=[])
    more = compared_names.compared(bench, "vit", left_out=[])
    left = compared_names.compared(bench, "vit", left_out=[2, 3])

    assert len(more) > len(some)
    assert not set(left["neuron"]) & {2, 3}


def test_every_name_has_its_pictures_in_the_shared_bank(methods):
    links, bank = methods.table("compared_pictures"), methods.table("pictures")

    assert set(links["picture_id"]) <= set(bank["picture_id"])
    for model in ("cnn", "vit"):
        mine = links[links["model"] == model]
        concepts = {concept for name, _, concept in first_names(methods) if name == model}
        assert set(mine["concept"]) == concepts
        seeds = mine.groupby("concept")["seed"].agg(sorted)
        assert all(found == [0, 1, 2] for found in seeds)
    assert "a purple submarine" in set(links["concept"]), "words beyond the concept set too"


def test_sieves_own_names_have_the_evidence_that_they_have_alone(methods):
    """But for what rests on the neuron's other names: the score and the best one."""
    alone = methods.table("evidence").drop(columns=["score", "drawn_ap", "best_name"])
    together = methods.table("compared_evidence")

    both = alone.merge(together, on=KEY, suffixes=("", "_together"))

    assert len(both) == len(alone) > 0
    for name in alone.columns.drop(KEY):
        pd.testing.assert_series_equal(
            both[name], both[f"{name}_together"], check_names=False, rtol=1e-6
        )


def test_a_text_beyond_the_concept_set_is_judged_like_any_other(methods):
    [row] = methods.table("compared_evidence", concept="a purple submarine").to_dict("records")

    assert row["neuron"] == 3
    assert row["word_rank"] <= len(NAMES)
    assert row["verdict"] in {"verified", "refuted", "untestable", "ambiguous"}
    [truth] = methods.table("compared_truth", concept="a purple submarine").to_dict("records")
    assert not truth["is_of_world"]
    assert not truth["oracle_true"]
    assert pd.isna(truth["oracle_ar"])


def test_truth_is_that_of_the_oracle_where_both_know_it(methods, tmp_path):
    study = methods.changed(tmp_path)
    with known_truth():
        study.of_model("cnn", "oracle_rates")
    of_oracle = study.table("oracle_rates").drop_duplicates(KEY)

    both = of_oracle.merge(study.table("compared_truth"), on=KEY, suffixes=("", "_compared"))

    assert len(both) == len(of_oracle) > 0
    for name in ("oracle_f1", "best_f1", "oracle_ar", "oracle_true", "n_scenes"):
        pd.testing.assert_series_equal(both[name], both[f"{name}_compared"], check_names=False)
    assert methods.table("compared_truth", model="vit").empty


def test_a_second_run_draws_and_looks_at_nothing(methods, tmp_path, count):
    study = methods.changed(tmp_path)
    study.forget("vit", "compared_pictures", "compared_evidence")
    before = study.table("compared_evidence")
    drawn, looked = count(DiffusersGenerator, "draw"), count(NeuronTarget, "activations")
    with known_truth():
        study.of_model("vit", "compared_pictures", "compared_evidence")

    assert not drawn
    assert not looked
    assert study.table("compared_evidence").equals(before)


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_verdicts_and_q_values_are_those_of_the_stored_evidence(methods, model):
    rows = methods.table("compared_evidence", model=model)
    q_values = stats.false_discovery_control(rows["p_value"], method="bh")
    assert rows["q_value"].tolist() == pytest.approx(q_values.tolist())
    assert rows["verdict"].tolist() == verdicts_of(rows)


@pytest.mark.parametrize(
    "lines",
    [{"min_score": 0.9}, {"min_rate": 0.9}, {"min_rate": 0.2}, {"min_rate": 0.2, "max_q": 0.9}],
)
def test_other_lines_give_other_verdicts_from_the_same_evidence(methods, tmp_path, lines):
    folder = tmp_path / "lines"
    folder.mkdir()
    said = "".join(f"\n{name} = {line}" for name, line in lines.items())
    study = methods.changed(folder, {"n_reference = 4": f"n_reference = 4{said}"})
    with known_truth():
        study.of_model("cnn", "revised_names", "compared_pictures", "compared_evidence")

    same, other = (one.table("compared_evidence", model="cnn") for one in (methods, study))

    assert other["verdict"].tolist() == verdicts_of(other, **lines)
    assert same.drop(columns=JUDGED).equals(other.drop(columns=JUDGED))
