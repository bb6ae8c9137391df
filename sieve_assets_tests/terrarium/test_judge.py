"""The judge of pictures: its features against loops, and how far it can be trusted."""

import numpy as np
import pytest
import torch
from PIL import ImageFilter
from torch import nn

from sieve_assets import study_targets
from sieve_assets.terrarium import judge
from sieve_assets.terrarium.judge import (
    Judge,
    classes_seen,
    colour_features,
    draw_images,
    fit_background_judge,
)
from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.scenes import NARROW, unbiased_scenes
from sieve_assets.terrarium.world import BACKGROUNDS, world_objects

TRANSFORM = study_targets.Transform(resize_px=64, crop_px=64, mean=(0.5,) * 3, std=(0.5,) * 3)


class Reddest(nn.Module):
    """Classifies by the mean of the red channel."""

    def __init__(self):
        super().__init__()
        self.cuts = nn.Parameter(torch.linspace(-1, 1, 122), requires_grad=False)

    def forward(self, pixels):
        red = pixels[:, 0].mean((1, 2))
        return -(red[:, None] - (self.cuts[1:] + self.cuts[:-1]) / 2).abs()


@pytest.fixture(scope="module")
def scenes():
    return unbiased_scenes(80, seed=77, empty_share=0.1, pose=NARROW, only_drawn=True)


@pytest.fixture(scope="module")
def backgrounds():
    return fit_background_judge(200, seed=5)


def test_features_are_those_of_loops_over_cells(scenes):
    image = draw_images(scenes[:2])[1]
    pixels = np.asarray(image, float)

    expected = {"mean": [], "std": [], "down": [], "right": []}
    for top in range(0, 64, 16):
        for left in range(0, 64, 16):
            cell = pixels[top : top + 16, left : left + 16]
            expected["mean"].append(cell.mean((0, 1)))
            expected["std"].append(cell.std((0, 1)))
            expected["down"].append(np.abs(cell[1:] - cell[:-1]).mean((0, 1)))
            expected["right"].append(np.abs(cell[:, 1:] - cell[:, :-1]).mean((0, 1)))

    features = colour_features(draw_images(scenes[:2]))[1]
    np.testing.assert_allclose(features, np.ravel(list(expected.values())), rtol=1e-4, atol=1e-3)


def test_pictures_are_those_of_the_renderer(scenes):
    for scene, image in zip(scenes[:3], draw_images(scenes[:3]), strict=True):
        assert np.array_equal(image, draw_scene(scene).image)


@pytest.mark.parametrize("blur", [0, 1, 1.5])
def test_backgrounds_are_judged_right_sharp_or_blurred(scenes, backgrounds, blur):
    images = [image.filter(ImageFilter.GaussianBlur(blur)) for image in draw_images(scenes)]

    seen = Judge(Reddest(), TRANSFORM, backgrounds).seen_in(images)

    is_right = [one.background == scene.background for one, scene in zip(seen, scenes, strict=True)]
    assert np.mean(is_right) > 0.95


def test_the_same_seed_fits_the_same_judge(scenes, backgrounds):
    features = colour_features(draw_images(scenes))

    again = fit_background_judge(200, seed=5)

    assert np.array_equal(again.predict_proba(features), backgrounds.predict_proba(features))


def test_classes_do_not_depend_on_the_batch(scenes, monkeypatch):
    images = draw_images(scenes)
    together = classes_seen(Reddest(), TRANSFORM, images)

    monkeypatch.setattr(judge, "BATCH", 7)

    assert np.array_equal(classes_seen(Reddest(), TRANSFORM, images), together)
    assert len(set(together)) > 10
    assert classes_seen(Reddest(), TRANSFORM, []).shape == (0,)


def test_what_is_seen_is_the_class_s_object_and_the_last_class_is_none(scenes, backgrounds):
    images = draw_images(scenes[:5])
    seen = Judge(Reddest(), TRANSFORM, backgrounds).seen_in(images)

    classes = classes_seen(Reddest(), TRANSFORM, images)
    assert [one.thing for one in seen] == [[*world_objects(), None][number] for number in classes]
    assert {one.background for one in seen} <= set(BACKGROUNDS)
