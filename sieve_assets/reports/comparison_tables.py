"""A study's comparison of methods, printed: rates and truth by method, then by score."""

from collections.abc import Mapping

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sieve_assets.reports.class_tables import print_class_agreement
from sieve_assets.reports.compared_methods import called, compared_methods, judged_scores
from sieve_assets.reports.neuron_ablation_tables import print_neuron_ablation
from sieve_assets.reports.paper_figures import PaperTable, paper_table
from sieve_assets.reports.percent_tables import (
    NONE,
    Row,
    Show,
    methods_table,
    narrow_table,
    percent,
    with_interval,
)
from sieve_assets.reports.shift_tables import print_shift
from sieve_assets.reports.step_tables import print_steps
from sieve_assets.stores.warehouse import Warehouse
from sieve_assets.study import Study

METHODS_KEY = (
    "named: neurons that the method names; cov: their share. AR: mean over first names, with its "
    "interval. kept: first names that reach the method's own mean (the paper's filter). verif: "
    "each neuron's best verified name, its AR over pictures that did not decide. equal: the method "
    "cut to the share of neurons that SIEVE's verified names reach too, and their AR there. true, "
    "recall: by the known truth, recall among neurons that some word is true of. All in percent "
    "but named.\n"
)
_PAPER_KEY = (
    "paper: mean AR in its {title}; of two, with the concepts Broden (1.2k) / Common Words (3k). "
    "SIEVE's is that of the names its filter keeps, the others' of all names.{absent}\n"
)


def print_comparison(console: Console, warehouse: Warehouse, study: Study) -> None:
    """Print how the methods fare on each target, and which number tells true names from others.

    Between the two, what each step of SIEVE and each threshold does; then what classes lose without
    a neuron, and names on images of another kind.

    Args:
        console: Where to print.
        warehouse: The study's results.
        study: What was studied; a target without results is named as such.
    """
    console.rule("comparison", align="left")
    for model, target in study.targets.items():
        rows = compared_methods(warehouse, model)
        if rows.empty:
            console.print(f"{model}: no method has named a neuron\n", markup=False)
            continue
        paper = paper_table(target)
        title = f"{model}: {rows['n_neurons'].iloc[0]} neurons"
        console.print(methods_table(title, rows, methods_columns(rows, paper)), "")
        if paper:
            console.print(paper_key(paper, set(rows["explainer"])), markup=False)
    console.print(METHODS_KEY, markup=False)
    print_steps(console, warehouse, study)
    print_class_agreement(console, warehouse, study)
    known = {model: judged_scores(warehouse, model) for model in study.targets}
    for model, scores in known.items():
        if len(scores):
            console.print(_scores_table(model, scores), "")
    print_neuron_ablation(console, warehouse, study)
    print_shift(console, warehouse, study)


def methods_columns(rows: pd.DataFrame, paper: PaperTable | None) -> Mapping[str, Show]:
    """What is shown of rows of `compared_methods`, by heading."""
    is_known = bool(rows["true_first"].notna().any())
    columns = {**_RATES, **(_TRUTH if is_known else {})}
    if paper:
        columns["paper\nAR"] = lambda row: _of_paper(paper, row["explainer"])
    return columns


def scores_grid(scores: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Headings, one a set of names, and rows, each with the score's name first.

    Args:
        scores: Rows of `judged_scores`.
    """
    sizes = scores.drop_duplicates("labels").set_index("labels")[["n_names", "n_true"]]
    headings = [
        f"{called(str(labels))}\n{n_names} names, {n_true} true"
        for labels, n_names, n_true in sizes.itertuples()
    ]
    found = {(one["score"], one["labels"]): one for one in scores.to_dict("records")}
    rows = [
        [str(name), *(_area(found.get((score, labels))) for labels in sizes.index)]
        for score, name in scores.drop_duplicates("score")[["score", "called"]].to_numpy()
    ]
    return headings, rows


def _scores_table(model: str, scores: pd.DataFrame) -> Table:
    headings, rows = scores_grid(scores)
    title = f"{model}: which number to trust (AUROC: true names against others)"
    table = narrow_table(title, "score", headings)
    for name, *cells in rows:
        table.add_row(escape(name), *cells)
    return table


def paper_key(paper: PaperTable, shown: set[str]) -> str:
    """What is the paper's in a table of these methods."""
    absent = [f"{called(one)} {_of_paper(paper, one)}" for one in paper.mean_ar if one not in shown]
    told = f" In that table, but not here: {', '.join(absent)}." if absent else ""
    return _PAPER_KEY.format(title=paper.title, absent=told)


def _of_paper(paper: PaperTable, explainer: str) -> str:
    return " / ".join(f"{value:.1f}" for value in paper.mean_ar.get(explainer, ())) or NONE


def _area(one: Row | None) -> str:
    if one is None or pd.isna(one["auroc"]):
        return NONE
    interval = f"({one['auroc_low']:.2f}–{one['auroc_high']:.2f})"
    return f"{one['auroc']:.3f} {interval}"


_RATES: Mapping[str, Show] = {
    "named": lambda row: str(row["n_named"]),
    "cov": percent("coverage"),
    "AR of first": with_interval("mean_ar"),
    "kept\ncov": percent("kept_coverage"),
    "kept\nAR": percent("kept_ar", 1),
    "verif\ncov": percent("verified_coverage"),
    "verif\nAR": percent("verified_ar", 1),
    "equal\ncov": percent("equal_coverage"),
    "equal\nAR": percent("equal_ar", 1),
    "SIEVE\nthere": percent("sieve_equal_ar", 1),
}
_TRUTH: Mapping[str, Show] = {
    "true\nfirst": percent("true_first"),
    "true\nkept": percent("true_kept"),
    "true\nverif": percent("true_verified"),
    "recall\nfirst": percent("recall_first"),
    "recall\nverif": percent("recall_verified"),
}
