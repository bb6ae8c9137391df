"""How the project's figures get into a report: as SVG that is the same for the same rows.

Not here: what they show (`reports.*_figures`).
"""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from sieve_assets.reports.atlas.report_parts import Figure

if TYPE_CHECKING:  # half a second to import
    from matplotlib.figure import Figure as Drawn

_SALT = "sieve"
"""Of the names within an SVG, which would be random without one."""


class Drawing(NamedTuple):
    """A figure that is to be drawn, and what is said about it."""

    name: str
    """Its place on the page."""
    title: str
    """What it shows."""
    about: str
    """How to read it."""
    alt: str
    """What is to be seen, for those who do not see it."""
    draw: "Callable[[pd.DataFrame, str], Drawn]"
    """Draws rows of a target."""
    rows: pd.DataFrame


def drawn_figures(model: str, *drawings: Drawing) -> list[Figure]:
    """The figures of a target that there is something to show in."""
    return [_drawn(one, model) for one in drawings if len(one.rows)]


def _drawn(one: Drawing, model: str) -> Figure:
    drawn = one.draw(one.rows, model)
    width = float(drawn.get_figwidth())
    return Figure(one.name, one.title, one.about, one.alt, svg_of(drawn), width)


def svg_of(drawn: "Drawn") -> bytes:
    """A drawing as SVG, with letters as outlines: it looks the same wherever it is shown."""
    import matplotlib as mpl  # noqa: PLC0415 (half a second to import)

    file = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": _SALT, "svg.fonttype": "path"}):
        drawn.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()
