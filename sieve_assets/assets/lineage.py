"""What a stage's rows go back to, by provenance: what is as it would be made now, and what is not.

The warehouse knows, Dagster's marks do not. Not here: what is then computed (see `records`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import OF_A_MODEL, Share, Stage
from sieve_assets.stores.warehouse import Read
from sieve_assets.study import settings_hash

Place = tuple[str, int]
"""A stage's name and a neuron, `OF_A_MODEL` for a stage by model."""

_NOTES = """
SELECT stage, neuron, settings_hash, coalesce(weights_hash, '') AS weights_hash,
    input_hash, output_hash, n_rows
FROM provenance
WHERE model = $model AND stage IN (SELECT unnest($stages))
AND ($is_whole OR neuron IN (SELECT unnest($neurons)))
"""
_MOST_NEURONS = 5


class Note(NamedTuple):
    """What provenance says of a stage and a neuron."""

    settings_hash: str
    weights_hash: str
    """Empty if the stage ran no model."""
    input_hash: str
    output_hash: str
    n_rows: int


@dataclass(frozen=True)
class Lineage:
    """What is stored of a stage and of all before it, for one target.

    Attributes:
        bench: The stores, and what the study says now.
        stage: The last stage that is looked at.
        share: The target, and the neurons that are looked at.
        read: How to ask the warehouse; None opens it for one question.
        recipes: What stages would run with now, as far as it has been asked for.
    """

    bench: Workbench
    stage: Stage
    share: Share
    read: Read | None = None
    recipes: dict[str, tuple[str, str]] = field(default_factory=dict, compare=False)

    @cached_property
    def notes(self) -> dict[Place, Note]:
        """Provenance of the stage and of every stage before it."""
        stages = [one.name for one in (*ancestors(self.stage), self.stage)]
        read = self.read or self.bench.warehouse.read
        found = read(
            _NOTES,
            {
                "model": self.share.model,
                "stages": stages,
                "is_whole": not self.stage.is_by_neuron,
                "neurons": [*self.share.neurons, OF_A_MODEL],
            },
        )
        notes = zip(*(found[name] for name in Note._fields), strict=True)
        places = zip(found["stage"], found["neuron"], strict=True)
        return {place: Note(*note) for place, note in zip(places, notes, strict=True)}

    @cached_property
    def outputs(self) -> dict[Place, str]:
        """Output hash of everything that is stored before the stage."""
        return {
            place: note.output_hash
            for place, note in self.notes.items()
            if place[0] != self.stage.name
        }

    def made_with(self, stage: Stage) -> tuple[str, str]:
        """Hashes of the settings and models a stage would run with now; the latter may be ""."""
        if stage.name not in self.recipes:
            recipe = stage.recipe(self.bench, self.share.model)
            settings = settings_hash(stage.version, *recipe.settings)
            self.recipes[stage.name] = settings, recipe.weights_hash or ""
        return self.recipes[stage.name]

    def change(self, stage: Stage, neuron: int) -> str:
        """In what a stage's rows of a neuron are not what would be made now; empty if in nothing.

        The stages before are taken as they are.
        """
        note = self.notes.get((stage.name, neuron))
        if note is None:
            return "got nothing stored"
        settings, weights = self.made_with(stage)
        if note.weights_hash != weights:
            return "got what another model made"
        if note.settings_hash != settings:
            return "got what was made with other settings or from other files"
        if note.input_hash != input_hash(stage, neuron, self.outputs):
            return "got what was made from rows replaced since"
        return ""

    def refuse_stale_inputs(self) -> None:
        """See that every stage before this one is as it would be made now.

        Raises:
            LookupError: One has stored nothing, or made it from what has been replaced since, with
                other settings, or with another model.
        """
        for upstream in self.stage.reads:
            self._refuse(upstream, dict.fromkeys(self._absent(upstream), "got nothing stored"))
        for upstream in ancestors(self.stage):
            there = [neuron for name, neuron in self.notes if name == upstream.name]
            self._refuse(upstream, {neuron: self.change(upstream, neuron) for neuron in there})

    def stale_neurons(self) -> list[int]:
        """The share's neurons whose rows of this stage are not what would be made now."""
        return [neuron for neuron in self.share.neurons if self.change(self.stage, neuron)]

    def _absent(self, upstream: Stage) -> list[int]:
        """Of which neurons nothing is stored; a whole model takes those there are."""
        if self.stage.is_by_neuron:
            neurons = self.share.neurons if upstream.is_by_neuron else [OF_A_MODEL]
            return [neuron for neuron in neurons if (upstream.name, neuron) not in self.notes]
        return [] if any(name == upstream.name for name, _ in self.notes) else [OF_A_MODEL]

    def _refuse(self, upstream: Stage, changes: Mapping[int, str]) -> None:
        got = next(filter(None, changes.values()), "")
        if not got:
            return
        neurons = sorted(neuron for neuron, change in changes.items() if change == got)
        some = ", ".join(str(neuron) for neuron in neurons[:_MOST_NEURONS])
        more = ", …" if len(neurons) > _MOST_NEURONS else ""
        model = self.share.model
        which = model if neurons == [OF_A_MODEL] else f"{model}, neurons {some}{more}"
        raise LookupError(
            f"{self.stage.name}: expected {upstream.name} of {which} as it would be made now, "
            f"{got}. Materialize {upstream.name} first."
        )


def stale_by_stage(bench: Workbench, stages: Iterable[Stage], share: Share) -> dict[str, list[int]]:
    """For which of the share's neurons each stage must run, if the stages before these need not.

    Args:
        bench: The stores, and what the study says now.
        stages: In order; all by neuron, or all by model.
        share: A target and neurons of it.
    """
    redone: dict[str, list[int]] = {}
    for stage in stages:
        lineage = Lineage(bench, stage, share)
        before = {neuron for one in ancestors(stage) for neuron in redone.get(one.name, [])}
        redone[stage.name] = [n for n in share.neurons if n in before or lineage.change(stage, n)]
    return redone


def input_hash(stage: Stage, neuron: int, outputs: Mapping[Place, str]) -> str:
    """SHA-256 over what a stage reads for a neuron; for a whole model, over all of its neurons."""
    inputs: list[object] = []
    for read in stage.reads:
        if read.is_by_neuron and neuron != OF_A_MODEL:
            inputs.append([read.name, outputs.get((read.name, neuron))])
        elif read.is_by_neuron:
            inputs.append([read.name, _of_all_neurons(read, outputs)])
        else:
            output = outputs.get((read.name, OF_A_MODEL))
            inputs.append([read.name, [] if output is None else [(OF_A_MODEL, output)]])
    return settings_hash(*inputs)


def ancestors(stage: Stage) -> list[Stage]:
    """Every stage before a stage, each once, before those that read it."""
    found: dict[str, Stage] = {}
    for read in stage.reads:
        found |= {one.name: one for one in (*ancestors(read), read)}
    return list(found.values())


def _of_all_neurons(read: Stage, outputs: Mapping[Place, str]) -> list[tuple[int, str]]:
    return sorted((neuron, value) for (name, neuron), value in outputs.items() if name == read.name)
