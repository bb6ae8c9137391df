"""What printed tables of a comparison have in common: their look, shares in percent, dashes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd
from rich import box
from rich.markup import escape
from rich.table import Table

NONE = "–"
Row = Mapping[str, Any]
Show = Callable[[Row], str]
"""What a column shows of a row."""


def narrow_table(title: str, first: str, headings: Iterable[str]) -> Table:
    """A table as narrow as its cells: the first column gives way, figures do not."""
    table = Table(
        title=escape(title),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 0),
    )
    table.add_column(first, vertical="bottom")
    for heading in headings:
        table.add_column(escape(heading), justify="right", no_wrap=True)
    return table


def methods_table(title: str, rows: pd.DataFrame, columns: Mapping[str, Show]) -> Table:
    """A table with a row a method, as `compared_methods` orders them, and a line between kinds."""
    table = narrow_table(title, "method", columns)
    kinds = [*rows["kind"], *rows["kind"].tail(1)]
    for one, kind, following in zip(rows_in(rows), kinds, kinds[1:], strict=False):
        cells = [show(one) for show in columns.values()]
        table.add_row(escape(one["called"]), *cells, end_section=kind != following)
    return table


def percent(name: str, digits: int = 0) -> Show:
    """Shows a share of a row; a dash where there is none, and never 0 for what is more."""

    def show(row: Row) -> str:
        value = row[name]
        if pd.isna(value):
            return NONE
        least = 10.0**-digits
        return f"<{least:g}" if 0 < 100 * value < least / 2 else f"{100 * value:.{digits}f}"

    return show


def with_interval(name: str) -> Show:
    """Shows a mean of a row with its interval."""

    def show(row: Row) -> str:
        if pd.isna(row[name]):
            return NONE
        return (
            f"{percent(name, 1)(row)}"
            f" ({100 * row[f'{name}_low']:.0f}–{100 * row[f'{name}_high']:.0f})"
        )

    return show


def rows_in(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A table's rows, by column."""
    return [{str(name): value for name, value in one.items()} for one in frame.to_dict("records")]
