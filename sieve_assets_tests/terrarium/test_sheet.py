"""The contact sheet: every picture in its place, with its name below."""

import numpy as np
from PIL import Image

from sieve_assets.terrarium.sheet import COLUMNS, MARGIN_PX, PICTURE_PX, TEXT_PX, picture_sheet

NAMES = [f"name {number}" for number in range(COLUMNS + 3)]


class Painter:
    """A generator that paints a colour for each prompt."""

    def __init__(self):
        self.identity = {}
        self.asked = []

    def draw(self, prompts, seeds):
        self.asked += zip(prompts, seeds, strict=True)
        return [Image.new("RGB", (64, 64), (10 * len(prompt), 0, 99)) for prompt in prompts]


def cells(sheet):
    """Pixels of each name's picture and of the band below it."""
    pixels = np.asarray(sheet)
    band = PICTURE_PX + TEXT_PX + MARGIN_PX
    for position in range(len(NAMES)):
        row, column = divmod(position, COLUMNS)
        top = MARGIN_PX + row * (band + MARGIN_PX)
        left = MARGIN_PX + column * (PICTURE_PX + MARGIN_PX)
        cell = pixels[top : top + band, left : left + PICTURE_PX]
        yield cell[:PICTURE_PX], cell[PICTURE_PX:]


def test_pictures_stand_in_the_order_of_their_names():
    prompts = ["x" * (position + 1) for position in range(len(NAMES))]

    sheet = picture_sheet(Painter(), NAMES, prompts=prompts, seed=4)

    for position, (picture, below) in enumerate(cells(sheet)):
        assert (picture == (10 * (position + 1), 0, 99)).all()
        assert (below < 128).any(), "a name in black"
        assert (below == 255).all(-1).mean() > 0.5, "on white"


def test_other_names_are_written_differently():
    first, second = (
        picture_sheet(Painter(), names, prompts=NAMES, seed=4) for names in (NAMES, NAMES[::-1])
    )

    is_same = [
        np.array_equal(a, b) for (_, a), (_, b) in zip(cells(first), cells(second), strict=True)
    ]
    assert is_same.count(True) == 1, "the one in the middle"


def test_each_prompt_is_drawn_once_with_its_own_seed():
    painter = Painter()

    picture_sheet(painter, ["cat", "dog"], prompts=["a cat", "a dog"], seed=4)

    assert painter.asked == [("a cat", 4), ("a dog", 5)]
