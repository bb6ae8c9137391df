"""Names on images of another kind, printed: what is left of recall and average precision."""

import pandas as pd
from rich.console import Console
from rich.markup import escape

from sieve_assets.reports.percent_tables import Row, narrow_table, percent, rows_in
from sieve_assets.stores.warehouse import Warehouse
from sieve_assets.study import Study

SHIFT_KEY = (
    "Names that images of both kinds show (by the known truth, or to the vision-language model), "
    "in the mean. recall: share of the images that show the name on which the neuron is above its "
    "threshold T on its own probe set; AP: average precision; top: of its strongest images, those "
    "that show the name; each on the own / on the other images. fires: share of all images above "
    "T. AR: on generated pictures. In percent (docs/explainers.md).\n"
)
SHIFT_MEANS = """
SELECT CASE WHEN verdict = 'verified' THEN 'verified' ELSE 'other' END AS names, count(*) AS n,
    avg(recall) AS recall, avg(shifted_recall) AS shifted_recall,
    avg(average_precision) AS ap, avg(shifted_average_precision) AS shifted_ap,
    avg(top_share) AS top, avg(shifted_top_share) AS shifted_top,
    avg(firing_share) AS fires, avg(shifted_firing_share) AS shifted_fires,
    avg(activation_rate) AS ar, any_value(shifted_probe) AS shifted_probe
FROM domain_shift
WHERE model = $1 AND recall IS NOT NULL AND shifted_recall IS NOT NULL
GROUP BY 1 ORDER BY names DESC
"""
_PAIRS = ("recall", "ap", "top", "fires")
SHIFT_HEADINGS = ["names", "recall", "AP", "top", "fires", "AR"]


def print_shift(console: Console, warehouse: Warehouse, study: Study) -> None:
    """Print how names fare on images of another kind.

    Args:
        console: Where to print.
        warehouse: The study's results.
        study: What was studied; targets without rows are left out.
    """
    found = {model: warehouse.read(SHIFT_MEANS, [model]) for model in study.targets}
    if all(rows.empty for rows in found.values()):
        return
    for model, rows in found.items():
        if len(rows):
            _print_means(console, model, rows)
    console.print(SHIFT_KEY, markup=False)


def _print_means(console: Console, model: str, rows: pd.DataFrame) -> None:
    title = f"{model}: on its own images / on {rows['shifted_probe'].iloc[0]}"
    table = narrow_table(title, "names", SHIFT_HEADINGS)
    for row in rows_in(rows):
        table.add_row(*(escape(cell) for cell in shift_cells(row)))
    console.print(table, "")


def shift_cells(row: Row) -> list[str]:
    """What is shown of a row of `SHIFT_MEANS`: its kind of names, and a cell a heading."""
    pairs = [f"{percent(one)(row)} / {percent(f'shifted_{one}')(row)}" for one in _PAIRS]
    return [row["names"], str(row["n"]), *pairs, percent("ar")(row)]
