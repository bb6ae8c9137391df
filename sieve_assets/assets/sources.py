"""What a study is given from outside the pipeline, as observable assets with a version by target.

Each tells Dagster when something has changed for a target, so that its marks of staleness and its
automation see it. The warehouse knows more exactly what follows (see `staleness`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from sieve_assets.assets.hypothesize import concept_listings, concept_names
from sieve_assets.assets.partitions import by_model
from sieve_assets.assets.pipeline import stages_of
from sieve_assets.assets.probe_sets import PROBE_STATE
from sieve_assets.assets.resources import Workbench
from sieve_assets.reports.concept_facts import concept_facts
from sieve_assets.settings_hash import settings_hash
from sieve_assets.study import Study

OBSERVED = "0 * * * *"
"""When automation, once it is turned on, looks at what a study is given: every hour."""
_WATCHED_OTHERWISE = {PROBE_STATE, "concepts"}
"""Among the settings of stages: what has a source of its own."""


@dataclass(frozen=True)
class Source:
    """Something outside the pipeline.

    Attributes:
        name: Of its asset.
        description: What it is.
        version: What changes with it, for a target.
        facts: What an observation of it tells besides.
    """

    name: str
    description: str
    version: Callable[[Workbench, str], str]
    facts: Callable[[Workbench], Mapping[str, str | int]] = lambda _: {}

    def asset(self, study: Study) -> dg.SourceAsset:
        """The observable asset, with a partition a target."""
        partitions = by_model(study)

        def observe(context: dg.AssetExecutionContext, bench: Workbench):  # noqa: ANN202 (Dagster would take it for the type of outputs)
            wanted = context.partition_keys if context.has_partition_key else sorted(study.targets)
            facts = self.facts(bench)
            for model in wanted:
                tags = {DATA_VERSION_TAG: self.version(bench, model)[:16]}
                context.log_event(
                    dg.AssetObservation(self.name, partition=model, metadata=facts, tags=tags)
                )
            return dg.DataVersionsByPartition({})  # they are told above, with the facts

        return dg.observable_source_asset(
            name=self.name,
            description=self.description,
            group_name="world",
            partitions_def=partitions,
            tags={"kind": "given"},
            automation_condition=dg.AutomationCondition.on_cron(OBSERVED),
        )(observe)


def _of_settings(group: str) -> Callable[[Workbench, str], str]:
    """The version of what the study file says of a group of stages, for a target."""

    def version(bench: Workbench, model: str) -> str:
        stages = [one for one in stages_of(bench.study) if one.group == group]
        said = [
            {
                name: value
                for name, value in one.recipe(bench, model).settings.items()
                if name not in _WATCHED_OTHERWISE
            }
            for one in stages
        ]
        return settings_hash(said)

    return version


def _probe_set(bench: Workbench, model: str) -> str:
    return bench.images_of(model).state() or "not there yet"


SOURCES: Mapping[str, Source] = {
    one.name: one
    for one in (
        Source(
            "probe_set",
            "The state of a target's probe images: names, sizes and times, or the revision.",
            _probe_set,
        ),
        Source(
            "target_weights",
            "A target's weights, with its network, layer, reducer and transform.",
            lambda bench, model: bench.target_hash(model),
        ),
        Source(
            "vision_language_model",
            "The files of the model that compares patches with words.",
            lambda bench, _: bench.vision_language_hash,
        ),
        Source(
            "generator_model",
            "The files of the text-to-image model.",
            lambda bench, _: str(bench.generator_identity["pipeline"]),
        ),
        Source(
            "concept_set",
            "The candidate words.",
            lambda bench, _: settings_hash(concept_names(bench.study)),
            lambda bench: concept_facts(bench.study.concepts, concept_listings(bench.study)),
        ),
        Source("select_settings", "What the study file says of selecting.", _of_settings("select")),
        Source(
            "hypothesize_settings",
            "What the study file says of crops, clusters and names.",
            _of_settings("hypothesize"),
        ),
        Source(
            "verify_settings",
            "What the study file says of pictures and rates.",
            _of_settings("verify"),
        ),
        Source(
            "compare_settings",
            "What the study file says of other explainers.",
            _of_settings("compare"),
        ),
        Source(
            "report_settings",
            "What reports tell of the study file and of the installed libraries.",
            _of_settings("report"),
        ),
    )
}
"""By name."""
