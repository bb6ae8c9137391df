"""The comparison on a report: the printed tables' cells, and figures where there are rows."""

import pytest

from sieve_assets.reports.atlas.report_compared import comparison_section
from sieve_assets.reports.compared_methods import compared_methods, judged_scores
from sieve_assets_tests.compared_rows import (
    METHODS,
    comparison_of,
    scores_of,
    store_comparison,
)
from sieve_assets_tests.report_pages import subject_of
from sieve_assets_tests.step_rows import ablation_of, store_steps, sweep_of


@pytest.fixture
def study(methods, tmp_path):
    return methods.changed(tmp_path)


def parts_of(study, model="cnn"):
    return {one.name: one for one in comparison_section(subject_of(study, model)).sections}


def store(study, **options):
    warehouse = study.bench().warehouse
    store_comparison(warehouse, comparison_of("cnn", METHODS, **options), scores_of("cnn"))
    store_steps(warehouse, ablation_of("cnn", **options), sweep_of("cnn", **options))


def cells(table):
    return [dict(zip(table.headings, row, strict=True)) for row in table.rows]


def test_a_study_without_a_comparison_has_no_such_section(finished):
    assert comparison_section(subject_of(finished, "cnn")) is None


def test_methods_have_the_stored_shares_and_lines_between_kinds(study):
    store(study)
    [table] = parts_of(study)["methods-part"].tables
    rows = compared_methods(study.bench().warehouse, "cnn")
    assert [row["method"] for row in cells(table)] == rows["called"].tolist()
    for cell, row in zip(cells(table), rows.to_dict("records"), strict=True):
        assert cell["named"] == str(row["n_named"])
        assert cell["AR of first"].startswith(f"{100 * row['mean_ar']:.1f} (")
        assert cell["equal AR"] == f"{100 * row['equal_ar']:.1f}"
        assert cell["true verif"] == f"{100 * row['true_verified']:.0f}"
    kinds = rows["kind"].tolist()
    assert table.new_kinds == {kinds.index("other"), kinds.index("control")}
    assert table.about.startswith("named: neurons that the method names")


def test_scores_steps_and_thresholds_are_those_stored(study):
    store(study)
    parts = parts_of(study)
    scores = judged_scores(study.bench().warehouse, "cnn")
    best = scores.iloc[0]
    [first, *_] = parts["scores-part"].tables[0].rows
    assert first[:2] == [
        best["called"],
        f"{best['auroc']:.3f} ({best['auroc_low']:.2f}–{best['auroc_high']:.2f})",
    ]
    steps, betas = (cells(parts[name].tables[0]) for name in ("steps-part", "betas-part"))
    stored = study.table("ablation", model="cnn").sort_values("place")
    assert [row["variant"] for row in steps] == stored["variant"].tolist()
    assert [row["left"] for row in steps] == [f"{100 * one:.0f}" for one in stored["coverage"]]
    assert [row["β"] for row in betas] == ["4", "6", "8", "10 *", "12"]
    sweep = study.table("beta_sweep", model="cnn").sort_values("beta")
    assert [row["sel"] for row in betas] == [str(one) for one in sweep["n_selected"]]


def test_every_part_has_its_figure_where_the_truth_is_known(study):
    store(study)
    names = [one.name for part in parts_of(study).values() for one in part.figures]
    assert names == [
        *("methods", "coverage", "recall", "scores"),
        *("steps", "betas"),
    ]


def test_without_truth_there_is_no_figure_or_column_of_it(methods):
    parts = parts_of(methods, "vit")
    assert "scores-part" not in parts
    assert "recall" not in {one.name for one in parts["methods-part"].figures}
    assert not [one for one in parts["methods-part"].tables[0].headings if "true" in one]


def test_that_no_method_named_a_neuron_is_said(methods):
    section = comparison_section(subject_of(methods, "none"))
    assert section.paragraphs == ["No method has named a neuron."]
