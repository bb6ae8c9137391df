"""What is stale, of which stage, target and neuron, and why: the warehouse's answer, in words.

Not here: Dagster's own marks, which know less.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from sieve_assets.assets.lineage import Change, Lineage, lineages
from sieve_assets.assets.partitions import OF_A_MODEL, Share, stretches
from sieve_assets.assets.pipeline import stages_of
from sieve_assets.assets.probe_sets import PROBE_STATE, probe_images
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Stage
from sieve_assets.stores.connections import LakeLostError, WarehouseBusyError

STALE, MISSING, FAILED, UNKNOWN, FOLLOWS = "stale", "missing", "failed", "unknown", "follows"
STATES: Mapping[str, str] = {
    STALE: "made otherwise than it would be made now",
    MISSING: "never made",
    FAILED: "the last try failed",
    UNKNOWN: "it cannot be told what it would be made with",
    FOLLOWS: "comes after something stale: made again if that gives another result",
}
"""What a state means."""
_MOST_REASON = 300
"""Characters of a reason in the report."""


class Finding(NamedTuple):
    """Something of a target that is not up to date."""

    model: str
    stage: str
    state: str
    """One of `STATES`."""
    why: str
    """What has changed."""
    neurons: tuple[int, ...]
    """Which; `OF_A_MODEL` alone for a stage by model."""


def find_stale(bench: Workbench, models: Iterable[str] = ()) -> list[Finding]:
    """What is not as it would be made now, by target and stage in their order.

    Args:
        bench: The stores, and what the study says now.
        models: Targets to look at; all if none is named.

    Raises:
        WarehouseBusyError, LakeLostError: It cannot be told what is stored.
    """
    wanted = list(models) or sorted(bench.study.targets)
    return [finding for model in wanted for finding in _of_model(bench, model)]


def stale_table(findings: Sequence[Finding]) -> pd.DataFrame:
    """The findings as a table for people: neurons as ranges."""
    rows = [
        {
            "target": one.model,
            "stage": one.stage,
            "state": one.state,
            "neurons": ranges(one.neurons),
            "count": len(one.neurons),
            "why": one.why[:_MOST_REASON],
        }
        for one in findings
    ]
    return pd.DataFrame(rows, columns=["target", "stage", "state", "neurons", "count", "why"])


def ranges(neurons: Sequence[int]) -> str:
    """Neurons as "0-4, 7"; "–" for a target as a whole."""
    if list(neurons) == [OF_A_MODEL]:
        return "–"
    ends = [(some[0], some[-1]) for some in stretches(neurons)]
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ends)


def _of_model(bench: Workbench, model: str) -> Iterator[Finding]:
    neurons = list(range(bench.study.targets[model].width))
    shares = {True: Share(model, neurons, []), False: Share(model, [OF_A_MODEL], [])}
    touched: dict[str, set[int]] = {}
    stages = stages_of(bench.study)
    for lineage in lineages(bench, [(one, shares[one.is_by_neuron]) for one in stages]):
        stage, share = lineage.stage, lineage.share
        follows = _following(stage, share, touched)
        try:
            states = {
                neuron: _state(lineage, neuron, follows=neuron in follows)
                for neuron in share.neurons
            }
        except (WarehouseBusyError, LakeLostError):
            raise
        except (LookupError, ValueError, OSError) as error:
            states = dict.fromkeys(share.neurons, (UNKNOWN, " ".join(str(error).split())))
        touched[stage.name] = {neuron for neuron, state in states.items() if state}
        yield from _grouped(model, stage, states)


def _following(stage: Stage, share: Share, touched: Mapping[str, set[int]]) -> set[int]:
    """The share's neurons that come after something that is not up to date."""
    found: set[int] = set()
    for one in stage.ancestors():
        before = touched.get(one.name, set())
        if one.is_by_neuron and stage.is_by_neuron:
            found |= before
        elif before:
            return set(share.neurons)
    return found


def _state(lineage: Lineage, neuron: int, *, follows: bool) -> tuple[str, str] | None:
    """State and reason of a neuron; None if it is up to date."""
    stage = lineage.stage
    failure = lineage.failures.get((stage.name, neuron))
    change = lineage.change(stage, neuron)
    if failure:
        return FAILED, failure
    if change and change.kind == "missing":
        return MISSING, STATES[MISSING]
    if change and not (stage.shows and follows):  # what is shown says why
        return STALE, _reason(lineage, change)
    return (FOLLOWS, "an input may change") if follows else None


def _reason(lineage: Lineage, change: Change) -> str:
    stage, model = lineage.stage, lineage.share.model
    if change.kind == "input":
        return f"its inputs were made again with another result: {change.why.removeprefix('of ')}"
    is_of_images = not change.why or PROBE_STATE in change.why
    if stage.name == probe_images.name and is_of_images:
        others = [one for one in change.why.split("; ") if one and PROBE_STATE not in one]
        return "; ".join([*others, _images_change(lineage.bench, model)])
    return change.why or "made with other settings, models or code"


def _images_change(bench: Workbench, model: str) -> str:
    """What has happened to the probe images since they were listed."""
    name = bench.study.targets[model].probe
    listed = bench.warehouse.read("SELECT image_id FROM probe_images WHERE probe = $1", [name])
    before, now = set(listed["image_id"]), _names(bench, name)
    counts = [(len(now - before), "added"), (len(before - now), "removed")]
    told = [f"{n} {'image' if n == 1 else 'images'} {what}" for n, what in counts if n]
    return ", ".join(told) or "images of the probe set were changed, touched or moved"


def _names(bench: Workbench, probe: str) -> set[str]:
    """The images of a probe set now; of one that is not there, none."""
    try:
        return {item.image_id for item in bench.image_set(probe).items()}
    except FileNotFoundError:
        return set()


def _grouped(
    model: str, stage: Stage, states: Mapping[int, tuple[str, str] | None]
) -> Iterator[Finding]:
    """Neurons of the same state for the same reason together, in the order of the first."""
    groups: dict[tuple[str, str], list[int]] = {}
    for neuron, state in states.items():
        if state:
            groups.setdefault(state, []).append(neuron)
    for (state, why), neurons in groups.items():
        yield Finding(model, stage.name, state, why, tuple(neurons))
