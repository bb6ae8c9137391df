"""The sprite sheet: one centred glyph a cell, in the world's order."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image, ImageFont

from sieve_assets.terrarium.renderer import SHEET_COLUMNS, SPRITE_PX
from sieve_assets.terrarium.sprites import draw_emoji, draw_sheet
from sieve_assets.terrarium.world import DATA, world_objects

FONT = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
"""Any font will do to test the layout."""


@pytest.fixture(scope="module")
def font():
    return ImageFont.truetype(str(FONT), 109)


@pytest.mark.parametrize("codepoint", ["U+0041", "U+2014", "U+007C"])
def test_a_glyph_is_centred_and_as_large_as_fits(font, codepoint):
    left, top, right, bottom = draw_emoji(codepoint, font).getbbox()

    assert abs(left + right - SPRITE_PX) <= 1
    assert abs(top + bottom - SPRITE_PX) <= 1
    assert max(right - left, bottom - top) == SPRITE_PX - 2


def test_the_sheet_has_each_object_in_its_cell(font):
    sheet = draw_sheet(FONT)

    assert sheet.size == (SHEET_COLUMNS * SPRITE_PX, 10 * SPRITE_PX)
    for thing in (world_objects()[0], world_objects()[25], world_objects()[-1]):
        row, column = divmod(thing.position, SHEET_COLUMNS)
        left, top = column * SPRITE_PX, row * SPRITE_PX
        cell = sheet.crop((left, top, left + SPRITE_PX, top + SPRITE_PX))
        assert np.array_equal(cell, draw_emoji(thing.codepoint, font))


def test_the_sheet_that_ships_has_a_cell_for_each_object():
    with Image.open(DATA / "sprites.png") as sheet:
        assert sheet.mode == "RGBA"
        assert sheet.size == (SHEET_COLUMNS * SPRITE_PX, 10 * SPRITE_PX)


def test_a_character_without_a_glyph_is_refused(font):
    with pytest.raises(ValueError, match=r"expected a glyph for U\+0020, got none"):
        draw_emoji("U+0020", font)
