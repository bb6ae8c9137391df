"""Figures of reports are SVG, the same for the same rows, and there only if there is something."""

import xml.etree.ElementTree as ET

import pandas as pd

from sieve_assets.reports.atlas.report_figures import Drawing, drawn_figures, svg_of
from sieve_assets.reports.canvas import canvas

ROWS = pd.DataFrame({"name": ["<script>alert(1)</script>", "--> & dog"], "value": [1.0, 2.0]})


def draw(rows, model):
    figure, axes = canvas(model, "across", "up", (3.0, 2.0))
    axes.barh(rows["name"], rows["value"])
    return figure


def test_the_same_rows_give_the_same_bytes_and_no_date():
    first, second = (svg_of(draw(ROWS, "cnn")) for _ in range(2))
    assert first == second
    assert b"dc:date" not in first
    assert svg_of(draw(ROWS.head(1), "cnn")) != first


def test_names_are_text_of_an_svg_that_can_be_read():
    root = ET.fromstring(svg_of(draw(ROWS, "cnn")))  # noqa: S314 (our own)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not [one for one in root.iter() if one.tag.endswith("script")]


def test_a_figure_without_rows_is_left_out():
    full, empty = (Drawing("f", "t", "a", "alt", draw, rows) for rows in (ROWS, ROWS.head(0)))
    [figure] = drawn_figures("cnn", empty, full)
    assert (figure.alt, figure.width_inch) == ("alt", 3.0)
