"""The stage of reports writes what changed, tells what it wrote, and mends what is damaged."""

import hashlib

import pytest

from sieve_assets.assets.neuron_atlas import atlas_stage
from sieve_assets.assets.pipeline import stages_of
from sieve_assets.assets.target_report import COMPARED, FOUND, TRUE, target_report_of
from sieve_assets_tests.assets.test_mending import cut, flip, remove
from sieve_assets_tests.methods import known_truth
from sieve_assets_tests.report_pages import page_of, read
from sieve_assets_tests.studies import WORLD_PROBE

PAGE, OTHERS = "cnn/report.html", "cnn/index/others.js"


def file(study, path=PAGE):
    return study.bench().atlas / path


def make(study, **options):
    return study.of_model("cnn", "target_report", **options)


def test_the_rows_tell_of_the_files(finished):
    rows = finished.table("target_reports", model="cnn").set_index("path")
    assert set(rows.index) == {PAGE, OTHERS}
    for path, row in rows.iterrows():
        content = file(finished, str(path)).read_bytes()
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert row["n_bytes"] == len(content)
    page = page_of(finished, "cnn")
    assert file(finished).read_text() == page.html
    assert tuple(rows.loc[PAGE, ["n_tables", "n_figures"]]) == (page.n_tables, page.n_figures)
    assert tuple(rows.loc[OTHERS, ["n_tables", "n_figures"]]) == (0, 0)


def test_a_study_without_a_comparison_has_no_other_methods(finished):
    script = file(finished, OTHERS).read_text()
    assert script == 'atlas.put("cnn/others", {"explainers":[],"names":{}});\n'


def test_files_that_would_be_the_same_are_not_written_again(copied):
    before = {path: file(copied, path).stat().st_mtime_ns for path in (PAGE, OTHERS)}
    copied.forget("cnn", "target_report")
    make(copied)
    assert {path: file(copied, path).stat().st_mtime_ns for path in before} == before


def test_a_setting_that_is_told_makes_the_page_again_and_nothing_else(copied):
    study = copied.edited({"size_px = 64": "size_px = 64\nbatch_size = 7"})
    others = file(study, OTHERS).stat().st_mtime_ns
    make(study)
    page = read(file(study).read_text())
    assert page.column("settings-generator", "value")["batch_size"] == "7"
    assert file(study, OTHERS).stat().st_mtime_ns == others


@pytest.mark.parametrize("path", [PAGE, OTHERS])
@pytest.mark.parametrize("damage", [flip, cut, remove])
def test_a_damaged_file_is_told_and_forgotten_and_made_again(copied, path, damage):
    whole = file(copied, path).read_bytes()
    damage(file(copied, path))
    checks = {one.check_name: one for one in make(copied).get_asset_check_evaluations()}
    assert not checks["files"].passed

    found = copied.bench().mend()
    assert (found.damaged, found.n_notes) == ([path], 1)
    make(copied)

    assert file(copied, path).read_bytes() == whole
    assert copied.bench().mend().damaged == []


def test_a_study_reads_what_it_has(finished, methods, tmp_path):
    alone, compared = (one.bench().study for one in (finished, methods))
    assert target_report_of(alone).reads == (*FOUND, atlas_stage(alone))
    assert target_report_of(compared).reads == (*FOUND, *COMPARED, atlas_stage(compared))
    known = finished.anew(tmp_path, WORLD_PROBE).bench().study
    assert target_report_of(known).reads == (*FOUND, *TRUE, atlas_stage(known))
    assert [stages_of(study)[-1].name for study in (alone, compared, known)] == [
        "target_report"
    ] * 3
    names = [one.name for one in (*FOUND, *TRUE, *COMPARED)]
    assert len(set(names)) == len(names)


def test_a_comparison_with_known_truth_is_told_as_a_whole(methods, tmp_path):
    study = methods.changed(tmp_path)
    with known_truth():
        study.of_model("cnn", "oracle_rates")
        study.of_model("cnn", "truth_agreement")
        study.of_model("cnn", "neuron_atlas")
        make(study)
        page = read(file(study).read_text())
    assert {"methods", "scores", "steps", "true-names", "agreement"} <= set(page.tables)
    assert page.column("provenance", "rows")["truth_agreement"] == "1"
    assert '"id":"www"' in file(study, OTHERS).read_text()
