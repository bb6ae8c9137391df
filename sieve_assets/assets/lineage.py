"""What a share of a stage goes back to, by the provenance of every stage before it.

Refuses to go on from what is absent or out of date: the warehouse knows, Dagster's marks do not.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import OF_A_MODEL, Share, Stage
from sieve_assets.study import settings_hash

Place = tuple[str, int]
"""A stage's name and a neuron, `OF_A_MODEL` for a stage by model."""

_NOTES = """
SELECT stage, neuron, input_hash, output_hash, coalesce(weights_hash, '') AS weights_hash
FROM provenance
WHERE model = $model AND stage IN (SELECT unnest($stages))
AND ($is_whole OR neuron IN (SELECT unnest($neurons)))
"""
_MOST_NEURONS = 5


class Note(NamedTuple):
    """What provenance says of a stage and a neuron."""

    input_hash: str
    output_hash: str
    weights_hash: str
    """Empty if the stage ran no model."""


def checked_inputs(
    bench: Workbench, stage: Stage, share: Share, made_with: Mapping[str, str]
) -> dict[Place, str]:
    """Output hashes of what the share of a stage is made from.

    Args:
        bench: The stores.
        stage: The stage that is about to run.
        share: What it is to make.
        made_with: Hash of the model that an earlier stage, by name, must have run.

    Raises:
        LookupError: An earlier stage has stored nothing, made it from what has been replaced since,
            or ran another model.
    """
    notes = _read_notes(bench, stage, share)
    outputs = {place: note.output_hash for place, note in notes.items()}
    for upstream in stage.reads:
        absent = _absent(stage, upstream, share, notes)
        _refuse("got nothing stored", stage, share, upstream, absent)
    for upstream in _ancestors(stage):
        places = {neuron: note for (name, neuron), note in notes.items() if name == upstream.name}
        stale = [n for n in places if places[n].input_hash != input_hash(upstream, n, outputs)]
        _refuse("got what was made from rows replaced since", stage, share, upstream, stale)
        wanted = made_with.get(upstream.name, "")
        other = [n for n in places if wanted not in places[n].weights_hash]
        _refuse("got what another model made", stage, share, upstream, other)
    return outputs


def input_hash(stage: Stage, neuron: int, outputs: Mapping[Place, str]) -> str:
    """SHA-256 over what a stage reads for a neuron; for a whole model, over all of its neurons."""
    inputs: list[object] = []
    for read in stage.reads:
        if neuron == OF_A_MODEL or not read.is_by_neuron:
            inputs.append([read.name, _of_all_neurons(read, outputs)])
        else:
            inputs.append([read.name, outputs.get((read.name, neuron))])
    return settings_hash(*inputs)


def _of_all_neurons(read: Stage, outputs: Mapping[Place, str]) -> list[tuple[int, str]]:
    return sorted((neuron, value) for (name, neuron), value in outputs.items() if name == read.name)


def _ancestors(stage: Stage) -> list[Stage]:
    """Every stage before a stage, each once, before those that read it."""
    found: dict[str, Stage] = {}
    for read in stage.reads:
        found |= {one.name: one for one in (*_ancestors(read), read)}
    return list(found.values())


def _read_notes(bench: Workbench, stage: Stage, share: Share) -> dict[Place, Note]:
    found = bench.warehouse.read(
        _NOTES,
        {
            "model": share.model,
            "stages": [one.name for one in _ancestors(stage)],
            "is_whole": not stage.is_by_neuron,
            "neurons": [*share.neurons, OF_A_MODEL],
        },
    )
    notes = zip(*(found[name] for name in Note._fields), strict=True)
    places = zip(found["stage"], found["neuron"], strict=True)
    return {place: Note(*note) for place, note in zip(places, notes, strict=True)}


def _absent(stage: Stage, upstream: Stage, share: Share, notes: Mapping[Place, Note]) -> list[int]:
    """Of which of the share's neurons nothing is stored; a whole model takes those there are."""
    if stage.is_by_neuron:
        neurons = share.neurons if upstream.is_by_neuron else [OF_A_MODEL]
        return [neuron for neuron in neurons if (upstream.name, neuron) not in notes]
    return [] if any(name == upstream.name for name, _ in notes) else [OF_A_MODEL]


def _refuse(got: str, stage: Stage, share: Share, upstream: Stage, neurons: list[int]) -> None:
    if not neurons:
        return
    some = ", ".join(str(neuron) for neuron in sorted(neurons)[:_MOST_NEURONS])
    more = ", …" if len(neurons) > _MOST_NEURONS else ""
    which = share.model if neurons == [OF_A_MODEL] else f"{share.model}, neurons {some}{more}"
    raise LookupError(
        f"{stage.name}: expected {upstream.name} of {which} as it would be made now, {got}. "
        f"Materialize {upstream.name} first."
    )
