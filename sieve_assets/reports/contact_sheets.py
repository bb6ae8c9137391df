"""Rows of thumbnails with a label, drawn and encoded within a number of bytes."""

import bisect
import functools
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from sieve_assets.reports.inline_images import InlineImage, OpenImage, webp_image

PAGE, INK, FRAME = (244, 245, 247), (20, 24, 31), (0, 170, 60)
"""The sheet brings its own page, so that it reads the same on a white and on a dark one."""
SIDE_PX, FRAME_PX, GAP_PX, MARGIN_PX = 24, 2, 4, 6
"""Of a thumbnail, the frame around it or as much room, between frames, and around the sheet.

Thumbnails begin at multiples of 8 if a label has 8 n pixels: where their edges are those of
the blocks of WebP, a sheet takes a tenth fewer bytes.
"""
CELL_PX = SIDE_PX + 2 * FRAME_PX
FONT_PX = 10
MOST_COLUMNS = 6
QUALITIES = (70, 50, 36, 24, 16, 10)
"""Of WebP, best first: better ones show no more, and below the last thumbnails lose their shape."""
LAST_QUALITY = 1
"""With two thumbnails a row, before rows are left out: shapes are blurred, texts can be read."""


class Tile(NamedTuple):
    """A thumbnail."""

    uri: str
    is_framed: bool = False


class Row(NamedTuple):
    """Thumbnails between two texts."""

    label: str
    tiles: Sequence[Tile]
    end: str = ""


class Room(NamedTuple):
    """Widths of the columns of text."""

    label_px: int
    end_px: int


Thumbnail = Callable[[str], Image.Image]


def thumbnails(open_image: OpenImage, *, n_kept: int) -> Thumbnail:
    """Makes thumbnails of images by their uri, and keeps the last ones: pictures are shared.

    Args:
        open_image: Opens an image of any size.
        n_kept: Thumbnails to keep, of 2 kB each.
    """

    @functools.lru_cache(maxsize=n_kept)
    def thumbnail(uri: str) -> Image.Image:
        image = open_image(uri)
        scale = SIDE_PX / max(image.size)
        width, height = (max(1, round(scale * side)) for side in image.size)
        small = image.resize((width, height), Image.Resampling.BOX)
        if width == height:
            return small
        square = Image.new("RGB", (SIDE_PX, SIDE_PX), PAGE)
        square.paste(small, ((SIDE_PX - width) // 2, (SIDE_PX - height) // 2))
        return square

    return thumbnail


class Step(NamedTuple):
    """How much of a sheet is shown."""

    n_rows: int
    n_columns: int
    quality: int


def contact_sheet(
    rows: Sequence[Row], thumbnail: Thumbnail, room: Room, *, max_bytes: int
) -> InlineImage | None:
    """The rows as one small WebP image: coarser, then with fewer columns, then rows, until it fits.

    WebP rather than AVIF, which takes fewer bytes for the thumbnails, but at this size makes one
    digit look like another.

    Args:
        rows: In the order of the sheet; the last ones are left out first.
        thumbnail: Of `thumbnails`.
        room: For the texts; a label has two lines, and what does not fit is cut.
        max_bytes: Most bytes of the image; its data URI has 4/3 of them and 23 more.

    Returns:
        None without thumbnails, or if not even one of them fits.
    """

    @functools.cache
    def drawn(n_rows: int, n_columns: int) -> Image.Image:
        shown = [row._replace(tiles=row.tiles[:n_columns]) for row in rows[:n_rows]]
        return draw_sheet(shown, thumbnail, room, n_left_out=len(rows) - n_rows)

    @functools.cache
    def encoded(step: Step) -> InlineImage:
        return webp_image(drawn(step.n_rows, step.n_columns), step.quality)

    def fits(step: Step) -> bool:
        return len(encoded(step).content) <= max_bytes

    steps = ladder(len(rows), max((len(row.tiles) for row in rows), default=0))
    n_too_large = bisect.bisect_left(steps, 1, key=fits)
    return encoded(steps[n_too_large]) if n_too_large < len(steps) else None


def ladder(n_rows: int, n_columns: int) -> list[Step]:
    """Ways to show rows of thumbnails, from the most bytes to the fewest; none without thumbnails.

    Args:
        n_rows: There are.
        n_columns: There are.
    """
    if n_columns == 0:
        return []
    most, fewest = min(n_columns, MOST_COLUMNS), min(n_columns, 2)
    return [
        *(Step(n_rows, most, quality) for quality in QUALITIES),
        *(Step(n_rows, fewer, QUALITIES[-1]) for fewer in range(most - 1, 1, -1)),
        *(Step(fewer, fewest, LAST_QUALITY) for fewer in range(n_rows, 0, -1)),
        Step(1, 1, LAST_QUALITY),
    ]


def draw_sheet(
    rows: Sequence[Row], thumbnail: Thumbnail, room: Room, *, n_left_out: int
) -> Image.Image:
    """The rows from top to bottom; below them, how many more there are.

    Args:
        rows: At least one; their longest gives the number of columns.
        thumbnail: Of `thumbnails`.
        room: For the texts.
        n_left_out: Rows that are not here.
    """
    n_columns = max(len(row.tiles) for row in rows)
    left = MARGIN_PX + room.label_px
    right = left + n_columns * (CELL_PX + GAP_PX)
    below = FONT_PX + MARGIN_PX if n_left_out else 0
    height = 2 * MARGIN_PX + len(rows) * (CELL_PX + GAP_PX) - GAP_PX + below
    sheet = Image.new("RGB", (right + room.end_px + MARGIN_PX, height), PAGE)
    draw = ImageDraw.Draw(sheet)
    for place, row in enumerate(rows):
        top = MARGIN_PX + place * (CELL_PX + GAP_PX)
        middle = top + CELL_PX / 2
        draw.text(
            (MARGIN_PX, middle), in_two_lines(row.label, room.label_px - 4), INK, font(), "lm"
        )
        draw.text((right + 2, middle), row.end, INK, font(), "lm")
        for column, tile in enumerate(row.tiles):
            at = (left + column * (CELL_PX + GAP_PX), top)
            if tile.is_framed:
                sheet.paste(FRAME, (*at, at[0] + CELL_PX, at[1] + CELL_PX))
            sheet.paste(thumbnail(tile.uri), (at[0] + FRAME_PX, at[1] + FRAME_PX))
    if n_left_out:
        draw.text((MARGIN_PX, height - MARGIN_PX), f"and {n_left_out} more", INK, font(), "ld")
    return sheet


@functools.lru_cache(maxsize=4096)
def in_two_lines(text: str, width_px: int) -> str:
    """The text, broken between words where it can be, and cut with an ellipsis where it must be."""
    words = text.split()
    n_words = _n_fitting(words, width_px) or len(words)  # a first word that is too long is cut
    lines = [" ".join(words[:n_words]), " ".join(words[n_words:])]
    return "\n".join(_cut(line, width_px) for line in lines if line)


def _cut(line: str, width_px: int) -> str:
    if font().getlength(line) <= width_px:
        return line
    n_letters = _n_fitting(line, width_px - font().getlength("…"), between="")
    return f"{line[:n_letters].rstrip()}…"


def _n_fitting(parts: Sequence[str], width_px: float, *, between: str = " ") -> int:
    n_fitting = 0
    while n_fitting < len(parts) and (
        font().getlength(between.join(parts[: n_fitting + 1])) <= width_px
    ):
        n_fitting += 1
    return n_fitting


@functools.cache
def font() -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib brings it: Latin, Greek, Cyrillic and more, the same anywhere."""
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        raise LookupError(
            "contact_sheets: expected matplotlib, got none. Install the package's dependencies."
        )
    file = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(file), FONT_PX, layout_engine=ImageFont.Layout.BASIC)
