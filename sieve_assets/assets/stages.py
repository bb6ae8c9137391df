"""How a stage becomes an asset: its partitions, its place in the graph, its neurons in a run.

Not here: what a stage computes or writes.
"""

import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import dagster as dg

from sieve_assets.assets.resources import Workbench
from sieve_assets.study import Study

StageFunction = Callable[[dg.AssetExecutionContext, Workbench], None]

# Runs over ranges of partitions are what this pipeline is built on; users need not hear it daily.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

BY_MODEL_TO_NEURONS = dg.MultiToSingleDimensionPartitionMapping("model")
LEAST_DIGITS = 4
"""Of a neuron's partition key: enough for 10,000 neurons."""
OF_A_MODEL = -1
"""Stands for the neuron in the provenance of a stage by model."""


class Recipe(NamedTuple):
    """What a stage makes its rows with for one target, besides what it reads."""

    settings: tuple[object, ...]
    """Settings that the rows depend on, JSON or pydantic."""
    weights_hash: str | None = None
    """Of the models it runs; None if it runs none."""


def without_settings(_bench: Workbench, _model: str) -> Recipe:
    """The recipe of a stage that follows from what it reads alone."""
    return Recipe(())


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
    """

    function: StageFunction
    group: str
    is_by_neuron: bool
    reads: tuple["Stage", ...]
    recipe: Callable[[Workbench, str], Recipe]
    version: str

    @property
    def name(self) -> str:
        """The stage's name: also of its asset and its table."""
        return self.function.__name__

    def asset(self, study: Study) -> dg.AssetsDefinition:
        """The asset with the partitions of `study`."""
        return dg.asset(
            self.function,
            partitions_def=by_neuron(study) if self.is_by_neuron else by_model(study),
            deps=[self._dependency(stage) for stage in self.reads],
            group_name=self.group,
            code_version=self.version,
            backfill_policy=dg.BackfillPolicy.single_run(),
            kinds={"duckdb", "python"},
        )

    def _dependency(self, stage: "Stage") -> dg.AssetDep:
        crosses = stage.is_by_neuron != self.is_by_neuron
        return dg.AssetDep(stage.name, partition_mapping=BY_MODEL_TO_NEURONS if crosses else None)


def stage(
    *,
    group: str,
    by: str,
    recipe: Callable[[Workbench, str], Recipe],
    reads: Iterable[Stage] = (),
    version: str = "1",
) -> Callable[[StageFunction], Stage]:
    """Make a stage of a function; `by` is "model" or "neuron"."""
    return lambda function: Stage(function, group, by == "neuron", tuple(reads), recipe, version)


def by_model(study: Study) -> dg.StaticPartitionsDefinition:
    """One partition a target."""
    return dg.StaticPartitionsDefinition(sorted(study.targets))


def neuron_key(neuron: int, study: Study) -> str:
    """The neuron's partition key, padded with zeros so that keys sort as numbers.

    As long for narrow targets as for wide ones, so that a target added later renames no partition.
    """
    return f"{neuron:0{max(LEAST_DIGITS, len(str(study.n_neurons - 1)))}d}"


def by_neuron(study: Study) -> dg.MultiPartitionsDefinition:
    """One partition a target and neuron, up to the widest target's width."""
    keys = [neuron_key(neuron, study) for neuron in range(study.n_neurons)]
    return dg.MultiPartitionsDefinition(
        {"model": by_model(study), "neuron": dg.StaticPartitionsDefinition(keys)}
    )


@dataclass(frozen=True)
class Share:
    """The part of a run that belongs to one target.

    Attributes:
        model: The target's name.
        neurons: Its neurons in this run, in order; `OF_A_MODEL` alone in a stage by model.
        keys: The partition key of each.
    """

    model: str
    neurons: list[int]
    keys: list[str]

    def of_neurons(self, wanted: Collection[int]) -> "Share":
        """The part of it that is of some neurons."""
        left = [(n, k) for n, k in zip(self.neurons, self.keys, strict=True) if n in wanted]
        return Share(self.model, [n for n, _ in left], [k for _, k in left])


def shares(context: dg.AssetExecutionContext, study: Study) -> Iterator[Share]:
    """What a run is to do, target by target; keys beyond a target's width are marked absent."""
    wanted: dict[str, dict[int, str]] = {}
    for key in context.partition_keys:
        if isinstance(key, dg.MultiPartitionKey):
            model, neuron = key.keys_by_dimension["model"], int(key.keys_by_dimension["neuron"])
        else:
            model, neuron = key, OF_A_MODEL
        wanted.setdefault(model, {})[neuron] = key
    for model, keys in sorted(wanted.items()):
        width = study.targets[model].width
        for neuron in [neuron for neuron in keys if neuron >= width]:
            context.add_asset_metadata({"status": "absent"}, partition_key=keys.pop(neuron))
        if keys:
            neurons = sorted(keys)
            yield Share(model, neurons, [keys[neuron] for neuron in neurons])
