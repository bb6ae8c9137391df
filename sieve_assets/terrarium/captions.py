"""Which words are true of a scene, the concept set, and scenes that show a given concept."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool

from sieve_assets.terrarium.scenes import Pose, Scene, place_scene
from sieve_assets.terrarium.world import (
    BACKGROUNDS,
    WorldObject,
    drawn_objects,
    everyday_words,
    families,
    world_objects,
)

PREPOSITIONS = {"sky": "in", "water": "in", "night": "at"}
"""How an object stands on a background; "on" for the others."""
WIDER_FAMILIES = {"fruit": ("fruit", "food")}
"""Families whose members belong to a wider one too."""


@dataclass(frozen=True)
class Concept:
    """A word or phrase and what it requires of a scene: nothing, if it names nothing here.

    Attributes:
        text: As in the concept set, such as `dog on grass`.
        thing: Object it requires.
        family: Family it requires.
        background: Background it requires.
    """

    text: str
    thing: WorldObject | None = None
    family: str | None = None
    background: str | None = None

    @property
    def is_of_the_world(self) -> bool:
        """Whether the text names something that scenes can show."""
        return any((self.thing, self.family, self.background))

    def is_true_of(self, scene: Scene) -> bool:
        """Return whether the scene shows everything that the text requires."""
        return (
            self.is_of_the_world
            and self.thing in (None, scene.thing)
            and self.background in (None, scene.background)
            and (self.family is None or self.family in families_of(scene.thing))
        )


def families_of(thing: WorldObject | None) -> tuple[str, ...]:
    """Return the family words that are true of an object; none for an empty scene."""
    if thing is None:
        return ()
    return WIDER_FAMILIES.get(thing.family, (thing.family,))


def pair_text(thing: WorldObject, background: str) -> str:
    """Return the phrase for an object on a background, such as `fish in water`."""
    return f"{thing.name} {PREPOSITIONS.get(background, 'on')} {background}"


def _named_concepts(things: tuple[WorldObject, ...]) -> list[Concept]:
    single = [Concept(thing.name, thing=thing) for thing in things]
    kinds = [Concept(family, family=family) for family in families()]
    places = [Concept(background, background=background) for background in BACKGROUNDS]
    pairs = [
        Concept(pair_text(thing, background), thing=thing, background=background)
        for thing in things
        for background in BACKGROUNDS
    ]
    return single + kinds + places + pairs


@cache
def concept_set() -> tuple[Concept, ...]:
    """Return the concept set that ships.

    Drawn objects, families, backgrounds, objects on backgrounds, everyday words, in this order.
    """
    return (*_named_concepts(drawn_objects()), *(Concept(word) for word in everyday_words()))


@cache
def known_concepts() -> tuple[Concept, ...]:
    """Return what the vision-language model learns: `concept_set`, but of all objects."""
    return (*_named_concepts(world_objects()), *(Concept(word) for word in everyday_words()))


def concept_named(text: str) -> Concept:
    """Return the concept with this text; a word the world does not know names nothing."""
    known = {concept.text: concept for concept in known_concepts()}
    return known.get(text, Concept(text))


def truth_table(
    scenes: list[Scene], concepts: tuple[Concept, ...]
) -> Bool[np.ndarray, "image concept"]:
    """Return which concept is true of which scene.

    Asked once a kind of scene: no concept says anything of poses.
    """
    examples = {(one.thing, one.background): one for one in scenes}
    truth = [[concept.is_true_of(one) for concept in concepts] for one in examples.values()]
    places = {kind: place for place, kind in enumerate(examples)}
    rows = [places[one.thing, one.background] for one in scenes]
    return np.array(truth, dtype=bool).reshape(len(examples), len(concepts))[rows]


def scene_of(concept: Concept, *, pose: Pose, generator: np.random.Generator) -> Scene:
    """Return an unbiased scene that shows the concept; a background alone is an empty scene.

    Raises:
        ValueError: The concept names nothing in the world.
    """
    if not concept.is_of_the_world:
        raise ValueError(
            f"scene_of: expected a concept of the world, got {concept.text!r}. Leave it out."
        )
    thing = concept.thing
    if concept.family is not None:
        kin = [member for member in drawn_objects() if concept.family in families_of(member)]
        thing = kin[generator.integers(len(kin))]
    background = concept.background or BACKGROUNDS[generator.integers(len(BACKGROUNDS))]
    return place_scene(thing, background, pose=pose, generator=generator)
