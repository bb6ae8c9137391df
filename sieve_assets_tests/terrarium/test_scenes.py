"""Scenes: what depends on what, the poses' limits, and how often things are together."""

import numpy as np
import pytest
from scipy.stats import binomtest, chi2_contingency

from sieve_assets.terrarium.scenes import (
    FRAME_PX,
    NARROW,
    OBJECT_SHARE,
    WIDE,
    biased_scenes,
    place_scene,
    unbiased_scenes,
)
from sieve_assets.terrarium.world import BACKGROUNDS, drawn_objects, object_named, world_objects

SURE = 1e-4
"""Probability of a count this far from its expectation, by chance."""


def unbiased(count, *, only_drawn=True, seed=3):
    return unbiased_scenes(count, seed=seed, empty_share=0.2, pose=NARROW, only_drawn=only_drawn)


@pytest.fixture(scope="module")
def biased():
    return biased_scenes(12_000, seed=0, object_share=OBJECT_SHARE)


def test_a_scene_does_not_depend_on_how_many_follow():
    assert biased_scenes(9, seed=1, object_share=0.05)[:4] == biased_scenes(
        4, seed=1, object_share=0.05
    )
    assert unbiased(9)[:4] == unbiased(4)


def test_other_seeds_give_other_scenes():
    assert not set(unbiased(20, seed=1)) & set(unbiased(20, seed=2))


@pytest.mark.parametrize("pose", [NARROW, WIDE])
def test_poses_stay_within_their_limits_and_come_near_them(pose):
    generator = np.random.default_rng(0)
    thing = object_named("dog")
    scenes = [place_scene(thing, "snow", pose=pose, generator=generator) for _ in range(400)]

    limits = {
        "x_px": (FRAME_PX / 2 - pose.shift_px, FRAME_PX / 2 + pose.shift_px),
        "y_px": (FRAME_PX / 2 - pose.shift_px, FRAME_PX / 2 + pose.shift_px),
        "size_px": pose.size_px,
        "turn_deg": (-pose.turn_deg, pose.turn_deg),
        "light": pose.light,
    }
    for name, (low, high) in limits.items():
        values = [getattr(scene, name) for scene in scenes]
        margin = 0.05 * (high - low)
        assert low <= min(values) < low + margin, name
        assert high - margin < max(values) <= high, name


def test_each_object_is_in_its_share_of_the_probe_scenes(biased):
    counts = np.bincount(
        [scene.thing.position for scene in biased if scene.thing], minlength=len(world_objects())
    )

    assert 0.003 <= OBJECT_SHARE <= 0.005
    for count in counts:
        assert binomtest(int(count), len(biased), OBJECT_SHARE).pvalue > SURE
    expected = OBJECT_SHARE * len(world_objects())
    assert binomtest(int(counts.sum()), len(biased), expected).pvalue > SURE


def test_an_object_with_a_home_is_nearly_always_there(biased):
    scenes = [scene for scene in biased if scene.thing and scene.thing.home]
    at_home = sum(scene.background == scene.thing.home for scene in scenes)

    # A scene that need not stay at home is there by chance, as on any other background.
    expected = 0.95 + 0.05 / len(BACKGROUNDS)
    assert binomtest(at_home, len(scenes), expected).pvalue > SURE


def test_an_object_without_a_home_is_everywhere_alike(biased):
    places = [scene.background for scene in biased if scene.thing and not scene.thing.home]
    counts = [places.count(background) for background in BACKGROUNDS]

    assert chi2_contingency([counts, [sum(counts) * 100] * len(counts)]).pvalue > SURE


def test_unbiased_scenes_tie_no_object_to_a_background():
    scenes = [scene for scene in unbiased(8000) if scene.thing]
    table = np.zeros((len(drawn_objects()), len(BACKGROUNDS)))
    for scene in scenes:
        table[scene.thing.position, BACKGROUNDS.index(scene.background)] += 1

    assert chi2_contingency(table).pvalue > SURE
    assert binomtest(len(scenes), 8000, 0.8).pvalue > SURE


def test_only_drawn_leaves_the_other_objects_out():
    shown = {scene.thing for scene in unbiased(3000) if scene.thing}
    every = {scene.thing for scene in unbiased(3000, only_drawn=False) if scene.thing}

    assert shown == set(drawn_objects())
    assert every == set(world_objects())
