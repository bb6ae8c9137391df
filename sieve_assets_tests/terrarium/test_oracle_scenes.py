"""Scenes to judge by: of the concept, the same whatever is made beside them, in any process."""

import inspect

import numpy as np
import pytest

from sieve_assets.terrarium import oracle_scenes, workers
from sieve_assets.terrarium.captions import concept_named
from sieve_assets.terrarium.oracle_scenes import SceneSet, draw_batches, set_of, unbiased_set
from sieve_assets.terrarium.renderer import draw_scene, draw_scenes
from sieve_assets.terrarium.scenes import NARROW, WIDE
from sieve_assets.terrarium.world import BACKGROUNDS, world_objects


@pytest.fixture
def one_worker(monkeypatch):
    monkeypatch.setattr(workers, "N_WORKERS", 1)


@pytest.mark.parametrize("text", ["dog", "animal", "snow", "penguin on snow"])
def test_every_scene_of_a_concept_shows_it(text):
    scenes = SceneSet(text, 30).scenes()

    assert len(scenes) == 30
    assert all(concept_named(text).is_true_of(scene) for scene in scenes)
    assert len({scene.texture_seed for scene in scenes}) == 30


def test_a_word_that_names_nothing_has_no_scenes():
    with pytest.raises(ValueError, match="expected a concept of the world, got 'meeting'"):
        SceneSet("meeting", 3).scenes()


def test_the_unbiased_scenes_show_every_object_and_background_and_nothing():
    scenes = SceneSet(None, 4000).scenes()

    assert {scene.thing for scene in scenes} == {None, *world_objects()}
    assert {scene.background for scene in scenes} == set(BACKGROUNDS)
    empty = np.mean([scene.thing is None for scene in scenes])
    assert empty == pytest.approx(oracle_scenes.EMPTY_SHARE, abs=0.02)


def test_fewer_scenes_are_the_first_of_more():
    for concept in (None, "dog"):
        assert SceneSet(concept, 3).scenes() == SceneSet(concept, 8).scenes()[:3]


def test_a_concepts_scenes_have_their_own_seeds():
    places = [[scene.x_px for scene in SceneSet(text, 5).scenes()] for text in ("dog", "cat")]
    assert not set(places[0]) & set(places[1])


def test_the_sets_are_as_large_and_posed_as_promised():
    assert unbiased_set().n_scenes >= 20_000
    assert set_of("dog").n_scenes >= 500
    assert oracle_scenes.UNBIASED_POSE == WIDE
    for scenes, pose in ((SceneSet(None, 200), WIDE), (SceneSet("dog", 200), NARROW)):
        sizes = [scene.size_px for scene in scenes.scenes()]
        assert pose.size_px[0] <= min(sizes) <= max(sizes) <= pose.size_px[1]


def test_identity_says_everything_the_pictures_depend_on(monkeypatch):
    sets = [SceneSet(concept, n) for concept in (None, "dog", "cat") for n in (3, 4)]
    identities = [str(one.identity) for one in sets]
    assert len(set(identities)) == len(sets)

    for name, value, changed in (
        ("ORACLE_POSE", WIDE, "dog"),
        ("UNBIASED_POSE", NARROW, None),
        ("UNBIASED_SEED", 5, None),
        ("EMPTY_SHARE", 0.3, None),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(oracle_scenes, name, value)
            is_changed = {
                concept: str(SceneSet(concept, 3).identity) not in identities
                for concept in (None, "dog")
            }
        assert is_changed == {None: changed is None, "dog": changed == "dog"}
    monkeypatch.setattr(oracle_scenes, "renderer_identity", lambda: ("2", "a", "b"))
    assert not {str(one.identity) for one in sets} & set(identities)


@pytest.mark.usefixtures("one_worker")
def test_pictures_come_in_order_in_batches_whatever_is_drawn_ahead(monkeypatch):
    monkeypatch.setattr(oracle_scenes, "MOST_AT_ONCE", 6)
    scenes = SceneSet(None, 11).scenes()

    batches = list(draw_batches(scenes, batch_size=3))

    assert [len(batch) for batch in batches] == [3, 3, 3, 2]
    for scene, picture in zip(scenes, np.concatenate(batches), strict=True):
        assert np.array_equal(picture, draw_scene(scene).image)


@pytest.mark.usefixtures("one_worker")
def test_no_more_is_drawn_than_is_asked_for(monkeypatch):
    monkeypatch.setattr(oracle_scenes, "MOST_AT_ONCE", 4)
    drawn = []
    monkeypatch.setattr(
        oracle_scenes, "draw_scenes", lambda scenes: drawn.extend(scenes) or draw_scenes(scenes)
    )

    batches = draw_batches(SceneSet(None, 40).scenes(), batch_size=2)
    assert inspect.isgenerator(batches)
    next(batches)

    assert 2 <= len(drawn) <= 4


def test_other_processes_draw_the_same_bytes(monkeypatch):
    monkeypatch.setattr(workers, "N_WORKERS", 2)
    scenes = SceneSet("owl at night", 6).scenes()

    pictures = np.concatenate(list(draw_batches(scenes, batch_size=2)))

    assert np.array_equal(pictures, [draw_scene(scene).image for scene in scenes])
