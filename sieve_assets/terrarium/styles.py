"""Other ways to draw the same scenes: what is in them stays, how it looks does not."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFilter

Pixels = UInt8[np.ndarray, "row column 3"]

STYLES_VERSION = "1"
"""Raised whenever the same scene gives other pixels in a style."""
PLAIN = "plain"
MEDIAN_PX, N_LEVELS, EDGE_LEVEL, EDGE_INK = 3, 6, 40, 0.25
"""Of outlines: side of the median filter, levels a colour, least step of brightness (of 255) that
is an edge, and what is left of the colour there."""
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
"""Red, green and blue from red, green and blue, as photo editors tone."""


def outlined(image: Pixels) -> Pixels:
    """Return the picture in flat colours with dark outlines, as in a comic: textures are gone.

    Colours stay about what they were.
    """
    flat = Image.fromarray(image).filter(ImageFilter.MedianFilter(MEDIAN_PX))
    brightness = np.asarray(flat.convert("L"), dtype=np.int16)
    padded = np.pad(brightness, 1, mode="edge")
    across = np.abs(padded[1:-1, 2:] - padded[1:-1, :-2])
    down = np.abs(padded[2:, 1:-1] - padded[:-2, 1:-1])
    step = 255 / (N_LEVELS - 1)
    levels = np.rint(np.asarray(flat) / step) * step
    levels[np.maximum(across, down) >= EDGE_LEVEL] *= EDGE_INK
    return np.rint(levels).astype(np.uint8)


def sepia(image: Pixels) -> Pixels:
    """Return the picture in shades of brown: words for colours mean nothing any more."""
    return np.clip(np.rint(image @ SEPIA.T), 0, 255).astype(np.uint8)


STYLES: Mapping[str, Callable[[Pixels], Pixels]] = {
    PLAIN: lambda image: image,
    "outlined": outlined,
    "sepia": sepia,
}
"""By name; the plain one is as the renderer draws."""
