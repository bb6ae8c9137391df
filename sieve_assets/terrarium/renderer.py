"""Draws scenes: 64 x 64 RGB pictures with exact object masks, the same bytes for the same scene.

The backgrounds' textures are drawn by `textures`; what is in a scene is decided in `scenes`.
"""

import hashlib
import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from sieve_assets.terrarium.scenes import FRAME_PX, Scene
from sieve_assets.terrarium.textures import draw_texture
from sieve_assets.terrarium.world import DATA, world_objects

RENDERER_VERSION = "1"
"""Raised whenever the same scene gives other pixels."""
SPRITE_PX = 64
SHEET_COLUMNS = 12
MASK_LEVEL = 128
"""Opacity (of 255) from which a pixel belongs to the object."""


class Picture(NamedTuple):
    """A drawn scene.

    Attributes:
        image: RGB pixels, 0 to 255.
        mask: True where the object is; all False in an empty scene.
    """

    image: UInt8[np.ndarray, "row column 3"]
    mask: Bool[np.ndarray, "row column"]


class Pictures(NamedTuple):
    """Drawn scenes, of one size.

    Attributes:
        images: RGB pixels, 0 to 255.
        masks: True where each scene's object is.
    """

    images: UInt8[np.ndarray, "image row column 3"]
    masks: Bool[np.ndarray, "image row column"]


@cache
def renderer_identity() -> tuple[str, ...]:
    """Return what a scene's pixels depend on besides the scene: version, hashes of the files."""
    files = (DATA / name for name in ("objects.csv", "sprites.png"))
    return RENDERER_VERSION, *(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)


@cache
def sprites() -> tuple[Image.Image, ...]:
    """Return the objects' sprites (RGBA, alpha-premultiplied), by position in the world."""
    with Image.open(DATA / "sprites.png") as file:
        sheet = file.convert("RGBA")
    boxes = []
    for position in range(len(world_objects())):
        row, column = divmod(position, SHEET_COLUMNS)
        left, top = column * SPRITE_PX, row * SPRITE_PX
        boxes.append(sheet.crop((left, top, left + SPRITE_PX, top + SPRITE_PX)).convert("RGBa"))
    return tuple(boxes)


def draw_sprite(scene: Scene) -> Image.Image:
    """Return the scene's object, turned and scaled, on a transparent frame (RGBa)."""
    if scene.thing is None:
        return Image.new("RGBa", (FRAME_PX, FRAME_PX))
    scale = SPRITE_PX / scene.size_px
    turn = math.radians(scene.turn_deg)
    cosine, sine = scale * math.cos(turn), scale * math.sin(turn)
    middle = SPRITE_PX / 2
    matrix = (
        cosine,
        -sine,
        middle - cosine * scene.x_px + sine * scene.y_px,
        sine,
        cosine,
        middle - sine * scene.x_px - cosine * scene.y_px,
    )
    sprite = sprites()[scene.thing.position]
    return sprite.transform(
        (FRAME_PX, FRAME_PX), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
    )


def object_mask(scene: Scene) -> Bool[np.ndarray, "row column"]:
    """Return where the scene's object is, without drawing its background."""
    return np.asarray(draw_sprite(scene))[..., 3] >= MASK_LEVEL


def draw_scene(scene: Scene) -> Picture:
    """Draw one scene. The same scene gives the same bytes."""
    generator = np.random.default_rng(scene.texture_seed)
    texture = draw_texture(scene.background, frame_px=FRAME_PX, generator=generator)
    layer = np.asarray(draw_sprite(scene))
    opacity = layer[..., 3]
    blended = texture
    if scene.thing is not None:
        shown_through = 1 - opacity.astype(np.float32) / 255
        for channel in range(3):  # faster than broadcasting
            blended[..., channel] *= shown_through
        blended += layer[..., :3]
    blended *= scene.light
    image = np.clip(np.rint(blended, out=blended), 0, 255, out=blended).astype(np.uint8)
    return Picture(image, opacity >= MASK_LEVEL)


def draw_scenes(scenes: Sequence[Scene]) -> Pictures:
    """Draw several scenes, at least one."""
    images, masks = zip(*map(draw_scene, scenes), strict=True)
    return Pictures(np.stack(images), np.stack(masks))
