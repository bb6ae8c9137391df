"""The crop is where the map is high, and lands on the same thing in the original picture."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision import transforms

from sieve_assets.method.patch_embeddings import (
    Box,
    PixelBox,
    box_in_original,
    cell_positions,
    crop_box,
    upsample_map,
)

CROP: dict[str, Any] = {"frame_px": 64, "level": 0.5, "padding": 0.0, "min_side": 0.0}


def crop(activation_map, **change: Any):
    return crop_box(activation_map, **(CROP | change))


def bump(row, column, *, cells=8, value=1.0):
    activation_map = np.zeros((cells, cells), dtype=np.float32)
    activation_map[row, column] = value
    return activation_map


def region_by_flooding(activation_map, level, frame_px):
    """Pixels reached from the maximum over neighbours at or above the level, one at a time."""
    frame = torch.nn.functional.interpolate(
        torch.from_numpy(activation_map.astype(np.float64))[None, None],
        size=(frame_px, frame_px),
        mode="bilinear",
        align_corners=False,
    )[0, 0].numpy()
    threshold = frame.min() + level * (frame.max() - frame.min())
    reached, waiting = set(), [divmod(int(frame.argmax()), frame_px)]
    while waiting:
        row, column = waiting.pop()
        inside = 0 <= row < frame_px and 0 <= column < frame_px
        if inside and (row, column) not in reached and frame[row, column] >= threshold:
            reached.add((row, column))
            waiting += [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
    return reached


@pytest.mark.parametrize(("shape", "frame_px"), [((8, 8), 64), ((7, 7), 224), ((5, 3), 17)])
def test_a_map_is_enlarged_as_torch_does_it(shape, frame_px):
    activation_map = np.random.default_rng(0).standard_normal(shape)
    before = activation_map.copy()
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(activation_map)[None, None],
        size=(frame_px, frame_px),
        mode="bilinear",
        align_corners=False,
    )[0, 0].numpy()
    frame = upsample_map(activation_map, frame_px=frame_px)
    np.testing.assert_allclose(frame, expected, atol=1e-12)
    assert np.array_equal(activation_map, before)


def test_a_single_cell_is_cropped_around_its_centre():
    # Cell (2, 5) of 8 x 8 is pixels 16..23 x 40..47 of 64; half its height reaches 4 px beyond.
    box = crop(bump(2, 5))
    assert box == Box(x0=40, y0=16, x1=48, y1=24)


def test_padding_is_a_share_of_the_region_at_every_edge():
    box = crop(bump(2, 5), padding=0.25)
    assert box == Box(x0=38, y0=14, x1=50, y1=26)


def test_a_small_region_is_widened_to_the_least_side():
    box = crop(bump(3, 3), min_side=0.5)
    assert box == Box(x0=12, y0=12, x1=44, y1=44)


def test_a_long_region_becomes_a_square_around_its_centre():
    activation_map = bump(4, 2)
    activation_map[4, 2:6] = 1
    box = crop(activation_map)
    assert box == Box(x0=16, y0=20, x1=48, y1=52)


def test_a_box_at_the_border_is_moved_inside_not_cut():
    box = crop(bump(0, 7), min_side=0.5)
    assert box == Box(x0=32, y0=0, x1=64, y1=32)


def test_only_the_region_with_the_maximum_counts():
    activation_map = bump(1, 1)
    activation_map[6, 6] = 0.9
    assert crop(activation_map) == crop(bump(1, 1))


def test_a_negative_map_is_cropped_between_its_own_extremes():
    assert crop(bump(2, 5) - 7) == crop(bump(2, 5))


@pytest.mark.parametrize("constant", [0.0, -2.5])
def test_a_map_without_contrast_gives_the_whole_frame(constant):
    activation_map = np.full((4, 4), constant, dtype=np.float32)
    assert crop(activation_map) == Box(0, 0, 64, 64)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), level=st.sampled_from([0.0, 0.3, 0.5, 0.8, 0.99]))
def test_the_crop_is_the_bounding_square_of_the_region_reached_from_the_maximum(seed, level):
    activation_map = np.random.default_rng(seed).standard_normal((5, 5))
    region = region_by_flooding(activation_map, level, frame_px=20)
    rows, columns = zip(*region, strict=True)
    box = crop_box(activation_map, frame_px=20, level=level, padding=0.0, min_side=0.0)
    side = 1 + max(max(rows) - min(rows), max(columns) - min(columns))
    assert (box.x1 - box.x0, box.y1 - box.y0) == pytest.approx((side, side))
    for low, high, places in ((box.x0, box.x1, columns), (box.y0, box.y1, rows)):
        assert low - 1e-9 <= min(places)
        assert max(places) + 1 <= high + 1e-9


def test_regions_that_touch_at_a_corner_only_are_not_one():
    # The frame is as large as the map, so that every cell is one pixel.
    activation_map = np.diag([1.0, 0.9, 0.0, 0.0])
    assert crop(activation_map, frame_px=4) == Box(0, 0, 1, 1)
    activation_map[0, 1] = 0.8
    assert crop(activation_map, frame_px=4) == Box(0, 0, 2, 2)


def test_pixels_lie_half_a_pixel_from_the_edges_of_the_cells():
    assert cell_positions(2, 4).tolist() == [-0.25, 0.25, 0.75, 1.25]
    assert cell_positions(3, 3).tolist() == [0, 1, 2]


def test_at_level_1_a_threshold_that_rounds_above_the_maximum_still_finds_it():
    low, high = -0.9, -0.3
    assert low + (high - low) > high
    activation_map = np.array([[low, low, low], [low, low, low], [low, low, high]])
    assert crop(activation_map, frame_px=3, level=1.0) == Box(2, 2, 3, 3)


@pytest.mark.parametrize("seed", range(8))
def test_at_level_1_rounding_leaves_the_maximum_s_own_pixels(seed):
    activation_map = np.random.default_rng(seed).standard_normal((5, 5))
    frame = upsample_map(activation_map, frame_px=20)
    row, column = np.unravel_index(frame.argmax(), frame.shape)
    box = crop(activation_map, frame_px=20, level=1.0)
    assert box.x1 - box.x0 <= 2
    assert box.x0 <= column < box.x1
    assert box.y0 <= row < box.y1


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([0.125, 4.0]), offset=st.integers(-4, 4))
def test_a_box_is_a_square_in_the_frame_and_units_make_no_difference(seed, factor, offset):
    cells = np.random.default_rng(seed).integers(-8, 8, (6, 6)).astype(np.float64)
    box = crop(cells, padding=0.1, min_side=0.25)
    assert 0 <= box.x0 < box.x1 <= 64
    assert 0 <= box.y0 < box.y1 <= 64
    assert box.x1 - box.x0 == pytest.approx(box.y1 - box.y0)
    assert box.x1 - box.x0 >= 16 - 1e-9
    moved = crop(cells * factor + offset * factor, padding=0.1, min_side=0.25)
    np.testing.assert_allclose(moved, box)


def test_turning_the_map_turns_the_box():
    cells = bump(1, 6) + bump(2, 6, value=0.8)
    box = crop(cells)
    turned = crop(np.rot90(cells, 2).copy())
    assert turned == Box(64 - box.x1, 64 - box.y1, 64 - box.x0, 64 - box.y0)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"level": 1.5}, "crop_level between 0 and 1, got 1.5"),
        ({"padding": -0.1}, "crop_padding between 0 and inf, got -0.1"),
        ({"min_side": 2.0}, "crop_min_side between 0 and 1, got 2.0"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(change, name):
    with pytest.raises(ValueError, match=f"^crop_box: expected {name}"):
        crop(bump(0, 0), **change)


def test_maps_that_are_empty_or_not_finite_are_refused():
    with pytest.raises(ValueError, match=r"^upsample_map: expected frame_px of at least 1, got 0"):
        upsample_map(bump(0, 0), frame_px=0)
    for shape in ((0, 3), (3, 0)):
        with pytest.raises(ValueError, match=r"^upsample_map: expected at least one of the map's"):
            crop(np.zeros(shape, dtype=np.float32))
    with pytest.raises(ValueError, match=r"expected finite maps, got nan for map row 3\. Check"):
        crop(bump(3, 1, value=math.nan))


SIZES = [
    # width, height, resize, crop
    (64, 64, 64, 64),
    (500, 375, 256, 224),
    (375, 500, 256, 224),
    (301, 200, 235, 224),
    (90, 60, 72, 64),
    (640, 427, 64, 64),
    (48, 33, 96, 64),
    (100, 80, 60, 64),
    (81, 80, 60, 71),
]


@pytest.mark.parametrize(("width", "height", "resize_px", "crop_px"), SIZES)
def test_a_square_seen_in_the_frame_is_found_in_the_original(width, height, resize_px, crop_px):
    """Draw a red square, transform it as torchvision does, box what is red, map the box back."""
    shorter = min(width, height)
    side, left, top = shorter // 3, width // 2 - shorter // 9, height // 2 - shorter // 6
    drawn = PixelBox(left, top, left + side, top + side)
    original = Image.new("RGB", (width, height))
    original.paste((255, 0, 0), drawn)
    transform = transforms.Compose([transforms.Resize(resize_px), transforms.CenterCrop(crop_px)])
    rows, columns = np.nonzero(np.asarray(transform(original))[:, :, 0] > 127)
    seen = Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    found = box_in_original(
        seen, width_px=width, height_px=height, resize_px=resize_px, crop_px=crop_px
    )
    # One pixel of the frame, in the original's pixels, where that is coarser than two of them.
    assert np.abs(np.subtract(found, drawn)).max() <= max(2, shorter / resize_px)


@pytest.mark.parametrize(("width", "height", "resize_px", "crop_px"), SIZES)
def test_the_whole_frame_is_what_the_centre_crop_shows(width, height, resize_px, crop_px):
    """Every pixel of the original holds its own place: the frame's corners say which they show."""
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    places = torch.tensor(np.stack([columns, rows])[None], dtype=torch.float64) + 0.5
    resized = transforms.Resize(resize_px, antialias=False)(places)
    frame = transforms.CenterCrop(crop_px)(resized)[0]
    seen = frame[:, (frame != 0).all(dim=0)]
    found = box_in_original(
        Box(0, 0, crop_px, crop_px),
        width_px=width, height_px=height, resize_px=resize_px, crop_px=crop_px,
    )  # fmt: skip
    half = 0.5 * min(width, height) / resize_px
    corners = [*(seen.amin(dim=1) - half).tolist(), *(seen.amax(dim=1) + half).tolist()]
    assert np.abs(np.subtract(found, corners)).max() <= 1


@settings(max_examples=50)
@given(
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    resize_px=st.integers(1, 100),
    crop_px=st.integers(1, 100),
    corner=st.tuples(st.floats(0, 0.9), st.floats(0, 0.9)),
)
def test_a_mapped_box_is_inside_the_original_and_never_empty(
    width, height, resize_px, crop_px, corner
):
    x0, y0 = (share * crop_px for share in corner)
    box = Box(x0, y0, min(x0 + 0.05 * crop_px, crop_px), min(y0 + 0.05 * crop_px, crop_px))
    found = box_in_original(
        box, width_px=width, height_px=height, resize_px=resize_px, crop_px=crop_px
    )
    assert 0 <= found.x0 < found.x1 <= width
    assert 0 <= found.y0 < found.y1 <= height


def test_boxes_and_sizes_that_cannot_be_are_refused():
    sizes = {"width_px": 10, "height_px": 10, "resize_px": 8, "crop_px": 8}
    for box in (Box(0, 0, 9, 4), Box(-1, 0, 4, 4), Box(3, 3, 3, 5), Box(0, math.nan, 4, 4)):
        with pytest.raises(ValueError, match=r"^box_in_original: expected a box with an area, ins"):
            box_in_original(box, **sizes)
    for name in ("width_px", "height_px", "resize_px"):
        with pytest.raises(ValueError, match=rf"expected {name} of at least 1, got 0\."):
            box_in_original(Box(0, 0, 8, 8), **(sizes | {name: 0}))


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), frame_px=st.integers(1, 40), constant=st.integers(-3, 3))
def test_an_enlarged_map_stays_between_its_extremes_and_a_flat_one_stays_flat(
    seed, frame_px, constant
):
    cells = np.random.default_rng(seed).standard_normal((3, 5))
    frame = upsample_map(cells, frame_px=frame_px)
    assert frame.shape == (frame_px, frame_px)
    assert cells.min() <= frame.min() <= frame.max() <= cells.max()
    flat = np.full((3, 5), constant / 10)
    assert set(upsample_map(flat, frame_px=frame_px).ravel()) == {constant / 10}
    assert crop(flat, frame_px=frame_px) == Box(0, 0, frame_px, frame_px)
