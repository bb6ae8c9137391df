"""The neuron atlas: what people look at, written as a static site beside the results.

Not here: what its pages show (`reports.atlas`).
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from sieve_assets.assets.evaluate import has_known_truth, oracle_rates
from sieve_assets.assets.evidence import evidence
from sieve_assets.assets.hypothesize import (
    VISION_LANGUAGE,
    clusters,
    concept_hypotheses,
    concept_names,
    patch_embeddings,
)
from sieve_assets.assets.probe import probe_activations, probe_pass
from sieve_assets.assets.probe_sets import probe_images
from sieve_assets.assets.progress import tracked
from sieve_assets.assets.records import Recorder, work
from sieve_assets.assets.reference_pictures import reference_pictures
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.revised_names import revised_names
from sieve_assets.assets.select import beta_of, neuron_ratios, selected_samples
from sieve_assets.assets.soundness import pages_are_whole
from sieve_assets.assets.stages import Recipe, Stage, stage
from sieve_assets.assets.verdicts import verdicts
from sieve_assets.assets.verify import activation_rates, generated_image_sets, verified_concepts
from sieve_assets.image_sets.ahead import NEAR, done_ahead
from sieve_assets.study import Study

READS = (
    probe_images,
    probe_pass,
    reference_pictures,
    probe_activations,
    neuron_ratios,
    selected_samples,
    patch_embeddings,
    clusters,
    concept_hypotheses,
    generated_image_sets,
    activation_rates,
    evidence,
    verified_concepts,
    verdicts,
    revised_names,
)
"""What pages show, of any study."""
TOGETHER = 256
"""Concepts, or neurons, whose facts are read at once: while those before are written."""
_PAGES = "SELECT path, made_from, sha256, n_bytes FROM atlas_pages WHERE model = $1"
_OTHERS = """
SELECT path FROM atlas_pages WHERE model <> $model AND path IN (SELECT unnest($paths))
"""


def _recipe(bench: Workbench, model: str) -> Recipe:
    """What pages say or are made with besides what is stored."""
    from sieve_assets.reports.atlas import site  # noqa: PLC0415 (it reads every template)

    study, weights = bench.study, bench.vision_language_hash
    return Recipe(
        {
            "pages": site.version(),
            "beta": beta_of(study, model),
            "n_samples": study.select.n_samples,
            "concepts": concept_names(study),
            "template": study.concepts.template,
            "generator": Path(study.generator.pipeline).name,
            "prompt": study.generator.prompt,
            "n_images": study.generator.n_images,
            "n_best_words": study.verify.n_best_words,
            "confidence": study.verify.confidence,
            "seed": study.seed,
        },
        weights,
        {VISION_LANGUAGE: {"weights": weights}},
    )


def _link(bench: Workbench, model: str) -> Mapping[str, dg.MetadataValue]:
    return {
        "atlas": dg.MetadataValue.url(f"{bench.atlas_url}/{model}/index.html"),
        "on disk": dg.MetadataValue.path(bench.atlas / model / "index.html"),
    }


@stage(
    group="report",
    by="model",
    reads=READS,
    recipe=_recipe,
    table="atlas_pages",
    given=["concept_set", "vision_language_model", "report_settings"],
    facts="""
    SELECT -1 AS neuron,
        count(*) FILTER (path LIKE $model || '/neurons/%.html') AS "neurons' pages",
        count(*) FILTER (path LIKE 'concepts/%.html') AS "concepts' pages", count(*) AS files,
        round(sum(n_bytes) / 1e6, 1) AS MB
    FROM atlas_pages WHERE model = $model
    """,
    links=_link,
    shows=True,
    checks=[pages_are_whole("atlas_pages")],
)
def neuron_atlas(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """A page for every neuron: what it fires on, what was proposed, what the experiment said.

    With an index of all neurons to search, filter and sort, a map, a page for every concept, and
    what is verified as CSV, Parquet and JSON: a static site that needs no server. A file that would
    be as it is stays as it is. docs/atlas.md says what is on it.
    """
    for recorder in work(context, bench, atlas_stage(bench.study)):
        recorder.write(_written(recorder))


def atlas_stage(study: Study) -> Stage:
    """The stage of a study: it also shows the known truth where there is one."""
    is_known = any(has_known_truth(study, model) for model in study.targets)
    return replace(neuron_atlas, reads=(*READS, *((oracle_rates,) * is_known)))


def _written(recorder: Recorder) -> pd.DataFrame:
    """Write those of a target's files that would be others than they are; tell of all of them."""
    from sieve_assets.assets.atlas_material import material_of  # noqa: PLC0415 (it imports sklearn)
    from sieve_assets.reports.atlas.builder import Builder  # noqa: PLC0415 (it imports Jinja2)
    from sieve_assets.reports.atlas.index_data import verified_now  # noqa: PLC0415 (as above)
    from sieve_assets.reports.atlas.site import (  # noqa: PLC0415 (as above)
        Site,
        files_known,
        files_made,
        version,
    )

    bench, model = recorder.bench, recorder.share.model
    material = material_of(bench, model, [one.name for one in recorder.stage.reads])
    bench.warehouse.add_missing("name_history", verified_now(material))
    site = Site(bench.atlas, files_known(bench.warehouse.read(_PAGES, [model])))
    builder = Builder(material, site, version(), recorder.lineage.stale_before())
    log, said = recorder.context.log, f"{model} neuron_atlas"
    concepts = tracked(list(builder.drawn), said, log, unit="concept", size=TOGETHER)
    _each(builder.write_concept, chain.from_iterable(concepts))
    neurons = tracked(range(material.width), said, log, unit="neuron", size=TOGETHER)
    _each(builder.write_neuron, chain.from_iterable(map(builder.facts, neurons)))
    builder.write_index()
    left = set(site.known) - set(site.made)
    others = bench.warehouse.read(_OTHERS, {"model": model, "paths": sorted(left)})
    site.remove(left - set(others["path"]))
    log.info("wrote %d of %d files", site.n_written, len(site.made))
    return files_made(site, model)


def _each(write: Callable[[Any], None], items: Iterable[Any]) -> None:
    """Write for each item, several at a time: most of it is to decode and to encode pictures."""
    deque(done_ahead(write, items, n_ahead=TOGETHER, threads=NEAR), maxlen=0)
