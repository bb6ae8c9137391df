"""An image file's bytes as the picture that people see: RGB, upright, of a size one can work with.

Not here: where the bytes come from.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

MOST_PIXELS = 89_478_485
"""Of a picture: what Pillow warns above, a quarter of a GiB as RGB. More is taken for a bomb."""
MOST_ELONGATED = 100
"""Longer side over shorter side: a network's resize of the shorter side multiplies the longer."""
BEHIND_TRANSPARENCY = "white"

_SIDEWAYS = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height
_SIXTEEN_BITS = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})  # Pillow's `convert` clips them
_UNKNOWN_RANGE = frozenset({"F", "I"})
_FORMAT_THAT_SCALES_I = "PPM"  # to 16 bits, whatever maximum the file names
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)

# The size is checked here, with an error instead of a warning.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def decoded(content: bytes) -> Image.Image:
    """The picture as people see it: RGB, turned as its EXIF orientation says.

    Of an animation it is the first frame. What is transparent shows white. Of 16 bits a channel the
    upper 8 are taken, for grey as Pillow does for colour: brightness keeps its range.

    Raises:
        Exception: Anything that a decoder raises on bytes it cannot read; `reason` words it.
    """
    with _opened(content) as image:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return _as_rgb(image, image.format)


def upright_size(content: bytes) -> tuple[int, int]:
    """Width and height of what `decoded` gives, once it is sure that it will.

    A header gives the size but not whether the rest is whole. Pillow's `verify` checks the sums in
    a PNG and nothing in other formats; its `load` finds a file that ends early in any format. So
    each file gets both, a JPEG at an eighth of its size, which reads all of it in a third of the
    time. Damage that a JPEG can still be decoded with goes unseen: the format has no sums.

    Raises:
        Exception: As `decoded`.
    """
    with _opened(content) as image:
        image.verify()
    with _opened(content) as image:
        width, height = image.size
        image.draft(image.mode, (1, 1))
        image.load()
        _as_rgb(image.crop((0, 0, 1, 1)), image.format)
        is_sideways = image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS
    return (height, width) if is_sideways else (width, height)


def reason(error: Exception) -> str:
    """Why a file cannot be used, in a few words."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image of a known format"
    if isinstance(error, UnicodeEncodeError):
        return "its name is not UTF-8"
    if isinstance(error, _BOMBS):
        return f"ValueError: expected at most {MOST_PIXELS:,} pixels, got more ({error})"
    return f"{type(error).__name__}: {error}"


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    """The image behind its header, if its size is one to work with."""
    with Image.open(io.BytesIO(content)) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise ValueError(
                f"expected at most {MOST_PIXELS:,} pixels, got {width} x {height}; scale it down"
            )
        if max(width, height) > MOST_ELONGATED * min(width, height):
            raise ValueError(
                f"expected a longer side of at most {MOST_ELONGATED} times the shorter, "
                f"got {width} x {height}; cut it into pieces"
            )
        yield image


def _as_rgb(image: Image.Image, file_format: str | None) -> Image.Image:
    """The picture in 8 bits a channel, on white."""
    is_scaled = image.mode == "I" and file_format == _FORMAT_THAT_SCALES_I
    if image.mode in _SIXTEEN_BITS or is_scaled:
        return Image.fromarray((np.asarray(image) // 256).astype(np.uint8)).convert("RGB")
    if image.mode in _UNKNOWN_RANGE:
        raise ValueError(
            f"expected 8 or 16 bits a channel, got mode {image.mode}, whose range is not known; "
            "scale it to 8 bits yourself"
        )
    if image.has_transparency_data:
        behind = Image.new("RGBA", image.size, BEHIND_TRANSPARENCY)
        return Image.alpha_composite(behind, image.convert("RGBA")).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
