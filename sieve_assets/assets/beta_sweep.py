"""What other thresholds β would leave of SIEVE's names, of what is stored of every neuron.

Not here: the formulas (`method.beta_sweep`).
"""

from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.compared_names import compared_evidence, compared_truth
from sieve_assets.assets.explanations import comparison
from sieve_assets.assets.method_comparison import names_in, said
from sieve_assets.assets.neuron_explanations import WITHOUT_SELECT, neuron_explanations
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import beta_of, neuron_ratios
from sieve_assets.assets.shown import sweep_pictures
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.study import Study

if TYPE_CHECKING:
    from sieve_assets.method.beta_sweep import AtBeta

BY_SAMPLE = "β admits single samples here, not neurons"
_RATIOS = "SELECT neuron, ratio FROM neuron_ratios WHERE model = $1"
_NAMES = """
SELECT x.neuron, x.place, e.activation_rate, e.ar_to_decide, e.ar_to_report, e.verdict,
    t.oracle_true::DOUBLE AS is_true
FROM neuron_explanations x
JOIN compared_evidence e ON e.model = x.model AND e.neuron = x.neuron AND e.concept = x.concept
LEFT JOIN compared_truth t ON t.model = x.model AND t.neuron = x.neuron AND t.concept = x.concept
WHERE x.model = $1 AND x.explainer = $2 ORDER BY x.neuron, x.place
"""


def betas_of(study: Study, model: str) -> list[float]:
    """The thresholds that are tried on a target: those of its rule, and its own."""
    how = comparison(study)
    of_rule = how.signed_betas if study.targets[model].rule == "signed" else how.betas
    return sorted({*of_rule, beta_of(study, model)})


def _recipe(bench: Workbench, model: str) -> Recipe:
    study = bench.study
    if study.select.gate == "sample":
        return Recipe({"gate": study.select.gate}, status=BY_SAMPLE)
    return Recipe(
        {
            "betas": betas_of(study, model),
            "beta": beta_of(study, model),
            "n_resamples": comparison(study).n_resamples,
            "confidence": study.verify.confidence,
            "seed": study.seed,
        }
    )


@stage(
    group="compare",
    by="model",
    reads=[neuron_explanations, neuron_ratios, compared_evidence, compared_truth],
    recipe=_recipe,
    given=["select_settings", "compare_settings", "verify_settings"],
    facts="""
    SELECT -1 AS neuron, list(beta ORDER BY beta) AS "β",
        list(n_selected ORDER BY beta) AS "neurons selected",
        list(round(names_ar, 3) ORDER BY beta) AS "mean AR of their names",
        list(round(kept_names_ar, 3) ORDER BY beta) AS "after the paper's filter",
        list(round(verified_coverage, 3) ORDER BY beta) AS "share of neurons verified"
    FROM beta_sweep WHERE model = $model
    """,
    pictures=sweep_pictures,
)
def beta_sweep(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """SIEVE at other thresholds β: neurons selected, and how their names fare.

    Nothing is named, drawn or observed anew: the names are those of SIEVE without Select, which
    has some of every neuron. Source: SIEVE, Table 5; docs/explainers.md. A target whose β admits
    single samples gets no rows.
    """
    for recorder in work(context, bench, beta_sweep):
        model = recorder.share.model
        is_by_sample = bench.study.select.gate == "sample"
        recorder.write(pd.DataFrame() if is_by_sample else sweep_rows(bench, model))


def sweep_rows(bench: Workbench, model: str) -> pd.DataFrame:
    """Rows of `beta_sweep`, by threshold."""
    from sieve_assets.method.beta_sweep import at_beta  # noqa: PLC0415 (scipy is slow)

    study = bench.study
    rows = bench.warehouse.read(_NAMES, [model, WITHOUT_SELECT])
    names, is_true = names_in(rows), rows["is_true"].to_numpy(np.float64)
    stored = bench.warehouse.read(_RATIOS, [model]).set_index("neuron")["ratio"]
    ratio = stored.reindex(range(study.targets[model].width)).to_numpy(np.float64)
    found = {
        beta: at_beta(
            names,
            is_true,
            ratio,
            beta=beta,
            confidence=study.verify.confidence,
            n_resamples=comparison(study).n_resamples,
            generator=np.random.default_rng(study.seed),
        )
        for beta in betas_of(study, model)
    }
    own = beta_of(study, model)
    told = {"model": model, "rule": study.targets[model].rule, "n_neurons": len(ratio)}
    return pd.DataFrame(
        [told | {"beta": beta, "is_own": beta == own} | _row(one) for beta, one in found.items()]
    )


def _row(found: "AtBeta") -> dict[str, Any]:
    row: dict[str, Any] = {
        "n_selected": found.n_selected,
        "coverage": found.coverage,
        "n_names": found.names.n_names,
        **said("names_ar", found.names.mean),
        "n_kept_names": found.kept.n_names,
        **said("kept_names_ar", found.kept.mean),
        "true_names": found.names.true_share,
        "true_kept_names": found.kept.true_share,
        "true_verified": found.true_verified,
    }
    if found.figures is None:
        return row | {"kept_coverage": 0.0, "verified_coverage": 0.0}
    first, kept, verified, _ = found.figures
    return row | {
        **said("mean_ar", first.mean),
        "kept_coverage": kept.coverage,
        **said("kept_ar", kept.mean),
        "verified_coverage": verified.coverage,
        **said("verified_ar", verified.mean),
    }
