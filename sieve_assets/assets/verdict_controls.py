"""Whether the verdict can be relied on: names that it must refuse, and names that it must verify.

Not here: how the controls are made (see `chance_controls` and `known_controls`).
"""

from collections.abc import Mapping

import dagster as dg
import pandas as pd

from sieve_assets.assets.chance_controls import chance_controls
from sieve_assets.assets.control_checks import CHECKS
from sieve_assets.assets.control_kinds import EXPECTED, Kind, Subject
from sieve_assets.assets.evaluate import has_known_truth, unbiased_identity
from sieve_assets.assets.evidence import SETTINGS, evidence
from sieve_assets.assets.hypothesize import VISION_LANGUAGE, concept_names
from sieve_assets.assets.known_controls import (
    COPY_SCENES,
    class_names_of,
    classes_of,
    known_controls,
)
from sieve_assets.assets.probe import probe_activations
from sieve_assets.assets.probe_embeddings import probe_embeddings
from sieve_assets.assets.probe_sets import probe_images
from sieve_assets.assets.records import concatenated, work
from sieve_assets.assets.reference_pictures import reference_pictures
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import neuron_ratios
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.assets.verdicts import LINES, judged, verdicts
from sieve_assets.assets.verify import generated_image_sets
from sieve_assets.assets.witnesses import by_neurons

NONE_ASKED = "no controls are asked for: n_controls is 0"
_TESTED = """
SELECT DISTINCT neuron, concept, n_pictures FROM evidence WHERE model = $model
    AND neuron NOT IN (SELECT unnest($left_out::INTEGER[])) ORDER BY neuron, concept
"""
_TOLD = [
    *("n_pictures", "activation_rate", "p_value", "word_rank", "probe_share", "matched_threshold"),
    *("matched_ar", "matched_low", "matched_high", "reported_ar", "natural_ap", "drawn_ap"),
    *("score", "best_name"),
]


def _recipe(bench: Workbench, model: str) -> Recipe:
    how, drawing, identity = bench.study.verify, bench.study.generator, bench.generator_identity
    if not how.n_controls:
        return Recipe({"n_controls": 0}, status=NONE_ASKED)
    weights = bench.vision_language_hash
    is_known = has_known_truth(bench.study, model)
    return Recipe(
        {
            **how.model_dump(include={*SETTINGS, *LINES, "n_controls", "n_control_images"}),
            "percentile": bench.study.select.percentile,
            "seed": bench.study.seed,
            "generator": dict(identity),
            "prompt": drawing.prompt,
            "n_images": drawing.n_images,
            "concepts": concept_names(bench.study),
            "template": bench.study.concepts.template,
            "classes": class_names_of(bench, model),
            "truth": [unbiased_identity(), _copy_scenes()] if is_known else "unknown",
            **({"looks": drawing.looks} if drawing.looks else {}),
        },
        f"{bench.target_hash(model)} {weights} {identity['pipeline']}",
        {"target": bench.target_identity(model), VISION_LANGUAGE: {"weights": weights}},
    )


def _copy_scenes() -> Mapping[str, object]:
    """What a random copy is shown, of which the truth is known."""
    from sieve_assets.terrarium.oracle_scenes import SceneSet  # noqa: PLC0415 (only for this world)

    return SceneSet(None, COPY_SCENES).identity


_KEY = ["control", "draw", "neuron", "concept"]


@stage(
    group="verify",
    by="model",
    reads=[
        probe_images,
        probe_activations,
        probe_embeddings,
        neuron_ratios,
        generated_image_sets,
        reference_pictures,
        evidence,
        verdicts,
    ],
    recipe=_recipe,
    version="2",
    given=[
        *("target_weights", "vision_language_model", "generator_model"),
        *("concept_set", "verify_settings"),
    ],
    runs_models=True,
    facts="""
    SELECT -1 AS neuron, count(*) AS controls,
        count(*) FILTER (expected IN ('fail', 'untestable')) AS "must fail",
        count(*) FILTER (expected IN ('fail', 'untestable') AND verdict = 'verified')
        AS "of these verified",
        count(*) FILTER (expected = 'pass') AS "must pass",
        count(*) FILTER (expected = 'pass' AND verdict = 'verified') AS "of those verified",
        if(count(*) FILTER (control = 'class logits') = 0, 'none: what its classes are called is'
        || ' not known, or no controls are asked for', NULL) AS "class logits",
        count(*) FILTER (control = 'random weights' AND verdict = 'verified')
        AS "verified names of random weights"
    FROM verdict_controls WHERE model = $model
    """,
    checks=CHECKS,
)
def verdict_controls(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Names whose verdict is known before: shuffled, meaningless, of logits, of planted directions.

    What must fail is to be verified in at most 2 %, what must pass in at least 95 %. Not in the
    paper: docs/method.md, section 3.
    """
    for recorder in work(context, bench, verdict_controls):
        model = recorder.share.model
        left_out = sorted(recorder.lineage.unreliable)
        tested = bench.warehouse.read(_TESTED, {"model": model, "left_out": left_out})
        is_asked = bool(bench.study.verify.n_controls)
        subject = Subject(recorder.errand, tested)
        recorder.write(control_rows(subject) if is_asked else pd.DataFrame())


def control_rows(subject: Subject) -> pd.DataFrame:
    """A target's rows of `verdict_controls`."""
    names = class_names_of(subject.bench, subject.model)
    if not names:
        subject.errand.log.info("no class logits: what the classes are called is not known")
    classes = classes_of(subject.bench, subject.drawn, names)
    kinds = [*chance_controls(subject), *known_controls(subject, classes, len(names))]
    rows = concatenated(_judged(subject, kind) for kind in kinds)
    return rows.sort_values(_KEY, ignore_index=True) if len(rows) else rows


def _judged(subject: Subject, kind: Kind) -> pd.DataFrame:
    """Rows of a kind: evidence as in `evidence`, verdicts as in `verdicts`."""
    parts = [kind.witnesses.rows(part, kind.activations) for part in by_neurons(kind.pairs)]
    rows = pd.concat(parts, ignore_index=True).assign(model=subject.model)
    found = judged(rows, subject.bench.study.verify, is_complete=True)
    keys = ["model", "draw", "concept", "quality", "oracle_true"]
    return rows[[*keys, *_TOLD]].assign(
        control=kind.control,
        expected=EXPECTED[kind.control],
        neuron=rows["told"],
        **found[["q_value", "verdict", "reason"]],
    )
