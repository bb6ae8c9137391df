"""What a report is made of: sections of words, tables and figures, and how numbers are written.

Not here: what is in them, and how they look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sieve_assets.method.activation_rates import wilson_interval
from sieve_assets.reports.percent_tables import NONE
from sieve_assets.stores.warehouse import Warehouse
from sieve_assets.study import Study


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows.

    Attributes:
        name: Its place on the page: the same for every target.
        title: What it shows.
        about: What the numbers say.
        headings: One a column.
        rows: Cells in words, one a heading.
        n_texts: Columns, from the left, that hold words and not numbers.
        new_kinds: Rows with which another kind of things begins.
    """

    name: str
    title: str
    about: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    n_texts: int = 1
    new_kinds: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Figure:
    """A figure that is drawn.

    Attributes:
        name: Its place on the page: the same for every target.
        title: What it shows.
        about: How to read it.
        alt: What is to be seen, for those who do not see it.
        svg: The drawing.
        width_inch: How wide it is meant to be.
    """

    name: str
    title: str
    about: str
    alt: str
    svg: bytes
    width_inch: float


@dataclass(frozen=True)
class Section:
    """A part of the report with a heading.

    Attributes:
        name: Its place on the page.
        title: Its heading.
        paragraphs: What is said first.
        points: What is said in a list after them.
        figures: Shown after the words.
        tables: Shown after the figures.
        sections: Its own parts.
        has_narrow_tables: Two of its tables fit beside each other.
    """

    name: str
    title: str
    paragraphs: Sequence[str] = ()
    points: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    sections: Sequence["Section"] = ()
    has_narrow_tables: bool = False

    def all_tables(self) -> list[Table]:
        """Its tables and those of its parts."""
        return [*self.tables, *(one for part in self.sections for one in part.all_tables())]

    def all_figures(self) -> list[Figure]:
        """Its figures and those of its parts."""
        return [*self.figures, *(one for part in self.sections for one in part.all_figures())]


@dataclass(frozen=True)
class Subject:
    """What a report is about.

    Attributes:
        warehouse: The study's results.
        study: What was studied.
        model: Target.
    """

    warehouse: Warehouse
    study: Study
    model: str

    def read(self, sql: str) -> pd.DataFrame:
        """The result of a query about $model."""
        return self.warehouse.read(sql, {"model": self.model})

    @property
    def confidence(self) -> float:
        """Of the intervals."""
        return self.study.verify.confidence


def count(number: float) -> str:
    """A number of things."""
    return NONE if pd.isna(number) else f"{number:,.0f}"


def share(value: float | None) -> str:
    """A share in percent; a dash where there is none."""
    return NONE if value is None or pd.isna(value) else f"{100 * value:.1f} %"


def ratio(number: float, total: float) -> str:
    """The share of a total in percent; a dash of nothing."""
    return share(number / total) if total else NONE


def of_all(number: float, total: float) -> str:
    """So many of so many, with their share."""
    return f"{count(number)} of {count(total)} ({ratio(number, total)})"


def interval(low: float, high: float) -> str:
    """An interval of a share in percent."""
    return NONE if pd.isna(low) else f"{100 * low:.1f} to {100 * high:.1f} %"


def interval_of(number: int, total: int, confidence: float) -> str:
    """The Wilson interval of so many of so many; a dash of nothing."""
    if not total:
        return NONE
    found = wilson_interval(np.array([number], np.int64), total, confidence=confidence)
    return interval(float(found.low[0]), float(found.high[0]))


def plural(number: float, one: str, many: str = "") -> str:
    """So many things, in words."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def first_row(rows: pd.DataFrame) -> dict[str, Any]:
    """The only row of a table, by column."""
    return {str(name): value for name, value in rows.iloc[0].to_dict().items()}


def plain(heading: str) -> str:
    """A heading of a printed table on one line."""
    return " ".join(heading.split())
