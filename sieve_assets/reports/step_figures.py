"""What Select and the other steps of SIEVE do on a target, in figures."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sieve_assets.reports.canvas import (
    FAINT,
    GRID,
    INK,
    LEFT,
    TAKEN,
    canvas,
    inline_figure,
    panels,
    save_large,
    short,
)
from sieve_assets.reports.inline_images import InlineImage
from sieve_assets.reports.interval_rows import (
    FONT,
    FRAME_INCH,
    draw_intervals,
    legend_above,
    name_rows,
    size_of,
)
from sieve_assets.reports.margin_labels import Label, draw_labels
from sieve_assets.stores.warehouse import Warehouse

if TYPE_CHECKING:  # half a second to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VERIFIED = "#009e73"
"""Okabe and Ito's green."""
SWEEP_INCH, DISTRIBUTIONS_INCH = (4.6, 3.0), (4.6, 2.4)
N_BINS = 40
DODGE = 0.12
"""From a row's height to each of its two points, in rows."""
DRAWN_IN = (FAINT, GRID, LEFT, TAKEN, VERIFIED)
CURVES = (
    ("kept_names_ar", "AR of names the filter keeps", TAKEN, "-", "D"),
    ("names_ar", "AR of all names", LEFT, "-", "o"),
    ("verified_ar", "AR of verified names", VERIFIED, "-", "^"),
    ("coverage", "neurons selected", INK, "--", ""),
    ("verified_coverage", "neurons verified", VERIFIED, "--", ""),
)
"""Columns of `beta_sweep` with the name, colour, line and marker of their curve."""

_SWEEP = "SELECT * FROM beta_sweep WHERE model = $1 ORDER BY beta"
_ABLATION = "SELECT * FROM ablation WHERE model = $1 ORDER BY place"
_MIDDLE = """
SELECT neuron, status, median, p99, ratio FROM (
    SELECT *, row_number() OVER (PARTITION BY status ORDER BY ratio, neuron) AS place,
        count(*) OVER (PARTITION BY status) AS n
    FROM neuron_ratios WHERE model = $1 AND status IN ('selected', 'low_contrast')
) WHERE place = (n + 1) // 2 ORDER BY status DESC
"""
_ACTIVATIONS = """
SELECT unnested.activation
FROM (
    SELECT unnest(activation) AS activation, generate_subscripts(activation, 1) - 1 AS position
    FROM neuron_activations WHERE model = $model AND neuron = $neuron
) unnested
JOIN probe_passes p ON p.model = $model
JOIN probe_images i ON i.probe = p.probe AND i.position = unnested.position
WHERE NOT i.is_held_out
"""


def sweep_figure(warehouse: Warehouse, model: str, *, max_bytes: int) -> InlineImage | None:
    """Mean AR before and after the filter, and coverage, against the threshold β.

    Args:
        warehouse: The study's results.
        model: Target.
        max_bytes: Most bytes of the image.

    Returns:
        None if nothing is stored, or if the figure does not fit.
    """
    return inline_figure(DRAWN_IN, draw_sweep, warehouse.read(_SWEEP, [model]), model, max_bytes)


def draw_sweep(rows: pd.DataFrame, model: str) -> "Figure":
    """The figure of `sweep_figure`, of the target's rows of `beta_sweep`."""
    figure, axes = canvas(
        f"{short(model)}: SIEVE by threshold ({rows['n_neurons'].iloc[0]} neurons)",
        f"β, threshold of the contrast ({rows['rule'].iloc[0]} rule)",
        "mean AR; share of the neurons",
        SWEEP_INCH,
    )
    betas, labels = rows["beta"].to_numpy(np.float64), []
    for name, called, color, line, marker in CURVES:
        values = rows[name].to_numpy(np.float64)
        look = {"color": color, "linestyle": line, "linewidth": 1.3, "zorder": 3}
        axes.plot(betas, values, marker=marker, markersize=4, **look)
        if f"{name}_low" in rows:
            low, high = (rows[f"{name}{end}"].to_numpy(np.float64) for end in ("_low", "_high"))
            axes.vlines(betas, low, high, color=color, linewidth=1, zorder=2)
        known = np.flatnonzero(~np.isnan(values))
        if len(known):
            last = int(known[-1])
            labels.append(Label(called, float(betas[last]), float(values[last]), color, line))
    _mark_own(axes, rows)
    axes.set_xticks(betas, [f"{beta:g}" for beta in betas])
    axes.set_ylim(-0.02, 1.04)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_xlim(*axes.get_xlim())
    draw_labels(axes, labels, font_size=FONT, axes_inch=SWEEP_INCH[1] - FRAME_INCH)
    return figure


def distributions_figure(warehouse: Warehouse, model: str, *, max_bytes: int) -> InlineImage | None:
    """How a selected neuron's activations are distributed, and how one's of low contrast.

    Of each kind it is the neuron with the middle contrast; of two in the middle, the lower one.

    Args:
        warehouse: The study's results.
        model: Target.
        max_bytes: Most bytes of the image.

    Returns:
        None if there is neither, or if the figure does not fit.
    """
    return inline_figure(
        DRAWN_IN, draw_distributions, middle_neurons(warehouse, model), model, max_bytes
    )


def middle_neurons(warehouse: Warehouse, model: str) -> pd.DataFrame:
    """The middle selected neuron and that of low contrast, with `activations`, a list each."""
    rows = warehouse.read(_MIDDLE, [model])
    asked = [{"model": model, "neuron": neuron} for neuron in rows["neuron"].tolist()]
    found = [warehouse.read(_ACTIVATIONS, one)["activation"].to_numpy() for one in asked]
    return rows.assign(activations=pd.Series(found, dtype=object))


def draw_distributions(rows: pd.DataFrame, model: str) -> "Figure":
    """The figure of `distributions_figure`, of rows of `middle_neurons`."""
    across = [
        f"activation of neuron {neuron}\n{status.replace('_', ' ')}, contrast {ratio:.3g}"
        for neuron, status, ratio in zip(rows["neuron"], rows["status"], rows["ratio"], strict=True)
    ]
    title = f"{short(model)}: activations on the probe images"
    figure, found = panels(title, across, "images", DISTRIBUTIONS_INCH)
    for axes, row in zip(found, rows.to_dict("records"), strict=True):
        color = TAKEN if row["status"] == "selected" else LEFT
        axes.hist(row["activations"], bins=N_BINS, color=color)
        axes.set_yscale("log")
        for name, line in (("median", "--"), ("p99", "-")):
            axes.axvline(row[name], color=INK, linestyle=line, linewidth=1, label=name)
        legend_above(axes, 2)
    return figure


def ablation_figure(warehouse: Warehouse, model: str, *, max_bytes: int) -> InlineImage | None:
    """Mean AR and coverage of SIEVE with and without its steps.

    Args:
        warehouse: The study's results.
        model: Target.
        max_bytes: Most bytes of the image.

    Returns:
        None if nothing is stored, or if the figure does not fit.
    """
    return inline_figure(
        DRAWN_IN, draw_ablation, warehouse.read(_ABLATION, [model]), model, max_bytes
    )


def draw_ablation(rows: pd.DataFrame, model: str) -> "Figure":
    """The figure of `ablation_figure`, of the target's rows of `ablation`."""
    title = f"{short(model)}: what each step adds"
    figure, axes = canvas(title, "mean AR with its interval", "", size_of(1.6 * len(rows) + 1))
    places = name_rows(axes, rows["variant"].tolist(), "SIEVE")
    for name, above, color, marker, label in (
        ("mean_ar", DODGE, LEFT, "o", "first names that are left"),
        ("verified_ar", -DODGE, VERIFIED, "^", "names verified by evidence"),
    ):
        draw_intervals(axes, rows, name, places + above, color=color, marker=marker, label=label)
    axes.set_xlim(-0.02, 1.02)
    for across, heading, column in (
        (1.05, "left", "coverage"),
        (1.2, "verif.", "verified_coverage"),
    ):
        notes = [heading, *(f"{share:.0%}" for share in rows[column])]
        for place, note in zip([len(rows) - 0.3, *places.tolist()], notes, strict=True):
            axes.text(across, place, note, fontsize=FONT, color=INK, va="center")
    legend_above(axes, 2)
    return figure


def save_step_figures(warehouse: Warehouse, model: str, folder: Path) -> list[Path]:
    """Write all these figures of a target that there is something to show in, large.

    Args:
        warehouse: The study's results.
        model: Target.
        folder: Where; made if it is not there.

    Returns:
        The files.
    """
    sweep = warehouse.read(_SWEEP, [model])
    neurons = middle_neurons(warehouse, model) if len(sweep) else sweep
    drawn: Mapping[str, tuple[Callable[..., Figure], pd.DataFrame]] = {
        "ablation": (draw_ablation, warehouse.read(_ABLATION, [model])),
        "betas": (draw_sweep, sweep),
        "distributions": (draw_distributions, neurons),
    }
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, (draw, rows) in drawn.items():
        if len(rows):
            files.append(folder / f"{model}_{name}.png")
            save_large(draw(rows, model), files[-1])
    return files


def _mark_own(axes: "Axes", rows: pd.DataFrame) -> None:
    """A line at the study's own threshold."""
    for beta in rows.loc[rows["is_own"], "beta"]:
        axes.axvline(beta, color=FAINT, linestyle=":", linewidth=1, zorder=1)
        axes.annotate(
            "the study's",
            (beta, 0.02),
            xytext=(2, 0),
            textcoords="offset points",
            fontsize=FONT,
            color=INK,
        )
