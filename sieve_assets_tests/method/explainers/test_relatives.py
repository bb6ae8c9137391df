"""Names made from the truth: by hand, by sets of scenes, and where a neuron has none."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sieve_assets.method.explainers.relatives import relatives

# Scenes that show: nothing, a dog, a cat, a dog on grass.
ANIMAL, DOG, DOG_ON_GRASS, CAT, UNSEEN = range(5)
SCENES = np.array(
    [
        [False, False, False, False, False],
        [True, True, False, False, False],
        [True, False, False, True, False],
        [True, True, True, False, False],
    ]
)


def made(f1, is_present=SCENES, seed=0):
    return relatives(
        np.array(f1, dtype=np.float64).reshape(-1, is_present.shape[1]),
        is_present,
        generator=np.random.default_rng(seed),
    )


def test_relatives_that_one_can_name():
    nan = math.nan
    found = made(
        [
            [0.6, 0.9, 0.5, 0.1, nan],  # a dog: a dog on grass is narrower, an animal wider
            [0.9, 0.5, 0.4, 0.7, nan],  # an animal: of the narrower ones, a cat is best
            [0.5, 0.4, 0.9, 0.1, nan],  # a dog on grass: of the wider ones, an animal is best
            [0.2, 0.1, 0.0, 0.9, nan],  # a cat: nothing is narrower
        ]
    )
    assert found.best.tolist() == [DOG, ANIMAL, DOG_ON_GRASS, CAT]
    assert found.narrower.tolist() == [DOG_ON_GRASS, CAT, -1, -1]
    assert found.wider.tolist() == [ANIMAL, -1, ANIMAL, ANIMAL]


def by_sets(f1, is_present):
    """The same from sets of scenes, neuron by neuron."""
    scenes = [set(np.flatnonzero(one).tolist()) for one in is_present.T]

    def best_among(row, concepts):
        known = [one for one in concepts if not math.isnan(row[one])]
        return max(known, key=lambda one: (row[one], -one), default=-1)

    found = []
    for row in f1.tolist():
        best = best_among(row, range(len(scenes)))
        own = scenes[best] if best >= 0 else None
        narrower = [c for c, some in enumerate(scenes) if own and some and some < own]
        wider = [c for c, some in enumerate(scenes) if own and own < some]
        found.append((best, best_among(row, narrower), best_among(row, wider)))
    return found


WORLDS = st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda size: st.tuples(
        arrays.arrays(
            np.float64, (size[0], size[2]), elements=st.sampled_from([math.nan, 0.0, 0.25, 0.5, 1])
        ),
        arrays.arrays(np.bool_, size[1:]),
    )
)


@settings(max_examples=100, deadline=None)
@given(world=WORLDS)
def test_agrees_with_sets_of_scenes(world):
    f1, is_present = world
    found = made(f1, is_present)
    assert list(zip(*map(np.ndarray.tolist, found[:3]), strict=True)) == by_sets(f1, is_present)
    shown = np.flatnonzero(is_present.any(axis=0)).tolist() or [-1]
    assert set(found.random.tolist()) <= set(shown)


def test_random_names_are_drawn_alike_from_all_that_some_scene_shows():
    drawn = made(np.zeros((4000, 5)), seed=1).random
    counts = np.bincount(drawn, minlength=5)
    assert counts[UNSEEN] == 0
    assert (abs(counts[:4] - 1000) < 150).all()


def test_the_same_generator_gives_the_same_random_names_and_another_others():
    f1 = np.zeros((50, 5))
    assert made(f1, seed=2).random.tolist() == made(f1, seed=2).random.tolist()
    assert made(f1, seed=2).random.tolist() != made(f1, seed=3).random.tolist()


def test_two_words_for_the_same_scenes_are_neither_narrower_nor_wider():
    twice = np.column_stack([SCENES[:, DOG], SCENES[:, DOG]])
    found = made([[0.9, 0.8]], twice)
    assert (found.best[0], found.narrower[0], found.wider[0]) == (0, -1, -1)


def test_of_equal_concepts_the_first_is_taken():
    found = made([[0.8, 0.2, 0.5, 0.5, math.nan], [0.5, 0.1, 0.8, 0.8, math.nan]])
    assert found.best.tolist() == [ANIMAL, DOG_ON_GRASS]
    assert found.narrower.tolist() == [DOG_ON_GRASS, -1]


def test_a_concept_that_is_in_no_scene_is_narrower_than_none():
    found = made([[0.1, 0.1, 0.1, 0.9, 0.8]])
    assert (found.best[0], found.narrower[0]) == (CAT, -1)


def test_a_neuron_without_f1_has_a_random_name_only():
    found = made([[math.nan] * 5, [0.1, 0.9, 0.3, 0.1, math.nan]])
    assert (found.best[0], found.narrower[0], found.wider[0]) == (-1, -1, -1)
    assert found.random[0] >= 0
    assert (found.best[1], found.narrower[1], found.wider[1]) == (DOG, DOG_ON_GRASS, ANIMAL)


@pytest.mark.parametrize("n_scenes", [0, 3])
def test_without_a_scene_that_shows_anything_there_is_no_name(n_scenes):
    found = made(np.full((2, 5), math.nan), np.zeros((n_scenes, 5), dtype=bool))
    assert [part.tolist() for part in found] == [[-1, -1]] * 4


def test_one_concept_has_no_relatives():
    found = made([[0.4]], SCENES[:, :1])
    assert [part.tolist() for part in found] == [[0], [-1], [-1], [0]]


def test_without_neurons_there_are_no_names():
    assert [len(part) for part in made(np.zeros((0, 5)))] == [0, 0, 0, 0]


def world(seed=4):
    """Concepts of many sizes, some within others."""
    generator = np.random.default_rng(seed)
    base = generator.random((200, 6)) < 0.4
    pairs = base[:, :3] & base[:, 3:]
    return generator.random((8, 9)), np.concatenate([base, pairs], axis=1)


def test_other_neurons_and_the_order_of_scenes_change_no_relative():
    f1, is_present = world()
    whole = made(f1, is_present)
    alone = made(f1[3:4], is_present[::-1])
    assert (whole.narrower >= 0).any()
    assert (whole.wider >= 0).any()
    for one, together in zip(alone[:3], whole[:3], strict=True):
        assert one.tolist() == together[3:4].tolist()


def test_the_order_of_concepts_changes_only_their_positions():
    f1, is_present = world()
    order = np.random.default_rng(5).permutation(9)
    whole, moved = made(f1, is_present), made(f1[:, order], is_present[:, order])
    for one, other in zip(whole[:3], moved[:3], strict=True):
        assert one.tolist() == np.where(other < 0, -1, order[other]).tolist()


def test_inputs_are_unchanged():
    f1, is_present = world()
    copies = f1.copy(), is_present.copy()
    made(f1, is_present)
    np.testing.assert_array_equal(copies[0], f1)
    np.testing.assert_array_equal(copies[1], is_present)


def test_no_concept_and_sizes_that_differ_are_refused(unchecked):
    generator = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"^relatives: .* at least one of the concepts, got none"):
        relatives(np.zeros((2, 0)), np.zeros((3, 0), dtype=bool), generator=generator)
    with pytest.raises(ValueError, match=r"^relatives: .*got 4 in f1, 5 in is_present"):
        unchecked(relatives)(np.zeros((2, 4)), SCENES, generator=generator)
