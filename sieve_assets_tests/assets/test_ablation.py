"""The ablation is a selection of the methods' figures, with what each name is made with."""

import pytest

from sieve_assets.assets.ablation import STEPS, VARIANTS
from sieve_assets.assets.staleness import find_stale
from sieve_assets_tests.methods import known_truth
from sieve_assets_tests.studies import assert_same_rows

FILTERED = {"coverage": "kept_coverage", "mean_ar": "kept_ar", "true_share": "true_kept"}
UNFILTERED = {"coverage": "coverage", "mean_ar": "mean_ar", "true_share": "true_first"}
ALIKE = ("verified_coverage", "verified_ar", "verified_ar_low", "verified_ar_high", "true_verified")


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_a_row_has_the_figures_of_its_names_by_whether_they_are_filtered(methods, model):
    figures = methods.table("method_comparison", model=model).set_index("explainer")
    rows = methods.table("ablation", model=model).sort_values("place")

    assert rows["variant"].tolist() == [one.variant for one in VARIANTS]
    for row in rows.to_dict("records"):
        of_names = figures.loc[row["explainer"]]
        taken = FILTERED if row["has_verify"] else UNFILTERED
        for end in ("_low", "_high"):
            assert row[f"mean_ar{end}"] == of_names[f"{taken['mean_ar']}{end}"]
        for name, other in (taken | {one: one for one in ALIKE}).items():
            assert row[name] == pytest.approx(of_names[other], nan_ok=True)


def test_the_marks_say_what_is_left_out(methods):
    rows = methods.table("ablation", model="cnn").set_index("variant")
    out = {
        variant: [step for step in STEPS if not row[f"has_{step}"]]
        for variant, row in rows.iterrows()
    }
    assert out == {
        "SIEVE": [],
        "without Select": ["select"],
        "without clusters": ["clusters"],
        "without clusters and crops": ["clusters", "crops"],
        "without Verify": ["verify"],
        "baseline": list(STEPS),
    }


def test_without_verify_no_name_of_sieves_is_left_out(methods):
    rows = methods.table("ablation", model="cnn").set_index("variant")
    selected = methods.table("neuron_ratios", model="cnn", status="selected")
    assert rows.loc["without Verify", "coverage"] == pytest.approx(len(selected) / 6)
    assert rows.loc["SIEVE", "coverage"] < rows.loc["without Verify", "coverage"]
    assert rows.loc["SIEVE", "mean_ar"] > rows.loc["without Verify", "mean_ar"]
    varying = methods.table("neuron_ratios", model="cnn").query("status != 'dead'")
    assert rows.loc["baseline", "coverage"] == pytest.approx(len(varying) / 6)


def test_a_second_run_makes_nothing_and_a_forgotten_one_the_same(methods, tmp_path):
    study = methods.changed(tmp_path)
    before = study.table("provenance", stage="ablation", model="cnn")
    with known_truth():
        study.of_model("cnn", "ablation")
        assert study.table("provenance", stage="ablation", model="cnn").equals(before)

        others = {one.stage for one in find_stale(study.bench())}
        study.forget("cnn", "ablation")
        assert {one.stage for one in find_stale(study.bench())} == others | {"ablation"}
        assert "ablation" not in others
        study.of_model("cnn", "ablation")
    assert_same_rows(study.table("ablation"), methods.table("ablation"), tolerance=0)
