"""Labels of points and lines in the right margin of a figure, none upon another."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float64

if TYPE_CHECKING:  # half a second to import
    from matplotlib.axes import Axes

from sieve_assets.reports.canvas import INK

LINE_SHARE = 1.25
"""From line to line, in heights of letters."""
POINTS_AN_INCH = 72
GAP = 0.07
"""Between the axes and the labels, in widths of the axes."""


class Label(NamedTuple):
    """What is written beside the axes, and about which point; a dotted line leads to it."""

    text: str
    x: float
    y: float
    color: str
    linestyle: str = "-"
    """Of the piece beside the text, as in a legend."""
    is_bold: bool = False


def draw_labels(
    axes: "Axes", labels: Sequence[Label], *, font_size: float, axes_inch: float
) -> None:
    """Write labels right of the axes, each as near to its point's height as the others allow.

    Args:
        axes: With its limits set.
        labels: Of points within them.
        font_size: In points.
        axes_inch: Height of the axes.
    """
    if not labels:
        return
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    line = LINE_SHARE * font_size / POINTS_AN_INCH / axes_inch * (top - bottom)
    heights = spread(
        np.array([one.y for one in labels], dtype=np.float64), gap=line, low=bottom, high=top
    )
    start, end = right + 0.01 * (right - left), right + GAP * (right - left)
    for label, height in zip(labels, heights.tolist(), strict=True):
        look = {"color": label.color, "clip_on": False, "zorder": 1}
        axes.plot([label.x, start], [label.y, height], linestyle=":", linewidth=0.8, **look)
        axes.plot([start, end], [height] * 2, linestyle=label.linestyle, linewidth=1, **look)
        axes.text(
            *(end + 0.01 * (right - left), height, label.text),
            fontsize=font_size,
            fontweight="bold" if label.is_bold else "normal",
            color=INK,
            va="center",
            parse_math=False,
        )


def spread(
    heights: Float64[np.ndarray, " label"], *, gap: float, low: float, high: float
) -> Float64[np.ndarray, " label"]:
    """Heights at least a gap apart, as near to the given ones as can be (in the mean square).

    Args:
        heights: Where each should be.
        gap: Least distance; less if there is no room for so much.
        low: Least height of any.
        high: Greatest height of any.

    Returns:
        In the order of `heights`, and as they are ordered; equal ones from last to first upwards.
    """
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 (slow to import)

    n_labels = len(heights)
    gap = min(gap, (high - low) / max(n_labels - 1, 1))
    order = np.lexsort((-np.arange(n_labels), heights))
    steps = gap * np.arange(n_labels)
    lowest = isotonic_regression(heights[order] - steps).x
    spaced = np.empty(n_labels)
    spaced[order] = np.clip(lowest, low, high - steps[-1]) + steps
    return spaced
