"""What is true of a scene, the concept set, and scenes made for a concept."""

import numpy as np
import pytest

from sieve_assets.method.concept_sets import parse_concepts
from sieve_assets.terrarium.captions import (
    Concept,
    JoinedConcept,
    concept_named,
    concept_set,
    families_of,
    known_concepts,
    pair_text,
    scene_of,
    truth_table,
)
from sieve_assets.terrarium.scenes import NARROW, WIDE, place_scene, unbiased_scenes
from sieve_assets.terrarium.world import (
    BACKGROUNDS,
    DATA,
    drawn_objects,
    everyday_words,
    families,
    object_named,
    world_objects,
)


def scene(name, background):
    thing = object_named(name) if name else None
    return place_scene(thing, background, pose=NARROW, generator=np.random.default_rng(0))


def test_the_concept_set_holds_what_it_promises():
    texts = [concept.text for concept in concept_set()]
    pairs = {pair_text(thing, place) for thing in drawn_objects() for place in BACKGROUNDS}

    assert len(drawn_objects()) >= 40
    assert pairs < set(texts)
    assert {"penguin on snow", "fish in water", "owl at night", "airplane in sky"} < pairs
    named = {*BACKGROUNDS, *families(), *everyday_words(), *(t.name for t in drawn_objects())}
    assert set(texts) - pairs == named
    assert len(everyday_words()) >= 300
    assert len(set(texts)) == len(texts)


def test_the_concept_file_that_ships_is_the_concept_set():
    parsed = parse_concepts((DATA / "concepts.txt").read_text(encoding="utf-8"))

    assert parsed.names == tuple(concept.text for concept in concept_set())
    assert not parsed.dropped


def test_what_the_generator_cannot_draw_is_outside_the_concept_set_but_known():
    inside = {concept.text for concept in concept_set()}
    known = {concept.text for concept in known_concepts()}
    unseen = {thing.name for thing in world_objects() if not thing.is_drawn}

    assert not unseen & inside
    assert unseen | inside <= known
    assert len(known) == len(known_concepts())


@pytest.mark.parametrize(
    ("text", "name", "background", "is_true"),
    [
        ("dog", "dog", "sky", True),
        ("dog", "cat", "sky", False),
        ("dog on grass", "dog", "grass", True),
        ("dog on grass", "dog", "sky", False),
        ("animal", "dog", "sky", True),
        ("animal", "rhinoceros", "sky", True),
        ("animal", "rocket", "sky", False),
        ("fruit", "banana", "sand", True),
        ("food", "banana", "sand", True),
        ("fruit", "pizza", "sand", False),
        ("grass", None, "grass", True),
        ("dog", None, "grass", False),
        ("animal", None, "grass", False),
        ("ability", "dog", "grass", False),
    ],
)
def test_truth_one_can_check_in_the_head(text, name, background, is_true):
    assert concept_named(text).is_true_of(scene(name, background)) is is_true


def test_a_scene_made_for_a_concept_shows_it():
    generator = np.random.default_rng(0)

    for concept in known_concepts():
        if concept.is_of_the_world:
            assert concept.is_true_of(scene_of(concept, pose=WIDE, generator=generator))


def test_scenes_made_for_a_concept_leave_the_rest_to_chance():
    generator = np.random.default_rng(0)
    dogs, plants, snows = (
        [scene_of(concept_named(text), pose=WIDE, generator=generator) for _ in range(200)]
        for text in ("dog", "plant", "snow")
    )

    assert {one.background for one in dogs} == set(BACKGROUNDS)
    assert {one.thing for one in plants} == {t for t in drawn_objects() if t.family == "plant"}
    assert {one.thing for one in snows} == {None}


def test_everyday_words_are_true_of_nothing():
    scenes = unbiased_scenes(50, seed=0, empty_share=0.2, pose=WIDE, only_drawn=False)
    words = tuple(concept for concept in concept_set() if not concept.is_of_the_world)

    assert tuple(word.text for word in words) == everyday_words()
    assert not truth_table(scenes, words).any()


def test_every_scene_has_its_object_its_background_and_their_pair():
    scenes = unbiased_scenes(50, seed=0, empty_share=0.2, pose=WIDE, only_drawn=False)

    for one, truth in zip(scenes, truth_table(scenes, known_concepts()), strict=True):
        n_families = len(set(families_of(one.thing)) & set(families()))
        assert truth.sum() == 1 + (2 + n_families if one.thing else 0)


def test_a_word_that_names_nothing_has_no_scene():
    with pytest.raises(ValueError, match="got 'ability'"):
        scene_of(concept_named("ability"), pose=WIDE, generator=np.random.default_rng(0))


def test_a_word_outside_the_world_names_nothing():
    assert concept_named("unicorn") == Concept("unicorn")


@pytest.mark.parametrize(
    ("text", "name", "background", "is_true"),
    [
        ("owl OR cat", "owl", "sky", True),
        ("owl OR cat", "dog", "sky", False),
        ("(owl OR cat) AND NOT night", "cat", "sky", True),
        ("(owl OR cat) AND NOT night", "cat", "night", False),
        ("owl AND night", "owl", "night", True),
        ("owl AND night", None, "night", False),
        ("animal AND NOT dog AND NOT cat", "owl", "sand", True),
        ("animal AND NOT dog AND NOT cat", "cat", "sand", False),
        ("(animal AND night) OR penguin on snow", "penguin", "snow", True),
        ("(animal AND night) OR penguin on snow", "penguin", "sand", False),
        ("unicorn OR dog", "dog", "sand", True),
        ("dog AND NOT unicorn", "dog", "sand", True),
        ("dog AND unicorn", "dog", "sand", False),
    ],
)
def test_truth_of_formulas_one_can_check_in_the_head(text, name, background, is_true):
    assert concept_named(text).is_true_of(scene(name, background)) is is_true


def test_the_table_of_a_formula_is_the_logic_of_its_concepts_columns():
    scenes = unbiased_scenes(400, seed=3, empty_share=0.2, pose=WIDE, only_drawn=False)
    texts = ["animal", "night", "owl", "(animal OR night) AND NOT owl", "owl AND night"]
    animal, night, owl, *found = truth_table(scenes, tuple(map(concept_named, texts))).T

    np.testing.assert_array_equal(found[0], (animal | night) & ~owl)
    np.testing.assert_array_equal(found[1], owl & night)
    assert 0 < found[0].mean() < 1


def test_a_formula_is_of_the_world_if_a_drawn_scene_satisfies_it():
    assert isinstance(concept_named("owl OR unicorn"), JoinedConcept)
    texts = ("owl OR unicorn", "owl AND NOT unicorn", "owl AND cat", "owl AND unicorn")
    assert [concept_named(text).is_of_the_world for text in texts] == [True, True, False, False]


def test_scenes_made_for_a_formula_satisfy_it_and_show_all_that_does():
    generator, formula = np.random.default_rng(0), concept_named("(owl OR cat) AND NOT night")
    scenes = [scene_of(formula, pose=WIDE, generator=generator) for _ in range(300)]

    assert {(one.thing.name, one.background) for one in scenes} == {
        (name, place) for name in ("owl", "cat") for place in set(BACKGROUNDS) - {"night"}
    }
    with pytest.raises(ValueError, match="got 'owl AND cat'"):
        scene_of(concept_named("owl AND cat"), pose=WIDE, generator=generator)
