"""How a stage becomes an asset: its place in the graph, its checks, what it is made with.

Not here: what a stage computes or writes, and what is told of it (see `reporting`).
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import dagster as dg

from sieve_assets.assets.columns import column_metadata
from sieve_assets.assets.partitions import (
    BY_MODEL_TO_NEURONS,
    Share,
    backfill_policy,
    by_model,
    by_neuron,
)
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.retries import retrying_what_may_pass
from sieve_assets.study import Study

StageFunction = Callable[[dg.AssetExecutionContext, Workbench], None]

GPU_POOL = "gpu"
"""Dagster's pool of the stages that run a model."""


class Recipe(NamedTuple):
    """What a stage makes its rows with for one target, besides what it reads."""

    settings: Mapping[str, object]
    """Settings that the rows depend on by the name a person knows them by, JSON or pydantic.

    What is stored is told by their values in this order: a new name changes no hash.
    """
    weights_hash: str | None = None
    """Of the models it runs; None if it runs none."""
    models: Mapping[str, object] = MappingProxyType({})
    """What the models and lists are, by name: says in words what another hash comes from."""
    status: str = ""
    """Why there is nothing to do for the target; empty if there is."""


def without_settings(_bench: Workbench, _model: str) -> Recipe:
    """The recipe of a stage that follows from what it reads alone."""
    return Recipe({})


@dataclass(frozen=True)
class Check:
    """Something that must hold for the stored rows of every neuron.

    Attributes:
        name: As Dagster shows it.
        description: What holds.
        find: The neurons of a share for which it does not, each with what was expected and found.
        is_blocking: Whether what follows would be nonsense; it then leaves those neurons out.
        figures: What is told of a share beside the outcome, whatever it is.
    """

    name: str
    description: str
    find: Callable[[Workbench, Share], Mapping[int, str]]
    is_blocking: bool = True
    figures: Callable[[Workbench, Share], Mapping[str, str]] | None = None


def _nothing(_bench: Workbench, _share: Share) -> Mapping[int, str]:
    """`reporting` looks at it itself: it needs the stage."""
    return {}


LINEAGE = Check(
    "lineage",
    "The rows are as many as were noted, and were made from the inputs, settings and models that "
    "there are now.",
    _nothing,
)
"""Holds for every stage."""


@dataclass(frozen=True)
class Stage:
    """A stage of the method, not yet tied to a study.

    Attributes:
        function: Computes and stores one run's partitions; its name is the stage's, its
            docstring the asset's description.
        group: Step of the paper it belongs to.
        is_by_neuron: Whether its partitions are (model, neuron), not model alone.
        reads: The stages whose results it reads.
        recipe: Says what it would make the rows of a target with now, without loading a model.
        version: Raised whenever the same inputs give other results.
        table: The warehouse's table that it fills.
        given: What it takes from outside the pipeline: names of `sources`.
        runs_models: Whether it runs a network, which one GPU does for one run at a time.
        facts: Query for what a person wants to know: by `neuron`, for `$neurons` of `$model`; it
            may name `$probe` and `$n_images`, a hypothesis's pictures at most.
        pictures: Makes the pictures that go with it, as Markdown by neuron.
        checks: What must hold for its rows.
    """

    function: StageFunction
    group: str
    is_by_neuron: bool
    reads: tuple["Stage", ...]
    recipe: Callable[[Workbench, str], Recipe]
    version: str
    table: str
    given: tuple[str, ...]
    runs_models: bool
    facts: str
    pictures: Callable[[Workbench, Share], Mapping[int, Mapping[str, str]]] | None
    links: Callable[[Workbench, str], Mapping[str, dg.MetadataValue]] | None
    shows: bool
    checks: tuple[Check, ...]

    @property
    def name(self) -> str:
        """The stage's name: also of its asset."""
        return self.function.__name__

    def ancestors(self) -> list["Stage"]:
        """Every stage before it, each once, before those that read it."""
        found: dict[str, Stage] = {}
        for read in self.reads:
            found |= {one.name: one for one in (*read.ancestors(), read)}
        return list(found.values())

    def asset(self, study: Study) -> dg.AssetsDefinition:
        """The asset with the partitions of `study`."""
        partitions = by_neuron(study) if self.is_by_neuron else by_model(study)
        return dg.asset(
            self._computation(),
            name=self.name,
            description=inspect.getdoc(self.function),
            partitions_def=partitions,
            deps=[
                *(self._dependency(one.name, is_by_neuron=one.is_by_neuron) for one in self.reads),
                *(self._dependency(source, is_by_neuron=False) for source in self.given),
            ],
            check_specs=[self._check_spec(one) for one in (LINEAGE, *self.checks)],
            group_name=self.group,
            code_version=self.version,
            backfill_policy=backfill_policy(is_by_neuron=self.is_by_neuron),
            kinds={"duckdb", "torch" if self.runs_models else "python"},
            owners=study.owners,
            tags={"partitioned_by": "neuron" if self.is_by_neuron else "model"},
            metadata=column_metadata(self.table, {one.table: one.name for one in self.reads}),
            pool=GPU_POOL if self.runs_models else None,
            op_tags={"sieve_assets/stage": self.name},
            automation_condition=up_to_date(),
        )

    def _computation(self) -> Callable[..., Iterator[Any]]:
        def compute(context: dg.AssetExecutionContext, bench: Workbench):  # noqa: ANN202 (Dagster would take it for the type of outputs)
            with retrying_what_may_pass():
                self.function(context, bench)
            yield dg.MaterializeResult()
            for name, spec in context.assets_def.check_specs_by_output_name.items():
                if spec.key in context.selected_asset_check_keys:
                    yield dg.Output(None, output_name=name)

        return compute

    def _check_spec(self, check: Check) -> dg.AssetCheckSpec:
        is_leaving_out = check.is_blocking and check is not LINEAGE
        blocks = " What follows leaves out a neuron that fails this." * is_leaving_out
        return dg.AssetCheckSpec(
            check.name,
            asset=self.name,
            description=check.description + blocks,
        )

    def _dependency(self, name: str, *, is_by_neuron: bool) -> dg.AssetDep:
        crosses = is_by_neuron != self.is_by_neuron
        return dg.AssetDep(name, partition_mapping=BY_MODEL_TO_NEURONS if crosses else None)


def stage(
    *,
    group: str,
    by: str,
    recipe: Callable[[Workbench, str], Recipe],
    reads: Iterable[Stage] = (),
    version: str = "1",
    table: str = "",
    given: Iterable[str] = (),
    runs_models: bool = False,
    facts: str = "",
    pictures: Callable[[Workbench, Share], Mapping[int, Mapping[str, str]]] | None = None,
    links: Callable[[Workbench, str], Mapping[str, dg.MetadataValue]] | None = None,
    shows: bool = False,
    checks: Iterable[Check] = (),
) -> Callable[[StageFunction], Stage]:
    """Make a stage of a function; `by` is "model" or "neuron", `table` its own name if empty.

    One that `shows` what is stored does so too where that is out of date, and says so.
    """
    return lambda function: Stage(
        function,
        group,
        by == "neuron",
        tuple(reads),
        recipe,
        version,
        table or function.__name__,
        tuple(given),
        runs_models,
        facts,
        pictures,
        links,
        shows,
        tuple(checks),
    )


def up_to_date() -> dg.AutomationCondition:
    """Asks for a partition that is missing or has other inputs, once all it is made from is there.

    Not while a run that covers it is under way, nor again until its inputs change once more.
    """
    is_due = dg.AutomationCondition.missing() | dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.data_version_changed()
    )
    return (
        is_due.since_last_handled()
        & ~dg.AutomationCondition.any_deps_missing()
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    ).with_label("missing or out of date")
