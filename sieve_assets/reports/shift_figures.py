"""Names on images of another kind: recall on both, and samples beside pictures (SIEVE, Fig. 5)."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image

from sieve_assets.reports.canvas import (
    DOTS_PER_INCH,
    FAINT,
    GRID,
    INK,
    LEFT,
    PAGE,
    TAKEN,
    canvas,
    encoded_in,
    save_large,
    short,
)
from sieve_assets.reports.inline_images import InlineImage, OpenImage
from sieve_assets.reports.interval_rows import FONT, legend_above
from sieve_assets.reports.percent_tables import Row, percent, rows_in
from sieve_assets.stores.warehouse import Warehouse

if TYPE_CHECKING:  # half a second to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SQUARE_INCH = (3.6, 3.4)
N_NEURONS, N_TILES = 6, 4
NAME_INCH, TILE_INCH, GAP_INCH = 1.25, 0.56, 0.14
KINDS = ("probe images", "of another kind", "pictures of the name")
_ROWS = "SELECT * FROM domain_shift WHERE model = $1 ORDER BY neuron, concept"
_PICTURES = """
SELECT DISTINCT seed, uri FROM generated_image_sets
WHERE model = $model AND neuron = $neuron AND concept = $concept ORDER BY seed LIMIT $n
"""


def shift_figure(warehouse: Warehouse, model: str, *, max_bytes: int) -> InlineImage | None:
    """Recall of names on the probe images against that on images of another kind.

    Args:
        warehouse: The study's results.
        model: Target.
        max_bytes: Most bytes of the picture.

    Returns:
        None if no name is shown by images of both kinds, or if the figure does not fit.
    """
    rows = names_shown_in_both(warehouse, model)
    if rows.empty:
        return None
    return encoded_in((FAINT, GRID, TAKEN, LEFT), draw_shift(rows, model), max_bytes)


def save_shift(
    warehouse: Warehouse,
    model: str,
    folder: Path,
    *,
    open_probe_image: OpenImage,
    open_shifted_image: OpenImage,
    open_stored_image: OpenImage,
) -> list[Path]:
    """Write the same figure large, and a sheet of samples beside pictures.

    Args:
        warehouse: The study's results.
        model: Target.
        folder: Where; made if it is not there.
        open_probe_image: Opens one of the target's probe images by its uri.
        open_shifted_image: Opens an image of the other kind.
        open_stored_image: Opens a picture of the image store.

    Returns:
        The files, if there is something to show.
    """
    rows, files = warehouse.read(_ROWS, [model]), []
    folder.mkdir(parents=True, exist_ok=True)
    if len(both := _shown_in_both(rows)):
        files.append(folder / f"{model}_shift.png")
        save_large(draw_shift(both, model), files[-1])
    chosen = _chosen(rows)
    if len(chosen):
        tiles = [
            [
                [open_probe_image(uri) for uri in row["strongest_uris"][:N_TILES]],
                [open_shifted_image(uri) for uri in row["shifted_strongest_uris"][:N_TILES]],
                [open_stored_image(uri) for uri in _pictures(warehouse, model, row)],
            ]
            for row in rows_in(chosen)
        ]
        files.append(folder / f"{model}_samples_and_pictures.png")
        save_large(draw_samples(chosen, model, tiles), files[-1])
    return files


def draw_shift(rows: pd.DataFrame, model: str) -> "Figure":
    """A point a name: blue and large if verified, below the line where it fires more seldom."""
    figure, axes = canvas(
        f"{short(model)}: names on images of another kind",
        "recall on the target's probe images",
        "recall on images of another kind",
        SQUARE_INCH,
    )
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1, zorder=1)
    is_verified = (rows["verdict"] == "verified").to_numpy()
    for label, own, color, size in (
        ("other names", ~is_verified, LEFT, 8),
        ("verified names", is_verified, TAKEN, 20),
    ):
        axes.scatter(
            rows.loc[own, "recall"],
            rows.loc[own, "shifted_recall"],
            s=size,
            color=color,
            label=label,
            linewidths=0,
            zorder=2,
        )
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    legend_above(axes, 2)
    return figure


def draw_samples(rows: pd.DataFrame, model: str, tiles: list[list[list[Image.Image]]]) -> "Figure":
    """A row a neuron: its name and rates, and images of each of `KINDS`.

    Args:
        rows: Of `domain_shift`, one a neuron.
        model: Target.
        tiles: By row and kind.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 (half a second to import)

    ratios = [NAME_INCH]
    for _ in KINDS:
        ratios += [GAP_INCH, *[TILE_INCH] * N_TILES]
    height = 0.49 + len(rows) * (TILE_INCH + 0.06)
    figure = Figure(figsize=(sum(ratios), height), dpi=DOTS_PER_INCH, facecolor=PAGE)
    grid = figure.subplots(len(rows), len(ratios), width_ratios=ratios, squeeze=False)
    figure.subplots_adjust(
        left=0.01, right=0.995, top=1 - 0.44 / height, bottom=0.02, wspace=0.05, hspace=0.08
    )
    for axes in grid.ravel():
        axes.set_axis_off()
    title = f"{short(model)}: the strongest images of a neuron, and pictures of its name"
    figure.suptitle(title, fontsize=9, color=INK, x=0.01, y=0.99, ha="left", parse_math=False)
    for axes, row, of_row in zip(grid, rows_in(rows), tiles, strict=True):
        _write_name(axes[0], row)
        for number, images in enumerate(of_row):
            first = 2 + number * (1 + N_TILES)
            for place, image in zip(axes[first:], images[:N_TILES], strict=False):
                place.imshow(image)
    for number, kind in enumerate(KINDS):
        place = grid[0][2 + number * (1 + N_TILES)]
        place.text(0, 1.1, kind, fontsize=FONT + 0.5, color=INK, transform=place.transAxes)
    return figure


def _write_name(axes: "Axes", row: Row) -> None:
    rates = " / ".join(percent(one)(row) for one in ("recall", "shifted_recall", "activation_rate"))
    axes.text(
        *(0, 0.5, f"{row['neuron']}: {short(str(row['concept']), 20)}\nfires on {rates} %"),
        fontsize=FONT,
        color=INK,
        va="center",
        transform=axes.transAxes,
        parse_math=False,
    )


def names_shown_in_both(warehouse: Warehouse, model: str) -> pd.DataFrame:
    """Rows of `domain_shift` of names that images of both kinds show."""
    return _shown_in_both(warehouse.read(_ROWS, [model]))


def _shown_in_both(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.dropna(subset=["recall", "shifted_recall"])


def _chosen(rows: pd.DataFrame) -> pd.DataFrame:
    """The best verified name of some neurons, from those that lose most recall to the least."""
    verified = rows.loc[rows["verdict"] == "verified"].dropna(subset=["recall", "shifted_recall"])
    best = verified.sort_values(by=["activation_rate"], ascending=False, kind="stable")
    best = best.drop_duplicates("neuron")
    lost = (best["shifted_recall"] - best["recall"]).to_numpy(np.float64)
    best = best.iloc[np.argsort(lost, kind="stable")]
    places = np.linspace(0, len(best) - 1, min(N_NEURONS, len(best))).round().astype(int)
    return best.iloc[places]


def _pictures(warehouse: Warehouse, model: str, row: Row) -> list[str]:
    asked = {"model": model, "neuron": int(row["neuron"]), "concept": row["concept"], "n": N_TILES}
    return warehouse.read(_PICTURES, asked)["uri"].tolist()
