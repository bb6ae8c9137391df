"""How near names are to those of the classes that neurons stand for, printed by method."""

from collections.abc import Mapping

import pandas as pd
from rich.console import Console
from rich.table import Table

from sieve_assets.reports.compared_methods import called, compared_methods
from sieve_assets.reports.paper_classes import PaperClasses, paper_classes
from sieve_assets.reports.percent_tables import NONE, Row, Show, methods_table, percent
from sieve_assets.stores.warehouse import Warehouse
from sieve_assets.study import Study

_KEY = (
    "CLIP: mean cosine of a neuron's name and its class's name by the vision-language model's "
    "texts, of first names with the interval. {text} others: the same names and the other classes' "
    "names, what a name that knows nothing would have. own: names that are the class's own, and "
    "cov: neurons that have a name, in percent. kept: first names that reach the method's mean AR "
    "(the paper's filter); verif: each neuron's best verified name; how many have one is told "
    "above.\n"
)
_TEXT = "text: the same by {text_model}."
_NO_TEXT = "No column of a sentence model: the study names none ([compare] text_model)."
_PAPER_KEY = (
    "paper: CLIP cos and mpnet cos in its {title}; of two, with the concepts Broden (1.2k) / "
    "Common Words (3k).{absent}\n"
)


def print_class_agreement(console: Console, warehouse: Warehouse, study: Study) -> None:
    """Print it of each target whose neurons are classes; nothing if there are none.

    Args:
        console: Where to print.
        warehouse: The study's results.
        study: What was studied.
    """
    text = ""
    for model, target in study.targets.items():
        rows = class_methods(warehouse, model)
        if rows.empty:
            continue
        paper, text = paper_classes(target), _told_of_text(rows)
        console.print(_table(model, rows, paper), "")
        if paper:
            console.print(classes_paper_key(paper, set(rows["explainer"])), markup=False)
    if text:
        console.print(_KEY.format(text=text), markup=False)


def class_methods(warehouse: Warehouse, model: str) -> pd.DataFrame:
    """A target's methods in the order of reports, each with what is stored of its chosen names.

    Columns are those of `class_agreement`, each followed by which names were chosen:
    "clip_cos first". Empty for a target whose neurons are no classes.

    Args:
        warehouse: The study's results.
        model: Target.
    """
    found = warehouse.read("SELECT * FROM class_agreement WHERE model = $1", [model])
    methods = compared_methods(warehouse, model)
    if found.empty or methods.empty:
        return pd.DataFrame()
    text_model = found["text_model"].fillna("").iloc[0]
    figures = found.drop(columns=["model", "text_model"])
    wide = figures.pivot_table(index="explainer", columns="chosen", dropna=False)
    wide.columns = [f"{figure} {chosen}" for figure, chosen in wide.columns]
    ordered = methods[["explainer", "called", "kind"]]
    joined = ordered.merge(wide.reset_index(), on="explainer")
    return joined.assign(text_model=text_model)


def classes_key(rows: pd.DataFrame) -> str:
    """What the columns of `class_columns` are."""
    return _KEY.format(text=_told_of_text(rows))


def _told_of_text(rows: pd.DataFrame) -> str:
    text_model = rows["text_model"].iloc[0]
    return _TEXT.format(text_model=text_model) if text_model else _NO_TEXT


def class_columns(rows: pd.DataFrame, paper: PaperClasses | None) -> Mapping[str, Show]:
    """What is shown of rows of `class_methods`, by heading."""
    has_text = bool(rows["text_cos first"].notna().any())
    columns = {
        heading: show for heading, show in _COLUMNS.items() if has_text or "text" not in heading
    }
    if paper:
        columns["paper\nCLIP"] = lambda row: _of_paper(paper, row["explainer"], 0)
    if paper and has_text:
        columns["paper\ntext"] = lambda row: _of_paper(paper, row["explainer"], 1)
    return columns


def _table(model: str, rows: pd.DataFrame, paper: PaperClasses | None) -> Table:
    title = f"{model}: names against those of its {rows['n_neurons first'].iloc[0]:.0f} classes"
    return methods_table(title, rows, class_columns(rows, paper))


def classes_paper_key(paper: PaperClasses, shown: set[str]) -> str:
    """What is the paper's in a table of these methods."""
    absent = [
        f"{called(one)} {_of_paper(paper, one, 0)}, {_of_paper(paper, one, 1)}"
        for one in paper.cosines
        if one not in shown
    ]
    told = f" In that table, but not here: {'; '.join(absent)}." if absent else ""
    return _PAPER_KEY.format(title=paper.title, absent=told)


def _of_paper(paper: PaperClasses, explainer: str, space: int) -> str:
    return "/".join(_plain(both[space]) for both in paper.cosines.get(explainer, ())) or NONE


def _plain(value: float | None, digits: int = 3) -> str:
    """A cosine without the zero before its point."""
    if value is None or pd.isna(value):
        return NONE
    said = f"{abs(value):.{digits}f}".removeprefix("0")
    return f"-{said}" if value < 0 else said


def _cosine(name: str) -> Show:
    return lambda row: _plain(row[name])


def _with_interval(name: str) -> Show:
    def show(row: Row) -> str:
        figure, chosen = name.split()
        if pd.isna(row[name]):
            return NONE
        low, high = (_plain(row[f"{figure}_{end} {chosen}"], 2) for end in ("low", "high"))
        return f"{_plain(row[name])} ({low}–{high})"

    return show


_COLUMNS: Mapping[str, Show] = {
    "cov": percent("coverage first"),
    "CLIP of first": _with_interval("clip_cos first"),
    "\nothers": _cosine("clip_others first"),
    "text of first": _with_interval("text_cos first"),
    "text\nothers": _cosine("text_others first"),
    "own\nfirst": percent("same_share first"),
    "kept\nCLIP": _cosine("clip_cos kept"),
    "kept\ntext": _cosine("text_cos kept"),
    "verif\nCLIP": _cosine("clip_cos verified"),
    "verif\ntext": _cosine("text_cos verified"),
}
