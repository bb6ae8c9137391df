"""The atlas as the stage writes it: whole, telling of every file, and writing only what changed."""

import hashlib
import re
import shutil
from html import unescape
from urllib.parse import unquote

import pandas as pd
import pytest

from sieve_assets.reports.atlas.site import slug, write_targets
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.assets.test_mending import cut, flip, remove
from sieve_assets_tests.studies import BY_NEURON, JUDGED

WIDTHS = {"cnn": 6, "vit": 8}
LINKS = ("generated_image_sets", "reference_pictures")
ADDRESS = re.compile(r"""\b(?:src|href|srcset|action|data)="([^"]*)"|url\('?([^')]*)'?\)""")
REPORTED = {
    "targets.js",
    *(f"{model}/{name}" for model in WIDTHS for name in ("report.html", "index/others.js")),
}
"""Files that the report's stage writes."""


def drawn(study):
    return {name for table in LINKS for name in study.table(table)["concept"]}


def files(study):
    """Every file of the atlas with its content, by path."""
    root = study.bench().atlas
    found = [one for one in root.rglob("*") if one.is_file()]
    return {one.relative_to(root).as_posix(): one.read_bytes() for one in found}


def times(study):
    return {one: one.stat().st_mtime_ns for one in study.bench().atlas.rglob("*") if one.is_file()}


def again(study, *models, **options):
    """Make the atlas again, whatever it was made from."""
    for model in models or ("cnn",):
        study.forget(model, "neuron_atlas")
        study.of_model(model, "neuron_atlas", **options)


def changed(before, after):
    return {path for path in {*before, *after} if before.get(path) != after.get(path)}


def test_every_neuron_and_every_drawn_concept_has_its_page(finished):
    found, concepts = set(files(finished)), drawn(finished)
    assert len(concepts) > 5
    for model, width in WIDTHS.items():
        pages = {path for path in found if re.fullmatch(rf"{model}/neurons/\d+\.html", path)}
        assert pages == {f"{model}/neurons/{neuron:04d}.html" for neuron in range(width)}
    of_concepts = {path for path in found if path.startswith("concepts/")}
    endings = ("html", "webp")
    assert of_concepts == {f"concepts/{slug(one)}.{end}" for one in concepts for end in endings}


def test_every_file_is_told_of_with_its_content_and_no_other_is_there(finished):
    told, found = finished.table("atlas_pages"), files(finished)
    assert {*told["path"], *REPORTED} == set(found)
    for path, rows in told.groupby("path"):
        # What targets share, the last of them has written.
        assert hashlib.sha256(found[path]).hexdigest() in set(rows["sha256"]), path
        assert len(found[path]) in set(rows["n_bytes"])
    own = told[told["path"].str.split("/").str[0].isin(WIDTHS)]
    assert (own["path"].str.split("/").str[0] == own["model"]).all()


def test_all_targets_are_listed_and_have_reports(finished, tmp_path):
    text = files(finished)["targets.js"].decode()
    assert re.findall(r'"folder":"(\w+)"', text) == list(WIDTHS)
    assert text.count('"has_report":true') == 2
    study = finished.changed(tmp_path)
    (study.bench().atlas / "vit" / "report.html").unlink()
    bench = study.bench()
    write_targets(bench.atlas, bench.study)
    assert files(study)["targets.js"].decode().count('"has_report":true') == 1


def test_made_again_nothing_is_written(copied):
    before = times(copied)
    again(copied, "cnn", "vit")
    assert times(copied) == before


def test_several_targets_of_one_run_have_the_same_atlas(finished, copied):
    for model in WIDTHS:
        copied.forget(model, "neuron_atlas")
    shutil.rmtree(copied.bench().atlas)
    copied.run("neuron_atlas", first="cnn", last="vit")
    found, expected = files(copied), files(finished)
    assert set(expected) - set(found) == {"cnn/report.html", "vit/report.html"}
    assert changed(expected, found) - REPORTED <= {"targets.js"}


def test_a_backfill_of_one_neuron_changes_its_files_and_the_index_alone(copied):
    before = files(copied)
    copied.forget("cnn", *BY_NEURON, neurons=[4])
    copied.forget("cnn", *JUDGED)
    copied.of_model("cnn", *BY_NEURON, neurons=[4])
    copied.of_model("cnn", *JUDGED)
    again(copied)
    found = changed(before, files(copied))
    assert {path for path in found if "/index/" not in path and "/export/" not in path} == {
        "cnn/neurons/0004.html"
    }
    assert all(path.startswith("cnn/") for path in found)


def test_another_verdict_of_one_neuron_changes_its_page_and_the_index_alone(copied):
    before = files(copied)
    rows = copied.table("revised_names", model="cnn")
    is_four = rows["neuron"] == 4
    rows.loc[is_four, "verdict"] = "verified"
    rows.loc[is_four, "reason"] = "fires as it should"
    model = pd.DataFrame({"model": ["cnn"]})
    copied.bench().warehouse.replace(Replacement("revised_names", rows, model))
    again(copied)
    after = files(copied)
    exports = {f"cnn/export/verified_concepts.{end}" for end in ("csv", "parquet", "json")}
    index = {"cnn/index/neurons.js"}
    expected = {"cnn/neurons/0004.html", "cnn/export/README.md", *index, *exports}
    assert changed(before, after) == expected
    assert b"Fires as it should" in after["cnn/neurons/0004.html"]


def undraw(study, model, concept):
    """Nothing was ever drawn of a concept for a target."""
    for table in LINKS:
        rows = study.table(table, model=model)
        rows = rows[rows["concept"] != concept]
        scope = pd.DataFrame({"model": [model]})
        study.bench().warehouse.replace(Replacement(table, rows, scope))


def test_a_concept_that_no_target_draws_any_more_loses_its_page(copied):
    named = {
        name for table in ("evidence", "revised_names") for name in copied.table(table).concept
    }
    concept = min(drawn(copied) - named)
    own = {f"concepts/{slug(concept)}.{end}" for end in ("html", "webp")}
    undraw(copied, "cnn", concept)
    again(copied, "cnn")
    assert own <= set(files(copied))
    assert not own & set(copied.table("atlas_pages", model="cnn")["path"])

    undraw(copied, "vit", concept)
    before = files(copied)
    again(copied, "vit")
    after = files(copied)
    assert set(before) - set(after) == own
    assert changed(before, after) - own <= {"vit/index/rates.js", "vit/index/neurons.js"}


def outcome(result):
    """Of the check of files, as Dagster has it."""
    return {one.passed for one in result.get_asset_check_evaluations() if one.check_name == "files"}


@pytest.mark.parametrize(
    ("path", "damage"),
    [
        ("cnn/neurons/0003.html", flip),
        ("cnn/neurons/0003.webp", cut),
        ("cnn/index/neurons.js", remove),
        ("concepts", remove),
        ("assets/atlas.js", remove),
        ("assets/atlas.css", cut),
    ],
)
def test_a_damaged_or_lost_file_is_found_and_made_again(finished, copied, path, damage):
    if path == "concepts":
        path = f"concepts/{slug(min(drawn(copied)))}.webp"
    assert outcome(copied.of_model("cnn", "neuron_atlas")) == {True}
    damage(copied.bench().atlas / path)
    assert outcome(copied.of_model("cnn", "neuron_atlas")) == {False}

    found = copied.bench().mend()
    assert set(found.damaged) == {path}
    for model in WIDTHS:
        assert outcome(copied.of_model(model, "neuron_atlas")) == {True}
    assert files(copied)[path] == files(finished)[path]
    assert copied.bench().mend().damaged == []


def test_pages_lead_nowhere_but_to_each_other(finished):
    root, n_links = finished.bench().atlas, 0
    for page in root.rglob("*.html"):
        text = page.read_text()
        for found in ADDRESS.finditer(text):
            address = unescape(found[1] or found[2] or "")
            assert not re.match(r"[a-z]+:(?!image/|,)|//", address), (page, address)
            target, _, place = unquote(address).partition("#")
            if address.startswith("data:"):
                continue
            assert not target or (page.parent / target).is_file(), (page, address)
            if place and not target:
                assert f'id="{place}"' in text, (page, address)
            n_links += 1
    assert n_links > 300


def test_dagster_is_told_where_the_atlas_is(copied):
    result = copied.of_model("cnn", "neuron_atlas", atlas_url="http://127.0.0.1:4711")
    [event] = result.asset_materializations_for_node("neuron_atlas")
    assert event.metadata["atlas"].value == "http://127.0.0.1:4711/cnn/index.html"
    assert event.metadata["on disk"].value == str(copied.bench().atlas / "cnn" / "index.html")
    assert event.metadata["neurons' pages"].value == 6
    assert event.metadata["concepts' pages"].value == len(drawn(copied))
    assert event.metadata["files"].value == len(copied.table("atlas_pages", model="cnn"))


def test_earlier_runs_stay_in_the_history_and_none_is_told_twice(copied):
    before = copied.table("name_history", model="cnn")
    again(copied)
    pd.testing.assert_frame_equal(copied.table("name_history", model="cnn"), before)

    copied.forget("cnn", "revised_names")
    result = copied.of_model("cnn", "revised_names")
    again(copied)
    again(copied)
    after = copied.table("name_history", model="cnn").sort_values("recorded_at")
    assert after["run_id"].tolist() == [*before["run_id"], result.run_id]
    told = files(copied)["cnn/index/history.js"].decode()
    assert re.findall(r'"run_id":"([^"]*)"', told) == after["run_id"].tolist()[::-1]
