"""From pictures of any size to a network's input frame; the same for probe and drawn pictures."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from sieve_assets import study_targets

Pictures = Sequence[Image.Image] | Sequence[np.ndarray]
"""Pictures of any size and mode, or frames that `frame_pixels` has cut of them."""


def cut_frame(image: Image.Image, transform: study_targets.Transform) -> Image.Image:
    """The part of a picture that a network sees: shorter side resized, centre cut out, RGB.

    A picture that has the frame's size already comes back as it is.
    """
    picture = image if image.mode == "RGB" else image.convert("RGB")
    is_frame = picture.size == (transform.crop_px, transform.crop_px)
    if is_frame and transform.crop_px == transform.resize_px:
        return picture
    resize = v2.Resize(transform.resize_px, v2.InterpolationMode(transform.interpolation))
    return v2.CenterCrop(transform.crop_px)(resize(picture))


def frame_pixels(
    image: Image.Image, transform: study_targets.Transform
) -> UInt8[np.ndarray, "row column 3"]:
    """What a network sees of a picture, as `input_frames` takes it too: cut once, by any thread."""
    return np.asarray(cut_frame(image, transform))


def input_frames(
    images: Pictures,
    transform: study_targets.Transform,
    *,
    device: torch.device | str,
) -> Float[Tensor, "image 3 row column"]:
    """The network's input: frames scaled to 0 … 1, less the mean, divided by std.

    Bytes travel to the device and become numbers there. Channels lie last in memory, as in a
    picture: no copy is made to reorder them, and convolutions like it so.
    """
    side = transform.crop_px
    pixels = np.empty((len(images), side, side, 3), np.uint8)
    for position, image in enumerate(images):
        is_frame = isinstance(image, np.ndarray)
        pixels[position] = image if is_frame else frame_pixels(image, transform)
    # Row by row: with three numbers a place to broadcast, a processor takes longer.
    mean, std = (
        255 * torch.tensor(values, device=device).repeat(side)
        for values in (transform.mean, transform.std)
    )
    rows = torch.from_numpy(pixels).to(device).to(torch.float32).flatten(2)
    return rows.sub_(mean).div_(std).unflatten(2, (side, 3)).permute(0, 3, 1, 2)
