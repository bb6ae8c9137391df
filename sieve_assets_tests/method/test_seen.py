"""Where concepts are shown, and how well they say when neurons fire, each among some only."""

import numpy as np
import pytest

from sieve_assets.method.seen import numbers_of, scores_of, shown_in
from sieve_assets_tests import seen_worlds
from sieve_assets_tests.seen_worlds import (
    SETTINGS,
    badly_drawn,
    precisions_of,
    rank_of,
    scores_by_loops,
    small_world,
    with_fewer,
    without,
)

OWN = np.array([[True, False, True, True, False], [False, True, False, True, True]])
"""Concepts of two neurons."""
STUDIED = np.array([2, 0])
EVERYTHING = np.ones((1, 5), dtype=bool)


@pytest.fixture(params=["as many of each", "unequal"])
def seen(request):
    """A world in which not every concept can be drawn."""
    whole = badly_drawn(small_world()[1], 3)
    return without(without(whole, 1, 2), 3, 4) if request.param == "unequal" else whole


def test_where_concepts_are_shown_agrees_with_loops(seen):
    found = shown_in(seen, SETTINGS)

    assert found.ranks.tolist() == [rank_of(seen, one) for one in range(5)]
    assert found.is_drawable.tolist() == [rank_of(seen, one) < 2 for one in range(5)]
    assert set(found.is_drawable) == {True, False}
    for one in range(5):
        in_images = seen_worlds.shown_in(seen, seen.image_cosines[:, one], one)
        in_pictures = seen_worlds.shown_in(seen, seen.picture_cosines[:, seen.words[one]], one)
        np.testing.assert_array_equal(found.in_images[:, one], in_images)
        np.testing.assert_array_equal(
            found.in_pictures[:, one], in_pictures | (seen.drawn_for == one)
        )
        assert not in_pictures[seen.drawn_for == one].all(), "its own count, whatever they show"


def test_a_concept_with_fewer_pictures_beside_itself_is_judged_by_those_alone():
    _, whole = small_world()
    both = shown_in(with_fewer(whole, 1, 3), SETTINGS)
    alone = (shown_in(whole, SETTINGS), shown_in(without(whole, 1, 3), SETTINGS))

    for place, expected in zip((1, 5), alone, strict=True):
        assert both.ranks[place] == expected.ranks[1]
        np.testing.assert_array_equal(both.in_images[:, place], expected.in_images[:, 1])
    assert (both.in_images[:, 1] != both.in_images[:, 5]).any()
    assert numbers_of(with_fewer(whole, 1, 3)).tolist() == [6, 6, 6, 6, 6, 3]


def test_a_text_outside_the_concept_set_is_in_no_other_names_way():
    _, seen = small_world()
    found, word = shown_in(seen, SETTINGS), seen.words[4]
    cosines = seen.picture_cosines.copy()
    cosines[:, word] += 5.0  # it would fit all pictures best
    others = np.arange(len(seen.is_candidate)) != word
    outside = seen._replace(picture_cosines=cosines, is_candidate=others)

    changed = shown_in(outside, SETTINGS)

    assert changed.ranks[:4].tolist() == found.ranks[:4].tolist()
    assert changed.ranks[4] == 0, "in its own pictures it counts"
    assert outside.is_rival.tolist() == [True] * 4 + [False]


def test_scores_among_own_concepts_agree_with_scikit_learn(seen):
    found = scores_of(STUDIED, OWN, seen, shown_in(seen, SETTINGS))

    for place, studied in enumerate(STUDIED):
        names = np.flatnonzero(OWN[place])
        natural, _ = precisions_of(seen, studied, range(5))
        _, drawn = precisions_of(seen, studied, names)
        scores = scores_by_loops(seen, studied, names)
        for concept in range(5):
            expected = drawn.get(concept, pytest.approx(np.nan, nan_ok=True))
            assert found.natural_ap[place, concept] == pytest.approx(natural[concept])
            assert found.drawn_ap[place, concept] == pytest.approx(expected)
            assert found.score[place, concept] == pytest.approx(scores.get(concept, 0.0))
        assert 0 < len(scores) < 5


def test_what_is_not_a_neurons_own_changes_none_of_its_scores():
    _, seen = small_world()
    is_other = np.isin(seen.drawn_for, [1, 4])
    turned = np.where(is_other[:, None], seen.pictures[::-1], seen.pictures)
    found = [
        scores_of(STUDIED[:1], OWN[:1], one, shown_in(one, SETTINGS))
        for one in (seen, seen._replace(pictures=turned))
    ]
    np.testing.assert_array_equal(found[0].score, found[1].score)
    among_all = [
        scores_of(STUDIED[:1], EVERYTHING, one, shown_in(one, SETTINGS)).score
        for one in (seen, seen._replace(pictures=turned))
    ]
    assert (among_all[0] != among_all[1]).any(), "among all they count"


def test_inputs_are_unchanged():
    _, seen = small_world()
    copies, own = [part.copy() for part in seen], OWN.copy()
    scores_of(STUDIED, own, seen, shown_in(seen, SETTINGS))
    for before, now in zip([*copies, OWN], [*seen, own], strict=True):
        np.testing.assert_array_equal(before, now)


def test_refuses_activations_that_are_not_finite():
    _, seen = small_world()
    probe = seen.probe.copy()
    probe[2, 5] = np.nan
    shown = shown_in(seen, SETTINGS)
    with pytest.raises(ValueError, match="expected finite activations, got nan for neuron 0"):
        scores_of(STUDIED, OWN, seen._replace(probe=probe), shown)
    assert scores_of(STUDIED[1:], OWN[1:], seen._replace(probe=probe), shown).score.any()
