"""What other methods call a target's neurons, for the atlas's index: `index/others.js`.

Not here: what they call them, and what that is worth (stages of the comparison).
"""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from sieve_assets.reports.atlas.neuron_facts import share
from sieve_assets.reports.compared_methods import called, compared_methods
from sieve_assets.reports.percent_tables import Row, rows_in
from sieve_assets.stores.warehouse import Warehouse

NO_OTHERS: Mapping[str, Any] = {"explainers": [], "names": {}}
"""Of a study without a comparison."""
_NAMES = """
SELECT x.neuron, x.explainer, x.concept, e.activation_rate, e.ci_low, e.ci_high, e.verdict,
    t.oracle_true
FROM explanations x
LEFT JOIN compared_evidence e USING (model, neuron, concept)
LEFT JOIN compared_truth t USING (model, neuron, concept)
WHERE model = $model AND x.place = 0 ORDER BY x.explainer, x.neuron
"""


def others_data(
    warehouse: Warehouse, model: str, width: int, slug_of: Callable[[str], str | None]
) -> dict[str, Any]:
    """The first name that each method gives each neuron, with its rate, verdict and truth.

    Methods are in the order of reports; those that name no neuron are left out. SIEVE's own first
    names and its revised names are among them.

    Args:
        warehouse: The study's results.
        model: Target.
        width: Its number of neurons.
        slug_of: Says where the page of a concept is; None if it has none.

    Returns:
        `explainers`, and `names` by their ids: a name, or None, for every neuron.
    """
    found = warehouse.read(_NAMES, {"model": model})
    names: dict[str, list[list[Any] | None]] = {
        str(explainer): [None] * width for explainer in found["explainer"].unique()
    }
    for row in rows_in(found):
        names[row["explainer"]][row["neuron"]] = _told(row, slug_of)
    ordered = compared_methods(warehouse, model)["explainer"].tolist()
    ordered = [one for one in ordered if one in names]
    ordered += [one for one in names if one not in ordered]
    return {
        "explainers": [{"id": one, "called": called(one)} for one in ordered],
        "names": {one: names[one] for one in ordered},
    }


def _told(row: Row, slug_of: Callable[[str], str | None]) -> list[Any]:
    rates = [share(row[name]) for name in ("activation_rate", "ci_low", "ci_high")]
    is_true = None if pd.isna(row["oracle_true"]) else bool(row["oracle_true"])
    verdict = None if pd.isna(row["verdict"]) else row["verdict"]
    return [row["concept"], slug_of(row["concept"]), *rates, verdict, is_true]
