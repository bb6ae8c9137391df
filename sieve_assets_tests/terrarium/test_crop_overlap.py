"""Overlap is checked on maps made from the known masks, where the answer is known."""

import numpy as np
import pytest
import torch

from sieve_assets.method.probe_pass import StrongestSamples
from sieve_assets.study import Hypothesize
from sieve_assets.terrarium.crop_overlap import overlaps
from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.scenes import FRAME_PX, WIDE, unbiased_scenes


@pytest.fixture(scope="module")
def pictures():
    scenes = unbiased_scenes(6, seed=4, empty_share=0, pose=WIDE, only_drawn=True)
    return [draw_scene(scene) for scene in scenes]


def samples(pictures, maps) -> StrongestSamples:
    """One neuron whose strongest pictures are all of them."""
    positions = torch.arange(len(pictures))[None]
    return StrongestSamples(positions, positions.float(), torch.from_numpy(np.stack(maps))[None])


def test_map_that_is_the_mask_finds_most_of_the_object_and_little_else(pictures):
    kept = samples(pictures, [picture.mask.astype(np.float32) for picture in pictures])
    found, exact, area = overlaps(kept, pictures, Hypothesize())
    share = np.mean([picture.mask.mean() for picture in pictures])
    assert found > 0.9
    assert exact > 1.3 * share
    assert area < 1


def test_map_of_one_value_is_the_whole_picture(pictures):
    flat = [np.ones((FRAME_PX, FRAME_PX), np.float32)] * len(pictures)
    found, exact, area = overlaps(samples(pictures, flat), pictures, Hypothesize())
    assert (found, area) == (1, 1)
    assert exact == pytest.approx(np.mean([picture.mask.mean() for picture in pictures]))
