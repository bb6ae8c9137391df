"""What classes lose without a neuron, beside what the neuron looks at: as the paper's Fig. 6."""

from collections.abc import Mapping, Sequence
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
    encoded_in,
    save_large,
    short,
)
from sieve_assets.reports.inline_images import InlineImage, OpenImage
from sieve_assets.stores.warehouse import Warehouse

if TYPE_CHECKING:  # half a second to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_NEURONS, N_CLASSES, N_CROPS = 6, 4, 3
SHOWS_IT = 0.5
"""Share of a class's images that show the name, from which on its bar says so."""
CROP_INCH, BARS_INCH, ROW_INCH, FRAME_INCH = 0.72, 3.6, 0.76, 0.7
FONT = 7.0
_ROWS = """
SELECT * FROM neuron_ablation WHERE model = $model AND measure = 'accuracy' AND concept IS NOT NULL
    AND place < $n_classes AND neuron IN (
        SELECT neuron FROM neuron_ablation
        WHERE model = $model AND measure = 'accuracy' AND place = 0 AND concept IS NOT NULL
            AND accuracy_drop > 0
        ORDER BY accuracy_drop DESC, neuron LIMIT $n_neurons
    )
ORDER BY neuron, place
"""
_CROPS = """
SELECT uri FROM patch_embeddings WHERE model = $model AND neuron = $neuron ORDER BY rank LIMIT $n
"""
Crops = Mapping[int, Sequence[Image.Image]]


def neuron_ablation_figure(
    warehouse: Warehouse, model: str, *, max_bytes: int
) -> InlineImage | None:
    """The classes that lose most accuracy by each of the neurons with verified names.

    Args:
        warehouse: The study's results.
        model: Target.
        max_bytes: Most bytes of the picture.

    Returns:
        None if no class loses by such a neuron, or if the figure does not fit.
    """
    rows = losing_rows(warehouse, model)
    if rows.empty:
        return None
    return encoded_in((FAINT, GRID, TAKEN, LEFT), draw_neuron_ablation(rows, model, {}), max_bytes)


def save_neuron_ablation(
    warehouse: Warehouse, model: str, folder: Path, open_stored_image: OpenImage
) -> list[Path]:
    """Write the same figure large, with what the neurons look at.

    Args:
        warehouse: The study's results.
        model: Target.
        folder: Where; made if it is not there.
        open_stored_image: Opens a patch of the image store.

    Returns:
        The file, if there is something to show.
    """
    rows = losing_rows(warehouse, model)
    if rows.empty:
        return []
    crops = {
        int(neuron): [
            open_stored_image(uri)
            for uri in warehouse.read(
                _CROPS, {"model": model, "neuron": int(neuron), "n": N_CROPS}
            )["uri"]
        ]
        for neuron in rows["neuron"].unique()
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{model}_neuron_ablation.png"
    save_large(draw_neuron_ablation(rows, model, crops), file)
    return [file]


def draw_neuron_ablation(rows: pd.DataFrame, model: str, crops: Crops) -> "Figure":
    """A row a neuron: its strongest crops, if there are any, and bars of its classes' drops.

    Args:
        rows: Of `neuron_ablation` by accuracy, of neurons with names.
        model: Target.
        crops: By neuron.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 (half a second to import)

    first = rows.loc[rows["place"] == 0].sort_values(by="accuracy_drop", ascending=False)
    neurons = first["neuron"].tolist()
    n_crops = max((len(one) for one in crops.values()), default=0)
    size = n_crops * CROP_INCH + BARS_INCH, FRAME_INCH + ROW_INCH * len(neurons)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, facecolor=PAGE, layout="constrained")
    widths = [CROP_INCH] * n_crops + [BARS_INCH]
    grid = figure.subplots(len(neurons), n_crops + 1, width_ratios=widths, squeeze=False)
    figure.suptitle(
        f"{short(model)}: what classes lose without a neuron",
        fontsize=9,
        color=INK,
        x=0.01,
        ha="left",
        parse_math=False,
    )
    most = max(rows["accuracy_drop"].tolist())
    for axes, neuron in zip(grid, neurons, strict=True):
        _draw_crops(axes[:-1], crops.get(neuron, ()))
        _draw_bars(axes[-1], rows.loc[rows["neuron"] == neuron].head(N_CLASSES), most)
        axes[-1].tick_params(labelbottom=neuron == neurons[-1])
    is_known = bool(rows["concept_share"].notna().any())
    told = "drop of accuracy" + " (blue: the class shows the name)" * is_known
    grid[-1][-1].set_xlabel(told, fontsize=FONT, color=INK)
    return figure


def losing_rows(warehouse: Warehouse, model: str) -> pd.DataFrame:
    """Rows of `neuron_ablation` of the named neurons by which classes lose most accuracy."""
    asked = {"model": model, "n_classes": N_CLASSES, "n_neurons": N_NEURONS}
    return warehouse.read(_ROWS, asked)


def _draw_crops(row: np.ndarray, crops: Sequence[Image.Image]) -> None:
    for axes in row:
        axes.set_axis_off()
    for axes, crop in zip(row, crops, strict=False):
        axes.imshow(crop)


def _draw_bars(axes: "Axes", rows: pd.DataFrame, most: float) -> None:
    """The classes from the greatest drop down; room for as many in every row."""
    places = np.arange(len(rows))
    shows_it = (rows["concept_share"].astype(float) >= SHOWS_IT).to_numpy()
    axes.barh(places, rows["accuracy_drop"], color=np.where(shows_it, TAKEN, LEFT), height=0.7)
    axes.set_yticks(places, [short(one) for one in rows["label"]], fontsize=FONT, parse_math=False)
    axes.set_ylim(N_CLASSES - 0.4, -0.6)
    axes.set_xlim(0, 1.08 * most)
    axes.set_facecolor(PAGE)
    axes.tick_params(labelsize=FONT, colors=INK)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    name = f"neuron {rows['neuron'].iloc[0]}: {short(rows['concept'].iloc[0], 32)}"
    axes.set_title(name, fontsize=FONT + 0.5, color=INK, loc="left", pad=2, parse_math=False)
