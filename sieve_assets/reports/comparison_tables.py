"""A study's methods side by side, printed: rates by the same filters, coverage, truth.

Not here: what the figures are (`assets.method_comparison`).
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from sieve_assets.stores.warehouse import Warehouse

CONTROLS = ("oracle", "oracle, narrower", "oracle, wider", "at random")
"""Names made from the truth: below the methods."""
SHOWN_LABELS = ("words and controls", "words", "phrases", "sieve")
NONE = "–"

_METHODS = "SELECT * FROM method_comparison WHERE model = $1"
_SCORES = """
SELECT score, labels, n_names, n_true, auroc, auroc_low, auroc_high FROM score_truth
WHERE model = $1
"""


def print_comparison(console: Console, warehouse: Warehouse, model: str) -> None:
    """Print every method's figures on a target, and which number tells its true names.

    Args:
        console: Where to print.
        warehouse: The study's results.
        model: Target; nothing is printed of one that has not been compared.
    """
    methods = warehouse.read(_METHODS, [model])
    if methods.empty:
        return
    console.print(_methods(model, methods))
    scores = warehouse.read(_SCORES, [model])
    if len(scores):
        console.print(_scores(model, scores))


def place_of(explainer: str) -> tuple[int, str]:
    """Where a method stands: SIEVE, SIEVE without a step, other methods by name, controls."""
    if explainer in CONTROLS:
        return 3, f"{CONTROLS.index(explainer)}"
    if explainer == "sieve":
        return 0, ""
    return (1 if explainer.startswith("sieve_") else 2), explainer


def _methods(model: str, rows: pd.DataFrame) -> Table:
    is_known = bool(rows["true_first"].notna().any())
    table = Table(
        title=f"{model}: every method's names by one verifier (%)",
        title_justify="left",
        caption="One name a neuron. AR: first names, with interval. Filter: the paper's, over "
        "the method's own first names. Verified: chosen on half of the pictures, reported on the "
        "other. "
        "Equal: where the method and SIEVE's verified names cover as many neurons.",
        caption_justify="left",
    )
    table.add_column("method", no_wrap=True)
    headings = ["named", "AR", "filter: kept", "AR", "verified", "AR", "equal: AR", "SIEVE's"]
    if is_known:
        headings += ["true: first", "kept", "verified", "recall"]
    for heading in headings:
        table.add_column(heading, justify="right")
    ordered = sorted(rows.to_dict("records"), key=lambda row: place_of(row["explainer"]))
    before = 0
    for row in ordered:
        group = place_of(row["explainer"])[0]
        if group != before:
            table.add_section()
        before = group
        table.add_row(*_cells({str(name): value for name, value in row.items()}, is_known=is_known))
    return table


def _cells(row: Mapping[str, Any], *, is_known: bool) -> list[str]:
    interval = f"{_share(row['mean_ar_low'])}–{_share(row['mean_ar_high'])}"
    cells = [
        row["explainer"].replace("_", " "),
        _share(row["coverage"]),
        f"{_share(row['mean_ar'])} ({interval})",
        _share(row["kept_coverage"]),
        _share(row["kept_ar"]),
        _share(row["verified_coverage"]),
        _share(row["verified_ar"]),
        _share(row["equal_ar"]),
        _share(row["sieve_equal_ar"]),
    ]
    if is_known:
        names = ("true_first", "true_kept", "true_verified", "recall_verified")
        cells += [_share(row[name]) for name in names]
    return cells


def _scores(model: str, rows: pd.DataFrame) -> Table:
    table = Table(
        title=f"{model}: which number tells true names from others (AUROC)",
        title_justify="left",
        caption="Words: names of the concept set by any method; controls: names made from the "
        "truth, too narrow and too wide ones among them; phrases: other names, such as formulas.",
        caption_justify="left",
    )
    table.add_column("score", no_wrap=True)
    shown = [labels for labels in SHOWN_LABELS if labels in set(rows["labels"])]
    for labels in shown:
        one = rows[rows["labels"] == labels].iloc[0]
        table.add_column(
            f"{labels}: {one['n_names']:.0f}, {one['n_true']:.0f} true", justify="right"
        )
    by_place = {(row["score"], row["labels"]): row for row in rows.to_dict("records")}
    of_first = rows.loc[rows["labels"] == shown[0]].sort_values(by="auroc", ascending=False)
    for score in of_first["score"]:
        cells = [_area(by_place.get((score, labels))) for labels in shown]
        table.add_row(str(score).replace("_", " "), *cells)
    return table


def _area(row: Mapping[Any, Any] | None) -> str:
    if row is None or pd.isna(row["auroc"]):
        return NONE
    return f"{row['auroc']:.3f} ({row['auroc_low']:.2f}–{row['auroc_high']:.2f})"


def _share(value: float) -> str:
    return NONE if pd.isna(value) else f"{100 * value:.0f}"
