"""Sheets of flat colours: where which tile is can be read off the pixels."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sieve_assets.reports.contact_sheets import (
    CELL_PX,
    FRAME,
    GAP_PX,
    INK,
    LAST_QUALITY,
    MARGIN_PX,
    MOST_COLUMNS,
    PAGE,
    QUALITIES,
    SIDE_PX,
    Room,
    Row,
    Tile,
    contact_sheet,
    draw_sheet,
    font,
    in_two_lines,
    ladder,
    thumbnails,
)
from sieve_assets.reports.inline_images import webp_image

ROOM = Room(label_px=40, end_px=24)
COLORS = {"red": (200, 30, 30), "blue": (30, 60, 210), "gold": (220, 190, 20), "black": (0, 0, 0)}


def flat(uri):
    return Image.new("RGB", (64, 64), COLORS[uri])


def noise(uri):
    pixels = np.random.default_rng(int(uri)).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def row_of(*names, framed=(), label="label", end="end"):
    return Row(label, [Tile(name, name in framed) for name in names], end)


def corner(row, column):
    """The upper left pixel of a cell."""
    x = MARGIN_PX + ROOM.label_px + column * (CELL_PX + GAP_PX)
    return x, MARGIN_PX + row * (CELL_PX + GAP_PX)


def pixel(sheet, row, column, inset):
    x, y = corner(row, column)
    return sheet.getpixel((x + inset, y + inset))


def drawn(*rows, n_left_out=0):
    return draw_sheet(rows, thumbnails(flat, n_kept=8), ROOM, n_left_out=n_left_out)


def decoded(image):
    return Image.open(io.BytesIO(image.content)).convert("RGB")


def test_each_tile_stands_in_its_row_and_column():
    sheet = drawn(row_of("red", "blue"), row_of("gold"))
    middle = CELL_PX // 2
    assert pixel(sheet, 0, 0, middle) == COLORS["red"]
    assert pixel(sheet, 0, 1, middle) == COLORS["blue"]
    assert pixel(sheet, 1, 0, middle) == COLORS["gold"]
    assert pixel(sheet, 1, 1, middle) == PAGE


def test_only_framed_tiles_have_a_green_frame_and_it_covers_no_pixel_of_them():
    sheet = drawn(row_of("red", "blue", framed=["blue"]))
    assert [pixel(sheet, 0, column, 0) for column in (0, 1)] == [PAGE, FRAME]
    assert pixel(sheet, 0, 1, CELL_PX - 1) == FRAME
    n_pixels = {color: count for count, color in sheet.getcolors(10**4)}
    assert n_pixels[FRAME] == CELL_PX**2 - SIDE_PX**2


def test_the_sheet_is_as_large_as_its_grid():
    sheet = drawn(row_of("red", "blue", "gold"), row_of("red"))
    right, below = corner(2, 3)
    assert sheet.size == (right + ROOM.end_px + MARGIN_PX, below - GAP_PX + MARGIN_PX)


def test_the_page_is_opaque_and_the_ink_reads_on_it():
    def luminance(color):
        linear = [(part / 255) ** 2.2 for part in color]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert (luminance(PAGE) + 0.05) / (luminance(INK) + 0.05) > 7
    assert drawn(row_of("red")).mode == "RGB"


def test_rows_left_out_are_told_below():
    with_more, without = (drawn(row_of("red"), n_left_out=n) for n in (3, 0))
    assert with_more.height > without.height
    below = with_more.crop((0, without.height - MARGIN_PX, *with_more.size))
    assert below.convert("L").getextrema()[0] < 128


def test_an_encoded_sheet_decodes_to_the_same_grid():
    rows = [row_of("red", "blue", framed=["red"]), row_of("gold", "black")]
    sheet = contact_sheet(rows, thumbnails(flat, n_kept=8), ROOM, max_bytes=2000)
    seen = decoded(sheet)
    assert sheet.mime == "image/webp"
    assert seen.size == drawn(*rows).size
    for row, names in enumerate([["red", "blue"], ["gold", "black"]]):
        for column, name in enumerate(names):
            got = pixel(seen, row, column, CELL_PX // 2)
            assert np.allclose(got, COLORS[name], atol=24), (name, got)


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, MOST_COLUMNS + 2), max_size=8),
    st.integers(0, 5000),
    st.text(max_size=60),
)
def test_the_budget_is_never_exceeded(lengths, max_bytes, label):
    rows = [Row(label, [Tile(str(n)) for n in range(length)], "of 9") for length in lengths]
    sheet = contact_sheet(rows, thumbnails(noise, n_kept=16), ROOM, max_bytes=max_bytes)
    if sheet is not None:
        assert len(sheet.content) <= max_bytes
        decoded(sheet).load()


def test_less_room_takes_quality_then_columns_then_rows():
    steps = ladder(4, 6)
    assert steps[0] == (4, 6, max(QUALITIES))
    assert steps[-1] == (1, 1, LAST_QUALITY)
    assert steps == sorted(steps, key=lambda step: (step.n_rows, *step[1:]), reverse=True)
    assert {step.n_columns for step in steps if step.n_rows == 4} == {2, 3, 4, 5, 6}
    assert {step.n_columns for step in steps if 1 < step.n_rows < 4} == {2}


def test_a_sheet_is_not_much_smaller_than_a_walk_down_the_whole_ladder_allows():
    rows = [Row("label", [Tile(str(n)) for n in range(6)])] * 4
    thumbnail, sizes = thumbnails(noise, n_kept=9), []
    for step in ladder(4, 6):
        shown = [row._replace(tiles=row.tiles[: step.n_columns]) for row in rows[: step.n_rows]]
        sheet = draw_sheet(shown, thumbnail, ROOM, n_left_out=4 - step.n_rows)
        sizes.append(len(webp_image(sheet, step.quality).content))
    for budget in range(min(sizes), max(sizes) + 500, 150):
        made = contact_sheet(rows, thumbnail, ROOM, max_bytes=budget)
        assert len(made.content) >= 0.9 * max(size for size in sizes if size <= budget)


def test_without_rows_or_tiles_there_is_no_sheet():
    thumbnail = thumbnails(flat, n_kept=8)
    assert contact_sheet([], thumbnail, ROOM, max_bytes=2000) is None
    assert contact_sheet([Row("none", [])], thumbnail, ROOM, max_bytes=2000) is None


def test_nothing_fits_into_too_few_bytes():
    assert contact_sheet([row_of("red")], thumbnails(flat, n_kept=8), ROOM, max_bytes=30) is None


def test_the_same_rows_give_the_same_bytes_whatever_was_drawn_before():
    rows, other = [row_of("red", "gold", framed=["red"])], [row_of("blue")]
    shared = thumbnails(flat, n_kept=8)
    contact_sheet(other, shared, ROOM, max_bytes=900)
    again = contact_sheet(rows, shared, ROOM, max_bytes=900)
    assert again == contact_sheet(rows, thumbnails(flat, n_kept=8), ROOM, max_bytes=900)


def test_a_thumbnail_of_any_shape_is_square_and_shows_all_of_the_image():
    wide = Image.new("RGB", (90, 30), COLORS["red"])
    wide.paste(COLORS["blue"], (45, 0, 90, 30))
    small = thumbnails({"wide": wide}.__getitem__, n_kept=1)("wide")
    middle = SIDE_PX // 2
    assert small.size == (SIDE_PX, SIDE_PX)
    assert small.getpixel((0, middle)) == COLORS["red"]
    assert small.getpixel((SIDE_PX - 1, middle)) == COLORS["blue"]
    assert small.getpixel((middle, 0)) == PAGE


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (700, 2), (26, 26), (512, 512)])
def test_a_flat_image_of_any_size_keeps_its_color(size):
    small = thumbnails(lambda _: Image.new("RGB", size, COLORS["gold"]), n_kept=1)("x")
    assert small.size == (SIDE_PX, SIDE_PX)
    assert {color for _, color in small.getcolors()} <= {COLORS["gold"], PAGE}
    assert COLORS["gold"] in {color for _, color in small.getcolors()}


def test_an_image_is_opened_once_and_left_as_it_was():
    image, opened = flat("red"), []

    def open_image(uri):
        opened.append(uri)
        return image

    before = image.tobytes()
    thumbnail = thumbnails(open_image, n_kept=8)
    contact_sheet([row_of("red", "red"), row_of("red")], thumbnail, ROOM, max_bytes=2000)
    assert opened == ["red"]
    assert image.tobytes() == before
    square = thumbnail("red")
    assert square.tobytes() == Image.new("RGB", (SIDE_PX, SIDE_PX), COLORS["red"]).tobytes()


def test_a_label_is_broken_between_words():
    assert in_two_lines("owl", 60) == "owl"
    assert in_two_lines("owl at night", 40) == "owl at\nnight"
    assert in_two_lines(" owl\n  at\tnight ", 40) == "owl at\nnight"


@given(st.text(), st.integers(20, 120))
def test_no_line_of_a_label_is_wider_than_its_room(text, width_px):
    lines = in_two_lines(text, width_px).split("\n")
    assert len(lines) <= 2
    assert all(font().getlength(line) <= width_px for line in lines)


def test_a_label_that_was_cut_says_so_and_one_that_fits_is_whole():
    assert in_two_lines("x" * 900, 80).endswith("…")
    assert in_two_lines("a very tall tree " * 9, 80).endswith("…")
    assert "…" not in in_two_lines("a red lantern", 80)
