"""The world's own masks: object and background, by every name that is true of them."""

import numpy as np
import pytest

from sieve_assets.terrarium import segmented
from sieve_assets.terrarium.captions import concept_named, concept_set
from sieve_assets.terrarium.oracle_scenes import SceneSet
from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.scenes import WIDE, place_scene
from sieve_assets.terrarium.segmented import SegmentedScenes, masks_of
from sieve_assets.terrarium.world import object_named


def scene(name, background):
    thing = object_named(name) if name else None
    return place_scene(thing, background, pose=WIDE, generator=np.random.default_rng(0))


def shown_by_name(one):
    names, shown = SegmentedScenes(1).names, masks_of(one)
    return {names[concept]: mask for concept, mask in zip(*shown, strict=True)}


def test_names_of_an_object_are_where_it_is_and_the_background_is_the_rest():
    one = scene("penguin", "snow")
    found = shown_by_name(one)

    assert set(found) == {"penguin", "animal", "snow", "penguin on snow"}
    for name in ("penguin", "animal", "penguin on snow"):
        np.testing.assert_array_equal(found[name], draw_scene(one).mask)
    np.testing.assert_array_equal(found["snow"], ~draw_scene(one).mask)


def test_a_member_of_two_kinds_is_of_both():
    assert set(shown_by_name(scene("banana", "wood"))) == {
        *("banana", "fruit", "food", "wood", "banana on wood")
    }


def test_an_empty_scene_is_all_background():
    found = shown_by_name(scene(None, "night"))
    assert set(found) == {"night"}
    assert found["night"].all()


def test_what_no_name_is_for_hides_its_background_all_the_same():
    one = scene("scorpion", "sand")
    found = shown_by_name(one)
    assert not one.thing.is_drawn
    assert set(found) == {one.thing.family, "sand"} - {"thing"}
    np.testing.assert_array_equal(found["sand"], ~draw_scene(one).mask)


def test_concepts_are_those_of_the_concept_set_that_the_world_can_show():
    names = SegmentedScenes(3).names
    everyday = {one.text for one in concept_set() if not one.is_of_the_world}

    assert set(names) | everyday == {one.text for one in concept_set()}
    assert all(concept_named(name).is_of_the_world for name in names)
    assert len(set(names)) == len(names)


def test_a_scene_has_a_mask_of_a_concept_just_if_it_is_true_of_it():
    images = SegmentedScenes(60)
    for one, shown in zip(images.items(), images.masks(), strict=True):
        true = [at for at, name in enumerate(images.names) if concept_named(name).is_true_of(one)]
        assert shown.concepts.tolist() == true
        assert shown.masks.any(axis=(1, 2)).all()


def test_pictures_are_the_scenes_and_fewer_are_the_first_of_more():
    images = SegmentedScenes(8)
    assert SegmentedScenes(3).items() == images.items()[:3]
    for one in images.items():
        np.testing.assert_array_equal(np.asarray(images.picture(one)), draw_scene(one).image)


def test_they_are_enough_and_other_scenes_than_those_that_judge():
    assert segmented.SEGMENTED_SCENES >= 2000
    seeds = [
        {one.texture_seed for one in some}
        for some in (
            SegmentedScenes(300).items(),
            SceneSet(None, 20_000).scenes(),
        )
    ]
    assert len(seeds[0] & seeds[1]) <= 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("SEGMENTED_SEED", 5), ("EMPTY_SHARE", 0.3), ("VERSION", "x"), ("UNBIASED_POSE", None)],
)
def test_identity_says_everything_that_pictures_and_masks_depend_on(monkeypatch, name, value):
    before = str(SegmentedScenes(3).identity)
    if name == "UNBIASED_POSE":
        value = segmented.UNBIASED_POSE.__class__((1, 2), 3, 4, (5, 6))
    monkeypatch.setattr(segmented, name, value)
    assert str(SegmentedScenes(3).identity) != before != str(SegmentedScenes(4).identity)


def test_identity_says_which_renderer_and_names(monkeypatch):
    before = SegmentedScenes(3).identity
    assert before["names"] == SegmentedScenes(3).names
    monkeypatch.setattr(segmented, "renderer_identity", lambda: ("2", "a", "b"))
    assert SegmentedScenes(3).identity != before
