"""What classes lose without a neuron, printed: whether it is what the neuron's name says."""

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sieve_assets.reports.percent_tables import NONE, Row, narrow_table, percent, rows_in
from sieve_assets.stores.warehouse import Warehouse
from sieve_assets.study import Study

N_NEURONS = 8
LOSING_HEADINGS = ["images", "right", "drop", "shows it"]
LOSING_KEY = (
    "A neuron is held at 0, or at its mean if it can be negative (docs/explainers.md). "
    "name: its verified name with the highest score. shows it: share of the class's images that "
    "show the name, by the known truth; by chance: the same for the other neurons' names.\n"
)
LOSING_NEURONS = """
SELECT neuron, concept, label, n_images, accuracy, accuracy_drop, concept_share
FROM neuron_ablation
WHERE model = $1 AND measure = 'accuracy' AND place = 0 AND concept IS NOT NULL
ORDER BY accuracy_drop DESC, neuron
"""
LOSING_AGREEMENT = """
SELECT measure, count(*) AS n_neurons, avg(concept_share) AS shares, avg(others_share) AS chance
FROM neuron_ablation WHERE model = $1 AND place = 0 AND others_share IS NOT NULL
GROUP BY measure ORDER BY measure
"""
_LOSES = {"accuracy": "loses most accuracy", "logit": "falls most in its logit"}


def print_neuron_ablation(console: Console, warehouse: Warehouse, study: Study) -> None:
    """Print which classes lose accuracy without a neuron with a verified name.

    Args:
        console: Where to print.
        warehouse: The study's results.
        study: What was studied; targets without rows are left out.
    """
    found = {model: warehouse.read(LOSING_NEURONS, [model]) for model in study.targets}
    if all(rows.empty for rows in found.values()):
        return
    for model, rows in found.items():
        if len(rows):
            console.print(_table(model, rows), "")
            for line in agreement_lines(warehouse.read(LOSING_AGREEMENT, [model])):
                console.print(line, markup=False)
            console.print("")
    console.print(LOSING_KEY, markup=False)


def _table(model: str, rows: pd.DataFrame) -> Table:
    table = narrow_table(f"{model}: {losing_title(rows)}", "neuron", LOSING_HEADINGS)
    for row in rows_in(rows.head(N_NEURONS)):
        table.add_row(*(escape(cell) for cell in losing_cells(row)))
    return table


def losing_title(rows: pd.DataFrame) -> str:
    """How many neurons with names cost a class accuracy, of rows of `LOSING_NEURONS`."""
    n_losing = sum(drop > 0 for drop in rows["accuracy_drop"].tolist())
    return f"{n_losing} of {len(rows)} named neurons cost a class accuracy"


def losing_cells(row: Row) -> list[str]:
    """What is shown of such a row: who, and a cell a heading."""
    return [
        f"{row['neuron']} {row['concept']}: {row['label']}",
        str(row["n_images"]),
        percent("accuracy")(row),
        percent("accuracy_drop", 1)(row),
        percent("concept_share")(row),
    ]


def agreement_lines(rows: pd.DataFrame) -> list[str]:
    """Whether what loses shows the names, in words, of rows of `LOSING_AGREEMENT`."""
    return [
        f"the class that {_LOSES[row['measure']]}: {percent('shares')(row)} % of its images show "
        f"the neuron's name, {percent('chance', 1)(row)} % by chance ({row['n_neurons']} neurons)"
        for row in rows_in(rows)
        if percent("shares")(row) != NONE
    ]
