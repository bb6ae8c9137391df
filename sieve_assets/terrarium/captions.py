"""Which words are true of a scene, the concept set, and scenes that show a given concept."""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool

from sieve_assets.method.explainers.formulas import Operator, split_text
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


class Kind(NamedTuple):
    """What is in a scene, whatever its pose: all that words say anything of."""

    thing: WorldObject | None
    background: str


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

    def is_true_of(self, scene: Scene | Kind) -> bool:
        """Return whether the scene shows everything that the text requires."""
        return (
            self.is_of_the_world
            and self.thing in (None, scene.thing)
            and self.background in (None, scene.background)
            and (self.family is None or self.family in families_of(scene.thing))
        )


@dataclass(frozen=True)
class JoinedConcept:
    """A formula of concepts, such as `(owl OR cat) AND NOT night`, and what it says of a scene.

    Attributes:
        text: Of `formulas.formula_text`.
        left: The formula before it was joined to its last concept.
        operator: What joins them.
        right: The last concept.
    """

    text: str
    left: "AnyConcept"
    operator: Operator
    right: Concept

    @property
    def is_of_the_world(self) -> bool:
        """Whether it is true of something that can be drawn."""
        return bool(self.kinds())

    def is_true_of(self, scene: Scene | Kind) -> bool:
        """Return whether what the scene shows satisfies the formula."""
        is_left, is_right = self.left.is_true_of(scene), self.right.is_true_of(scene)
        match self.operator:
            case Operator.OR:
                return is_left or is_right
            case Operator.AND:
                return is_left and is_right
            case Operator.AND_NOT:
                return is_left and not is_right

    def kinds(self) -> list[Kind]:
        """Return the scenes of drawn objects, or without any, that it is true of."""
        kinds = [Kind(thing, place) for thing in (None, *drawn_objects()) for place in BACKGROUNDS]
        return [kind for kind in kinds if self.is_true_of(kind)]


AnyConcept: TypeAlias = Concept | JoinedConcept


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


@cache
def _concepts_by_text() -> dict[str, Concept]:
    return {concept.text: concept for concept in known_concepts()}


def concept_named(text: str) -> AnyConcept:
    """Return the concept or formula with this text; a word the world does not know names nothing.

    A formula is about whole scenes: `owl AND NOT night` is true of those that show an owl and not
    the night.
    """
    known = _concepts_by_text().get(text)
    if known is not None:
        return known
    split = split_text(text)
    if split is None:
        return Concept(text)
    right = _concepts_by_text().get(split.name, Concept(split.name))
    return JoinedConcept(text, concept_named(split.left), split.operator, right)


def truth_table(
    scenes: list[Scene], concepts: tuple[AnyConcept, ...]
) -> Bool[np.ndarray, "image concept"]:
    """Return which concept or formula is true of which scene.

    Asked once a kind of scene: no concept says anything of poses.
    """
    kinds = [Kind(one.thing, one.background) for one in scenes]
    places = {kind: place for place, kind in enumerate(dict.fromkeys(kinds))}
    return _truth_of_kinds(tuple(places), concepts)[[places[kind] for kind in kinds]]


@lru_cache(maxsize=8)  # a target's truth is asked for by several stages and controls
def _truth_of_kinds(
    kinds: tuple[Kind, ...], concepts: tuple[AnyConcept, ...]
) -> Bool[np.ndarray, "kind concept"]:
    truth = [[concept.is_true_of(kind) for concept in concepts] for kind in kinds]
    return np.array(truth, dtype=bool).reshape(len(kinds), len(concepts))


def scene_of(concept: AnyConcept, *, pose: Pose, generator: np.random.Generator) -> Scene:
    """Return an unbiased scene that shows the concept; a background alone is an empty scene.

    Of a formula, any object on any background that it is true of.

    Raises:
        ValueError: The concept names nothing in the world.
    """
    if not concept.is_of_the_world:
        raise ValueError(
            f"scene_of: expected a concept of the world, got {concept.text!r}. Leave it out."
        )
    if isinstance(concept, JoinedConcept):
        kinds = concept.kinds()
        thing, background = kinds[generator.integers(len(kinds))]
        return place_scene(thing, background, pose=pose, generator=generator)
    thing = concept.thing
    if concept.family is not None:
        kin = [member for member in drawn_objects() if concept.family in families_of(member)]
        thing = kin[generator.integers(len(kin))]
    background = concept.background or BACKGROUNDS[generator.integers(len(BACKGROUNDS))]
    return place_scene(thing, background, pose=pose, generator=generator)
