"""What each step of SIEVE and each threshold β does, printed, the paper's figures beside ours."""

from collections.abc import Mapping

import pandas as pd
from rich.console import Console
from rich.table import Table

from sieve_assets.reports.paper_figures import PaperSteps, paper_steps
from sieve_assets.reports.percent_tables import (
    NONE,
    Row,
    Show,
    narrow_table,
    percent,
    rows_in,
    with_interval,
)
from sieve_assets.stores.warehouse import Warehouse
from sieve_assets.study import Study

IN, OUT = "x", NONE
ABLATION = "SELECT * FROM ablation WHERE model = $1 ORDER BY place"
SWEEP = "SELECT * FROM beta_sweep WHERE model = $1 ORDER BY beta"
ABLATION_KEY = (
    "x: the step is in. left: neurons with a first name left, by the paper's filter where Verify "
    "is in. AR: mean over these names. verif: each neuron's best verified name by evidence, "
    "whether Verify is in or not; its AR over pictures that did not decide. true: by the known "
    "truth. Without Select, a neuron that it drops has no crops: whole images stand in. All in "
    "percent.\n"
)
SWEEP_KEY = (
    "*: the study's own threshold. sel: neurons selected; cov: their share. names: all of theirs, "
    "with their mean AR. kept: those that the paper's filter keeps. verif, true: as above. A "
    "neuron that the study's own threshold drops is named from whole images. All in percent but "
    "sel, names and kept.\n"
)
PAPER_ABLATION_KEY = (
    "paper: mean AR in its Table 4, {title}. Between baseline and SIEVE it has three rows whose "
    "marks are lost in its text: {partial}.\n"
)
PAPER_SWEEP_KEY = "paper: mean AR in its Table 5, {title}, of the names its filter keeps.\n"


def print_steps(console: Console, warehouse: Warehouse, study: Study) -> None:
    """Print, for each target, what SIEVE is without a step, and at other thresholds.

    Args:
        console: Where to print.
        warehouse: The study's results.
        study: What was studied; of a target without results nothing is said.
    """
    for sql, table_of, paper_key, key in (
        (ABLATION, _ablation_table, PAPER_ABLATION_KEY, ABLATION_KEY),
        (SWEEP, _sweep_table, PAPER_SWEEP_KEY, SWEEP_KEY),
    ):
        rows = {model: warehouse.read(sql, [model]) for model in study.targets}
        tables = {
            model: table_of(model, some, paper_steps(study.targets[model]))
            for model, some in rows.items()
            if len(some)
        }
        _print_each(console, study, tables, paper_key, key)


def _print_each(
    console: Console, study: Study, tables: Mapping[str, Table], paper_key: str, key: str
) -> None:
    """Tables by target, what is the paper's in them, and what their columns are."""
    for model, table in tables.items():
        console.print(table, "")
        paper = paper_steps(study.targets[model])
        if paper:
            console.print(told_of_paper(paper_key, paper), markup=False)
    if tables:
        console.print(key, markup=False)


def told_of_paper(key: str, paper: PaperSteps) -> str:
    """One of the two keys to the paper's figures, filled in."""
    partial = " / ".join(f"{value:.1f}" for value in paper.partial)
    return key.format(title=paper.title, partial=partial)


def ablation_columns(rows: pd.DataFrame, paper: PaperSteps | None) -> Mapping[str, Show]:
    """What is shown of a target's rows of `ablation`, by heading."""
    columns = {**_MARKS, **_LEFT, **_VERIFIED}
    if bool(rows["true_share"].notna().any()):
        columns |= {"true\nleft": percent("true_share"), "true\nverif": percent("true_verified")}
    if paper:
        columns["paper\nAR"] = lambda row: _told(paper.ablation.get(row["variant"]))
    return columns


def sweep_columns(rows: pd.DataFrame, paper: PaperSteps | None) -> Mapping[str, Show]:
    """What is shown of a target's rows of `beta_sweep`, by heading."""
    columns = {**_SELECTED, **_NAMES, **_VERIFIED}
    if bool(rows["true_names"].notna().any()):
        columns |= {
            "true\nnames": percent("true_names"),
            "true\nkept": percent("true_kept_names"),
            "true\nverif": percent("true_verified"),
        }
    if paper:
        columns["paper\nAR"] = lambda row: _told(paper.by_beta.get(row["beta"]))
    return columns


def threshold(row: Row) -> str:
    """A threshold of `beta_sweep`, with a star if it is the study's own."""
    return f"{row['beta']:g}{' *' * bool(row['is_own'])}"


def _ablation_table(model: str, rows: pd.DataFrame, paper: PaperSteps | None) -> Table:
    columns = ablation_columns(rows, paper)
    return _table(f"{model}: what each step adds", "variant", "variant", columns, rows)


def _sweep_table(model: str, rows: pd.DataFrame, paper: PaperSteps | None) -> Table:
    title = f"{model}: thresholds of the {rows['rule'].iloc[0]} rule"
    called = rows.assign(called=[threshold(row) for row in rows_in(rows)])
    return _table(title, "β", "called", sweep_columns(rows, paper), called)


def _table(
    title: str, first: str, name: str, columns: Mapping[str, Show], rows: pd.DataFrame
) -> Table:
    table = narrow_table(title, first, columns)
    for row in rows_in(rows):
        table.add_row(row[name], *(show(row) for show in columns.values()))
    return table


def _told(value: float | None) -> str:
    return NONE if value is None else f"{value:.1f}"


def _mark(name: str) -> Show:
    def show(row: Row) -> str:
        return IN if row[name] else OUT

    return show


def _number(name: str) -> Show:
    def show(row: Row) -> str:
        return str(row[name])

    return show


_MARKS: Mapping[str, Show] = {
    "select": _mark("has_select"),
    "clusters": _mark("has_clusters"),
    "crops": _mark("has_crops"),
    "verify": _mark("has_verify"),
}
_LEFT: Mapping[str, Show] = {"left": percent("coverage"), "AR": with_interval("mean_ar")}
_SELECTED: Mapping[str, Show] = {"sel": _number("n_selected"), "cov": percent("coverage")}
_NAMES: Mapping[str, Show] = {
    "names": _number("n_names"),
    "AR": with_interval("names_ar"),
    "kept": _number("n_kept_names"),
    "kept\nAR": with_interval("kept_names_ar"),
}
_VERIFIED: Mapping[str, Show] = {
    "verif\ncov": percent("verified_coverage"),
    "verif\nAR": with_interval("verified_ar"),
}
