"""Sheets of pictures read back from their pixels."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sieve_assets.reports.atlas.sheets import (
    GREY,
    QUALITY,
    Layout,
    Place,
    in_square,
    layout,
    place_in_square,
    sheet,
    strip,
)

COLORS = [(205, 20, 20), (20, 60, 215), (225, 195, 20), (0, 0, 0), (250, 250, 250)]
RED = COLORS[0]
SIZES = [(100, 100), (200, 100), (100, 200), (64, 48), (30, 31), (7, 640)]


def flat(color, size=(16, 16)):
    return Image.new("RGB", size, color)


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def nearest(seen):
    """Which colour a part of a sheet has, by its number; None for grey."""
    distances = [np.abs(seen.mean(axis=(0, 1)) - color).sum() for color in [*COLORS, GREY]]
    at = int(np.argmin(distances))
    return at if at < len(COLORS) else None


def test_a_place_that_one_can_work_out():
    assert place_in_square(50, 50) == Place(0, 0, 1, 1)
    assert place_in_square(200, 50) == Place(0, 0.375, 1, 0.25)
    assert place_in_square(30, 40) == Place(0.125, 0, 0.75, 1)


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, (1, 1)), (2, (2, 1)), (3, (2, 2)), (4, (2, 2)), (5, (3, 2)), (6, (3, 2)), (7, (3, 3))],
)
def test_small_sheets_are_nearly_square(n, expected):
    assert layout(n) == Layout(n, *expected)


@given(st.integers(1, 5000))
def test_a_sheet_has_room_for_all_and_no_empty_row(n):
    how = layout(n)
    assert how.columns * (how.rows - 1) < n <= how.columns * how.rows
    assert how.columns - how.rows in {0, 1}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side_px", [32, 61])
def test_a_picture_lies_in_its_square_where_pages_look_for_it(size, side_px):
    seen = np.asarray(in_square(flat(RED, size), side_px)).astype(int)
    assert seen.shape == (side_px, side_px, 3)
    rows, columns = np.nonzero(np.abs(seen - RED).sum(axis=2) == 0)
    edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    place = place_in_square(*size)
    told = (place.left, place.top, place.left + place.width, place.top + place.height)
    assert np.abs(np.array(edges) - side_px * np.array(told)).max() <= 1
    beside = np.delete(seen.reshape(-1, 3), rows * side_px + columns, axis=0)
    assert (beside == GREY).all()


@pytest.mark.parametrize("size", SIZES[:4])
def test_a_picture_keeps_its_shape(size):
    place = place_in_square(*size)
    assert place.width / place.height == pytest.approx(size[0] / size[1])
    assert place.left + place.width / 2 == pytest.approx(0.5)
    assert place.top + place.height / 2 == pytest.approx(0.5)


def test_a_picture_of_the_squares_size_stays_as_it_is():
    noise = np.random.default_rng(0).integers(0, 255, (24, 24, 3), np.uint8)
    np.testing.assert_array_equal(np.asarray(in_square(Image.fromarray(noise), 24)), noise)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_squares_are_row_by_row_where_the_layout_says(n):
    seen, how = pixels(sheet([flat(color) for color in COLORS[:n]])), layout(n)
    assert seen.shape == (16 * how.rows, 16 * how.columns, 3)
    found = [
        nearest(seen[16 * row + 4 : 16 * row + 12, 16 * column + 4 : 16 * column + 12])
        for row in range(how.rows)
        for column in range(how.columns)
    ]
    assert found == [*range(n), *[None] * (how.rows * how.columns - n)]


def test_a_strip_has_its_squares_beside_each_other_at_their_new_size():
    seen = pixels(strip([flat(color) for color in COLORS[:3]], 20, QUALITY))
    assert seen.shape == (20, 60, 3)
    assert [nearest(seen[5:15, at + 5 : at + 15]) for at in (0, 20, 40)] == [0, 1, 2]


def test_the_same_pictures_give_the_same_file():
    squares = [flat(color) for color in COLORS]
    assert sheet(squares) == sheet(squares)
    assert sheet(squares) != sheet(squares[::-1])
    assert strip(squares, 8, 50) == strip(squares, 8, 50)
