"""How far neurons got and which verdicts there are, counted again from the tables."""

import pandas as pd
import pytest

from sieve_assets.reports.atlas.report_found import (
    MOST_NAMES,
    coverage_section,
    names_section,
    verdicts_section,
)
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.report_pages import subject_of

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
def study(finished, tmp_path):
    return finished.changed(tmp_path)


def cells(table):
    return {row[0]: list(row[1:]) for row in table.rows}


def put(study, table, rows):
    study.bench().warehouse.replace(Replacement(table, rows, rows[["model"]].drop_duplicates()))


def verify(study, model="cnn"):
    """Say that every second hypothesis and every second revised name of a target is verified."""
    for table in ("verdicts", "revised_names"):
        rows = study.table(table, model=model)
        verdicts = ["verified" if place % 2 == 0 else "refuted" for place in range(len(rows))]
        put(study, table, rows.assign(verdict=verdicts))


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_neurons_are_counted_by_how_far_they_got(study, model):
    verify(study, model)
    [table] = coverage_section(subject_of(study, model)).tables
    ratios, kept = study.table("neuron_ratios", model=model), study.table("verified_concepts")
    judged, revised = (
        study.table(name, model=model).query("verdict == 'verified'")["neuron"]
        for name in ("verdicts", "revised_names")
    )
    counts = ratios["status"].value_counts()
    named = study.table("concept_hypotheses", model=model)["neuron"].nunique()
    expected = {
        "in the layer": len(ratios),
        "dead": counts.get("dead", 0),
        "of low contrast": counts.get("low_contrast", 0),
        "selected": counts.get("selected", 0),
        "with a hypothesis": named,
        "with a name that the paper's rule keeps": kept[(kept["model"] == model)]
        .query("paper_kept")["neuron"]
        .nunique(),
        "with a verified hypothesis": judged.nunique(),
        "with a revised name": len(study.table("revised_names", model=model)),
        "with a verified revised name": revised.nunique(),
        "with a verified name of either kind": len({*judged} | {*revised}),
    }
    assert {name: int(row[1]) for name, row in cells(table).items()} == expected
    shares = {name: f"{100 * n / len(ratios):.1f} %" for name, n in expected.items()}
    assert {name: row[2] for name, row in cells(table).items()} == shares


def test_verdicts_are_counted_with_their_means(study):
    verify(study)
    section = verdicts_section(subject_of(study, "cnn"))
    hypotheses, revised = section.tables
    rows = study.table("verdicts", model="cnn").merge(
        study.table("evidence", model="cnn"), on=["model", "neuron", "concept"]
    )
    for table, some in ((hypotheses, rows), (revised, study.table("revised_names", model="cnn"))):
        for verdict, row in cells(table).items():
            own = some[some["verdict"] == verdict]
            assert int(row[1]) == len(own)
            assert row[2] == f"{100 * len(own) / len(some):.1f} %"
            if len(own):
                means = own[["activation_rate", "reported_ar"]].mean()
                assert row[3:5] == [f"{100 * one:.1f} %" for one in means]
    kept = study.table("verified_concepts", model="cnn")
    share = f"{100 * kept['paper_kept'].mean():.1f} %"
    assert f"keeps {kept['paper_kept'].sum()} of {len(kept)} ({share}) hypotheses" in " ".join(
        section.paragraphs
    )


def test_nothing_observed_all_dead_and_nothing_named_are_said(study):
    assert (
        "No neuron has been observed" in coverage_section(subject_of(study, "none")).paragraphs[0]
    )
    ratios = study.table("neuron_ratios", model="cnn")
    put(study, "neuron_ratios", ratios.assign(status="dead", ratio=float("nan")))
    for table in ("verdicts", "revised_names", "verified_concepts", "concept_hypotheses"):
        study.bench().warehouse.replace(Replacement(table, pd.DataFrame(), ratios[["model"]]))
    subject = subject_of(study, "cnn")
    section = coverage_section(subject)
    assert section.paragraphs[0].startswith("All neurons are dead")
    assert section.figures == []
    judged = verdicts_section(subject)
    assert judged.paragraphs[0].startswith("No name was proposed for any neuron")
    assert (judged.tables, judged.figures) == ([], ())


def test_no_selected_neuron_is_said(study):
    ratios = study.table("neuron_ratios", model="cnn")
    put(study, "neuron_ratios", ratios.assign(status="low_contrast"))
    section = coverage_section(subject_of(study, "cnn"))
    assert section.paragraphs[0].startswith("No neuron's contrast is above the threshold")


def test_verified_names_are_listed_with_both_rates(study):
    assert names_section(subject_of(study, "vit")).paragraphs == ["No name is verified."]
    verify(study)
    section = names_section(subject_of(study, "cnn"))
    rows = study.table("verdicts", model="cnn").query("verdict == 'verified'")
    revised = study.table("revised_names", model="cnn").query("verdict == 'verified'")
    found = [tuple(row[:3]) for row in section.tables[0].rows]
    expected = [
        (str(n), c, "hypothesis") for n, c in zip(rows["neuron"], rows["concept"], strict=False)
    ]
    expected += [
        (str(n), c, "revised name")
        for n, c in zip(revised["neuron"], revised["concept"], strict=False)
    ]
    assert sorted(found) == sorted(expected)
    row, *_ = (one for one in section.tables[0].rows if one[2] == "revised name")
    one = revised.set_index("neuron").loc[int(row[0])]
    assert (row[3], row[5]) == tuple(
        f"{100 * one[name]:.1f} %" for name in ("activation_rate", "matched_ar")
    )


def test_of_many_verified_names_the_first_are_listed(study):
    [row] = study.table("revised_names", model="cnn").head(1).to_dict("records")
    rows = pd.DataFrame([row | {"neuron": n, "verdict": "verified"} for n in range(MOST_NAMES + 5)])
    put(study, "revised_names", rows)
    section = names_section(subject_of(study, "cnn"))
    assert len(section.tables[0].rows) == MOST_NAMES
    assert section.paragraphs[0] == f"{MOST_NAMES + 5} verified names of {MOST_NAMES + 5} neurons."
    assert "the index of the target has them all" in section.paragraphs[1]
