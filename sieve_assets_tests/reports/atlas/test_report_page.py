"""A report's page: all parts in order, names as text, the same for the same rows, and to print."""

import base64
import re

import pandas as pd
import pytest

from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.report_pages import page_of, read, read_page

HOSTILE = '<script>alert("x")</script><b>& --> dog'
SECTIONS = [
    *("summary", "coverage", "verdicts", "controls", "truth"),
    *("names", "limits", "settings", "provenance"),
]


@pytest.fixture(scope="module")
def page(finished):
    return read_page(finished, "cnn")


def test_the_parts_are_there_in_order(page, methods):
    assert [one for one in page.ids if one in SECTIONS] == SECTIONS
    compared = read_page(methods, "cnn").ids
    assert compared.index("truth") < compared.index("comparison") < compared.index("names")


def test_the_same_rows_give_the_same_page(finished):
    assert page_of(finished, "cnn").html == page_of(finished, "cnn").html


def test_what_is_counted_is_on_the_page(finished, methods):
    for study in (finished, methods):
        report = page_of(study, "cnn")
        found = read(report.html)
        assert report.n_tables == len(found.tables) > 10
        assert report.n_figures == len(found.figures) >= 2


def test_tables_and_figures_are_said_to_those_who_do_not_see_them(methods):
    page = read_page(methods, "cnn")
    for table in page.tables.values():
        assert table["caption"].strip()
        assert {len(row) for row in table["rows"]} == {len(table["headings"])}
    scopes = [attrs.get("scope") for tag, attrs in page.tags if tag == "th"]
    assert set(scopes) == {"row", "col"}
    assert all(len(one["alt"]) > 20 for one in page.figures.values())
    for one in page.figures.values():
        svg = base64.b64decode(one["src"].removeprefix("data:image/svg+xml;base64,"))
        assert svg.startswith(b"<?xml")


def test_ids_are_unique_and_links_lead_somewhere(methods):
    page = read_page(methods, "cnn")
    assert len(set(page.ids)) == len(page.ids)
    inside = {a["href"][1:] for tag, a in page.tags if tag == "a" and a["href"].startswith("#")}
    assert inside <= set(page.ids)
    outside = {a["href"] for tag, a in page.tags if tag == "a" and not a["href"].startswith("#")}
    assert outside == {"index.html", "../index.html", "../compare.html"}


def test_names_are_text(finished, tmp_path):
    study = finished.changed(tmp_path)
    rows = study.table("revised_names", model="cnn").assign(verdict="verified", concept=HOSTILE)
    study.bench().warehouse.replace(Replacement("revised_names", rows, rows[["model"]]))
    page = read_page(study, "cnn")
    assert {row[1] for row in page.tables["names"]["rows"]} == {HOSTILE}
    before = [tag for tag, _ in read_page(finished, "cnn").tags if tag in {"script", "b"}]
    after = [tag for tag, _ in page.tags if tag in {"script", "b"}]
    assert after.count("script") == before.count("script")
    assert after.count("b") == before.count("b") + 1  # the caption of the table of names


def test_nothing_is_told_of_where_the_study_lies(finished):
    html = page_of(finished, "cnn").html
    assert str(finished.file.parent) not in html
    assert str(finished.data) not in html
    assert not re.search(r"https?://(?!www\.w3\.org)", html)


def test_a_target_of_which_nothing_is_known_has_a_page(finished, tmp_path):
    study = finished.anew(tmp_path)
    study.bench().warehouse.add_missing("schema_version", pd.DataFrame({"version": []}))
    page = read_page(study, "cnn")
    assert "Nothing has been found of it yet." in " ".join(page.words)
    assert page.figures == {}


def test_a_number_and_its_percent_sign_stay_on_one_line(finished):
    html = page_of(finished, "cnn").html
    assert re.search(r"<p>[^<]*\d\u00a0%", html)
    assert not re.search(r"<(p|li)>[^<]*\d %", html)
