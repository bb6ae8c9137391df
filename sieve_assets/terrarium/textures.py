"""The backgrounds' textures: sky, grass, brick, water, sand, night, snow and wood."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from PIL import Image

Texture = Float[np.ndarray, "row column 3"]
Plane = Float[np.ndarray, "row column"]


def _noise(frame_px: int, cells_x: int, cells_y: int, generator: np.random.Generator) -> Plane:
    """Return smooth noise between 0 and 1 with about `cells_x` by `cells_y` bumps."""
    coarse = generator.random((cells_y, cells_x), dtype=np.float32)
    image = Image.fromarray(coarse).resize((frame_px, frame_px), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(image), 0, 1)


def _mix(share: Plane, low: tuple[int, int, int], high: tuple[int, int, int]) -> Texture:
    """Return colours between `low` (share 0) and `high` (share 1)."""
    texture = np.empty((*share.shape, 3), np.float32)
    for channel, (start, end) in enumerate(zip(low, high, strict=True)):  # faster than broadcasting
        np.multiply(share, end - start, out=texture[..., channel])
        texture[..., channel] += start
    return texture


def _sky(frame_px: int, generator: np.random.Generator) -> Texture:
    height = np.linspace(0, 1, frame_px, dtype=np.float32)[:, None].repeat(frame_px, 1)
    blue = _mix(height, (70, 150, 240), (165, 215, 255))
    cloud = np.clip((_noise(frame_px, 5, 7, generator) - 0.6) * 4, 0, 1)[..., None]
    return blue * (1 - cloud) + 250 * cloud


def _grass(frame_px: int, generator: np.random.Generator) -> Texture:
    blades = _noise(frame_px, frame_px // 2, frame_px // 6, generator)
    patches = _noise(frame_px, 4, 4, generator)
    return _mix(0.7 * blades + 0.3 * patches, (25, 85, 20), (125, 200, 60))


def _brick(frame_px: int, generator: np.random.Generator) -> Texture:
    height, width, mortar = 10, 20, 2
    y, x = np.mgrid[:frame_px, :frame_px] + generator.integers(0, width, size=(2, 1, 1))
    course = y // height
    shifted = x + (course % 2) * (width // 2)
    shade = generator.random((20, 20), dtype=np.float32)[course % 20, (shifted // width) % 20]
    wall = _mix(
        0.7 * shade + 0.3 * _noise(frame_px, 32, 32, generator), (135, 45, 35), (195, 90, 65)
    )
    is_mortar = (y % height < mortar) | (shifted % width < mortar)
    wall[is_mortar] = (205, 195, 185)
    return wall


def _water(frame_px: int, generator: np.random.Generator) -> Texture:
    y = np.arange(frame_px, dtype=np.float32)[:, None]
    bend = 6 * _noise(frame_px, 5, 5, generator)
    wave = 0.5 + 0.5 * np.sin((y + bend) * (2 * np.pi / 9) + generator.uniform(0, 6.28))
    return _mix(wave.astype(np.float32) ** 2, (5, 85, 130), (75, 190, 205))


def _sand(frame_px: int, generator: np.random.Generator) -> Texture:
    grains = _noise(frame_px, frame_px, frame_px, generator)
    dunes = _noise(frame_px, 3, 6, generator)
    return _mix(0.5 * grains + 0.5 * dunes, (195, 155, 95), (245, 220, 160))


def _night(frame_px: int, generator: np.random.Generator) -> Texture:
    dark = _mix(_noise(frame_px, 3, 3, generator), (8, 8, 35), (35, 30, 75))
    places = generator.integers(0, frame_px, size=(2, 40))
    dark[places[0], places[1]] = generator.uniform(150, 255, size=(40, 1))
    return dark


def _snow(frame_px: int, generator: np.random.Generator) -> Texture:
    drifts = _noise(frame_px, 4, 9, generator)
    return _mix(drifts, (195, 212, 232), (255, 255, 255))


def _wood(frame_px: int, generator: np.random.Generator) -> Texture:
    grain = _noise(frame_px, 4, frame_px, generator)
    plank_px = 16
    y = np.arange(frame_px) + generator.integers(plank_px)
    shade = generator.random(8, dtype=np.float32)[(y // plank_px) % 8][:, None]
    boards = _mix(0.6 * grain + 0.4 * shade, (110, 65, 25), (190, 130, 70))
    boards[y % plank_px == 0] = (65, 38, 15)
    return boards


_TEXTURES: dict[str, Callable[[int, np.random.Generator], Texture]] = {
    "sky": _sky,
    "grass": _grass,
    "brick": _brick,
    "water": _water,
    "sand": _sand,
    "night": _night,
    "snow": _snow,
    "wood": _wood,
}


def draw_texture(background: str, *, frame_px: int, generator: np.random.Generator) -> Texture:
    """Return a square of the named background, 0 to 255.

    Raises:
        LookupError: No texture has that name.
    """
    if background not in _TEXTURES:
        raise LookupError(
            f"draw_texture: expected one of {sorted(_TEXTURES)}, got {background!r}. "
            "Use a name from world.BACKGROUNDS."
        )
    return _TEXTURES[background](frame_px, generator)
