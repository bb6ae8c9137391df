"""What each step of SIEVE adds: the figures of its names with and without it, side by side.

Not here: how SIEVE names neurons without a step (see `neuron_explanations`), and the figures
themselves (see `method_comparison`).
"""

from typing import NamedTuple

import dagster as dg
import pandas as pd

from sieve_assets.assets.method_comparison import SIEVE, method_comparison
from sieve_assets.assets.neuron_explanations import (
    WITHOUT_ANY_STEP,
    WITHOUT_CLUSTERS,
    WITHOUT_CROPS,
    WITHOUT_SELECT,
)
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.shown import ablation_pictures
from sieve_assets.assets.stages import Recipe, stage


class Variant(NamedTuple):
    """SIEVE with some of its steps: whose names are taken, and whether they are filtered."""

    variant: str
    explainer: str
    steps: tuple[str, ...]
    """Those that are in."""


SELECT, CLUSTERS, CROPS, VERIFY = STEPS = ("select", "clusters", "crops", "verify")
VARIANTS = (
    Variant("SIEVE", SIEVE, STEPS),
    Variant("without Select", WITHOUT_SELECT, (CLUSTERS, CROPS, VERIFY)),
    Variant("without clusters", WITHOUT_CLUSTERS, (SELECT, CROPS, VERIFY)),
    Variant("without clusters and crops", WITHOUT_CROPS, (SELECT, VERIFY)),
    Variant("without Verify", SIEVE, (SELECT, CLUSTERS, CROPS)),
    Variant("baseline", WITHOUT_ANY_STEP, ()),
)
"""In the order of reports. Verify is a filter of names: without it, they are all of SIEVE's."""

_FILTERED = """
SELECT explainer, kept_coverage AS coverage, kept_ar AS mean_ar, kept_ar_low AS mean_ar_low,
    kept_ar_high AS mean_ar_high, verified_coverage, verified_ar, verified_ar_low,
    verified_ar_high, true_kept AS true_share, true_verified
FROM method_comparison WHERE model = $1
"""
_UNFILTERED = """
SELECT explainer, coverage, mean_ar, mean_ar_low, mean_ar_high, verified_coverage, verified_ar,
    verified_ar_low, verified_ar_high, true_first AS true_share, true_verified
FROM method_comparison WHERE model = $1
"""


def _recipe(_bench: Workbench, _model: str) -> Recipe:
    return Recipe({"variants": [one._asdict() for one in VARIANTS]})


@stage(
    group="compare",
    by="model",
    reads=[method_comparison],
    recipe=_recipe,
    facts="""
    SELECT -1 AS neuron, list(variant ORDER BY place) AS steps,
        list(round(mean_ar, 3) ORDER BY place) AS "mean AR",
        list(round(coverage, 3) ORDER BY place) AS "share of neurons with a name left",
        list(round(verified_coverage, 3) ORDER BY place) AS "share of neurons verified"
    FROM ablation WHERE model = $model
    """,
    pictures=ablation_pictures,
)
def ablation(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """What each step of SIEVE adds: mean AR and coverage with and without it.

    A selection of `method_comparison`: with Verify, of the first names that the paper's filter
    keeps, without it of all. Source: SIEVE, Table 4; docs/explainers.md.
    """
    for recorder in work(context, bench, ablation):
        recorder.write(ablation_rows(bench, recorder.share.model))


def ablation_rows(bench: Workbench, model: str) -> pd.DataFrame:
    """Rows of `ablation`, in the order of reports; none for a variant that names no neuron."""
    variants = pd.DataFrame(
        {"model": model, "place": place, "variant": one.variant, "explainer": one.explainer}
        | {f"has_{step}": step in one.steps for step in STEPS}
        for place, one in enumerate(VARIANTS)
    )
    parts = [
        variants[variants["has_verify"] == is_filtered].merge(
            bench.warehouse.read(figures, [model]), on="explainer"
        )
        for is_filtered, figures in ((True, _FILTERED), (False, _UNFILTERED))
    ]
    return pd.concat(parts, ignore_index=True).sort_values("place", ignore_index=True)
