"""Neurons' maps of an image, and their masks, at the size of its concept masks."""

import numpy as np
from jaxtyping import Bool, Float, Float64

from sieve_assets.method.checked_inputs import (
    require_at_least,
    require_same_length,
    require_some,
)
from sieve_assets.method.patch_embeddings import cell_positions

_BLOCK_PIXELS = 2**20
"""Upsampled at a time: few enough to stay in a processor's cache."""


def upsample_maps(
    maps: Float[np.ndarray, "neuron height width"], *, n_rows: int, n_columns: int
) -> Float64[np.ndarray, "neuron row column"]:
    """Maps at every pixel of a frame, bilinearly, with half-pixel centres.

    What `patch_embeddings.upsample_map` gives, for many maps and frames of any shape. Of the form
    a + (b - a) s, so that equal cells give exactly their value between them, and no pixel of
    float32 maps exceeds their largest cell.

    Args:
        maps: One map a neuron (arbitrary units), finite.
        n_rows: Height of the frame.
        n_columns: Width of the frame.

    Returns:
        The maps over the frame.

    Raises:
        ValueError: The maps have no cell, or the frame no pixel.

    Source: docs/method.md, decision 6; Network Dissection (Bau et al., CVPR 2017), Sec. 2.2.
    """
    where = "upsample_maps"
    require_at_least(where, "n_rows", n_rows, 1)
    require_at_least(where, "n_columns", n_columns, 1)
    require_some(where, "maps' rows", maps, axis=1)
    require_some(where, "maps' columns", maps, axis=2)
    wide = _interpolated(maps.astype(np.float64), n_columns, axis=2)
    return _interpolated(wide, n_rows, axis=1)


def masks_above(
    maps: Float[np.ndarray, "neuron height width"],
    thresholds: Float[np.ndarray, " neuron"],
    *,
    n_rows: int,
    n_columns: int,
) -> Bool[np.ndarray, "neuron row column"]:
    """Where each neuron's upsampled map is above its threshold.

    The paper has map >= threshold; as in the authors' code, it is > here, for otherwise a neuron
    that is 0 nearly everywhere would cover every image.

    Args:
        maps: As `upsample_maps`.
        thresholds: Of `TopValues`.
        n_rows: As `upsample_maps`.
        n_columns: As `upsample_maps`.

    Returns:
        The neurons' masks.

    Raises:
        ValueError: As `upsample_maps`, or not one threshold a neuron.

    Source: Network Dissection (Bau et al., CVPR 2017), Sec. 2.2: M_k.
    """
    where = "masks_above"
    require_same_length(where, maps=len(maps), thresholds=len(thresholds))
    require_at_least(where, "n_rows", n_rows, 1)
    require_at_least(where, "n_columns", n_columns, 1)
    is_above = np.zeros((len(maps), n_rows, n_columns), dtype=np.bool_)
    # An upsampled value is never above all cells, and most neurons have none above.
    active = np.flatnonzero((maps > thresholds[:, None, None]).any(axis=(1, 2)))
    size = max(_BLOCK_PIXELS // (n_rows * n_columns), 1)
    for start in range(0, len(active), size):
        some = active[start : start + size]
        frames = upsample_maps(maps[some], n_rows=n_rows, n_columns=n_columns)
        is_above[some] = frames > thresholds[some, None, None]
    return is_above


def masks_within(
    maps: Float[np.ndarray, "neuron height width"],
    ranges: Float[np.ndarray, "neuron range 2"],
    *,
    n_rows: int,
    n_columns: int,
) -> Bool[np.ndarray, "neuron range row column"]:
    """Where each neuron's upsampled map is within each of its ranges, both ends included.

    Args:
        maps: As `upsample_maps`.
        ranges: Least and largest value of each range, such as of `neuron_ranges`; nan for none.
        n_rows: As `upsample_maps`.
        n_columns: As `upsample_maps`.

    Returns:
        A mask for each range. A pixel between two ranges is in none.

    Raises:
        ValueError: As `upsample_maps`, or not the ranges of each neuron.

    Source: Clustered Compositional Explanations (La Rosa et al., NeurIPS 2023).
    """
    where = "masks_within"
    require_same_length(where, maps=len(maps), ranges=len(ranges))
    require_at_least(where, "n_rows", n_rows, 1)
    require_at_least(where, "n_columns", n_columns, 1)
    low, high = ranges[:, :, 0], ranges[:, :, 1]
    is_within = np.zeros((*low.shape, n_rows, n_columns), dtype=np.bool_)
    # An upsampled value is never below all cells, nor above: most ranges are not reached.
    least, largest = maps.min(axis=(1, 2)), maps.max(axis=(1, 2))
    is_reached = (low <= largest[:, None]) & (high >= least[:, None])
    active = np.flatnonzero(is_reached.any(axis=1))
    size = max(_BLOCK_PIXELS // (n_rows * n_columns), 1)
    for start in range(0, len(active), size):
        some = active[start : start + size]
        frames = upsample_maps(maps[some], n_rows=n_rows, n_columns=n_columns)
        for neuron, frame in zip(some.tolist(), frames, strict=True):
            for place in np.flatnonzero(is_reached[neuron]).tolist():
                is_in = frame >= low[neuron, place]
                is_within[neuron, place] = is_in & (frame <= high[neuron, place])
    return is_within


def _interpolated(
    maps: Float64[np.ndarray, "neuron height width"], n_pixels: int, *, axis: int
) -> Float64[np.ndarray, "neuron row column"]:
    last = maps.shape[axis] - 1
    positions = np.clip(cell_positions(last + 1, n_pixels), 0, last)
    cells = np.floor(positions).astype(np.intp)
    shares = (positions - cells).reshape((-1, 1) if axis == 1 else (-1,))
    before = maps.take(cells, axis)
    after = maps.take(np.minimum(cells + 1, last), axis)
    # In place: these are the largest arrays of a pass.
    after -= before
    after *= shares
    after += before
    return after
