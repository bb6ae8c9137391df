"""The summary of a study, printed: neurons, hypotheses, rates, verdicts, pictures, time."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sieve_assets.stores.warehouse import Warehouse
from sieve_assets.study import Generator, Study

_BY_TARGET = """
SELECT
    r.model,
    count(*) AS neurons,
    count(*) FILTER (r.status = 'selected') AS selected,
    count(*) FILTER (r.status = 'low_contrast') AS low_contrast,
    count(*) FILTER (r.status = 'dead') AS dead,
    count(*) FILTER (s.status = 'verified') AS verified,
    count(*) FILTER (s.status = 'unverified') AS unverified
FROM neuron_ratios r JOIN neuron_status s ON s.model = r.model AND s.neuron = r.neuron
GROUP BY r.model ORDER BY r.model
"""
_RATES = """
SELECT model, count(*) AS hypotheses, count(*) FILTER (paper_kept) AS kept,
    any_value(initial_mean_ar) AS before, any_value(final_mean_ar) AS after,
    bool_and(is_complete) AS is_complete
FROM verified_concepts GROUP BY model ORDER BY model
"""
_VERDICTS = """
SELECT v.model, count(*) AS names, count(*) FILTER (v.verdict = 'verified') AS verified,
    count(*) FILTER (v.verdict = 'refuted') AS refuted,
    count(*) FILTER (v.verdict = 'ambiguous') AS ambiguous,
    count(*) FILTER (v.verdict = 'untestable') AS untestable,
    count(DISTINCT v.neuron) FILTER (v.verdict = 'verified') AS "neurons with a verified name",
    avg(o.is_true::INTEGER) FILTER (v.verdict = 'verified') AS "true names of verified ones",
    count(*) FILTER (v.verdict = 'verified' AND o.is_true) / nullif(count(*) FILTER (o.is_true), 0)
        AS "verified of true ones"
FROM verdicts v
LEFT JOIN (
    SELECT model, neuron, concept, bool_or(oracle_true) AS is_true FROM oracle_rates GROUP BY ALL
) o USING (model, neuron, concept)
GROUP BY v.model ORDER BY v.model
"""
_REVISED = """
SELECT model, count(*) AS names, any_value(n_candidates) AS "of so many concepts",
    count(*) FILTER (is_new) AS "new to the neuron",
    count(*) FILTER (verdict = 'verified') AS verified,
    avg(oracle_true::INTEGER) AS "true names of all",
    avg(oracle_true::INTEGER) FILTER (verdict = 'verified') AS "true names of verified ones"
FROM revised_names GROUP BY model ORDER BY model
"""
_CONTROLS = """
SELECT model, control, expected,
    count(*) FILTER (verdict = 'verified') || ' of ' || count(*) AS verified
FROM verdict_controls GROUP BY ALL ORDER BY model, expected, control
"""
_EXPECTED = {
    "fail": "to fail",
    "untestable": "to be untestable",
    "pass": "to pass",
    "reported": "beside them",
}
_TRUTH = """
SELECT model, n_hypotheses AS hypotheses, mean_abs_ar_error AS "mean error of AR",
    constant_error AS "that of the best constant",
    verified_precision AS "kept ones to be kept", verified_recall AS "kept of those to be kept",
    hypotheses_precision AS "true names of all",
    top1_precision AS "true names of first ones", kept_precision AS "true names of kept ones"
FROM truth_agreement ORDER BY model
"""
_LOOKS = """
SELECT count(*) AS concepts, coalesce(sum(n), 0) AS pictures
FROM (SELECT concept, max(n_pictures) AS n FROM evidence GROUP BY concept)
"""
_PICTURES = """
SELECT (SELECT count(*) FROM pictures) AS drawn,
    (SELECT count(*) FROM generated_image_sets) AS links,
    (SELECT count(DISTINCT prompt) FROM pictures) AS concepts,
    (SELECT coalesce(avg(seconds), 0) FROM pictures) AS seconds
"""


def print_summary(
    console: Console,
    warehouse: Warehouse,
    study: Study,
    seconds: Mapping[str, float],
    total_s: float,
) -> None:
    """Print what a study found and what it cost.

    Args:
        console: Where to print.
        warehouse: The study's results.
        study: What was studied.
        seconds: Time by stage (s).
        total_s: Time of everything (s).
    """
    console.rule("summary", align="left")
    console.print(_table("Neurons", warehouse.read(_BY_TARGET)))
    rates = warehouse.read(_RATES)
    rates = rates.rename(columns={"before": "mean AR before", "after": "mean AR after"})
    console.print(_table("Hypotheses", _as_percent(rates, rates.filter(like="mean AR"))))
    console.print(_table("Verdicts by evidence", _judged(warehouse.read(_VERDICTS))))
    revised = warehouse.read(_REVISED)
    if len(revised):
        console.print(_table("Revised names: the best of all drawn concepts", _judged(revised)))
    controls = warehouse.read(_CONTROLS)
    if len(controls):
        console.print(_table("Controls: verified of all", _by_kind(controls)))
    truth = warehouse.read(_TRUTH)
    if len(truth):
        shares = _as_percent(truth, truth.columns.drop(["model", "hypotheses"]))
        console.print(_table("Against the known truth", _by_figure(shares)))
    bank = warehouse.read(_PICTURES).iloc[0]
    console.print(
        f"Pictures: {bank['drawn']:.0f} in the bank for {bank['concepts']:.0f} concepts; they "
        f"serve {bank['links']:.0f} tests of hypotheses; {bank['seconds']:.3f} s each to draw\n"
    )
    if study.generator.looks:
        console.print(_saving(warehouse.read(_LOOKS).iloc[0], study.generator))
    stages = ", ".join(f"{name} {value:.0f}" for name, value in seconds.items())
    told = stages or "all were up to date"
    console.print(f"Seconds a stage: {told}; everything: {total_s:.0f}\n")
    console.print(
        f"Results of {len(study.targets)} targets: {escape(str(warehouse.at))}\n"
        "Its tables explain themselves in the table functions duckdb_tables() and duckdb_columns()."
    )


def _judged(rows: pd.DataFrame) -> pd.DataFrame:
    """Verdicts for people; without the truth where it is known of no target."""
    true_ones = rows.filter(like="true")
    if true_ones.isna().all(axis=None):
        return _by_figure(rows.drop(columns=true_ones.columns))
    return _by_figure(_as_percent(rows, true_ones))


def _saving(found: Mapping[str, Any], generator: Generator) -> str:
    """How many pictures it took to look at the hypotheses one after the other."""
    n_most = int(found["concepts"]) * generator.n_images
    saved = 1 - found["pictures"] / n_most if n_most else 0.0
    looks = ", ".join(str(number) for number in generator.looks)
    return (
        f"Looks at {looks} pictures: the names took {found['pictures']:.0f} of {n_most} "
        f"pictures, {saved:.0%} less than all at once\n"
    )


def _as_percent(rows: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """The rows with shares as text; a dash where there is none."""
    return rows.assign(
        **{
            name: ["–" if pd.isna(share) else f"{100 * share:.1f} %" for share in rows[name]]
            for name in columns
        }
    )


def _by_kind(controls: pd.DataFrame) -> pd.DataFrame:
    """A row a kind of controls, with what is expected of it, and a column a target."""
    kinds = [
        f"{kind}, {_EXPECTED[expected]}"
        for kind, expected in zip(controls["control"], controls["expected"], strict=True)
    ]
    order = list(dict.fromkeys(kinds))
    told = controls.assign(kind=kinds).set_index(["kind", "model"])["verified"]
    cells = told.unstack("model")  # noqa: PD010 (nothing is to be aggregated)
    return cells.loc[order].fillna("–").reset_index(names="model")


def _by_figure(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a figure and a column a target: many figures do not fit beside each other."""
    return rows.set_index("model").T.reset_index(names="model")


def _table(title: str, rows: pd.DataFrame) -> Table:
    table = Table(title=title, title_justify="left")
    for name in rows.columns:
        is_model = name == "model"
        title = str(name).replace("_", " ")
        table.add_column(title, justify="left" if is_model else "right", no_wrap=is_model)
    for row in rows.itertuples(index=False):
        table.add_row(*(str(value) for value in row))
    return table
