"""Many small pictures in one file, and how a page shows one of them."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image

from sieve_assets.reports.inline_images import webp_image

GREY = (128, 128, 128)
"""Beside pictures that are no squares."""
QUALITY = 70
"""Of WebP: at this size better ones show no more. Resizing and encoding are the quickest kinds: at
this size no slower one looks better, and there are some hundred thousand pictures in an atlas.
"""


class Layout(NamedTuple):
    """How a sheet is divided into squares."""

    n: int
    columns: int
    rows: int


class Place(NamedTuple):
    """Where in its square a picture is, as shares of the square's side."""

    left: float
    top: float
    width: float
    height: float


def layout(n: int) -> Layout:
    """As many squares as pictures, at least 1, nearly as high as wide."""
    columns = math.ceil(math.sqrt(n))
    return Layout(n, columns, math.ceil(n / columns))


def place_in_square(width_px: int, height_px: int) -> Place:
    """A picture as large as the square lets it be, in its middle."""
    longest = max(width_px, height_px)
    width, height = width_px / longest, height_px / longest
    return Place((1 - width) / 2, (1 - height) / 2, width, height)


def in_square(image: Image.Image, side_px: int) -> Image.Image:
    """The whole picture in a square of this side, grey beside it if it is none itself."""
    place = place_in_square(*image.size)
    size = (max(1, round(place.width * side_px)), max(1, round(place.height * side_px)))
    small = image.resize(size, Image.Resampling.BILINEAR) if size != image.size else image
    if size == (side_px, side_px):
        return small
    square = Image.new("RGB", (side_px, side_px), GREY)
    square.paste(small, (round(place.left * side_px), round(place.top * side_px)))
    return square


def sheet(squares: Sequence[Image.Image]) -> bytes:
    """Squares of one size, at least one, row by row in one WebP file."""
    how, side_px = layout(len(squares)), squares[0].width
    whole = Image.new("RGB", (how.columns * side_px, how.rows * side_px), GREY)
    for at, square in enumerate(squares):
        whole.paste(square, (at % how.columns * side_px, at // how.columns * side_px))
    return webp_image(whole, QUALITY, method=0).content


def strip(squares: Sequence[Image.Image], side_px: int, quality: int) -> bytes:
    """A few squares beside each other in one small WebP file."""
    whole = Image.new("RGB", (len(squares) * side_px, side_px), GREY)
    for at, square in enumerate(squares):
        whole.paste(square.resize((side_px, side_px), Image.Resampling.BILINEAR), (at * side_px, 0))
    return webp_image(whole, quality, method=4).content
