"""A target's methods in figures: rates, rates by coverage, truth, and which score to trust."""

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
    save_large,
    short,
)
from sieve_assets.reports.compared_methods import (
    CONTROL,
    OWN,
    SIEVE,
    called,
    compared_methods,
    judged_scores,
)
from sieve_assets.reports.inline_images import InlineImage
from sieve_assets.reports.interval_rows import (
    FONT,
    FRAME_INCH,
    MOST_LETTERS,
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

OTHERS = ("#d55e00", "#009e73", "#cc79a7", LEFT, "#5b6270")
"""Okabe and Ito's colours but the blues, which are SIEVE's, and a grey."""
WITHOUT_A_STEP = "#56b4e9"
LINES = ("-", "--", "-.")
MARKERS = ((INK, "s"), (LEFT, "o"), ("#009e73", "^"))
"""Of sets of names, one after the other; SIEVE's own have blue diamonds."""
SQUARE_INCH, LABEL_INCH = (4.6, 3.2), 0.12
DODGE = 0.2
"""From a point to the next in the same row, in rows."""
DRAWN_IN = (FAINT, GRID, TAKEN, WITHOUT_A_STEP, *OTHERS)


def methods_figure(warehouse: Warehouse, model: str, *, max_bytes: int) -> InlineImage | None:
    """Mean AR by method before and after the paper's filter.

    Args:
        warehouse: The study's results.
        model: Target.
        max_bytes: Most bytes of the PNG.

    Returns:
        None if nothing is compared, or if the figure does not fit.
    """
    return inline_figure(
        DRAWN_IN, draw_methods, compared_methods(warehouse, model), model, max_bytes
    )


def draw_methods(rows: pd.DataFrame, model: str) -> "Figure":
    """The figure of `methods_figure`, of the target's rows of `compared_methods`."""
    title = f"{short(model)}: mean AR by method"
    figure, axes = canvas(title, "mean AR with its interval", "", size_of(len(rows)))
    places = name_rows(axes, rows["called"].tolist(), called(SIEVE))
    axes.hlines(places, rows["mean_ar"], rows["kept_ar"], color=FAINT, linewidth=1, zorder=1)
    for name, color, marker, label in (
        ("mean_ar", LEFT, "o", "all first names"),
        ("kept_ar", TAKEN, "D", "those that the paper's filter keeps"),
    ):
        draw_intervals(axes, rows, name, places, color=color, marker=marker, label=label)
    axes.set_xlim(-0.02, 1.02)
    notes = ["kept", *(f"{share:.0%}" for share in rows["kept_coverage"])]
    for place, note in zip([len(rows), *places.tolist()], notes, strict=True):
        axes.text(1.04, place, note, fontsize=FONT, color=INK, va="center")
    _part_kinds(axes, rows, places)
    legend_above(axes, 2)
    return figure


def coverage_figure(warehouse: Warehouse, model: str, *, max_bytes: int) -> InlineImage | None:
    """Mean AR against the share of neurons that are named, by method.

    Args:
        warehouse: The study's results.
        model: Target.
        max_bytes: Most bytes of the PNG.

    Returns:
        None if nothing is compared, or if the figure does not fit.
    """
    return inline_figure(
        DRAWN_IN, draw_coverage, compared_methods(warehouse, model), model, max_bytes
    )


def draw_coverage(rows: pd.DataFrame, model: str) -> "Figure":
    """The figure of `coverage_figure`, of the target's rows of `compared_methods`."""
    figure, axes = canvas(
        f"{short(model)}: AR by coverage, each method's best names first",
        "share of neurons named",
        "mean AR on pictures that did not decide",
        _square(len(rows)),
    )
    _set_shares(axes)
    labels = []
    for row, (color, line) in zip(rows.to_dict("records"), _styles(rows), strict=True):
        across, up = row["curve_coverage"], row["curve_ar"]
        is_own = row["explainer"] == SIEVE
        width, above = (2, 3) if is_own else (1, 2)
        axes.plot(across, up, color=color, linestyle=line, linewidth=width, zorder=above)
        axes.plot(across[-1], up[-1], "o", color=color, markersize=3, zorder=above)
        name = short(row["called"], MOST_LETTERS)
        labels.append(Label(name, across[-1], up[-1], color, line, is_bold=is_own))
    for row in rows.query("explainer == @SIEVE").dropna(subset="verified_ar").to_dict("records"):
        at = (row["verified_coverage"], row["verified_ar"])
        axes.plot(*at, marker="*", color=TAKEN, markersize=11, markeredgecolor="white", zorder=4)
        labels.append(Label("★ SIEVE, verified", *at, TAKEN, is_bold=True))
    draw_labels(axes, labels, font_size=FONT, axes_inch=figure.get_figheight() - FRAME_INCH)
    return figure


def recall_figure(warehouse: Warehouse, model: str, *, max_bytes: int) -> InlineImage | None:
    """How many of each method's names are true, and of how many neurons.

    Args:
        warehouse: The study's results.
        model: Target.
        max_bytes: Most bytes of the PNG.

    Returns:
        None if no truth is known, or if the figure does not fit.
    """
    rows = compared_methods(warehouse, model).dropna(subset=["true_first", "recall_first"])
    return inline_figure(DRAWN_IN, draw_recall, rows, model, max_bytes)


def draw_recall(rows: pd.DataFrame, model: str) -> "Figure":
    """The figure of `recall_figure`, of rows of `compared_methods` whose truth is known."""
    figure, axes = canvas(
        f"{short(model)}: true names (○ first, ● verified)",
        "recall: share of the nameable neurons with a true name",
        "share of the names that are true",
        _square(len(rows)),
    )
    _set_shares(axes)
    labels = []
    for row, (color, _) in zip(rows.to_dict("records"), _styles(rows), strict=True):
        first, verified = (
            (row[f"recall_{kind}"], row[f"true_{kind}"]) for kind in ("first", "verified")
        )
        is_own = row["explainer"] == SIEVE
        look = {"color": color, "markersize": 5, "zorder": 4 if is_own else 3}
        axes.plot(*zip(first, verified, strict=True), color=color, linewidth=1.2, zorder=2)
        axes.plot(*first, "o", markerfacecolor="white", **look)
        axes.plot(*verified, "o", **look)
        labels.append(Label(short(row["called"], MOST_LETTERS), *first, color, is_bold=is_own))
    draw_labels(axes, labels, font_size=FONT, axes_inch=figure.get_figheight() - FRAME_INCH)
    return figure


def scores_figure(warehouse: Warehouse, model: str, *, max_bytes: int) -> InlineImage | None:
    """Which number to trust: how well each tells true names from others.

    Args:
        warehouse: The study's results.
        model: Target.
        max_bytes: Most bytes of the PNG.

    Returns:
        None if no truth is known, or if the figure does not fit.
    """
    rows = judged_scores(warehouse, model).dropna(subset="auroc")
    return inline_figure(DRAWN_IN, draw_scores, rows, model, max_bytes)


def draw_scores(rows: pd.DataFrame, model: str) -> "Figure":
    """The figure of `scores_figure`, of rows of `judged_scores`."""
    title = f"{short(model)}: which number tells true names from others"
    names = rows["called"].drop_duplicates().tolist()
    groups = list(rows.groupby("labels", sort=False))
    across = "AUROC with its interval (0.5: by chance)"
    figure, axes = canvas(title, across, "", size_of(1.6 * len(names) + 1))
    place_of = dict(zip(names, name_rows(axes, names).tolist(), strict=True))
    for number, (labels, some) in enumerate(groups):
        above = DODGE * ((len(groups) - 1) / 2 - number)
        color, marker = (TAKEN, "D") if labels == SIEVE else MARKERS[number % len(MARKERS)]
        places = np.array([place_of[name] for name in some["called"]])
        draw_intervals(
            *(axes, some, "auroc", places + above),
            color=color,
            marker=marker,
            label=f"{called(str(labels))}, {some['n_names'].iloc[0]} names",
        )
    axes.axvline(0.5, color=INK, linestyle="--", linewidth=1, zorder=1)
    axes.set_xlim(right=1.02)
    legend_above(axes, 2)
    return figure


_DRAWN: Mapping[str, Callable[..., "Figure"]] = {
    "methods": draw_methods,
    "coverage": draw_coverage,
    "recall": draw_recall,
    "scores": draw_scores,
}


def save_figures(warehouse: Warehouse, model: str, folder: Path) -> list[Path]:
    """Write all figures of a target that there is something to show in, large.

    Args:
        warehouse: The study's results.
        model: Target.
        folder: Where; made if it is not there.

    Returns:
        The files.
    """
    methods = compared_methods(warehouse, model)
    rows = {
        "methods": methods,
        "coverage": methods,
        "recall": methods.dropna(subset=["true_first", "recall_first"]),
        "scores": judged_scores(warehouse, model).dropna(subset="auroc"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, some in rows.items():
        if len(some):
            files.append(folder / f"{model}_{name}.png")
            save_large(_DRAWN[name](some, model), files[-1])
    return files


def _square(n_labels: int) -> tuple[float, float]:
    width, height = SQUARE_INCH
    return width, max(height, FRAME_INCH + LABEL_INCH * n_labels)


def _part_kinds(axes: "Axes", rows: pd.DataFrame, places: np.ndarray) -> None:
    """Fine lines between SIEVE, the other methods and the controls."""
    kinds = rows["kind"].to_numpy()
    for place in places[:-1][kinds[1:] != kinds[:-1]]:
        axes.axhline(place - 0.5, color=FAINT, linewidth=0.5)


def _styles(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """A colour and a kind of line for each method; of the others, no two alike up to 15."""
    n_own, n_others, styles = 0, 0, []
    for kind, explainer in zip(rows["kind"], rows["explainer"], strict=True):
        if explainer == SIEVE:
            styles.append((TAKEN, "-"))
        elif kind == OWN:
            styles.append((WITHOUT_A_STEP, LINES[n_own % len(LINES)]))
            n_own += 1
        elif kind == CONTROL:
            styles.append((FAINT, "-."))
        else:
            line = LINES[n_others // len(OTHERS) % len(LINES)]
            styles.append((OTHERS[n_others % len(OTHERS)], line))
            n_others += 1
    return styles


def _set_shares(axes: "Axes") -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.04)
