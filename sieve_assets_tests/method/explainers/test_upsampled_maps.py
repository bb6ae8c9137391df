import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.explainers import upsampled_maps
from sieve_assets.method.explainers.upsampled_maps import masks_above, masks_within, upsample_maps
from sieve_assets.method.patch_embeddings import upsample_map


def random_maps(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def pixel_value(cells, row, column, n_rows, n_columns):
    """Bilinear interpolation between the four cells whose centres surround a pixel's centre."""
    height, width = cells.shape
    y = min(max((row + 0.5) * height / n_rows - 0.5, 0), height - 1)
    x = min(max((column + 0.5) * width / n_columns - 0.5, 0), width - 1)
    total = 0.0
    for i in range(height):
        for j in range(width):
            weight = max(0, 1 - abs(y - i)) * max(0, 1 - abs(x - j))
            total += weight * float(cells[i, j])
    return total


def test_two_cells_become_four_pixels():
    frame = upsample_maps(np.array([[[0.0, 4.0]]]), n_rows=1, n_columns=4)
    assert frame.tolist() == [[[0, 1, 3, 4]]]


@settings(max_examples=40)
@given(
    size=st.tuples(*[st.integers(1, 4)] * 3), n_rows=st.integers(1, 9), n_columns=st.integers(1, 9)
)
def test_upsampling_agrees_with_the_four_cells_around_each_pixel(size, n_rows, n_columns):
    maps = random_maps(*size)
    frames = upsample_maps(maps, n_rows=n_rows, n_columns=n_columns)
    expected = [
        [
            [pixel_value(one, i, j, n_rows, n_columns) for j in range(n_columns)]
            for i in range(n_rows)
        ]
        for one in maps
    ]
    np.testing.assert_allclose(frames, expected, rtol=0, atol=1e-12)


def test_upsampling_is_that_of_patches_and_of_torch():
    maps = random_maps(5, 7, 7)
    frames = upsample_maps(maps, n_rows=112, n_columns=112)
    for frame, one in zip(frames, maps, strict=True):
        np.testing.assert_allclose(frame, upsample_map(one, frame_px=112), rtol=0, atol=1e-12)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(maps)[None].double(), size=(112, 112), mode="bilinear"
    )[0]
    np.testing.assert_allclose(frames, expected, rtol=0, atol=1e-12)


def test_a_flat_map_stays_exactly_flat_and_no_pixel_exceeds_the_largest_cell():
    assert (upsample_maps(np.full((1, 3, 3), 0.1), n_rows=7, n_columns=11) == 0.1).all()
    maps = random_maps(50, 3, 4)
    frames = upsample_maps(maps, n_rows=13, n_columns=17)
    assert (frames.max(axis=(1, 2)) <= maps.max(axis=(1, 2))).all()


def test_a_neuron_has_the_same_frame_alone():
    maps = random_maps(6, 3, 4)
    together = upsample_maps(maps, n_rows=10, n_columns=8)
    np.testing.assert_array_equal(upsample_maps(maps[4:5], n_rows=10, n_columns=8)[0], together[4])


@pytest.mark.parametrize("block_pixels", [1, 300, 2**20])
def test_masks_are_where_the_frame_is_above_the_threshold_whatever_the_block(
    monkeypatch, block_pixels
):
    monkeypatch.setattr(upsampled_maps, "_BLOCK_PIXELS", block_pixels)
    maps, thresholds = random_maps(9, 3, 4), np.linspace(-2, 2, 9)
    masks = masks_above(maps, thresholds, n_rows=10, n_columns=8)
    frames = upsample_maps(maps, n_rows=10, n_columns=8)
    np.testing.assert_array_equal(masks, frames > thresholds[:, None, None])
    assert 0 < masks.mean() < 1


def test_a_map_that_only_reaches_its_threshold_is_not_above_it():
    maps = np.array([[[0.0, 0.0]], [[0.0, 3.0]]], dtype=np.float32)
    masks = masks_above(maps, np.zeros(2), n_rows=1, n_columns=4)
    assert masks.tolist() == [[[False] * 4], [[False, True, True, True]]]


def test_ranges_have_both_their_ends():
    ranges = np.array([[[0.0, 1.0], [1.5, 2.9], [3.0, 4.0]]])
    masks = masks_within(np.array([[[0.0, 4.0]]]), ranges, n_rows=1, n_columns=4)
    assert masks.tolist() == [
        [
            [[True, True, False, False]],
            [[False, False, False, False]],
            [[False, False, True, True]],
        ]
    ]


def test_no_range_has_no_mask():
    masks = masks_within(np.zeros((1, 2, 2)), np.empty((1, 0, 2)), n_rows=3, n_columns=4)
    assert masks.shape == (1, 0, 3, 4)
    missing = np.full((1, 2, 2), np.nan)
    assert not masks_within(np.zeros((1, 2, 2)), missing, n_rows=3, n_columns=4).any()


@pytest.mark.parametrize("block_pixels", [1, 300, 2**20])
def test_ranges_are_where_the_frame_is_within_them_whatever_the_block(monkeypatch, block_pixels):
    monkeypatch.setattr(upsampled_maps, "_BLOCK_PIXELS", block_pixels)
    maps = random_maps(9, 3, 4)
    edges = np.sort(np.random.default_rng(1).normal(scale=2, size=(9, 6)), axis=1)
    ranges = edges.reshape(9, 3, 2)
    ranges[4, 1] = np.nan
    found = masks_within(maps, ranges, n_rows=10, n_columns=8)
    frames = upsample_maps(maps, n_rows=10, n_columns=8)
    for neuron in range(9):
        for place, (low, high) in enumerate(ranges[neuron]):
            expected = [[low <= value <= high for value in row] for row in frames[neuron]]
            assert found[neuron, place].tolist() == expected
    assert 0 < found.mean() < 1


def test_inputs_are_unchanged():
    maps, thresholds = random_maps(2, 3, 3), np.zeros(2)
    copy = maps.copy()
    masks_above(maps, thresholds, n_rows=6, n_columns=6)
    masks_within(maps, np.array([[[0.0, 1.0]]] * 2), n_rows=6, n_columns=6)
    np.testing.assert_array_equal(maps, copy)
    assert thresholds.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("shape", "size", "reason"),
    [
        ((1, 2, 2), (0, 3), "upsample_maps: expected n_rows of at least 1, got 0"),
        ((1, 2, 2), (3, 0), "upsample_maps: expected n_columns of at least 1, got 0"),
        ((1, 0, 2), (3, 3), "upsample_maps: expected at least one of the maps' rows"),
        ((1, 2, 0), (3, 3), "upsample_maps: expected at least one of the maps' columns"),
    ],
)
def test_maps_without_cells_and_frames_without_pixels_are_refused(shape, size, reason):
    with pytest.raises(ValueError, match=f"^{reason}"):
        upsample_maps(np.ones(shape), n_rows=size[0], n_columns=size[1])


def test_masks_without_pixels_and_a_threshold_too_few_are_refused(unchecked):
    with pytest.raises(ValueError, match=r"^masks_above: expected n_rows of at least 1, got 0"):
        masks_above(np.ones((1, 2, 2)), np.zeros(1), n_rows=0, n_columns=3)
    with pytest.raises(ValueError, match=r"^masks_above: expected n_columns of at least 1, got 0"):
        masks_above(np.ones((1, 2, 2)), np.zeros(1), n_rows=3, n_columns=0)
    with pytest.raises(ValueError, match=r"got 2 in maps, 1 in thresholds\. "):
        unchecked(masks_above)(np.ones((2, 2, 2)), np.zeros(1), n_rows=3, n_columns=3)
    with pytest.raises(ValueError, match=r"^masks_within: .* got 2 in maps, 1 in ranges\. "):
        unchecked(masks_within)(np.ones((2, 2, 2)), np.zeros((1, 1, 2)), n_rows=3, n_columns=3)
    with pytest.raises(ValueError, match=r"^masks_within: expected n_rows of at least 1, got 0"):
        masks_within(np.ones((1, 2, 2)), np.zeros((1, 1, 2)), n_rows=0, n_columns=3)
    with pytest.raises(ValueError, match=r"^masks_within: expected n_columns of at least 1, got 0"):
        masks_within(np.ones((1, 2, 2)), np.zeros((1, 1, 2)), n_rows=3, n_columns=0)
