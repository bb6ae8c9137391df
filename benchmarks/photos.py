"""Pictures like photographs, made up: smooth light, shapes with edges, fine texture, as JPEG."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

WIDTH_PX, HEIGHT_PX = 500, 375
"""ImageNet's most frequent size."""
QUALITY = 90
_N_SHAPES = 8
_LIGHT_CELLS = (5, 4)
_GRAIN = 12.0
"""Standard deviation of the fine texture, of 255."""


def photo(number: int, size: tuple[int, int] = (WIDTH_PX, HEIGHT_PX)) -> Image.Image:
    """A picture, the same for the same number."""
    draws = np.random.default_rng(number)
    light = draws.integers(30, 225, (*_LIGHT_CELLS[::-1], 3)).astype(np.uint8)
    picture = Image.fromarray(light).resize(size, Image.Resampling.BICUBIC)
    canvas = ImageDraw.Draw(picture)
    for _ in range(_N_SHAPES):
        corner = draws.integers(0, size)
        end = corner + draws.integers(10, 200, 2)
        draw = (canvas.ellipse, canvas.rectangle)[draws.integers(2)]
        draw([*corner.tolist(), *end.tolist()], fill=tuple(draws.integers(0, 256, 3).tolist()))
    grain = draws.normal(0, _GRAIN, (size[1], size[0], 1)).astype(np.float32)
    return Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))


def make_photos(folder: Path, count: int, *, size: tuple[int, int] = (WIDTH_PX, HEIGHT_PX)) -> Path:
    """So many pictures in a folder, which is made; those that are there are left as they are."""
    folder.mkdir(parents=True, exist_ok=True)

    def make(number: int) -> None:
        path = folder / f"{number:06d}.jpg"
        if not path.exists():
            photo(number, size).save(path, quality=QUALITY)

    with ThreadPoolExecutor() as pool:
        list(pool.map(make, range(count)))
    return folder
