"""How methods compare on a target, for its report: the printed tables and the figures."""

from collections.abc import Mapping

import pandas as pd

from sieve_assets.reports import comparison_figures, step_figures
from sieve_assets.reports.atlas.report_experiments import experiments
from sieve_assets.reports.atlas.report_figures import Drawing, drawn_figures
from sieve_assets.reports.atlas.report_parts import Section, Subject, Table, plain
from sieve_assets.reports.class_tables import (
    class_columns,
    class_methods,
    classes_key,
    classes_paper_key,
)
from sieve_assets.reports.compared_methods import compared_methods, judged_scores
from sieve_assets.reports.comparison_tables import (
    METHODS_KEY,
    methods_columns,
    paper_key,
    scores_grid,
)
from sieve_assets.reports.paper_classes import paper_classes
from sieve_assets.reports.paper_figures import paper_steps, paper_table
from sieve_assets.reports.percent_tables import Show, rows_in
from sieve_assets.reports.step_tables import (
    ABLATION,
    ABLATION_KEY,
    PAPER_ABLATION_KEY,
    PAPER_SWEEP_KEY,
    SWEEP,
    SWEEP_KEY,
    ablation_columns,
    sweep_columns,
    threshold,
    told_of_paper,
)

_BOOTSTRAP = (
    " Intervals of means are by bootstrap over neurons, with pictures and generator as they are."
)
_SCORES_KEY = (
    "AUROC: how often a true name has the higher value than another, over all pairs; 0.5 is "
    "chance. Interval by bootstrap over neurons, each with all of its names."
)


def comparison_section(subject: Subject) -> Section | None:
    """All about other methods; None in a study that asks for none."""
    if subject.study.compare is None:
        return None
    rows, title = compared_methods(subject.warehouse, subject.model), "Other methods"
    if rows.empty:
        return Section("comparison", title, ["No method has named a neuron."])
    parts = [methods_part(subject, rows), scores_part(subject), *steps_parts(subject)]
    parts += [classes_part(subject), *experiments(subject)]
    words = [
        (
            f"{len(rows)} ways to name the same neurons, each judged by the same pictures, the "
            "same evidence and the same rules. SIEVE comes first, then what it is without a step, "
            "other methods, and names made from the known truth (docs/explainers.md)."
        )
    ]
    return Section("comparison", title, words, sections=[one for one in parts if one is not None])


def methods_part(subject: Subject, rows: pd.DataFrame) -> Section:
    """Rates, coverage and truth by method."""
    paper = paper_table(subject.study.targets[subject.model])
    about = METHODS_KEY.strip() + _BOOTSTRAP
    if paper:
        about += f" {paper_key(paper, set(rows['explainer'])).strip()}"
    table = grid(
        "methods",
        "Methods",
        about,
        first=("method", "called"),
        columns=methods_columns(rows, paper),
        rows=rows,
    )
    known = rows.dropna(subset=["true_first", "recall_first"])
    best = rows.iloc[int(rows["mean_ar"].to_numpy().argmax())]
    figures = drawn_figures(
        subject.model,
        Drawing(
            "methods",
            "Mean AR by method, before and after the paper's rule",
            "Circles: first names of all neurons that the method names; diamonds: those that "
            "reach the method's own mean. At the right, the share of neurons that is kept.",
            f"Points with intervals for {len(rows)} methods; the highest mean AR of first names "
            f"is {best['mean_ar']:.3f}, of {best['called']}.",
            comparison_figures.draw_methods,
            rows,
        ),
        Drawing(
            "coverage",
            "Mean AR by coverage",
            "Each method's neurons enter by their best name's AR on one half of the pictures; what "
            "is drawn is the mean over the other half. The star is SIEVE with verified names only.",
            f"A falling curve for each of {len(rows)} methods.",
            comparison_figures.draw_coverage,
            rows,
        ),
        Drawing(
            "recall",
            "True names by method",
            "Right: more of the neurons that can be named have a true name. Up: more of the names "
            "are true. Open: first names; filled: verified ones.",
            f"Two points joined by a line for each of {len(known)} methods.",
            comparison_figures.draw_recall,
            known,
        ),
    )
    return Section("methods-part", "Names by method", figures=figures, tables=[table])


def scores_part(subject: Subject) -> Section | None:
    """Which number tells true names from others; None where no truth is known."""
    scores = judged_scores(subject.warehouse, subject.model)
    if scores.empty:
        return None
    headings, rows = scores_grid(scores)
    table = Table(
        "scores",
        "Which number tells true names from others",
        _SCORES_KEY,
        ["number", *map(plain, headings)],
        rows,
    )
    shown = scores.dropna(subset="auroc")
    figures = drawn_figures(
        subject.model,
        Drawing(
            "scores",
            "AUROC by number",
            "Points right of the broken line tell true names from others better than chance.",
            f"Points with intervals for {shown['score'].nunique()} numbers and "
            f"{shown['labels'].nunique()} sets of names.",
            comparison_figures.draw_scores,
            shown,
        ),
    )
    return Section("scores-part", "Which number to trust", figures=figures, tables=[table])


def steps_parts(subject: Subject) -> list[Section]:
    """What each step and each threshold does, as far as there are rows."""
    paper, found = paper_steps(subject.study.targets[subject.model]), []
    rows = subject.warehouse.read(ABLATION, [subject.model])
    if len(rows):
        about = ABLATION_KEY.strip() + _BOOTSTRAP
        about += f" {told_of_paper(PAPER_ABLATION_KEY, paper).strip()}" if paper else ""
        columns = ablation_columns(rows, paper)
        table = grid(
            "steps",
            "SIEVE without steps",
            about,
            first=("variant", "variant"),
            columns=columns,
            rows=rows,
        )
        figure = Drawing(
            "steps",
            "Mean AR without steps",
            "Circles: first names that are left; triangles: names verified by evidence. At the "
            "right, the shares of neurons that have them.",
            f"Points with intervals for {len(rows)} variants.",
            step_figures.draw_ablation,
            rows,
        )
        found.append(
            Section(
                "steps-part",
                "What each step adds",
                figures=drawn_figures(subject.model, figure),
                tables=[table],
            )
        )
    rows = subject.warehouse.read(SWEEP, [subject.model])
    if len(rows):
        about = SWEEP_KEY.strip() + _BOOTSTRAP
        about += f" {told_of_paper(PAPER_SWEEP_KEY, paper).strip()}" if paper else ""
        called = rows.assign(called=[threshold(row) for row in rows_in(rows)])
        columns = sweep_columns(rows, paper)
        table = grid(
            "betas",
            "SIEVE by threshold β",
            about,
            first=("β", "called"),
            columns=columns,
            rows=called,
        )
        figure = Drawing(
            "betas",
            "Mean AR and coverage by threshold β",
            "Unbroken: means with intervals; broken: shares of the neurons. The dotted line is the "
            "study's own threshold.",
            f"Curves over {len(rows)} thresholds.",
            step_figures.draw_sweep,
            rows,
        )
        found.append(
            Section(
                "betas-part",
                "Other thresholds",
                figures=drawn_figures(subject.model, figure),
                tables=[table],
            )
        )
    return found


def classes_part(subject: Subject) -> Section | None:
    """Names against those of classes; None where neurons are no classes."""
    rows = class_methods(subject.warehouse, subject.model)
    if rows.empty:
        return None
    paper, about = paper_classes(subject.study.targets[subject.model]), classes_key(rows).strip()
    if paper:
        about += f" {classes_paper_key(paper, set(rows['explainer'])).strip()}"
    title = f"Names against those of {rows['n_neurons first'].iloc[0]:.0f} classes"
    table = grid(
        "classes",
        title,
        about,
        first=("method", "called"),
        columns=class_columns(rows, paper),
        rows=rows,
    )
    return Section("classes-part", "Names of classes", tables=[table])


def grid(
    name: str,
    title: str,
    about: str,
    *,
    first: tuple[str, str],
    columns: Mapping[str, Show],
    rows: pd.DataFrame,
) -> Table:
    """A table of a printed table's columns; a line between kinds of methods, if there are any.

    Args:
        name: Its place on the page.
        title: What it shows.
        about: What the numbers say.
        first: Heading of the first column, and which of the frame's columns it is.
        columns: What the others show of a row, by heading.
        rows: What is shown.
    """
    heading, called = first
    cells = [[str(row[called]), *(show(row) for show in columns.values())] for row in rows_in(rows)]
    kinds = rows["kind"].tolist() if "kind" in rows else []
    breaks = {place for place in range(1, len(kinds)) if kinds[place] != kinds[place - 1]}
    headings = [heading, *map(plain, columns)]
    return Table(name, title, about, headings, cells, new_kinds=frozenset(breaks))
