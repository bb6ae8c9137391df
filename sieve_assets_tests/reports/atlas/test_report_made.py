"""Settings, provenance and limits on a report are those of the study and of the tables."""

import hashlib
from importlib.metadata import version

import pandas as pd
import pytest

from sieve_assets.reports.atlas import report_made
from sieve_assets.reports.atlas.report_made import (
    LIBRARIES,
    libraries,
    limits_section,
    provenance_section,
    settings_of,
    settings_section,
)
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.report_pages import subject_of

STAGES = ["probe_pass", "neuron_ratios", "verdicts", "no_such_stage"]


def test_settings_are_resolved_and_without_folders(finished):
    told = settings_of(finished.bench().study, "cnn")
    assert told["target"]["weights"] == "cnn.safetensors"
    assert told["target"]["network_args.channels"] == "4, 4, 8, 6"
    assert told["generator"]["n_images"] == "3"
    assert told["verify"]["min_rate"] == "0.5"
    assert told["verify"]["revise"] == "yes"
    assert told["target"]["beta"] == "absent"
    assert told["generator"]["negative_prompt"] == "“”"
    assert str(finished.file.parent) not in str(told)
    assert "compare" not in told


def test_settings_of_another_target_are_others_and_a_moved_study_has_the_same(finished, tmp_path):
    study = finished.bench().study
    assert settings_of(study, "cnn") != settings_of(study, "vit")
    moved = finished.anew(tmp_path).bench().study
    assert settings_of(moved, "cnn") == settings_of(study, "cnn")


def test_other_methods_have_a_table_each(methods):
    section = settings_section(subject_of(methods, "cnn"))
    names = {one.name: dict(one.rows) for one in section.tables}
    assert names["settings-compare-www"]["n_images"] == "9"
    assert names["settings-compare-imported"]["others.file"] == "others.csv"
    assert names["settings-compare"]["n_resamples"] == "1000"
    assert len(names) == len(section.tables)


def test_provenance_is_that_of_the_tables(finished):
    [table] = provenance_section(subject_of(finished, "cnn"), STAGES).tables
    notes = finished.table("provenance", model="cnn")
    found = {row[0]: dict(zip(table.headings, row, strict=True)) for row in table.rows}
    assert list(found) == STAGES[:3]
    for stage, row in found.items():
        own = notes[notes["stage"] == stage]
        assert row["rows"] == str(own["n_rows"].sum())
        assert row["settings"] == own["settings_hash"].iloc[0][:12]
        [weights] = set(own["weights_hash"].dropna()) or {"–"}
        assert row["weights"] == weights[:12]
        assert row["runs"] == own["run_id"].iloc[0][:8]
        assert row["last written (UTC)"] == f"{own['recorded_at'].max():%Y-%m-%d %H:%M}"
    ratios = notes[notes["stage"] == "neuron_ratios"].sort_values("neuron")
    together = hashlib.sha256("".join(ratios["output_hash"]).encode()).hexdigest()
    assert found["neuron_ratios"]["output"] == together[:12]
    [verdicts] = notes.loc[notes["stage"] == "verdicts", "output_hash"]
    assert found["verdicts"]["output"] == verdicts[:12]


def test_weights_libraries_and_failures_are_told(finished, tmp_path):
    study = finished.changed(tmp_path)
    subject = subject_of(study, "cnn")
    before = provenance_section(subject, STAGES).paragraphs
    assert study.table("probe_passes", model="cnn")["weights_hash"].iloc[0] in before[0]
    assert f"torch {version('torch')}" in before[1]
    assert set(libraries()) == set(LIBRARIES)
    at = pd.Timestamp("2026-01-02")
    failed = {"stage": "clusters", "model": "cnn", "neuron": 3, "run_id": "r", "reason": "why"}
    rows = pd.DataFrame([failed | {"failed_at": at}])
    study.bench().warehouse.replace(Replacement("failures", rows, rows[["model"]]))
    assert provenance_section(subject, STAGES).paragraphs[2].startswith("1 note of a failed try")


def test_what_is_not_installed_or_observed_is_said(finished, monkeypatch):
    monkeypatch.setattr(report_made, "LIBRARIES", ("no-such-library",))
    section = provenance_section(subject_of(finished, "none"), STAGES)
    assert section.paragraphs == [
        "The target has not been observed on its probe set yet.",
        ("Libraries that were installed when this page was made: no-such-library not installed as "
        "a package."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("is_known", "is_complete", "expected"),
    [(True, True, 0), (False, True, 1), (True, False, 1), (False, False, 2)],
)
def test_limits_say_what_holds_of_this_study(finished, is_known, is_complete, expected):
    subject = subject_of(finished, "cnn")
    points = limits_section(subject, is_known=is_known, is_complete=is_complete).points
    least = limits_section(subject, is_known=True, is_complete=True).points
    assert len(points) == len(least) + expected
    assert any("3 pictures at most. With 1 of 3" in one for one in points)
    without = subject.study.verify.model_copy(update={"revise": False})
    study = subject.study.model_copy(update={"verify": without})
    fewer = type(subject)(subject.warehouse, study, "cnn")
    assert len(limits_section(fewer, is_known=True, is_complete=True).points) == len(least) - 1
