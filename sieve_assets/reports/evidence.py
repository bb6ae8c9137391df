"""A neuron's evidence as one figure: samples, patches by cluster, pictures by concept, rates."""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from sieve_assets.reports.inline_images import OpenImage
from sieve_assets.stores.warehouse import Warehouse

FIRES, SILENT, REJECTED = "#1a7f37", "#c9ccd1", "#b42318"
_COLORS = {"verified": FIRES, "refuted": REJECTED}
N_SHOWN = 10
"""Samples, patches and pictures in a row of the figure."""
MOST_LETTERS = 60
"""Of a concept: more lines would cover the row above and the row below."""
TILE_INCH = 0.82

_SAMPLES = """
SELECT s.rank, s.activation, i.uri, p.x0, p.y0, p.x1, p.y1, p.uri AS patch_uri, c.cluster
FROM selected_samples s
JOIN probe_passes pp ON pp.model = s.model
JOIN probe_images i ON i.probe = pp.probe AND i.image_id = s.image_id
JOIN patch_embeddings p ON p.model = s.model AND p.neuron = s.neuron AND p.rank = s.rank
JOIN clusters c ON c.model = s.model AND c.neuron = s.neuron AND c.rank = s.rank
WHERE s.model = $model AND s.neuron = $neuron ORDER BY s.rank
"""
_PICTURES = """
SELECT g.cluster, g.concept, g.uri, a.activation[g.neuron + 1] AS activation
FROM generated_image_sets g
JOIN probe_passes pp ON pp.model = g.model
JOIN picture_activations a ON a.model = g.model AND a.picture_id = g.picture_id
    AND a.weights_hash = pp.weights_hash
WHERE g.model = $model AND g.neuron = $neuron ORDER BY activation DESC
"""
_RATES = """
SELECT r.*, v.paper_kept, v.initial_mean_ar, w.matched_ar, w.score, e.verdict
FROM activation_rates r
JOIN concept_hypotheses h USING (model, neuron, cluster, concept)
JOIN verified_concepts v USING (model, neuron, cluster, concept)
LEFT JOIN evidence w ON w.model = r.model AND w.neuron = r.neuron AND w.concept = r.concept
LEFT JOIN verdicts e ON e.model = r.model AND e.neuron = r.neuron AND e.concept = r.concept
WHERE r.model = $model AND r.neuron = $neuron ORDER BY r.cluster, h.place
"""

_VERDICTS = """
SELECT '' AS kind, concept, verdict, reason FROM verdicts
WHERE model = $model AND neuron = $neuron
UNION ALL
SELECT 'best of all drawn concepts: ', concept, verdict, reason FROM revised_names
WHERE model = $model AND neuron = $neuron
ORDER BY kind, concept
"""


def draw_evidence(
    warehouse: Warehouse,
    *,
    model: str,
    neuron: int,
    open_probe_image: OpenImage,
    open_stored_image: OpenImage,
) -> Figure:
    """What a neuron's names rest on: its samples, their patches by cluster, each name's pictures.

    Pictures are sorted by activation; those above the neuron's threshold have a green frame.

    Args:
        warehouse: The study's results.
        model: Target.
        neuron: A neuron with tested hypotheses.
        open_probe_image: Opens a probe image by its uri.
        open_stored_image: Opens a patch or picture of the image store.

    Raises:
        LookupError: The neuron has no tested hypothesis.
    """
    key = {"model": model, "neuron": neuron}
    samples, rates = warehouse.read(_SAMPLES, key), warehouse.read(_RATES, key)
    if rates.empty:
        message = f"draw_evidence: expected a tested hypothesis of neuron {neuron} of {model}"
        raise LookupError(f"{message}, got none. Materialize verified_concepts, or take another.")
    pictures = warehouse.read(_PICTURES, key)
    patches = list(samples.groupby("cluster"))
    n_rows = 1 + len(patches) + len(rates)
    figure = Figure(figsize=((N_SHOWN + 3) * TILE_INCH, n_rows * TILE_INCH * 1.12), dpi=150)
    grid = figure.subplots(n_rows, 1 + N_SHOWN, width_ratios=[3] + [1] * N_SHOWN, squeeze=False)
    title_share = 0.3 / (n_rows * TILE_INCH * 1.12)
    figure.subplots_adjust(
        left=0.01, right=0.99, top=1 - title_share, bottom=0.01, wspace=0.06, hspace=0.1
    )
    figure.suptitle(
        f"{model}, neuron {neuron}",
        fontsize=10,
        x=0.01,
        y=0.995,
        ha="left",
        va="top",
        weight="bold",
    )
    for axes in grid.ravel():
        axes.set_axis_off()
    _draw_samples(grid[0], samples, open_probe_image)
    for row, (cluster, members) in zip(grid[1:], patches, strict=False):
        tiles = [open_stored_image(uri) for uri in members["patch_uri"][:N_SHOWN]]
        _draw_row(row, f"cluster {cluster}: what the neuron\nsees in {len(members)} of them", tiles)
    for row, rate in zip(grid[1 + len(patches) :], rates.to_dict("records"), strict=True):
        of_concept = (pictures["cluster"] == rate["cluster"]) & (
            pictures["concept"] == rate["concept"]
        )
        _draw_test(row, rate, pictures.loc[of_concept], open_stored_image)
    return figure


def verdict_lines(warehouse: Warehouse, *, model: str, neuron: int) -> list[str]:
    """Each of a neuron's names with its verdict and the reason, its revised name last.

    Empty before there are any.
    """
    found = warehouse.read(_VERDICTS, {"model": model, "neuron": neuron})
    return [
        '{kind}"{concept}": {verdict}, {reason}'.format(**row)
        for row in found.to_dict(orient="records")
    ]


def _draw_row(row: np.ndarray, title: str, tiles: list[Image.Image], color: str = "black") -> None:
    row[0].text(
        *(0, 0.5, title),
        fontsize=7.5,
        va="center",
        color=color,
        transform=row[0].transAxes,
        parse_math=False,  # a concept may hold dollar signs
    )
    for axes, tile in zip(row[1:], tiles, strict=False):
        axes.imshow(tile)


def _draw_samples(row: np.ndarray, samples: pd.DataFrame, open_image: OpenImage) -> None:
    shown = samples.head(N_SHOWN)
    _draw_row(
        row, "strongest probe images,\ncrop marked", [open_image(uri) for uri in shown["uri"]]
    )
    for axes, sample in zip(row[1:], shown.to_dict("records"), strict=False):
        corner = (sample["x0"] - 0.5, sample["y0"] - 0.5)
        sides = (sample["x1"] - sample["x0"], sample["y1"] - sample["y0"])
        axes.add_patch(
            Rectangle(corner, sides[0], sides[1], fill=False, edgecolor="#ff2d55", linewidth=1.4)
        )


def _draw_test(
    row: np.ndarray, rate: Mapping[str, Any], pictures: pd.DataFrame, open_image: OpenImage
) -> None:
    """One hypothesis: its pictures from the most to the least activating, and its rate in words."""
    name = _in_lines(rate["concept"], rate["cluster"])
    interval = "AR {activation_rate:.2f} [{ci_low:.2f}, {ci_high:.2f}]".format(**rate)
    rule = "kept" if rate["paper_kept"] else "dropped"
    verdict = "no verdict yet"
    if rate["verdict"]:
        verdict = "{verdict}\nby AR {matched_ar:.2f} at matched T, score {score:.2f}".format(**rate)
    text = (
        f"{name}: {verdict}\n"
        f"{interval}, {rate['n_active']} of {rate['n_images']}\n"
        f"paper's rule: {rule} (mean {rate['initial_mean_ar']:.2f})"
    )
    color = _COLORS.get(rate["verdict"], "black")
    places = np.linspace(0, len(pictures) - 1, min(N_SHOWN, len(pictures))).round().astype(int)
    shown = pictures.iloc[places]
    _draw_row(row, text, [open_image(uri) for uri in shown["uri"]], color=color)
    for axes, activation in zip(row[1:], shown["activation"], strict=False):
        _frame(axes, FIRES if activation > rate["threshold"] else SILENT)


def _in_lines(concept: str, cluster: int) -> str:
    """The concept in quotes with its cluster, cut to as many lines as a row has room for."""
    is_long = len(concept) > MOST_LETTERS
    shown = f"{concept[: MOST_LETTERS - 1]}…" if is_long else concept
    return "\n".join(textwrap.wrap(f'"{shown}" (cluster {cluster})', 28))


def _frame(axes: Axes, color: str) -> None:
    axes.set_axis_on()
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(edgecolor=color, linewidth=2.2)
