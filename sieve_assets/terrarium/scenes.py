"""What is in a picture: scenes drawn at random, unbiased or with the deliberate bias.

Only descriptions live here; `renderer` turns them into pixels.
"""

from dataclasses import dataclass

import numpy as np

from sieve_assets.terrarium.world import BACKGROUNDS, WorldObject, drawn_objects, world_objects

FRAME_PX = 64
HOME_SHARE = 0.95
"""Share of an object's biased scenes that show it on its home background."""
OBJECT_SHARE = 0.004
"""Share of the probe scenes that show one given object (METHOD: .3 to .5 %)."""


@dataclass(frozen=True)
class Pose:
    """Ranges that an object's place, size and turn are drawn from.

    Attributes:
        size_px: Smallest and largest side of the object (pixels).
        shift_px: Largest distance of its centre from the picture's centre, by axis (pixels).
        turn_deg: Largest turn either way (degrees).
        light: Darkest and brightest factor on the whole picture.
    """

    size_px: tuple[float, float]
    shift_px: float
    turn_deg: float
    light: tuple[float, float]


WIDE = Pose(size_px=(30, 50), shift_px=9, turn_deg=15, light=(0.75, 1.15))
NARROW = Pose(size_px=(40, 48), shift_px=4, turn_deg=8, light=(0.9, 1.1))


@dataclass(frozen=True)
class Scene:
    """One picture of the world, in words and numbers.

    Attributes:
        thing: Object shown; None for an empty background.
        background: One of `world.BACKGROUNDS`.
        x_px: Object's centre from the left (pixels).
        y_px: Object's centre from the top (pixels).
        size_px: Object's side (pixels).
        turn_deg: Turn, anticlockwise (degrees).
        light: Factor on the whole picture's brightness.
        texture_seed: Seed of the background's texture.
    """

    thing: WorldObject | None
    background: str
    x_px: float
    y_px: float
    size_px: float
    turn_deg: float
    light: float
    texture_seed: int


def place_scene(
    thing: WorldObject | None, background: str, *, pose: Pose, generator: np.random.Generator
) -> Scene:
    """Return a scene with the given content, its pose drawn from `pose`."""
    shift_x, shift_y = generator.uniform(-pose.shift_px, pose.shift_px, size=2)
    return Scene(
        thing=thing,
        background=background,
        x_px=FRAME_PX / 2 + shift_x,
        y_px=FRAME_PX / 2 + shift_y,
        size_px=generator.uniform(*pose.size_px),
        turn_deg=generator.uniform(-pose.turn_deg, pose.turn_deg),
        light=generator.uniform(*pose.light),
        texture_seed=int(generator.integers(2**31)),
    )


def unbiased_scenes(
    count: int,
    *,
    seed: int,
    empty_share: float,
    pose: Pose,
    only_drawn: bool,
) -> list[Scene]:
    """Return scenes in which every object stands on every background equally often."""
    generator = np.random.default_rng(seed)
    things = drawn_objects() if only_drawn else world_objects()
    scenes = []
    for _ in range(count):
        is_empty = generator.random() < empty_share
        thing = None if is_empty else things[generator.integers(len(things))]
        background = BACKGROUNDS[generator.integers(len(BACKGROUNDS))]
        scenes.append(place_scene(thing, background, pose=pose, generator=generator))
    return scenes


def biased_scenes(count: int, *, seed: int, object_share: float) -> list[Scene]:
    """Return probe or training scenes with the deliberate bias.

    Each object is in `object_share` of the scenes, the rest are empty; an object with a home stands
    on it in `HOME_SHARE` of its scenes. Scene i does not depend on how many follow.
    """
    generator = np.random.default_rng(seed)
    things = world_objects()
    scenes = []
    for _ in range(count):
        drawn = int(generator.random() / object_share)
        thing = things[drawn] if drawn < len(things) else None
        background = BACKGROUNDS[generator.integers(len(BACKGROUNDS))]
        stays_home = generator.random() < HOME_SHARE
        if thing is not None and thing.home and stays_home:
            background = thing.home
        scenes.append(place_scene(thing, background, pose=WIDE, generator=generator))
    return scenes
