"""Controls and truth on a report are those of the tables; where there are none it says so."""

import pandas as pd
import pytest

from sieve_assets.reports.atlas.report_judged import (
    MUST_FAIL,
    MUST_PASS,
    controls_of,
    controls_section,
    judged_names,
    truth_section,
)
from sieve_assets.reports.atlas.report_parts import interval_of
from sieve_assets.stores.schema import tables
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.report_pages import subject_of


@pytest.fixture
def study(finished, tmp_path):
    return finished.changed(tmp_path)


def put(study, table, rows):
    study.bench().warehouse.replace(Replacement(table, rows, rows[["model"]].drop_duplicates()))


def known(study):
    """Say of the CNN's hypotheses and revised names, by turns, that they are true."""
    names = study.table("concept_hypotheses", model="cnn")[
        ["model", "neuron", "cluster", "concept"]
    ]
    is_true = names.groupby(["neuron", "concept"]).ngroup() % 3 == 0
    rest = {"threshold": 1.0, "is_of_world": True, "n_scenes": 8, "oracle_ar": 0.5}
    blank = dict.fromkeys(["oracle_f1", "shuffled_f1", "best_f1"], 0.5) | {"best_concept": "dog"}
    put(study, "oracle_rates", names.assign(**rest, **blank, oracle_true=is_true))
    revised = study.table("revised_names", model="cnn")
    put(study, "revised_names", revised.assign(oracle_true=revised["neuron"] % 2 == 0))
    kinds = tables()["truth_agreement"].columns.names
    row = {name: 7 if name.startswith("n_") else 0.123 for name in kinds}
    put(study, "truth_agreement", pd.DataFrame([row | {"model": "cnn", "is_complete": True}]))


def test_controls_are_counted_by_kind_and_together(study):
    rows = study.table("verdict_controls", model="cnn")
    verdicts = ["verified" if place % 3 == 0 else "refuted" for place in range(len(rows))]
    rows = rows.assign(verdict=verdicts)
    put(study, "verdict_controls", rows)
    [table] = controls_section(subject_of(study, "cnn")).tables
    for row in table.rows:
        name = row[0]
        kinds = {"must fail, together": MUST_FAIL, "must pass, together": MUST_PASS}.get(name)
        some = rows[rows["expected"].isin(kinds) if kinds else rows["control"] == name]
        n_verified = int((some["verdict"] == "verified").sum())
        assert list(row[2:6]) == [
            str(len(some)),
            str(n_verified),
            f"{100 * n_verified / len(some):.1f} %",
            interval_of(n_verified, len(some), 0.95),
        ]
        assert row[6] == str((some["verdict"] == "refuted").sum())
    assert {row[0] for row in table.rows} >= set(rows["control"])
    failing = rows[rows["expected"].isin(MUST_FAIL)]
    assert controls_of(subject_of(study, "cnn"), MUST_FAIL) == (
        (failing["verdict"] == "verified").sum(),
        len(failing),
    )


def test_that_there_are_no_controls_is_said(study):
    scope = pd.DataFrame({"model": ["cnn"]})
    study.bench().warehouse.replace(Replacement("verdict_controls", pd.DataFrame(), scope))
    section = controls_section(subject_of(study, "cnn"))
    assert (section.tables, len(section.paragraphs)) == ((), 1)
    assert "no controls" in section.paragraphs[0]


def test_true_names_are_counted_once_a_neuron(study):
    known(study)
    verdicts = study.table("verdicts", model="cnn")
    put(study, "verdicts", verdicts.assign(verdict=["verified", "refuted"] * (len(verdicts) // 2)))
    truth = study.table("oracle_rates", model="cnn").drop_duplicates(["neuron", "concept"])
    truth = study.table("verdicts", model="cnn").merge(truth, on=["model", "neuron", "concept"])
    found = judged_names(subject_of(study, "cnn")).set_index("names")
    assert tuple(found.loc["all hypotheses"]) == (len(truth), truth["oracle_true"].sum())
    kept = study.table("verified_concepts", model="cnn").query("paper_kept")
    kept = truth.merge(kept[["neuron", "concept"]].drop_duplicates())
    assert tuple(found.loc["hypotheses that the paper's rule keeps"]) == (
        len(kept),
        kept["oracle_true"].sum(),
    )
    verified = truth.query("verdict == 'verified'")
    assert 0 < len(verified) < len(truth)
    assert tuple(found.loc["verified hypotheses"]) == (len(verified), verified["oracle_true"].sum())
    revised = study.table("revised_names", model="cnn")
    expected = (len(revised), (revised["neuron"] % 2 == 0).sum())
    assert tuple(found.loc["all revised names"]) == expected


def test_the_agreement_is_told_with_what_the_schema_says(study):
    known(study)
    section = truth_section(subject_of(study, "cnn"))
    agreement = {row[0]: row[1:] for row in section.tables[1].rows}
    about = tables()["truth_agreement"].comments
    assert agreement["n_graded"] == [about["n_graded"], "7"]
    assert agreement["constant_error"] == [about["constant_error"], "12.3 %"]
    assert len(agreement) == len(about) - 2
    assert "off by 12.3 % in the mean" in section.paragraphs[1]
    assert [one.name for one in section.figures] == ["truth"]


def test_that_the_truth_is_not_known_is_said(finished):
    section = truth_section(subject_of(finished, "vit"))
    assert (section.tables, section.figures) == ((), ())
    assert "nothing here says whether a verified name is true" in section.paragraphs[0]
