"""Styles: the scene stays, its look does not."""

import numpy as np
import pytest

from sieve_assets.study_probes import TerrariumProbe
from sieve_assets.terrarium.renderer import draw_scenes
from sieve_assets.terrarium.scenes import WIDE, unbiased_scenes
from sieve_assets.terrarium.styles import N_LEVELS, PLAIN, STYLES, outlined, sepia


@pytest.fixture(scope="module")
def images():
    scenes = unbiased_scenes(12, seed=3, empty_share=0.1, pose=WIDE, only_drawn=True)
    return draw_scenes(scenes).images


@pytest.mark.parametrize("style", STYLES)
def test_a_style_gives_the_same_picture_again_and_leaves_its_own_alone(images, style):
    before = images[0].copy()

    found = STYLES[style](images[0])

    assert np.array_equal(found, STYLES[style](images[0]))
    assert (found.shape, found.dtype) == (images[0].shape, np.uint8)
    assert np.array_equal(images[0], before)
    assert np.array_equal(found, images[0]) == (style == PLAIN)


def test_a_study_can_name_every_style_and_no_other():
    said = TerrariumProbe.model_fields["style"].annotation.__args__

    assert set(said) == set(STYLES)


def test_outlines_are_where_brightness_steps_and_colours_are_few():
    image = np.full((20, 20, 3), (200, 60, 60), np.uint8)
    image[:, 10:] = (250, 240, 230)

    found = outlined(image).astype(int)

    step = 255 / (N_LEVELS - 1)
    assert np.abs(found[5, 2] - np.rint(np.array([200, 60, 60]) / step) * step).max() <= 0.5
    assert (found[:, 9:11].max(axis=2) < 80).all()
    assert len(np.unique(found.reshape(-1, 3), axis=0)) <= 4


def test_outlined_scenes_keep_their_colours(images):
    for image in images:
        mean, flat = (one.reshape(-1, 3).mean(0) for one in (image, outlined(image)))
        assert np.corrcoef(mean, flat)[0, 1] > 0.9 or np.ptp(mean) < 25


def test_sepia_keeps_bright_and_dark_and_no_hue(images):
    for image in images:
        red, green, blue = sepia(image).astype(int).reshape(-1, 3).T
        assert (red >= green).all()
        assert (green >= blue).all()
        assert np.corrcoef(image.reshape(-1, 3).mean(1), green)[0, 1] > 0.8
