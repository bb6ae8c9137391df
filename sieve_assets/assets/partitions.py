"""Partitions: targets, neurons of targets, and which of them a run is to do.

Not here: the stages that have them.
"""

import os
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import dagster as dg

from sieve_assets.study import Study

# Ranges of partitions are what this pipeline is built on; users need not hear daily that they may
# still change.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

BY_MODEL_TO_NEURONS = dg.MultiToSingleDimensionPartitionMapping("model")
NEURONS_A_RUN = "SIEVE_NEURONS_A_RUN"
"""Variable of the environment: how many neurons of a target a run of a backfill has at most."""
LEAST_DIGITS = 4
"""Of a neuron's partition key: enough for 10,000 neurons."""
OF_A_MODEL = -1
"""Stands for the neuron in the provenance of a stage by model."""


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


class NeuronPartitions(dg.MultiPartitionsDefinition):
    """Targets × neurons, of which a range is counted out once.

    Dagster asks anew for all of a run's keys at each partition that it is told something of: the
    square of a target's width.
    """

    @lru_cache(maxsize=4)  # noqa: B019 (there are few of these, and they live as long as the process)
    def get_partition_keys_in_range(
        self,
        partition_key_range: dg.PartitionKeyRange,
        dynamic_partitions_store: Any = None,
    ) -> Sequence[str]:
        """Every key of a range: the product of both dimensions' ranges."""
        return super().get_partition_keys_in_range(partition_key_range, dynamic_partitions_store)


def by_model(study: Study) -> dg.StaticPartitionsDefinition:
    """One partition a target."""
    return dg.StaticPartitionsDefinition(sorted(study.targets))


def neuron_key(neuron: int, study: Study) -> str:
    """The neuron's partition key, padded with zeros so that keys sort as numbers.

    As long for narrow targets as for wide ones, so that a target added later renames no partition.
    """
    return f"{neuron:0{max(LEAST_DIGITS, len(str(study.n_neurons - 1)))}d}"


def by_neuron(study: Study) -> NeuronPartitions:
    """One partition a target and neuron, up to the widest target's width."""
    keys = [neuron_key(neuron, study) for neuron in range(study.n_neurons)]
    return NeuronPartitions(
        {"model": by_model(study), "neuron": dg.StaticPartitionsDefinition(keys)}
    )


def backfill_policy(*, is_by_neuron: bool) -> dg.BackfillPolicy:
    """How a backfill is cut into runs: one for all of it, unless $SIEVE_NEURONS_A_RUN divides it.

    Then runs have so many neurons of a target at most, or one target, and several machines have
    something to do.

    Raises:
        ValueError: It is no number of neurons.
    """
    asked = os.environ.get(NEURONS_A_RUN, "")
    if not asked:
        return dg.BackfillPolicy.single_run()
    if not asked.isascii() or not asked.isdigit() or int(asked) < 1:
        raise ValueError(
            f"{NEURONS_A_RUN}: expected a number of neurons, at least 1, got {asked!r}. Leave it "
            "away to have a target's neurons in one run."
        )
    return dg.BackfillPolicy.multi_run(int(asked) if is_by_neuron else 1)


def place_of(share: Share, study: Study) -> float:
    """Where a run's part of all targets' neurons begins, as a share of them: from 0 to below 1."""
    before = sorted(study.targets).index(share.model)
    within = max(share.neurons[0], 0) / study.targets[share.model].width
    return (before + within) / len(study.targets)


def stretches(neurons: Sequence[int]) -> list[list[int]]:
    """Neurons in the order of their numbers, cut where one is left out: a run covers a range."""
    found: list[list[int]] = []
    for neuron in sorted(neurons):
        if found and neuron == found[-1][-1] + 1:
            found[-1].append(neuron)
        else:
            found.append([neuron])
    return found


def shares(context: dg.AssetExecutionContext, study: Study) -> Iterator[Share]:
    """What a run is to do, target by target; keys beyond a target's width are marked absent.

    Raises:
        ValueError: The run's range of partitions is empty.
    """
    if not context.partition_keys:
        raise ValueError(
            "run: expected partitions, got a range that holds none. A range over two targets is "
            "the product of both dimensions: its first neuron must not come after its last."
        )
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
