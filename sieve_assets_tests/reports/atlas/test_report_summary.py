"""The summary says the numbers that the sections have, and what is missing."""

import pandas as pd
import pytest

from sieve_assets.reports.atlas.report_summary import keys_of, summary_of
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.compared_rows import METHODS, comparison_of, scores_of, store_comparison
from sieve_assets_tests.report_pages import subject_of


@pytest.fixture
def study(finished, tmp_path):
    return finished.changed(tmp_path)


def test_key_numbers_are_those_of_the_tables(finished):
    keys = {key.called: (key.value, key.about) for key in keys_of(subject_of(finished, "cnn"))}
    ratios = finished.table("neuron_ratios", model="cnn")
    n_selected = (ratios["status"] == "selected").sum()
    assert keys["neurons selected"] == (
        f"{100 * n_selected / len(ratios):.1f} %",
        f"{n_selected} of {len(ratios)}",
    )
    controls = finished.table("verdict_controls", model="cnn")
    failing = controls[controls["expected"].isin(["fail", "untestable"])]
    n_verified = (failing["verdict"] == "verified").sum()
    assert keys["verified of what must fail"][1] == f"{n_verified} of {len(failing)} controls"
    assert not [called for called in keys if called.startswith("true")]


def test_what_is_missing_is_said(study):
    said = " ".join(summary_of(subject_of(study, "vit")))
    assert "none is verified" in said
    assert "Whether the names are true is not known" in said
    scope = pd.DataFrame({"model": ["vit"]})
    for table in ("verdicts", "revised_names", "verdict_controls"):
        study.bench().warehouse.replace(Replacement(table, pd.DataFrame(), scope))
    said = " ".join(summary_of(subject_of(study, "vit")))
    assert "No name was proposed for any of them. There are no revised names." in said
    assert "No controls were made." in said


def test_true_names_are_told_where_they_are_known(study):
    rows = study.table("revised_names", model="cnn")
    rows = rows.assign(verdict="verified", oracle_true=rows["neuron"] == rows["neuron"].min())
    study.bench().warehouse.replace(Replacement("revised_names", rows, rows[["model"]]))
    subject = subject_of(study, "cnn")
    share = f"{100 / len(rows):.1f} %"
    assert f"verified revised names {share}" in " ".join(summary_of(subject))
    [key] = [one for one in keys_of(subject) if one.called.startswith("true")]
    assert key == (share, "true of verified revised names", f"1 of {len(rows)}, by the known truth")


def test_sieve_is_told_beside_the_best_of_the_others(methods, tmp_path):
    study = methods.changed(tmp_path)
    rows = comparison_of("cnn", METHODS)
    store_comparison(study.bench().warehouse, rows, scores_of("cnn"))
    said = summary_of(subject_of(study, "cnn"))[-1]
    others = rows[~rows["explainer"].str.startswith(("sieve", "oracle", "at random"))]
    best = others.loc[others["mean_ar"].idxmax()]
    sieve = rows.set_index("explainer").loc["sieve"]
    assert f"Beside {len(others)} other methods" in said
    assert f"mean AR of {100 * sieve['mean_ar']:.1f} %" in said
    assert f"of {100 * sieve['verified_coverage']:.1f} % of the neurons" in said
    assert f"{100 * best['mean_ar']:.1f} % (" in said
    assert best["explainer"] == "falcon"
    assert "of FALCON" in said
