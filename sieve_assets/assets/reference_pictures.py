"""Pictures of other concepts, which show what a neuron does on anything at all.

Not here: how a hypothesis is held against them (see `evidence`).
"""

import dagster as dg
import pandas as pd

from sieve_assets.assets.hypothesize import concept_names
from sieve_assets.assets.picture_bank import draw_missing, pictures_of
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.soundness import linked_files_are_whole
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.method.generated_image_sets import picture_requests, prompt_for
from sieve_assets.method.reference_pictures import reference_concepts


def references(bench: Workbench) -> list[str]:
    """The study's reference concepts, in the order of the concept set."""
    names = concept_names(bench.study)
    return reference_concepts(names, count=bench.study.verify.n_reference, seed=bench.study.seed)


def _recipe(bench: Workbench, _model: str) -> Recipe:
    settings, identity = bench.study.generator, dict(bench.generator_identity)
    return Recipe(
        {
            "generator": identity,
            "prompt": settings.prompt,
            "n_images": settings.n_images,
            "references": references(bench),
        },
        str(identity["pipeline"]),
    )


@stage(
    group="verify",
    by="model",
    recipe=_recipe,
    given=["generator_model", "concept_set", "verify_settings"],
    runs_models=True,
    facts="""
    SELECT -1 AS neuron, count(*) AS pictures, count(DISTINCT concept) AS concepts,
        any_value(generator) AS generator, first(uri ORDER BY concept, seed)
        AS "first picture in the image store"
    FROM reference_pictures WHERE model = $model
    """,
    checks=[linked_files_are_whole("reference_pictures")],
)
def reference_pictures(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Pictures of a fixed sample of the concept set: what every hypothesis is held against.

    Drawn unless the shared bank has them, as many of each as of a hypothesis. Not in the paper:
    docs/method.md, section 3.
    """
    settings = bench.study.generator
    for recorder in work(context, bench, reference_pictures):
        concepts = references(bench)
        if not concepts:
            recorder.write(pd.DataFrame())
            continue
        prompts = [prompt_for(concept, settings.prompt) for concept in concepts]
        requests = picture_requests(
            prompts, identity=bench.generator_identity, n_images=settings.n_images
        )
        n_drawn = draw_missing(recorder.errand, requests)
        named = pd.DataFrame({"concept": concepts, "prompt": prompts})
        rows = named.astype(str).merge(pictures_of(bench, requests), on="prompt")
        rows = rows.drop(columns="prompt").sort_values(["concept", "seed"])
        recorder.write(rows.assign(model=recorder.share.model))
        context.log.info("drew %d pictures, shared %d", n_drawn, len(requests) - n_drawn)
