"""Made-up rows of `method_comparison` and `score_truth` for reports to be drawn of."""

import numpy as np
import pandas as pd

from sieve_assets.stores.warehouse import Replacement, Warehouse

CONTROLS = ["oracle", "oracle, narrower", "at random"]
METHODS = [
    *("www", "sieve_without_select", "at random", "imported (milan_b)", "sieve"),
    *("clip_dissect_wpmi", "oracle", "sieve_without_crops", "oracle, narrower", "falcon"),
]
"""In no order."""
TWENTY = [*METHODS, *(f"method_{number}" for number in range(10))]
SETS = {"words and controls": 90, "words": 60, "sieve": 20, "www": 10}
"""Labels with how many names they have; the last one a method's."""
SCORES = ["score", "activation_rate", "auc", "verdict"]
N_NEURONS = 40


def comparison_of(model, explainers, *, is_known=True):
    """Rows whose figures all differ; the curve of each method ends at its coverage."""
    rows = []
    for number, explainer in enumerate(explainers, start=1):
        n_named = max(N_NEURONS - 2 * number, 1)
        coverage = np.arange(1, n_named + 1) / N_NEURONS
        share = number / (2 * len(explainers))
        truth = {
            "true_first": share,
            "true_kept": share + 0.1,
            "true_verified": share + 0.2,
            "recall_first": share / 2,
            "recall_verified": share / 3,
        }
        rows.append(
            {
                "model": model,
                "explainer": explainer,
                "n_neurons": N_NEURONS,
                "n_named": n_named,
                "coverage": coverage[-1],
                **_rates("mean_ar", share),
                "kept_coverage": coverage[-1] / 2,
                **_rates("kept_ar", share + 0.3),
                "verified_coverage": coverage[-1] / 3,
                **_rates("verified_ar", share + 0.4),
                "equal_coverage": coverage[-1] / 4,
                "equal_ar": share + 0.05,
                "sieve_equal_ar": 0.875,
                "curve_coverage": coverage,
                "curve_ar": np.linspace(1, share, n_named),
                **(truth if is_known else dict.fromkeys(truth, np.nan)),
            }
        )
    return pd.DataFrame(rows)


def scores_of(model, sets=None):
    """Rows in which the first score is the best of every set of names."""
    return pd.DataFrame(
        [
            {
                "model": model,
                "labels": labels,
                "score": score,
                "n_names": n_names,
                "n_true": n_names // 3,
                **_rates("auroc", 0.9 - 0.1 * place - n_names / 1000),
            }
            for labels, n_names in (SETS if sets is None else sets).items()
            for place, score in enumerate(SCORES)
        ]
    )


def store_comparison(warehouse: Warehouse, methods: pd.DataFrame, scores: pd.DataFrame) -> None:
    """Put a target's rows where reports read them, with names by the controls among them."""
    [model] = methods["model"].unique()
    scope = pd.DataFrame({"model": [model]})
    controls = [name for name in CONTROLS if name in set(methods["explainer"])]
    named = pd.DataFrame({"explainer": controls}).assign(
        model=model, neuron=0, place=0, concept="dog", score=1.0
    )
    warehouse.replace(
        Replacement("method_comparison", methods, scope),
        Replacement("score_truth", scores, scope),
        Replacement("control_explanations", named, scope),
    )


def _rates(name, mean):
    return {name: mean, f"{name}_low": mean - 0.02, f"{name}_high": mean + 0.03}
