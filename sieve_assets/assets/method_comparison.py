"""Every method's figures on a target, and which number tells its true names from others.

Not here: the formulas (`method.method_comparison`, `method.score_truth`).
"""

from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.compared_names import NAMED_BY, compared_evidence, compared_truth
from sieve_assets.assets.control_explanations import CONTROLS, control_explanations
from sieve_assets.assets.evaluate import NO_TRUTH, has_known_truth
from sieve_assets.assets.explanations import comparison
from sieve_assets.assets.hypothesize import concept_names
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.shown import comparison_pictures, score_pictures
from sieve_assets.assets.stages import Recipe, stage

if TYPE_CHECKING:
    from sieve_assets.method.coverage import Bootstrapped
    from sieve_assets.method.method_comparison import Names

SIEVE = "sieve"
SCORES = (
    *("score", "activation_rate", "matched_ar", "lift", "auc", "mad"),
    *("natural_ap", "drawn_ap", "natural_f1", "natural_correlation"),
)
"""Columns of `compared_evidence` that are held against the truth, besides the verdict."""
WITH_CONTROLS, OF_METHODS, PHRASES = "words and controls", "words", "phrases"
"""Names of the concept set by any method, with and without the controls; all other names."""

_JUDGED = """
SELECT x.explainer, x.place, e.*, t.oracle_true
FROM explanations x
JOIN compared_evidence e ON e.model = x.model AND e.neuron = x.neuron AND e.concept = x.concept
LEFT JOIN compared_truth t ON t.model = x.model AND t.neuron = x.neuron AND t.concept = x.concept
WHERE x.model = $model AND (x.place < $n_names OR starts_with(x.explainer, 'sieve'))
ORDER BY x.explainer, x.neuron, x.place
"""
_TRUTH = ("true_first", "true_kept", "true_verified", "recall_first", "recall_verified")
_NAMEABLE = "SELECT DISTINCT neuron FROM compared_truth WHERE model = $1 AND oracle_true"


def judged_names(bench: Workbench, model: str) -> pd.DataFrame:
    """Every method's judged names: `explainer`, `place`, evidence, verdict, truth if known."""
    asked = {"model": model, "n_names": comparison(bench.study).n_names}
    return bench.warehouse.read(_JUDGED, asked)


def _comparison_recipe(bench: Workbench, _model: str) -> Recipe:
    how = comparison(bench.study)
    return Recipe(
        {
            "n_names": how.n_names,
            "n_resamples": how.n_resamples,
            "confidence": bench.study.verify.confidence,
            "seed": bench.study.seed,
        }
    )


@stage(
    group="compare",
    by="model",
    reads=[*NAMED_BY, compared_evidence, compared_truth],
    version="2",
    recipe=_comparison_recipe,
    given=["compare_settings", "verify_settings"],
    facts="""
    SELECT -1 AS neuron, count(*) AS methods,
        arg_max(explainer, mean_ar) AS "highest mean AR of first names",
        max(verified_coverage) FILTER (explainer = 'sieve')
        AS "SIEVE: share of neurons with a verified name",
        max(verified_ar) FILTER (explainer = 'sieve') AS "SIEVE: their mean AR"
    FROM method_comparison WHERE model = $model
    """,
    pictures=comparison_pictures,
)
def method_comparison(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Each method's names by one verifier: mean AR before and after the same filters, coverage.

    Also at SIEVE's coverage, and the truth where it is known. Source: SIEVE, Tables 1 to 4;
    docs/method.md, section 3.
    """
    for recorder in work(context, bench, method_comparison):
        model = recorder.share.model
        names = judged_names(bench, model)
        recorder.write(comparison_rows(bench, model, names) if len(names) else pd.DataFrame())


def comparison_rows(bench: Workbench, model: str, names: pd.DataFrame) -> pd.DataFrame:
    """Rows of `method_comparison`, by method."""
    from sieve_assets.method import method_comparison as method  # noqa: PLC0415 (scipy is slow)

    n_neurons = bench.study.targets[model].width
    how, confidence = comparison(bench.study), bench.study.verify.confidence
    by_method = dict(tuple(names.groupby("explainer")))
    own = by_method.get(SIEVE, names.head(0))
    sieve = method.verified_curve(names_in(own), n_neurons=n_neurons)
    rows: list[dict[str, Any]] = []
    for explainer, part in by_method.items():
        found = method.figures_of(
            names_in(part),
            n_neurons=n_neurons,
            confidence=confidence,
            n_resamples=how.n_resamples,
            generator=np.random.default_rng(bench.study.seed),
        )
        equal = method.at_equal_coverage(found.curve, sieve)
        rows.append(
            {
                "model": model,
                "explainer": explainer,
                "n_neurons": n_neurons,
                "n_named": found.first.n_named,
                "coverage": found.first.coverage,
                **said("mean_ar", found.first.mean),
                "kept_coverage": found.kept.coverage,
                **said("kept_ar", found.kept.mean),
                "verified_coverage": found.verified.coverage,
                **said("verified_ar", found.verified.mean),
                "equal_coverage": equal.coverage or np.nan,
                "equal_ar": equal.mean,
                "sieve_equal_ar": equal.other,
                "curve_coverage": found.curve.coverage,
                "curve_ar": found.curve.mean_ar,
                **_truth(bench, model, part),
            }
        )
    return pd.DataFrame(rows)


def names_in(rows: pd.DataFrame) -> "Names":
    """Judged names as the method takes them."""
    from sieve_assets.method.method_comparison import Names  # noqa: PLC0415 (as above)

    return Names(
        rows["neuron"].to_numpy(np.int64),
        rows["place"].to_numpy(np.int64),
        rows["activation_rate"].to_numpy(np.float64),
        rows["ar_to_decide"].to_numpy(np.float64),
        rows["ar_to_report"].to_numpy(np.float64),
        (rows["verdict"] == "verified").to_numpy(bool),
    )


def said(name: str, found: "Bootstrapped") -> dict[str, float]:
    """A mean and its interval as columns."""
    return {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}


def _truth(bench: Workbench, model: str, rows: pd.DataFrame) -> dict[str, float]:
    """How many of a method's names are true, by what they are filtered with."""
    from sieve_assets.method.method_comparison import chosen_names  # noqa: PLC0415 (as above)
    from sieve_assets.method.score_truth import truth_of  # noqa: PLC0415 (as above)

    if not has_known_truth(bench.study, model):
        return dict.fromkeys(_TRUTH, np.nan)
    names, is_true = names_in(rows), rows["oracle_true"].to_numpy(bool)
    nameable = bench.warehouse.read(_NAMEABLE, [model])["neuron"].to_numpy(np.int64)
    found = {
        kind: truth_of(names.neuron[chosen], is_true[chosen], nameable)
        for kind, chosen in chosen_names(names)._asdict().items()
    }
    return {
        **{f"true_{kind}": one.precision for kind, one in found.items()},
        **{f"recall_{kind}": found[kind].recall for kind in ("first", "verified")},
    }


def _truth_recipe(bench: Workbench, model: str) -> Recipe:
    if not has_known_truth(bench.study, model):
        return Recipe({"truth": NO_TRUTH}, status=NO_TRUTH)
    return _comparison_recipe(bench, model)


@stage(
    group="compare",
    by="model",
    reads=[*NAMED_BY, control_explanations, compared_evidence, compared_truth],
    recipe=_truth_recipe,
    given=["compare_settings", "verify_settings"],
    facts="""
    SELECT -1 AS neuron, max(n_names) AS names, max(n_true) AS "true ones",
        max(auroc) FILTER (score = 'score') AS "AUROC of the score",
        max(auroc) FILTER (score = 'activation_rate') AS "of AR",
        max(auroc) FILTER (score = 'auc') AS "of CoSy's AUC",
        max(auroc) FILTER (score = 'mad') AS "of CoSy's MAD"
    FROM score_truth WHERE model = $model AND labels = 'words and controls'
    """,
    pictures=score_pictures,
)
def score_truth(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Which number to trust: how well AR, lift, CoSy's scores and ours tell true names from others.

    Over the words of all methods, with and without the controls, over phrases beyond the concept
    set, such as formulas, and of each method alone.
    docs/method.md, section 5. Targets without a probe set of the embedded world get no rows.
    """
    for recorder in work(context, bench, score_truth):
        model = recorder.share.model
        names = judged_names(bench, model)
        known = has_known_truth(bench.study, model) and len(names)
        recorder.write(truth_rows(bench, model, names) if known else pd.DataFrame())


def truth_rows(bench: Workbench, model: str, names: pd.DataFrame) -> pd.DataFrame:
    """Rows of `score_truth`, by whose names and score."""
    from sieve_assets.method.score_truth import auroc  # noqa: PLC0415 (as above)

    how = comparison(bench.study)
    names = names.assign(verdict=(names["verdict"] == "verified").astype(float))
    is_word = names["concept"].isin(concept_names(bench.study))
    is_control = names["explainer"].isin(list(CONTROLS.values()))
    groups = {
        WITH_CONTROLS: names[is_word],
        OF_METHODS: names[is_word & ~is_control],
        PHRASES: names[~is_word],
        **dict(tuple(names.groupby("explainer"))),
    }
    rows = []
    for labels, part in groups.items():
        distinct = part.drop_duplicates(["neuron", "concept"])
        is_true = distinct["oracle_true"].to_numpy(bool)
        for score in (*SCORES, "verdict"):
            found = auroc(
                distinct[score].to_numpy(np.float64),
                is_true,
                distinct["neuron"].to_numpy(np.int64),
                confidence=bench.study.verify.confidence,
                n_resamples=how.n_resamples,
                generator=np.random.default_rng(bench.study.seed),
            )
            rows.append(
                {
                    "model": model,
                    "labels": labels,
                    "score": score,
                    "n_names": len(distinct),
                    "n_true": int(is_true.sum()),
                    "auroc": found.value,
                    "auroc_low": found.low,
                    "auroc_high": found.high,
                }
            )
    return pd.DataFrame(rows)
