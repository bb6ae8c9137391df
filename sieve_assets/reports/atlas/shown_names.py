"""Every name that was tried on a neuron, and which of them is shown as its name."""

import pandas as pd

from sieve_assets.stores.warehouse import Warehouse

# A concept that is a hypothesis and the revised name is one row, with what `revised_names` says
# of it: that is the judgement among all candidates. Its columns are never NULL.
NAMES = """
WITH hypotheses AS (
    SELECT * FROM (SELECT model, neuron, concept, place FROM explanations WHERE explainer = 'sieve')
    LEFT JOIN evidence USING (model, neuron, concept)
    LEFT JOIN (SELECT model, neuron, concept, verdict, reason, q_value FROM verdicts)
        USING (model, neuron, concept)
    LEFT JOIN (
        SELECT model, neuron, concept, bool_or(paper_kept) AS paper_kept
        FROM verified_concepts GROUP BY ALL
    ) USING (model, neuron, concept)
    LEFT JOIN (
        SELECT model, neuron, concept, bool_or(oracle_true) AS oracle_true
        FROM oracle_rates GROUP BY ALL
    ) USING (model, neuron, concept)
), tried AS (
    SELECT model, neuron, concept, coalesce(r.verdict, h.verdict) AS verdict,
        CASE WHEN r.score IS NULL THEN 'hypothesis' WHEN h.place IS NULL THEN 'revised' ELSE 'both'
        END AS source,
        h.place, coalesce(r.n_pictures, h.n_pictures) AS n_pictures,
        coalesce(r.activation_rate, h.activation_rate) AS activation_rate,
        coalesce(r.ci_low, h.ci_low) AS ci_low, coalesce(r.ci_high, h.ci_high) AS ci_high,
        coalesce(r.ar_to_report, h.ar_to_report) AS ar_to_report,
        h.null_ar, coalesce(r.activation_rate, h.activation_rate) - h.null_ar AS lift,
        coalesce(r.matched_ar, h.matched_ar) AS matched_ar, coalesce(r.score, h.score) AS score,
        coalesce(r.q_value, h.q_value) AS q_value, h.paper_kept, h.place IS NULL AS is_new,
        coalesce(r.oracle_true, h.oracle_true) AS oracle_true,
        coalesce(r.reason, h.reason) AS reason, h.ar_to_decide
    FROM revised_names r FULL JOIN hypotheses h USING (model, neuron, concept)
), ranked AS (
    SELECT *, coalesce(verdict = 'verified', false) AS is_verified,
        source <> 'hypothesis' AS is_revised
    FROM tried
)
SELECT * EXCLUDE (ar_to_decide, is_verified, is_revised), row_number() OVER (
        PARTITION BY model, neuron
        ORDER BY is_verified DESC, is_revised DESC, if(is_verified, -ar_to_decide, 0), place
    ) = 1 AS is_shown
FROM ranked
"""
"""A row a target, neuron and name. The name shown of a neuron is its verified revised name; else
the verified hypothesis with the highest AR on the pictures that decide, so that `ar_to_report` of
it is not flattered; else, if none is verified, its revised name; else its first hypothesis."""

SHOWN_COLUMNS = [
    *("neuron", "concept", "verdict", "source", "activation_rate", "ci_low", "ci_high"),
    "n_pictures",
]
_TYPES = {
    **dict.fromkeys(("place", "n_pictures"), "Int64"),
    **dict.fromkeys(("paper_kept", "oracle_true"), "boolean"),
}
_OF_TARGETS = f"""
SELECT * FROM ({NAMES}) WHERE $model IS NULL OR model = $model
ORDER BY model, neuron, place NULLS LAST
"""  # noqa: S608 (the query above)


def names_of(warehouse: Warehouse, model: str | None) -> pd.DataFrame:
    """Every name that was tried, of a target or of all; by model and neuron, hypotheses first.

    Args:
        warehouse: The study's results.
        model: Target; all if None.

    Returns:
        `model` and the columns of `tried_names`.
    """
    return warehouse.read(_OF_TARGETS, {"model": model}).astype(_TYPES)


def tried_names(warehouse: Warehouse, model: str) -> pd.DataFrame:
    """Every name that was tried on a target's neurons: its hypotheses and revised names.

    A concept that is both comes once: its numbers and its verdict are those of `revised_names`,
    null_ar and paper_kept those of the hypothesis. `verdicts` may differ there, since it adjusts
    over other names and scores among fewer concepts.

    Args:
        warehouse: The study's results.
        model: Target.

    Returns:
        neuron, concept, verdict (None before it is judged), source ("hypothesis", "revised" or
        "both"), place (among the hypotheses, from 0), n_pictures, activation_rate, ci_low, ci_high,
        ar_to_report, null_ar, lift, matched_ar (shares, 0 to 1), score, q_value, paper_kept,
        is_new, oracle_true (NA where not known), reason, is_shown.
    """
    return names_of(warehouse, model).drop(columns="model")


def shown_names(warehouse: Warehouse, model: str) -> pd.DataFrame:
    """The name shown of each of a target's neurons that has any: the rule is at `NAMES`.

    Args:
        warehouse: The study's results.
        model: Target.

    Returns:
        neuron, concept, verdict, source, activation_rate, ci_low, ci_high, n_pictures: as
        `tried_names`; by neuron.
    """
    tried = tried_names(warehouse, model)
    return tried.loc[tried["is_shown"], SHOWN_COLUMNS].reset_index(drop=True)
