"""What small figures have in common: their colours, their axes, and how they are encoded."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image

from sieve_assets.reports.inline_images import InlineImage, lossless_webp_image, png_within

if TYPE_CHECKING:  # half a second to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TAKEN, LEFT, INK, PAGE = "#0072b2", "#e69f00", "#14181f", "#f4f5f7"
"""Okabe and Ito's blue and orange, told apart with any colour vision and in grey."""
FAINT = "#8a9099"
"""Of what only leads the eye."""
GRID = "#d5d8dd"
SIZE_INCH, DOTS_PER_INCH = (4.2, 2.4), 100
LARGE_DOTS_PER_INCH = 250
PALETTES = (64, 32, 16, 8, 4)
EDGES = (0.3, 0.6)
"""Shares of ink at the edges of letters."""
MOST_LETTERS = 24


def panels(
    title: str, across: Sequence[str], up: str, size_inch: tuple[float, float] = SIZE_INCH
) -> "tuple[Figure, list[Axes]]":
    """A figure of pairs of axes side by side.

    Args:
        title: Above it, from the left.
        across: What each horizontal axis says.
        up: What the first vertical axis says.
        size_inch: Width and height.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 (half a second to import)

    figure = Figure(figsize=size_inch, dpi=DOTS_PER_INCH, facecolor=PAGE, layout="constrained")
    figure.suptitle(title, fontsize=9, color=INK, x=0.01, ha="left", parse_math=False)
    found = list(figure.subplots(1, len(across), squeeze=False)[0])
    for axes, said in zip(found, across, strict=True):
        axes.set_facecolor(PAGE)
        axes.set_xlabel(said, fontsize=8, color=INK, parse_math=False)
        axes.tick_params(labelsize=7, colors=INK)
        axes.spines[["top", "right"]].set_visible(False)
    found[0].set_ylabel(up, fontsize=8, color=INK)
    return figure, found


def canvas(
    title: str, across: str, up: str, size_inch: tuple[float, float] = SIZE_INCH
) -> "tuple[Figure, Axes]":
    """A figure of one pair of axes.

    Args:
        title: Above it, from the left.
        across: What the horizontal axis says.
        up: What the vertical axis says.
        size_inch: Width and height.
    """
    figure, [axes] = panels(title, [across], up, size_inch)
    return figure, axes


def short(name: str, most: int = MOST_LETTERS) -> str:
    """A name, cut to what there is room for."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def encoded(figure: "Figure", max_bytes: int) -> InlineImage | None:
    """The figure as PNG with as many colours as fit.

    Args:
        figure: Drawn on `canvas`.
        max_bytes: Most bytes of the file.

    Returns:
        None if it does not fit.
    """
    return png_within(_pixels(figure), max_bytes, PALETTES)


def encoded_in(colors: Sequence[str], figure: "Figure", max_bytes: int) -> InlineImage | None:
    """The figure as WebP in the given colours, each of them to the last bit.

    Of many thin lines, `encoded` would lose the colours that cover little.

    Args:
        colors: All that it is drawn with, besides ink, page and white.
        figure: Drawn on `canvas`.
        max_bytes: Most bytes of the file.

    Returns:
        None if it does not fit.
    """
    from matplotlib.colors import to_rgb  # noqa: PLC0415 (as above)

    ink, page = (np.array(to_rgb(color)) for color in (INK, PAGE))
    shades = [to_rgb(color) for color in (INK, PAGE, "white", *colors)]
    shades += [ink * share + page * (1 - share) for share in EDGES]
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.rint(255 * np.array(shades)).astype(np.uint8).tobytes())
    few = _pixels(figure).quantize(palette=palette, dither=Image.Dither.NONE)
    made = lossless_webp_image(few.convert("RGB"))
    return made if len(made.content) <= max_bytes else None


def _pixels(figure: "Figure") -> Image.Image:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 (as above)

    drawn = FigureCanvasAgg(figure)
    drawn.draw()
    pixels = np.asarray(drawn.buffer_rgba())[..., :3]
    return Image.fromarray(np.ascontiguousarray(pixels))


def save_large(figure: "Figure", path: Path) -> None:
    """Write the figure as a PNG to look at closely."""
    figure.savefig(path, dpi=LARGE_DOTS_PER_INCH, format="png")


def inline_figure(
    colors: Sequence[str],
    draw: Callable[[pd.DataFrame, str], "Figure"],
    rows: pd.DataFrame,
    model: str,
    max_bytes: int,
) -> InlineImage | None:
    """The figure of a target's rows, as `encoded_in`; None without rows too."""
    return None if rows.empty else encoded_in(colors, draw(rows, model), max_bytes)
