"""The report of a target on one page of the atlas, and what other methods call its neurons.

Not here: what is told and how it looks (`reports.atlas`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import dagster as dg
import pandas as pd

from sieve_assets.assets.ablation import ablation
from sieve_assets.assets.beta_sweep import beta_sweep
from sieve_assets.assets.class_agreement import class_agreement
from sieve_assets.assets.compared_names import NAMED_BY, compared_evidence, compared_truth
from sieve_assets.assets.domain_shift import domain_shift
from sieve_assets.assets.evaluate import has_known_truth, oracle_rates, truth_agreement
from sieve_assets.assets.evidence import evidence
from sieve_assets.assets.hypothesize import concept_hypotheses
from sieve_assets.assets.method_comparison import method_comparison, score_truth
from sieve_assets.assets.neuron_ablation import neuron_ablation
from sieve_assets.assets.neuron_atlas import atlas_stage
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.revised_names import revised_names
from sieve_assets.assets.select import neuron_ratios
from sieve_assets.assets.soundness import pages_are_whole
from sieve_assets.assets.stages import Recipe, Stage, stage
from sieve_assets.assets.verdict_controls import verdict_controls
from sieve_assets.assets.verdicts import verdicts
from sieve_assets.assets.verify import verified_concepts
from sieve_assets.stores.content_files import sha256_of, write_changed
from sieve_assets.study import Study

FOUND = (
    *(neuron_ratios, concept_hypotheses, evidence, verified_concepts, verdicts),
    *(revised_names, verdict_controls),
)
"""What is told of every target."""
TRUE = (oracle_rates, truth_agreement)
"""What is told besides in a study that knows the truth of a target."""
COMPARED = (
    *(one for one in NAMED_BY if one not in FOUND),
    *(compared_evidence, compared_truth, method_comparison, score_truth, ablation, beta_sweep),
    *(class_agreement, neuron_ablation, domain_shift),
)
"""What is told besides in a study with a comparison."""
SlugOf = Callable[[str], str | None]


class File(NamedTuple):
    """A file of the atlas that a report is made of."""

    path: str
    """Relative to the atlas."""
    content: bytes
    n_tables: int = 0
    n_figures: int = 0


def _recipe(bench: Workbench, model: str) -> Recipe:
    from sieve_assets.reports.atlas.report_made import (  # noqa: PLC0415 (scipy is slow)
        libraries,
        settings_of,
    )

    told: Mapping[str, object] = settings_of(bench.study, model)
    return Recipe({"settings": told, "libraries": libraries()})


@stage(
    group="report",
    by="model",
    reads=FOUND,
    recipe=_recipe,
    table="target_reports",
    given=["report_settings"],
    facts="""
    SELECT -1 AS neuron, max(path) FILTER (ends_with(path, '.html')) AS page,
        sum(n_tables)::INTEGER AS tables, sum(n_figures)::INTEGER AS figures
    FROM target_reports WHERE model = $model
    """,
    shows=True,
    checks=[pages_are_whole("target_reports")],
)
def target_report(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """What was found of a target on one page, to be read and printed: store/atlas.

    Coverage, verdicts, controls, known truth, other methods, settings, provenance and limits; also
    what other methods call the neurons, for the atlas's index. Source: docs/atlas.md.
    """
    from sieve_assets.reports.atlas.site import write_targets  # noqa: PLC0415 (as below)

    made_of = target_report_of(bench.study)
    for recorder in work(context, bench, made_of):
        model = recorder.share.model
        rows = []
        stages = [one.name for one in made_of.ancestors()]
        stale = recorder.lineage.stale_before()
        for file in files_of(bench, model, stages, stale, _slugs(bench)):
            write_changed(bench.atlas / file.path, file.content)
            told = {name: getattr(file, name) for name in ("path", "n_tables", "n_figures")}
            size = {"sha256": sha256_of(file.content), "n_bytes": len(file.content)}
            rows.append({"model": model, **told, **size})
        recorder.write(pd.DataFrame(rows))
        write_targets(bench.atlas, bench.study)


def target_report_of(study: Study) -> Stage:
    """The stage of a study: it reads what the study has."""
    is_known = any(has_known_truth(study, model) for model in study.targets)
    more = (*(TRUE * is_known), *(COMPARED * (study.compare is not None)))
    return replace(target_report, reads=(*FOUND, *more, atlas_stage(study)))


def _slugs(bench: Workbench) -> SlugOf:
    from sieve_assets.reports.atlas.site import slug  # noqa: PLC0415 (as below)

    known = {page.stem for page in (bench.atlas / "concepts").glob("*.html")}
    return lambda concept: slug(concept) if slug(concept) in known else None


def files_of(
    bench: Workbench,
    model: str,
    stages: list[str],
    stale: Mapping[str, Sequence[int]],
    slug_of: SlugOf,
) -> list[File]:
    """The files of a target's report, by path.

    Args:
        bench: The stores, and the study.
        model: Target.
        stages: Whose provenance is told, in order.
        stale: Those of them whose rows are not as they would be made now, with the neurons.
        slug_of: What the page of a concept is called; None if it has none.
    """
    from sieve_assets.reports.atlas.others import NO_OTHERS, others_data  # noqa: PLC0415 (as above)
    from sieve_assets.reports.atlas.report_page import report_of  # noqa: PLC0415 (as above)
    from sieve_assets.reports.atlas.site import data_script  # noqa: PLC0415 (as above)

    report = report_of(bench.warehouse, bench.study, model, stages, stale)
    others = NO_OTHERS
    if bench.study.compare is not None:
        others = others_data(bench.warehouse, model, bench.study.targets[model].width, slug_of)
    script = data_script(f"{model}/others", others)
    return [
        File(f"{model}/index/others.js", script.encode()),
        File(f"{model}/report.html", report.html.encode(), report.n_tables, report.n_figures),
    ]
