"""Where to cut a patch out of a sample, and whether the patch still drives the neuron."""

# scipy ships no types: what comes from it is annotated where it is used.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64
from scipy import ndimage

from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_between,
    require_finite,
    require_same_length,
    require_some,
)


class Box(NamedTuple):
    """Edges of a rectangle in the model's input frame (pixels, not rounded)."""

    x0: float
    y0: float
    x1: float
    y1: float


class PixelBox(NamedTuple):
    """A rectangle of whole pixels of the original image; x1 and y1 are the first outside it."""

    x0: int
    y0: int
    x1: int
    y1: int


def upsample_map(
    activation_map: Float[np.ndarray, "row column"], *, frame_px: int
) -> Float64[np.ndarray, "frame_px frame_px"]:
    """The map over the model's input frame, bilinearly, with half-pixel centres.

    The same as torch's `interpolate(mode="bilinear", align_corners=False)`.

    Args:
        activation_map: A neuron's map (arbitrary units).
        frame_px: Side of the frame.

    Returns:
        The map at every pixel of the frame.

    Raises:
        ValueError: The map is empty or not finite, or frame_px < 1.

    Source: docs/method.md, decision 6.
    """
    require_at_least("upsample_map", "frame_px", frame_px, 1)
    require_some("upsample_map", "map's rows", activation_map, axis=0)
    require_some("upsample_map", "map's columns", activation_map, axis=1)
    remedy = "Check the target's maps and precision."
    require_finite("upsample_map", "maps", activation_map, row="map row", remedy=remedy)
    centres = [cell_positions(n_cells, frame_px) for n_cells in activation_map.shape]
    grid = np.meshgrid(*centres, indexing="ij")
    cells = activation_map.astype(np.float64)
    frame: Float64[np.ndarray, "frame_px frame_px"] = ndimage.map_coordinates(
        cells, grid, order=1, mode="nearest"
    )
    return np.clip(frame, cells.min(), cells.max())  # rounding would give a flat map contrast


def cell_positions(n_cells: int, n_pixels: int) -> Float64[np.ndarray, " pixel"]:
    """Where the pixels' centres lie along a map's side; 0 is the centre of its first cell.

    Args:
        n_cells: Of the map's side.
        n_pixels: Of the frame's side.

    Returns:
        From -0.5 to n_cells - 0.5.

    Source: docs/method.md, decision 6.
    """
    return (np.arange(n_pixels) + 0.5) * n_cells / n_pixels - 0.5


def crop_box(
    activation_map: Float[np.ndarray, "row column"],
    *,
    frame_px: int,
    level: float,
    padding: float,
    min_side: float,
) -> Box:
    """The square around the region that the neuron responds to most, in the model's input frame.

    The region is the connected part (4 neighbours) of {map >= min + level (max - min)} that holds
    the maximum (the first, should it occur twice). Its bounding box is padded, made square around
    its centre, and moved inside the frame. A map without contrast gives the whole frame.

    Args:
        activation_map: The neuron's map of one image; may be signed.
        frame_px: Side of the model's input.
        level: Where between the map's extremes the region begins, 0 to 1.
        padding: Added at every edge, as a share of the region's larger side, at least 0.
        min_side: Least side, as a share of the frame, 0 to 1.

    Returns:
        A square inside the frame.

    Raises:
        ValueError: The map is empty or not finite, or a setting is out of range.

    Source: SIEVE, Sec. 3.3 ("the local region with the highest activation"); decision 6.
    """
    require_between("crop_box", "crop_level", level, 0.0, 1.0)
    require_between("crop_box", "crop_padding", padding, 0.0, math.inf)
    require_between("crop_box", "crop_min_side", min_side, 0.0, 1.0)
    frame = upsample_map(activation_map, frame_px=frame_px)
    low, high = frame.min(), frame.max()
    components = np.empty(frame.shape, dtype=np.int32)
    ndimage.label(frame >= min(low + level * (high - low), high), output=components)
    is_region = components == components.flat[np.argmax(frame)]
    rows, columns = (_extent(is_region.any(axis=axis)) for axis in (1, 0))
    larger_px = max(rows[1] - rows[0], columns[1] - columns[0])
    side = min(max(larger_px * (1 + 2 * padding), min_side * frame_px), float(frame_px))
    x0, y0 = (_start_inside(extent, side, frame_px) for extent in (columns, rows))
    return Box(x0, y0, min(x0 + side, float(frame_px)), min(y0 + side, float(frame_px)))


def box_in_original(
    box: Box, *, width_px: int, height_px: int, resize_px: int, crop_px: int
) -> PixelBox:
    """The frame's box in the pixels of the image that was resized and centre-cropped to the frame.

    The inverse of torchvision's `Resize(resize_px)` (shorter side) and `CenterCrop(crop_px)`, with
    their rounding, and the padding of a crop larger than the resized image.

    Args:
        box: In the frame of crop_px x crop_px.
        width_px: Width of the original image.
        height_px: Height of the original image.
        resize_px: Length of the shorter side after the resize.
        crop_px: Side of the centre crop.

    Returns:
        Whole pixels inside the original, at least 1 x 1.

    Raises:
        ValueError: A size is below 1, or the box is empty or not inside the frame.

    Source: docs/method.md, decision 6.
    """
    require_at_least("box_in_original", "width_px", width_px, 1)
    require_at_least("box_in_original", "height_px", height_px, 1)
    require_at_least("box_in_original", "resize_px", resize_px, 1)
    _check_inside(box, crop_px)
    shorter_px = min(width_px, height_px)
    edges: list[tuple[int, int]] = []
    for start, stop, side_px in ((box.x0, box.x1, width_px), (box.y0, box.y1, height_px)):
        resized_px = resize_px * side_px // shorter_px
        offset_px = _centre_offset(resized_px, crop_px)
        scale = side_px / resized_px
        first, last = (round((edge + offset_px) * scale) for edge in (start, stop))
        edges.append(_whole_pixels(first, last, side_px))
    (x0, x1), (y0, y1) = edges
    return PixelBox(x0, y0, x1, y1)


def crop_retention(
    crop: Float[np.ndarray, " patch"],
    image: Float[np.ndarray, " patch"],
    median: Float[np.ndarray, " patch"],
) -> Float64[np.ndarray, " patch"]:
    """How much of the image's activation above the median is left when only the crop is shown.

    Args:
        crop: Activation of the crop, shown alone.
        image: Activation of the whole image.
        median: The neuron's median over the probe set, repeated for its patches.

    Returns:
        (crop - median) / (image - median); 0 where the image does not exceed the median, for then
        there is nothing to keep.

    Raises:
        ValueError: Lengths differ, or an activation is not finite.

    Source: docs/method.md, decision 9; not in the paper.
    """
    where = "crop_retention"
    require_same_length(where, crop=len(crop), image=len(image), median=len(median))
    remedy = "Check the target's transform and precision."
    for what, values in (("crops", crop), ("images", image), ("medians", median)):
        require_finite(where, f"activations of {what}", values, row="patch", remedy=remedy)
    centre = median.astype(np.float64)
    left, whole = crop - centre, image - centre
    return np.divide(left, whole, out=np.zeros_like(whole), where=whole > 0)


def is_whole_image(
    retention: Float[np.ndarray, " patch"], *, min_retention: float
) -> Bool[np.ndarray, " patch"]:
    """Whether the whole image stands for the patch, because the crop lost the neuron.

    Args:
        retention: From `crop_retention`.
        min_retention: The crop is used at or above it.

    Returns:
        True where the whole image is to be used.

    Raises:
        ValueError: A retention is not finite.

    Source: docs/method.md, decision 9; not in the paper.
    """
    remedy = "Pass what crop_retention returns."
    require_finite("is_whole_image", "retentions", retention, row="patch", remedy=remedy)
    return retention < min_retention


def _check_inside(box: Box, frame_px: int) -> None:
    if not (0 <= box.x0 < box.x1 <= frame_px and 0 <= box.y0 < box.y1 <= frame_px):
        expected = f"a box with an area, inside 0 to {frame_px} px"
        remedy = "Pass what crop_box returns for frame_px = crop_px."
        raise ValueError(refusal("box_in_original", expected, tuple(box), remedy))


def _extent(is_present: Bool[np.ndarray, " pixel"]) -> tuple[int, int]:
    """The first pixel that is present, and the first after the last."""
    present = np.flatnonzero(is_present)
    return int(present[0]), int(present[-1]) + 1


def _start_inside(extent: tuple[int, int], side: float, frame_px: int) -> float:
    """Where an interval of length `side` begins, centred on the extent as far as the frame lets."""
    start = (extent[0] + extent[1] - side) / 2
    return float(min(max(start, 0.0), frame_px - side))


def _centre_offset(resized_px: int, crop_px: int) -> int:
    """Where torchvision's centre crop begins; negative where it pads the image first."""
    if resized_px < crop_px:
        return -((crop_px - resized_px) // 2)
    return round((resized_px - crop_px) / 2)


def _whole_pixels(start: int, stop: int, side_px: int) -> tuple[int, int]:
    """The interval clipped to the image, at least one pixel long."""
    first = min(max(start, 0), side_px - 1)
    return first, max(min(stop, side_px), first + 1)
