"""Rows of the tables of explanations, which stages of several methods fill alike.

Not here: how a method names neurons (`method.explainers`), and what becomes of its names.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int

from sieve_assets.study import Study
from sieve_assets.study_compare import Compare


def comparison(study: Study) -> Compare:
    """The settings of the other explainers; a stage of theirs is there only if the study has some.

    Raises:
        LookupError: It has none.
    """
    if study.compare is None:
        raise LookupError(
            "compare: expected a section [compare] in the study, got none. Add one to compare."
        )
    return study.compare


def named_neurons(
    model: str,
    explainer: str,
    *,
    neurons: Int[np.ndarray, " neuron"],
    concepts: Int[np.ndarray, "neuron place"],
    scores: Float64[np.ndarray, "neuron place"],
    names: Sequence[str],
) -> pd.DataFrame:
    """Rows of explanations: each neuron's names by one method, best first.

    Args:
        model: The target.
        explainer: The method.
        neurons: Positions in the layer.
        concepts: Positions in `names`; -1 for none, which gives no row.
        scores: The method's own.
        names: The words.
    """
    is_named = concepts >= 0
    place = np.broadcast_to(np.arange(concepts.shape[1]), concepts.shape)
    rows = {
        "model": model,
        "neuron": np.broadcast_to(neurons[:, None], concepts.shape)[is_named],
        "explainer": explainer,
        "place": place[is_named],
        "concept": np.asarray(names, dtype=object)[concepts[is_named]],
        "score": scores[is_named],
    }
    return pd.DataFrame(rows)


def facts_of(table: str, *, is_by_neuron: bool) -> str:
    """The query for what a person wants to know of a stage of explanations."""
    if is_by_neuron:
        return f"""
        SELECT p.neuron, count(e.concept) AS names,
            list(e.explainer || ': ' || e.concept ORDER BY e.explainer) FILTER (e.place = 0)
            AS "first names"
        FROM (SELECT unnest($neurons) AS neuron) p
        LEFT JOIN {table} e ON e.model = $model AND e.neuron = p.neuron GROUP BY ALL
        """  # noqa: S608 (a table of ours)
    return f"""
    SELECT -1 AS neuron, count(*) AS names, count(DISTINCT neuron) AS "neurons named",
        list(DISTINCT explainer ORDER BY explainer) AS methods,
        count(DISTINCT concept) AS "distinct names"
    FROM {table} WHERE model = $model
    """  # noqa: S608 (as above)
