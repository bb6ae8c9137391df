"""Numbers of reports are written for people: shares in percent, dashes for nothing."""

import math

import pytest

from sieve_assets.reports.atlas import report_parts as parts


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (parts.count(12000), "12,000"),
        (parts.count(math.nan), "–"),
        (parts.share(0.4531), "45.3 %"),
        (parts.share(None), "–"),
        (parts.share(math.nan), "–"),
        (parts.ratio(29, 64), "45.3 %"),
        (parts.ratio(0, 0), "–"),
        (parts.of_all(29, 64), "29 of 64 (45.3 %)"),
        (parts.interval(0.257, 0.598), "25.7 to 59.8 %"),
        (parts.interval(math.nan, math.nan), "–"),
        (parts.interval_of(0, 0, 0.95), "–"),
        (parts.plural(1, "neuron"), "1 neuron"),
        (parts.plural(2, "hypothesis", "hypotheses"), "2 hypotheses"),
        (parts.plain("kept\nAR"), "kept AR"),
    ],
)
def test_a_number_is_said(said, expected):
    assert said == expected


def test_the_interval_of_a_count_is_wilsons():
    z = 1.959963984540054
    middle, half = (4 + z * z / 2) / (20 + z * z), z * math.sqrt(4 * 16 / 20 + z * z / 4)
    ends = (middle - half / (20 + z * z), middle + half / (20 + z * z))
    assert parts.interval_of(4, 20, 0.95) == parts.interval(*ends)


def test_a_section_counts_the_tables_and_figures_of_its_parts():
    table = parts.Table("t", "", "", [], [])
    figure = parts.Figure("f", "", "", "", b"", 1.0)
    inner = parts.Section("i", "", figures=[figure], tables=[table, table])
    outer = parts.Section("o", "", tables=[table], sections=[inner, inner])
    assert (len(outer.all_tables()), len(outer.all_figures())) == (5, 2)
