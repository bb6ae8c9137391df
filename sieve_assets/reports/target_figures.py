"""A target in small figures: contrast of its neurons, rates of its names, rates against truth."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sieve_assets.reports.canvas import INK, LEFT, PAGE, TAKEN, canvas, encoded, short
from sieve_assets.reports.inline_images import InlineImage
from sieve_assets.stores.warehouse import Warehouse

if TYPE_CHECKING:  # half a second to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_RATIO_BINS, N_RATE_BINS = 30, 20
FAR_APART = 20
"""Largest over smallest ratio from which on a log scale shows more."""

RATIOS = "SELECT ratio, rule, beta, status FROM neuron_ratios WHERE model = $model ORDER BY neuron"
RATES = """
SELECT activation_rate, paper_kept, initial_mean_ar, is_complete
FROM verified_concepts WHERE model = $model ORDER BY neuron, cluster, concept
"""
TRUTH = """
SELECT v.activation_rate, v.paper_kept, o.oracle_ar
FROM verified_concepts v JOIN oracle_rates o USING (model, neuron, cluster, concept)
WHERE v.model = $model ORDER BY v.neuron, v.cluster, v.concept
"""
_CONTRAST = {
    "ratio": "contrast: high percentile / median activation",
    "signed": "contrast: (high percentile − median) / spread",
}


def ratios_figure(warehouse: Warehouse, model: str, *, max_bytes: int) -> InlineImage | None:
    """How selective the target's neurons are: a histogram of their contrast, with β.

    Infinite contrast (sparse neurons) counts in the last bar; dead neurons have none.

    Args:
        warehouse: The study's results.
        model: Target.
        max_bytes: Most bytes of the PNG.

    Returns:
        None if no neuron has a contrast, or if the figure does not fit.
    """
    neurons = warehouse.read(RATIOS, {"model": model})
    if neurons.dropna(subset="ratio").empty:
        return None
    return encoded(draw_ratios(neurons, model), max_bytes)


def draw_ratios(neurons: pd.DataFrame, model: str) -> "Figure":
    """The figure of `ratios_figure`, of the target's rows of `neuron_ratios`."""
    shown = neurons.dropna(subset="ratio")
    ratios, beta = shown["ratio"].to_numpy(), float(shown["beta"].iloc[0])
    is_selected = (shown["status"] == "selected").to_numpy()
    edges, is_log = ratio_edges(ratios, beta)
    within = np.clip(ratios, edges[0], edges[-1])
    figure, axes = canvas(
        f"{short(model)}: {_share(is_selected.sum(), len(neurons), 'neurons selected')}",
        _CONTRAST[shown["rule"].iloc[0]] + _odd(neurons),
        "neurons",
    )
    _draw_bars(axes, edges, within, is_selected, ("selected", "not selected"))
    if is_log:
        _set_log_scale(axes)
    _mark(axes, beta, f"β = {beta:g}")
    return figure


def rates_figure(warehouse: Warehouse, model: str, *, max_bytes: int) -> InlineImage | None:
    """How the target's names fared: a histogram of activation rates, with the mean they must reach.

    Args:
        warehouse: The study's results.
        model: Target.
        max_bytes: Most bytes of the PNG.

    Returns:
        None if no name was judged, or if the figure does not fit.
    """
    names = warehouse.read(RATES, {"model": model})
    if names.empty:
        return None
    return encoded(draw_rates(names, model), max_bytes)


def draw_rates(names: pd.DataFrame, model: str) -> "Figure":
    """The figure of `rates_figure`, of the target's rows of `verified_concepts`."""
    is_kept, mean = names["paper_kept"].to_numpy(), float(names["initial_mean_ar"].iloc[0])
    so_far = "" if min(names["is_complete"]) else " so far"
    figure, axes = canvas(
        f"{short(model)}: {_share(is_kept.sum(), len(names), f'names kept{so_far}')}",
        "activation rate: share of a name's pictures that fire the neuron",
        "names",
    )
    edges = np.linspace(0, 1, N_RATE_BINS + 1)
    _draw_bars(axes, edges, names["activation_rate"].to_numpy(), is_kept, ("kept", "dropped"))
    _mark(axes, mean, f"mean {mean:.2f}")
    return figure


def truth_figure(warehouse: Warehouse, model: str, *, max_bytes: int) -> InlineImage | None:
    """Whether the target's activation rates are right: each against the oracle's.

    A name that means nothing in the embedded world has no true rate, and is not shown.

    Args:
        warehouse: The study's results.
        model: Target.
        max_bytes: Most bytes of the PNG.

    Returns:
        None if no judged name has a true rate, or if the figure does not fit.
    """
    names = warehouse.read(TRUTH, {"model": model}).dropna(subset="oracle_ar")
    if names.empty:
        return None
    return encoded(draw_truth(names, model), max_bytes)


def draw_truth(names: pd.DataFrame, model: str) -> "Figure":
    """The figure of `truth_figure`, of judged names that have an oracle's rate."""
    error = (names["activation_rate"] - names["oracle_ar"]).abs().mean()
    figure, axes = canvas(
        f"{short(model)}: rates off by {error:.2f} in the mean",
        "on rendered scenes that do show it (the oracle's rate)",
        "on generated pictures",
    )
    axes.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=1)
    for is_kept, color, marker, label in (
        (True, TAKEN, "o", "kept"),
        (False, LEFT, "x", "dropped"),
    ):
        of_kind = names[names["paper_kept"] == is_kept]
        axes.scatter(
            of_kind["oracle_ar"],
            of_kind["activation_rate"],
            s=22,
            color=color,
            marker=marker,
            label=f"{len(of_kind)} {label}",
        )
    _legend(axes)
    return figure


def ratio_edges(ratios: np.ndarray, beta: float) -> tuple[np.ndarray, bool]:
    """Edges of bars of which one is β, so that no bar lies on both sides of it.

    Args:
        ratios: Not NaN; infinite ones are beyond the last edge.
        beta: Threshold.

    Returns:
        Edges around all finite ratios and β; and whether they are evenly spaced on a log scale,
        which they are if the ratios are positive and far apart.
    """
    values = np.append(ratios[np.isfinite(ratios)], beta)
    is_log = values.min() > 0 and values.max() > FAR_APART * values.min()
    to_scale, from_scale = (np.log, np.exp) if is_log else (np.array, np.array)
    low, at, high = to_scale([values.min(), beta, values.max()])
    step = (high - low) / N_RATIO_BINS or 1.0
    n_below, n_above = (int(np.ceil(width / step)) for width in (at - low, high - at))
    edges = from_scale(at + step * np.arange(-n_below, max(n_above, 1) + 1))
    edges[n_below] = beta
    return edges, is_log


def _draw_bars(
    axes: "Axes",
    edges: np.ndarray,
    values: np.ndarray,
    is_taken: np.ndarray,
    labels: tuple[str, str],
) -> None:
    """Bars of those that are taken, upon them those that are left."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 (as above)

    parts = [values[is_taken], values[~is_taken]]
    axes.hist(
        parts,
        bins=edges.tolist(),
        stacked=True,
        color=[TAKEN, LEFT],
        edgecolor=PAGE,
        linewidth=0.8,
        label=[f"{len(part)} {label}" for part, label in zip(parts, labels, strict=True)],
    )
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    _legend(axes)


def _mark(axes: "Axes", at: float, text: str) -> None:
    """A broken line across, with its name above the bars."""
    axes.axvline(at, color=INK, linestyle="--", linewidth=1)
    axes.annotate(
        *(text, (at, 1)),
        xycoords=("data", "axes fraction"),
        xytext=(3, -2),
        textcoords="offset points",
        va="top",
        fontsize=8,
        color=INK,
    )


def _set_log_scale(axes: "Axes") -> None:
    """A log scale with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator  # noqa: PLC0415 (as above)

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _legend(axes: "Axes") -> None:
    axes.legend(fontsize=7, frameon=False, labelcolor=INK, loc="best")


def _share(n_taken: int, n_all: int, what: str) -> str:
    return f"{n_taken} of {n_all} {what} ({n_taken / n_all:.0%})"


def _odd(neurons: pd.DataFrame) -> str:
    """How many neurons have no finite contrast, in words; nothing if all have one."""
    n_infinite, n_dead = np.isinf(neurons["ratio"]).sum(), neurons["ratio"].isna().sum()
    counts = [(n_infinite, "infinite, in the last bar"), (n_dead, "dead, not shown")]
    told = [f"{count} {what}" for count, what in counts if count]
    return f"\n({'; '.join(told)})" if told else ""
