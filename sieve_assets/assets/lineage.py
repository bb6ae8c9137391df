"""What a stage's rows go back to, by provenance: what is as it would be made now, and what is not.

The warehouse knows, Dagster's marks do not. Not here: what is then computed (see `records`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from sieve_assets.assets.differences import differences
from sieve_assets.assets.notes import Note, Stored, stored_of, stored_of_target
from sieve_assets.assets.partitions import OF_A_MODEL, Share
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Stage
from sieve_assets.settings_hash import settings_hash, settings_text

Place = tuple[str, int]
"""A stage's name and a neuron, `OF_A_MODEL` for a stage by model."""

_SAID = """
SELECT said FROM recipes
WHERE stage = $stage AND settings_hash = $settings AND weights_hash = $weights
"""
_MOST_NEURONS = 5


class Made(NamedTuple):
    """What a stage makes its rows of a target with."""

    settings_hash: str
    weights_hash: str
    """Empty if the stage runs no model."""
    said: str
    """Version, settings and models by name, as JSON."""


class Change(NamedTuple):
    """In what a neuron's rows are not what would be made now."""

    kind: str
    """missing, settings, model or input."""
    got: str
    """As it stands in an error."""
    why: str
    """What has changed, in words; empty if that is not known."""


@dataclass(frozen=True)
class Lineage:
    """What is stored of a stage and of all before it, for one target.

    Attributes:
        bench: The stores, and what the study says now.
        stage: The last stage that is looked at.
        share: The target, and the neurons that are looked at.
        stored: What `stored_of` found; if None, the warehouse is asked when it is needed.
        made: What stages would run with now, as far as it has been asked for.
    """

    bench: Workbench
    stage: Stage
    share: Share
    stored: Stored | None = field(default=None, compare=False)
    made: dict[str, Made] = field(default_factory=dict, compare=False)
    _said: dict[tuple[str, str, str], Mapping[str, Any]] = field(
        default_factory=dict, compare=False
    )

    @cached_property
    def notes(self) -> dict[Place, Note]:
        """Provenance of the stage and of every stage before it."""
        found = self._stored.notes
        notes = zip(*(found[name] for name in Note._fields), strict=True)
        places = zip(found["stage"], found["neuron"], strict=True)
        return {place: Note(*note) for place, note in zip(places, notes, strict=True)}

    @cached_property
    def failures(self) -> dict[Place, str]:
        """Why the last try of the stage, or of one before it, failed for a neuron."""
        found = self._stored.failures
        places = zip(found["stage"], found["neuron"], strict=True)
        return dict(zip(places, found["reason"], strict=True))

    @cached_property
    def _stored(self) -> Stored:
        if self.stored is not None:
            return self.stored
        return self.bench.warehouse.together(lambda read: stored_of(self.stage, self.share, read))

    @cached_property
    def outputs(self) -> dict[Place, str]:
        """Output hash of everything before the stage that is stored and can be relied on."""
        return {
            place: note.output_hash
            for place, note in self.notes.items()
            if place[0] != self.stage.name and place[1] not in self.unreliable
        }

    @cached_property
    def unreliable(self) -> frozenset[int]:
        """Neurons that a stage by model leaves out, since a stage before it failed for them."""
        if self.stage.is_by_neuron:
            return frozenset()
        return frozenset(neuron for _, neuron in self._failures_before) - {OF_A_MODEL}

    @cached_property
    def _failures_before(self) -> dict[Place, str]:
        return {
            place: reason for place, reason in self.failures.items() if place[0] != self.stage.name
        }

    def made_with(self, stage: Stage) -> Made:
        """What a stage would make the target's rows with now."""
        if stage.name not in self.made:
            recipe = stage.recipe(self.bench, self.share.model)
            said = {"code version": stage.version, **recipe.settings, **recipe.models}
            self.made[stage.name] = Made(
                settings_hash(stage.version, *recipe.settings.values()),
                recipe.weights_hash or "",
                settings_text(said),
            )
        return self.made[stage.name]

    def change(self, stage: Stage, neuron: int) -> Change | None:
        """In what a stage's rows of a neuron are not what would be made now; None if in nothing.

        The stages before are taken as they are.
        """
        note = self.notes.get((stage.name, neuron))
        if note is None:
            return Change("missing", "got nothing stored", "")
        made = self.made_with(stage)
        if note.weights_hash != made.weights_hash:
            return Change("model", "got what another model made", self._difference(stage, note))
        if note.settings_hash != made.settings_hash:
            got = "got what was made with other settings or from other files"
            return Change("settings", got, self._difference(stage, note))
        if note.input_hash != input_hash(stage, neuron, self.outputs):
            read = " or ".join(one.name for one in stage.reads)
            return Change("input", "got what was made from rows replaced since", f"of {read}")
        return None

    def _difference(self, stage: Stage, note: Note) -> str:
        """In which settings and models a note's recipe is another than that of now."""
        key = (stage.name, note.settings_hash, note.weights_hash)
        if key not in self._said:
            asked: dict[str, str] = dict(zip(("stage", "settings", "weights"), key, strict=True))
            found = self.bench.warehouse.read(_SAID, asked)
            self._said[key] = json.loads(found["said"].iloc[0]) if len(found) else {}
        before = self._said[key]
        if not before:
            return ""
        return "; ".join(differences(before, json.loads(self.made_with(stage).said)))

    def refuse_stale_inputs(self) -> None:
        """See that every stage before this one is as it would be made now, unless it only shows.

        Raises:
            LookupError: One has stored nothing, or made it from what has been replaced since, with
                other settings, or with another model.
        """
        for upstream in self.stage.reads:
            self._refuse(upstream, dict.fromkeys(self._absent(upstream), _NOTHING))
        for upstream, changes in () if self.stage.shows else self._changes_before():
            self._refuse(upstream, changes)

    def stale_before(self) -> dict[str, list[int]]:
        """Of each stage before this one the neurons whose rows are not as they would be now."""
        stale = {
            upstream.name: sorted(neuron for neuron, change in changes.items() if change)
            for upstream, changes in self._changes_before()
        }
        return {name: neurons for name, neurons in stale.items() if neurons}

    def _changes_before(self) -> Iterator[tuple[Stage, dict[int, Change | None]]]:
        """Of what is stored of each stage before this one, by neuron."""
        for upstream in self.stage.ancestors():
            there = [
                neuron
                for name, neuron in self.notes
                if name == upstream.name and neuron not in self.unreliable
            ]
            yield upstream, {neuron: self.change(upstream, neuron) for neuron in there}

    def left_out(self) -> dict[int, str]:
        """The share's neurons that nothing can be made of, since a stage before failed for them.

        If it failed for the target as a whole, these are all of them.
        """
        reasons = {
            neuron: f"{stage} failed: {why}"
            for (stage, neuron), why in self._failures_before.items()
        }
        of_all = reasons.get(OF_A_MODEL)
        if of_all:
            return dict.fromkeys(self.share.neurons, of_all)
        return {neuron: reasons[neuron] for neuron in self.share.neurons if neuron in reasons}

    def stale_neurons(self) -> list[int]:
        """The share's neurons whose rows of this stage are not what would be made now."""
        return [neuron for neuron in self.share.neurons if self.change(self.stage, neuron)]

    def _absent(self, upstream: Stage) -> list[int]:
        """Of which neurons nothing is stored; a whole model takes those there are."""
        if self.stage.is_by_neuron:
            neurons = self.share.neurons if upstream.is_by_neuron else [OF_A_MODEL]
            return [neuron for neuron in neurons if (upstream.name, neuron) not in self.notes]
        return [] if any(name == upstream.name for name, _ in self.notes) else [OF_A_MODEL]

    def _refuse(self, upstream: Stage, changes: Mapping[int, Change | None]) -> None:
        change = next(filter(None, changes.values()), None)
        if change is None:
            return
        which = _told(self.share.model, [n for n, one in changes.items() if one == change])
        why = f" ({change.why})" if change.why and change.kind != "input" else ""
        raise LookupError(
            f"{self.stage.name}: expected {upstream.name} of {which} as it would be made now, "
            f"{change.got}{why}. Materialize {upstream.name} first."
        )


_NOTHING = Change("missing", "got nothing stored", "")


def _told(model: str, neurons: Iterable[int]) -> str:
    """A target, with the first few of its neurons unless it is meant as a whole."""
    neurons = sorted(neurons)
    if neurons == [OF_A_MODEL]:
        return model
    some = ", ".join(str(neuron) for neuron in neurons[:_MOST_NEURONS])
    more = ", …" if len(neurons) > _MOST_NEURONS else ""
    return f"{model}, neurons {some}{more}"


def lineages(bench: Workbench, shares: Sequence[tuple[Stage, Share]]) -> Iterator[Lineage]:
    """The lineage of each stage for a share of it, all of one target and of one moment."""
    stages, model = [stage for stage, _ in shares], shares[0][1].model
    stored = bench.warehouse.together(lambda read: stored_of_target(stages, model, read))
    made: dict[str, Made] = {}
    for stage, share in shares:
        yield Lineage(bench, stage, share, stored.up_to(stage), made)


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


def _of_all_neurons(read: Stage, outputs: Mapping[Place, str]) -> list[tuple[int, str]]:
    return sorted((neuron, value) for (name, neuron), value in outputs.items() if name == read.name)
