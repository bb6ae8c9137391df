"""Who is compared on a target: rows of `method_comparison` in the order of reports, with names.

Also the rows of `score_truth` that reports show, and what people call its scores.
"""

import pandas as pd

from sieve_assets.stores.warehouse import Warehouse

OWN, OTHER, CONTROL = "own", "other", "control"
"""Kinds of methods in their order: SIEVE and SIEVE without a step, the others, controls."""
SIEVE = "sieve"
_CALLED = {
    SIEVE: "SIEVE",
    "sieve_revised": "SIEVE revised",
    "sieve_without_clusters": "SIEVE without clusters",
    "sieve_without_crops": "SIEVE without crops",
    "sieve_without_select": "SIEVE without Select",
    "sieve_without_any_step": "SIEVE without any step",
    "clip_dissect_soft_wpmi": "CLIP-Dissect soft WPMI",
    "clip_dissect_wpmi": "CLIP-Dissect WPMI",
    "clip_dissect_rank_reorder": "CLIP-Dissect rank reorder",
    "clip_dissect_cosine_cubed": "CLIP-Dissect cosine cubed",
    "describe_and_dissect": "Describe-and-Dissect",
    "falcon": "FALCON",
    "network_dissection": "Network Dissection",
    "www": "WWW",
}
_SCORES_CALLED = {
    "activation_rate": "AR",
    "matched_ar": "AR, matched threshold",
    "lift": "lift of AR",
    "auc": "CoSy's AUC",
    "mad": "CoSy's MAD",
    "natural_ap": "AP, probe images",
    "drawn_ap": "AP, drawn pictures",
    "natural_f1": "F1, probe images",
    "natural_correlation": "correlation, probe images",
}

_METHODS = """
SELECT *, CASE
    WHEN starts_with(explainer, 'sieve') THEN 'own'
    WHEN explainer IN (SELECT explainer FROM control_explanations WHERE model = $model)
    THEN 'control' ELSE 'other' END AS kind
FROM method_comparison WHERE model = $model
"""
_SCORES = """
SELECT * FROM score_truth WHERE model = $model AND (labels = 'sieve' OR labels NOT IN
    (SELECT explainer FROM method_comparison WHERE model = $model))
"""


def compared_methods(warehouse: Warehouse, model: str) -> pd.DataFrame:
    """A target's rows of `method_comparison` with `kind` and `called`, as reports order them.

    SIEVE is first, then what it is without a step, the other methods and the controls, each by
    name. Controls are the methods of the table `control_explanations`.

    Args:
        warehouse: The study's results.
        model: Target.
    """
    rows = warehouse.read(_METHODS, {"model": model})
    rows["called"] = [called(one) for one in rows["explainer"]]
    places = [
        ((OWN, OTHER, CONTROL).index(kind), explainer != SIEVE, name.casefold())
        for kind, explainer, name in rows[["kind", "explainer", "called"]].itertuples(index=False)
    ]
    order = sorted(range(len(rows)), key=places.__getitem__)
    return rows.iloc[order].reset_index(drop=True)


def called(explainer: str) -> str:
    """What people call a method; an imported one has the name that the study gives it."""
    if explainer.startswith("imported ("):
        return explainer
    return _CALLED.get(explainer, explainer.replace("_", " "))


def judged_scores(warehouse: Warehouse, model: str) -> pd.DataFrame:
    """A target's rows of `score_truth` with `called`, for names of many methods and of SIEVE.

    The largest set of names comes first and SIEVE's own last, in each the best score first. Empty
    where no truth is known.

    Args:
        warehouse: The study's results.
        model: Target.
    """
    rows = warehouse.read(_SCORES, {"model": model})
    rows = rows.assign(
        called=[_SCORES_CALLED.get(one, one.replace("_", " ")) for one in rows["score"]],
        is_own=rows["labels"] == SIEVE,
    )
    order = ["is_own", "n_names", "labels", "auroc", "score"]
    is_rising = [True, False, True, False, True]
    rows = rows.sort_values(order, ascending=is_rising, ignore_index=True)
    return rows.drop(columns="is_own")
