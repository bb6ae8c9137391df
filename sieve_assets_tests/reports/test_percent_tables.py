"""Shares are shown in percent, and what is not there as a dash."""

import numpy as np
import pandas as pd
import pytest

from sieve_assets.reports.percent_tables import narrow_table, percent, rows_in, with_interval


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        *((0.0, 0, "0"), (1.0, 0, "100"), (0.004, 0, "<1"), (0.006, 0, "1"), (np.nan, 0, "–")),
        *((0.1234, 1, "12.3"), (0.0004, 1, "<0.1"), (0.0, 1, "0.0"), (None, 1, "–")),
    ],
)
def test_a_share_is_shown_in_percent_and_a_little_is_not_nothing(value, digits, shown):
    assert percent("share", digits)({"share": value}) == shown


def test_an_interval_stands_after_its_mean():
    row = {"ar": 0.256, "ar_low": 0.1, "ar_high": 0.449}
    assert with_interval("ar")(row) == "25.6 (10–45)"
    assert with_interval("ar")(dict.fromkeys(row, np.nan)) == "–"


def test_rows_are_by_column_name():
    assert rows_in(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})) == [
        {"a": 1, "b": "x"},
        {"a": 2, "b": "y"},
    ]


def test_headings_are_no_markup():
    table = narrow_table("[red]title", "first", ["[bold]one"])
    assert [column.header for column in table.columns] == ["first", r"\[bold]one"]
    assert table.title == r"\[red]title"
