"""Every method's names by one verifier: their pictures, evidence, verdicts, and the known truth.

Not here: what the methods' figures are (see `method_comparison`).
"""

from collections.abc import Collection

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets import evidence as evidence_stage
from sieve_assets.assets.control_explanations import control_explanations
from sieve_assets.assets.described_explanations import described_explanations
from sieve_assets.assets.evaluate import (
    has_known_truth,
    oracle_rates,
    with_rates,
    with_scores,
)
from sieve_assets.assets.explanations import comparison
from sieve_assets.assets.falcon_explanations import falcon_explanations
from sieve_assets.assets.hypothesize import (
    clusters,
    concept_hypotheses,
    concept_names,
)
from sieve_assets.assets.imported_explanations import imported_explanations
from sieve_assets.assets.layer_explanations import layer_explanations
from sieve_assets.assets.mask_explanations import mask_explanations
from sieve_assets.assets.neuron_explanations import neuron_explanations
from sieve_assets.assets.picture_bank import draw_missing, pictures_of
from sieve_assets.assets.probe import probe_activations
from sieve_assets.assets.probe_embeddings import probe_embeddings
from sieve_assets.assets.records import work
from sieve_assets.assets.reference_pictures import reference_pictures
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.revised_names import revised_names
from sieve_assets.assets.select import neuron_ratios
from sieve_assets.assets.soundness import linked_files_are_whole
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.assets.verdicts import LINES, judged
from sieve_assets.method.generated_image_sets import picture_requests, prompt_for

NAMED_BY = (
    concept_hypotheses,
    clusters,
    revised_names,
    layer_explanations,
    neuron_explanations,
    falcon_explanations,
    described_explanations,
    mask_explanations,
    imported_explanations,
    control_explanations,
)
"""The stages whose names are compared."""
_NAMES = """
SELECT DISTINCT model, neuron, concept FROM explanations
WHERE model = $model AND (place < $n_names OR starts_with(explainer, 'sieve'))
    AND neuron NOT IN (SELECT unnest($left_out::INTEGER[]))
ORDER BY neuron, concept
"""


def compared(bench: Workbench, model: str, *, left_out: Collection[int]) -> pd.DataFrame:
    """Pairs of neuron and name that are judged, each once: `model`, `neuron`, `concept`.

    Of SIEVE and its ablations all names; of any other method as many as the study says.
    """
    asked = {
        "model": model,
        "n_names": comparison(bench.study).n_names,
        "left_out": sorted(left_out),
    }
    return bench.warehouse.read(_NAMES, asked)


def _pictures_recipe(bench: Workbench, _model: str) -> Recipe:
    settings, identity = bench.study.generator, dict(bench.generator_identity)
    return Recipe(
        {
            "generator": identity,
            "prompt": settings.prompt,
            "n_images": settings.n_first,
            "n_names": comparison(bench.study).n_names,
        },
        str(identity["pipeline"]),
    )


@stage(
    group="compare",
    by="model",
    reads=NAMED_BY,
    recipe=_pictures_recipe,
    given=["generator_model", "compare_settings"],
    runs_models=True,
    facts="""
    SELECT -1 AS neuron, count(*) AS pictures, count(DISTINCT concept) AS names,
        any_value(generator) AS generator
    FROM compared_pictures WHERE model = $model
    """,
    checks=[linked_files_are_whole("compared_pictures")],
)
def compared_pictures(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Pictures of the names that any method gives, drawn unless the bank has them.

    As many of each, by the same generator, as of SIEVE's hypotheses: with looks the first ones
    only, and `compared_evidence` has more drawn where it must. docs/explainers.md.
    """
    settings = bench.study.generator
    for recorder in work(context, bench, compared_pictures):
        model = recorder.share.model
        pairs = compared(bench, model, left_out=recorder.lineage.unreliable)
        concepts = sorted(set(pairs["concept"]))
        prompts = [prompt_for(concept, settings.prompt) for concept in concepts]
        requests = picture_requests(
            prompts, identity=bench.generator_identity, n_images=settings.n_first
        )
        n_drawn = draw_missing(recorder.errand, requests)
        named = pd.DataFrame({"concept": concepts, "prompt": prompts}).astype(str)
        rows = named.merge(pictures_of(bench, requests), on="prompt").drop(columns="prompt")
        recorder.write(rows.sort_values(["concept", "seed"]).assign(model=model))
        context.log.info("drew %d pictures, shared %d", n_drawn, len(requests) - n_drawn)


def _evidence_recipe(bench: Workbench, model: str) -> Recipe:
    found = evidence_stage.evidence.recipe(bench, model)
    lines = bench.study.verify.model_dump(include=LINES)
    n_names = comparison(bench.study).n_names
    return found._replace(settings={**found.settings, **lines, "n_names": n_names})


@stage(
    group="compare",
    by="model",
    reads=[
        *NAMED_BY,
        compared_pictures,
        reference_pictures,
        probe_embeddings,
        probe_activations,
        neuron_ratios,
    ],
    recipe=_evidence_recipe,
    given=["target_weights", "vision_language_model", "concept_set", "verify_settings"],
    runs_models=True,
    facts="""
    SELECT -1 AS neuron, count(*) AS names, count(DISTINCT neuron) AS neurons,
        count(*) FILTER (verdict = 'verified') AS verified,
        count(*) FILTER (verdict = 'refuted') AS refuted,
        count(*) FILTER (verdict = 'untestable') AS untestable,
        count(*) FILTER (verdict = 'ambiguous') AS ambiguous,
        (SELECT sum(n) FROM (
            SELECT max(n_pictures) AS n FROM compared_evidence WHERE model = $model GROUP BY concept
        )) AS "pictures of the names", $n_images * count(DISTINCT concept) AS "of at most"
    FROM compared_evidence WHERE model = $model
    """,
)
def compared_evidence(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Every method's names by one verifier: evidence as in `evidence`, verdicts as in `verdicts`.

    docs/method.md, section 3.
    """
    for recorder in work(context, bench, compared_evidence):
        pairs = compared(bench, recorder.share.model, left_out=recorder.lineage.unreliable)
        rows = evidence_stage.rows_of(recorder.errand, pairs)
        if rows.empty:
            recorder.write(rows)
            continue
        found = judged(rows, bench.study.verify, is_complete=True)
        recorder.write(rows.assign(**found[["q_value", "verdict", "reason"]]))


def _truth_recipe(bench: Workbench, model: str) -> Recipe:
    found = oracle_rates.recipe(bench, model)
    if not has_known_truth(bench.study, model):
        return found
    n_names = comparison(bench.study).n_names
    return found._replace(settings={**found.settings, "n_names": n_names})


@stage(
    group="compare",
    by="model",
    reads=[*NAMED_BY, neuron_ratios],
    recipe=_truth_recipe,
    given=["target_weights", "concept_set"],
    runs_models=True,
    facts="""
    SELECT -1 AS neuron, count(*) AS names, count(*) FILTER (oracle_true) AS "true ones"
    FROM compared_truth WHERE model = $model
    """,
)
def compared_truth(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Every method's names on scenes whose truth is known, as in `oracle_rates`.

    docs/method.md, section 5. Targets without a probe set of the embedded world get no rows.
    """
    for recorder in work(context, bench, compared_truth):
        model = recorder.share.model
        if not has_known_truth(bench.study, model):
            recorder.write(pd.DataFrame())
            continue
        pairs = compared(bench, model, left_out=recorder.lineage.unreliable)
        thresholds = bench.warehouse.read(
            "SELECT neuron, p99 AS threshold FROM neuron_ratios WHERE model = $1", [model]
        )
        rows = pairs.merge(thresholds.astype({"threshold": np.float32}), on="neuron")
        if len(rows):
            target, names = bench.target(model), concept_names(bench.study)
            scored = with_scores(bench, target, rows, names, log=context.log)
            rows = with_rates(bench, target, scored, log=context.log).drop(columns="threshold")
        recorder.write(rows if len(rows) else pd.DataFrame())
