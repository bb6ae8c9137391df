"""Plans and outcomes in words."""

import io

import pandas as pd
import pytest
from rich.console import Console

from sieve_assets.reports.plan_tables import (
    dagster_note,
    is_open,
    markdown_table,
    outcome_table,
    plan_table,
    print_outcome,
    print_plan,
    quantity_text,
)

COLUMNS = ["stage", "quantity", "expected", "most", "basis"]
PLANNED = pd.DataFrame(
    [
        ("probe_pass", "partitions", 1, 1, "counted"),
        ("probe_pass", "forward passes", 12_000, 12_000, "counted"),
        ("probe_pass", "bytes", 5_470_000, 5_470_000, "counted"),
        ("probe_pass", "seconds", 74.6, 74.6, "counted"),
        ("clusters", "partitions", 64, 64, "at most"),
        ("generated_image_sets", "partitions", 64, 64, "counted"),
        ("generated_image_sets", "pictures to draw", 1304.2, 18_432, "estimated"),
        ("generated_image_sets", "seconds", 40, 3600, "estimated"),
    ],
    columns=COLUMNS,
)
HAPPENED = PLANNED.assign(happened=[1, 12_000, 5_480_000, 80.2, 0, 60, 888, 30.0])


def test_a_plan_has_a_row_a_stage_and_one_for_all():
    rows = plan_table(PLANNED).set_index("stage")

    assert rows.loc["probe_pass"].tolist() == [
        "1",
        "12,000 forward passes",
        "5.47 MB",
        "1 min 15 s",
    ]
    assert rows.loc["clusters"].tolist() == ["at most 64", "", "", "not measured"]
    drawing = rows.loc["generated_image_sets"]
    assert drawing["work"] == "about 1,304 (at most 18,432) pictures to draw"
    assert drawing["time"] == "about 40 s"
    assert rows.loc["together"].tolist() == [
        "about 129",
        "",
        "5.47 MB",
        "about 1 min 55 s (at most 1 h 1 min)",
    ]


def test_a_stage_is_named_whole_in_a_narrow_terminal():
    text = io.StringIO()
    print_plan(Console(file=text, width=60), "cnn", PLANNED, [], "")
    assert "generated_image_sets" in text.getvalue()


def test_an_outcome_has_what_was_planned_beside_what_happened():
    rows = outcome_table(HAPPENED)

    told = {(row.stage, row.quantity): (row.planned, row.happened) for row in rows.itertuples()}
    assert ("probe_pass", "partitions") not in told, "as planned"
    assert told["generated_image_sets", "partitions"] == ("64", "60")
    assert told["generated_image_sets", "pictures to draw"][1] == "888"
    assert told["probe_pass", "seconds"] == ("1 min 15 s", "1 min 20 s")
    assert told["together", "bytes"] == ("5.47 MB", "5.48 MB")
    assert told["together", "seconds"] == ("about 1 min 55 s (at most 1 h 1 min)", "1 min 50 s")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({}, True), ({5: 64}, False), ({0: 0, 4: 0, 5: 0}, True), ({4: 64}, True)],
)
def test_a_plan_is_open_until_what_it_counts_on_has_happened(changes, expected):
    happened = HAPPENED["happened"].tolist()
    for place, value in changes.items():
        happened[place] = value

    assert is_open(HAPPENED.assign(happened=happened)) is expected


def test_a_plan_of_what_may_follow_is_open_until_some_of_it_has_happened():
    only = HAPPENED[HAPPENED["stage"] == "clusters"]

    assert is_open(only)
    assert not is_open(only.assign(happened=1))


@pytest.mark.parametrize(
    ("value", "quantity", "text"),
    [
        (0.04, "seconds", "0.0 s"),
        (59.6, "seconds", "1 min 0 s"),
        (7325, "seconds", "2 h 2 min"),
        (999, "bytes", "999 B"),
        (999.9, "bytes", "1 kB"),
        (2.5e15, "bytes", "2.5e+03 TB"),
        (1234.5, "forward passes", "1,234"),
    ],
)
def test_quantities_have_the_units_of_people(value, quantity, text):
    assert quantity_text(value, quantity) == text


def test_markdown_has_a_header_and_a_row_each():
    lines = markdown_table(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})).splitlines()

    assert lines == ["| a | b |", "| --- | --- |", "| 1 | x |", "| 2 | y |"]


def printed(function, *arguments):
    console = Console(file=io.StringIO(), width=160)
    function(console, *arguments)
    return console.file.getvalue()


def test_what_is_printed_says_where_estimates_come_from_or_why_there_are_none():
    said = printed(print_plan, "small", PLANNED, ["neurons selected: guessed [wildly]"], "")
    assert "1,304" in said
    assert "- neurons selected: guessed [wildly]" in said
    assert dagster_note(PLANNED) == (
        "Dagster's own events of 129 partitions come on top: about 2.4 s"
    )
    assert dagster_note(PLANNED) in said
    assert printed(print_plan, "small", PLANNED.head(0), [], "") == "small: nothing to do\n"
    refused = printed(print_plan, "small", PLANNED.head(0), [], "no layer")
    assert refused == "small cannot be planned: no layer\n"
    assert "small: planned, and happened" in printed(print_outcome, "small", HAPPENED)
