"""Rows of points with intervals, each row named at the left; one or more points a row."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sieve_assets.reports.canvas import GRID, INK, short

if TYPE_CHECKING:  # half a second to import
    from matplotlib.axes import Axes

FONT, MOST_LETTERS = 6.5, 26
WIDTH_INCH, ROW_INCH, FRAME_INCH = 4.6, 0.155, 0.9


def size_of(n_rows: float) -> tuple[float, float]:
    """Width and height of a figure of so many rows (inches)."""
    return WIDTH_INCH, FRAME_INCH + ROW_INCH * n_rows


def draw_intervals(
    axes: "Axes", rows: pd.DataFrame, name: str, places: np.ndarray, **style: str
) -> None:
    """Draw points with their intervals, one a row.

    Args:
        axes: Where.
        rows: With the columns `name`, and that with `_low` and `_high` after it.
        name: What is shown.
        places: Heights of the points.
        **style: `color`, `marker` and `label` of them all.
    """
    values, low, high = (rows[f"{name}{end}"].to_numpy(np.float64) for end in ("", "_low", "_high"))
    axes.errorbar(
        values,
        places,
        xerr=np.maximum([values - low, high - values], 0),  # the mean may lie on an end
        linestyle="none",
        markersize=4,
        elinewidth=1,
        color=style["color"],
        marker=style["marker"],
        label=style["label"],
    )


def name_rows(axes: "Axes", names: Sequence[str], bold: str = "") -> np.ndarray:
    """Write names at the left, the first on top.

    Args:
        axes: Where.
        names: One a row.
        bold: The name that is emphasised.

    Returns:
        Heights of the rows.
    """
    places = np.arange(len(names))[::-1]
    axes.set_yticks(places, [short(name, MOST_LETTERS) for name in names], parse_math=False)
    for tick, name in zip(axes.get_yticklabels(), names, strict=True):
        tick.set_fontsize(FONT)
        tick.set_fontweight("bold" if name == bold else "normal")
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return places


def legend_above(axes: "Axes", n_columns: int) -> None:
    """A legend between the title and the axes."""
    axes.legend(
        fontsize=FONT,
        frameon=False,
        labelcolor=INK,
        loc="lower left",
        bbox_to_anchor=(0, 1.01),
        ncols=n_columns,
        columnspacing=1,
        handletextpad=0.3,
        borderaxespad=0,
    )
