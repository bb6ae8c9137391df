"""Rows are read back: heights, names, ends of intervals."""

import numpy as np
import pandas as pd
import pytest

from sieve_assets.reports.canvas import canvas
from sieve_assets.reports.interval_rows import draw_intervals, legend_above, name_rows, size_of

STYLE = {"color": "#0072b2", "marker": "o", "label": "rates"}


@pytest.fixture
def axes():
    return canvas("title", "x", "")[1]


def test_names_stand_from_top_to_bottom_and_one_is_bold(axes):
    places = name_rows(
        axes, ["one", "two", "a name that is longer than what there is room for"], "two"
    )

    assert places.tolist() == [2, 1, 0]
    texts = [tick.get_text() for tick in axes.get_yticklabels()]
    assert texts[:2] == ["one", "two"]
    assert texts[2].startswith("a name that is")
    assert len(texts[2]) == 26
    weights = [tick.get_fontweight() for tick in axes.get_yticklabels()]
    assert weights == ["normal", "bold", "normal"]


def test_points_and_their_intervals_are_where_the_rows_say(axes):
    rows = pd.DataFrame({"ar": [0.5, 0.2], "ar_low": [0.4, 0.2], "ar_high": [0.7, 0.2]})

    draw_intervals(axes, rows, "ar", np.array([1, 0]), **STYLE)

    [points] = [line for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(points.get_xydata(), [[0.5, 1], [0.2, 0]])
    [bars] = axes.collections
    ends = [segment[:, 0].tolist() for segment in bars.get_segments()]
    np.testing.assert_allclose(ends, [[0.4, 0.7], [0.2, 0.2]])


def test_a_row_without_a_value_has_no_point(axes):
    rows = pd.DataFrame({"ar": [0.5, np.nan], "ar_low": [0.4, np.nan], "ar_high": [0.7, np.nan]})

    draw_intervals(axes, rows, "ar", np.array([1, 0]), **STYLE)
    legend_above(axes, 2)
    axes.figure.canvas.draw()

    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["rates"]
    [points] = [line for line in axes.lines if line.get_marker() == "o"]
    assert np.isfinite(points.get_xydata()).all(axis=1).tolist() == [True, False]


def test_more_rows_take_more_height_and_no_more_width():
    assert size_of(20)[0] == size_of(1)[0]
    assert size_of(20)[1] - size_of(10)[1] == pytest.approx(size_of(10)[1] - size_of(0)[1])
