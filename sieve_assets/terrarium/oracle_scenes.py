"""Scenes whose truth is known, to judge verdicts by: unbiased ones, and those made for a concept.

Not here: what neurons do on them, and what that says of a name.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import UInt8

from sieve_assets.terrarium.captions import concept_named, scene_of
from sieve_assets.terrarium.renderer import draw_scenes, renderer_identity
from sieve_assets.terrarium.scenes import NARROW, WIDE, Scene, unbiased_scenes
from sieve_assets.terrarium.workers import in_parts

UNBIASED_SCENES = 20_000
"""Scenes of the whole world. docs/method.md, section 5: at least 20,000."""
UNBIASED_POSE = WIDE
"""The probe set's."""
UNBIASED_SEED = 1_000_003
"""Far from the seeds that the probe sets and the models were made with."""
EMPTY_SHARE = 0.1
"""Share of the unbiased scenes that show no object."""
CONCEPT_SCENES = 500
"""Scenes that show a given concept. docs/method.md, section 5: at least 500."""
ORACLE_POSE = NARROW
"""Of scenes made for a concept: as the generator was taught to draw."""
MOST_AT_ONCE = 1024
"""Scenes that are drawn before their reader gets them, so that few are in memory at a time."""


@dataclass(frozen=True)
class SceneSet:
    """Scenes that a target is to be observed on, in an order of their own.

    Attributes:
        concept: What each of them shows; None for the whole world without bias.
        n_scenes: How many; those of a smaller set are the first of a larger one.
    """

    concept: str | None
    n_scenes: int

    @property
    def identity(self) -> Mapping[str, object]:
        """What the pictures depend on; other concepts do not count."""
        how = (
            (UNBIASED_POSE, UNBIASED_SEED, EMPTY_SHARE) if self.concept is None else (ORACLE_POSE,)
        )
        pose, *rest = how
        return {**asdict(self), "pose": asdict(pose), "rest": rest, "world": renderer_identity()}

    def scenes(self) -> list[Scene]:
        """Return the scenes.

        Raises:
            ValueError: The concept names nothing in the world.
        """
        if self.concept is None:
            return unbiased_scenes(
                self.n_scenes,
                seed=UNBIASED_SEED,
                empty_share=EMPTY_SHARE,
                pose=UNBIASED_POSE,
                only_drawn=False,
            )
        concept, generator = concept_named(self.concept), concept_generator(self.concept)
        return [
            scene_of(concept, pose=ORACLE_POSE, generator=generator) for _ in range(self.n_scenes)
        ]


def unbiased_set() -> SceneSet:
    """Return the set that a concept's presence is compared on."""
    return SceneSet(None, UNBIASED_SCENES)


def set_of(concept: str) -> SceneSet:
    """Return the set that stands for a concept's generated pictures."""
    return SceneSet(concept, CONCEPT_SCENES)


def concept_generator(text: str) -> np.random.Generator:
    """Return the randomness of a concept's scenes, whatever other concepts there are."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))


def draw_images(scenes: Sequence[Scene]) -> UInt8[np.ndarray, "image row column 3"]:
    """Return the scenes' pictures."""
    return draw_scenes(scenes).images


def draw_batches(
    scenes: Sequence[Scene], *, batch_size: int
) -> Iterator[UInt8[np.ndarray, "image row column 3"]]:
    """Yield the scenes' pictures batch by batch in their order, drawn in other processes.

    About `MOST_AT_ONCE` are drawn, and then read: a network that is at work beside the drawing
    takes its cores, and both are done later.
    """
    ahead = max(MOST_AT_ONCE // batch_size, 1) * batch_size
    for start in range(0, len(scenes), ahead):
        yield from list(in_parts(draw_images, scenes[start : start + ahead], size=batch_size))
