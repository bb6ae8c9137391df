"""The frame a network sees, against torchvision's own transforms and plain arithmetic."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from sieve_assets import study_targets
from sieve_assets.models.frames import cut_frame, input_frames

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


def transform_of(resize_px, crop_px, interpolation: Any = "bilinear"):
    return study_targets.Transform(
        resize_px=resize_px, crop_px=crop_px, mean=MEAN, std=STD, interpolation=interpolation
    )


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("resize_px", "crop_px"), [(64, 64), (72, 64), (40, 33)])
def test_frames_are_those_of_torchvisions_transforms(images, resize_px, crop_px, interpolation):
    reference = v2.Compose(
        [
            v2.RGB(),
            v2.Resize(resize_px, v2.InterpolationMode(interpolation), antialias=True),
            v2.CenterCrop(crop_px),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )
    pictures = [image.convert("RGB") for image in images]

    transform = transform_of(resize_px, crop_px, interpolation)
    frames = input_frames(images, transform, device="cpu")

    expected = torch.stack([reference(picture) for picture in pictures])
    torch.testing.assert_close(frames, expected, rtol=1e-5, atol=1e-5)


def test_values_one_can_check_in_the_head():
    image = Image.new("RGB", (8, 8), (255, 0, 51))

    frames = input_frames([image], transform_of(8, 8), device="cpu")

    expected = torch.tensor([(1 - 0.5) / 0.2, (0 - 0.4) / 0.25, (0.2 - 0.3) / 0.3])
    torch.testing.assert_close(frames, expected.view(1, 3, 1, 1).expand(1, 3, 8, 8))


def test_a_picture_of_the_frames_size_is_left_as_it_is(images):
    assert cut_frame(images[0], transform_of(64, 64)) is images[0]


def test_large_pictures_are_smoothed_before_they_are_thinned_out():
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::2] = 255

    frame = np.asarray(cut_frame(Image.fromarray(stripes), transform_of(32, 32)))

    assert abs(frame.astype(int) - 127).max() < 20


def test_pictures_are_not_changed(images):
    before = [(image.mode, image.tobytes()) for image in images]

    input_frames(images, transform_of(40, 33), device="cpu")

    assert [(image.mode, image.tobytes()) for image in images] == before
