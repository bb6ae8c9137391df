"""A neuron's best name among all that have pictures, and the one that comes next."""

import numpy as np
import pytest

from sieve_assets.method.evidence import Hypotheses, evidence
from sieve_assets.method.revised_names import revised_names
from sieve_assets.method.seen import Seen
from sieve_assets_tests.seen_worlds import (
    SETTINGS,
    badly_drawn,
    precisions_of,
    scores_by_loops,
    small_world,
    without,
)


def two_words(activations, cosines=((1.0, 0.0), (0.0, 1.0))):
    """One neuron on an image and on two pictures of each of two concepts, by what they show."""
    shows = np.array(cosines)
    answers = np.array(activations, np.float32)
    return Seen(
        studied=np.array([0]),
        probe=answers[None],
        pictures=np.repeat(answers, 2)[:, None],
        thresholds=np.zeros(1, np.float32),
        drawn_for=np.array([0, 0, 1, 1]),
        is_reference=np.array([True, False]),
        words=np.array([0, 1]),
        texts=np.eye(2, dtype=np.float32),
        picture_cosines=np.repeat(shows, 2, axis=0),
        image_cosines=shows.copy(),
        is_candidate=np.ones(2, dtype=bool),
    )


ONE_WORD = SETTINGS._replace(n_best_words=1)


@pytest.mark.parametrize("best", [0, 1])
def test_the_concept_on_which_a_neuron_fires_is_its_name(best):
    """Of the other, the last images are right: a half of the images, and of the pictures."""
    activations = [0.0, 0.0]
    activations[best] = 1.0
    found = revised_names(two_words(activations), ONE_WORD)
    assert (found.concept[0], found.score[0]) == (best, 1.0)
    assert (found.natural_ap[0], found.drawn_ap[0]) == (1.0, 1.0)
    assert (found.runner_up[0], found.runner_up_score[0]) == (1 - best, 0.5)


def test_of_equals_the_first_is_the_name_and_the_other_comes_next():
    found = revised_names(two_words([1.0, 1.0]), ONE_WORD)
    assert (found.concept[0], found.score[0]) == (0, 1.0)
    assert (found.runner_up[0], found.runner_up_score[0]) == (1, 1.0)


def test_what_its_own_pictures_do_not_show_is_no_name():
    shows_the_second = ((0.2, 1.0), (0.0, 1.0))
    found = revised_names(two_words([1.0, 0.0], shows_the_second), ONE_WORD)
    assert found.concept.tolist() == [1]
    assert (found.runner_up[0], found.runner_up_score[0]) == (-1, 0.0)


def test_where_no_image_shows_any_concept_the_pictures_alone_tell():
    seen = two_words([0.0, 1.0])
    found = revised_names(seen._replace(image_cosines=seen.image_cosines - 2.0), ONE_WORD)
    assert (found.concept[0], found.score[0], found.drawn_ap[0]) == (1, 0.5, 1.0)
    assert np.isnan(found.natural_ap[0])


def test_without_a_concept_that_its_pictures_show_there_is_no_name():
    exchanged = ((0.0, 1.0), (1.0, 0.0))
    found = revised_names(two_words([1.0, 0.0], exchanged), ONE_WORD)
    assert found.concept.tolist() == found.runner_up.tolist() == [-1]
    assert found.score.tolist() == found.runner_up_score.tolist() == [0.0]
    assert np.isnan([found.natural_ap[0], found.drawn_ap[0]]).all()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("is_harder", [False, True])
def test_best_and_next_agree_with_loops_and_scikit_learn(seed, is_harder):
    _, seen = small_world(seed)
    if is_harder:  # than with as many pictures of each concept, which all show it
        seen = badly_drawn(without(seen, 2, 2), seed % 5)
    found = revised_names(seen, SETTINGS)
    for studied in range(3):
        natural, drawn = precisions_of(seen, studied, range(5))
        scores = scores_by_loops(seen, studied, range(5))
        best, second = sorted(scores, key=lambda one, of=scores: (-of[one], one))[:2]
        assert found.concept[studied] == best
        assert found.score[studied] == pytest.approx(scores[best])
        assert found.natural_ap[studied] == pytest.approx(natural[best])
        assert found.drawn_ap[studied] == pytest.approx(drawn[best])
        assert found.runner_up[studied] == second
        assert found.runner_up_score[studied] == pytest.approx(scores[second])


def test_scores_are_those_of_the_evidence_where_all_concepts_are_references():
    _, seen = small_world()
    found = revised_names(seen, SETTINGS)
    held = evidence(
        Hypotheses(np.arange(3), found.concept),
        seen._replace(is_reference=np.ones(5, bool)),
        SETTINGS,
    )
    assert held["best_name"].tolist() == found.concept.tolist()
    for name in ("score", "natural_ap", "drawn_ap"):
        np.testing.assert_array_equal(held[name], getattr(found, name), err_msg=name)


def test_other_neurons_references_and_the_order_of_concepts_make_no_difference():
    _, seen = small_world(3)
    whole = revised_names(seen, SETTINGS)
    alone = revised_names(
        seen._replace(
            studied=seen.studied[1:2], probe=seen.probe[1:2], is_reference=np.zeros(5, bool)
        ),
        SETTINGS,
    )
    turned = revised_names(
        seen._replace(
            drawn_for=4 - seen.drawn_for,
            words=seen.words[::-1],
            texts=seen.texts[::-1],
            image_cosines=seen.image_cosines[:, ::-1],
        ),
        SETTINGS,
    )
    for name, values in whole._asdict().items():
        np.testing.assert_array_equal(values[1:2], getattr(alone, name), err_msg=name)
        again = getattr(turned, name)
        np.testing.assert_allclose(4 - again if values.dtype.kind == "i" else again, values)


def test_inputs_are_unchanged():
    _, seen = small_world()
    copies = [part.copy() for part in seen]
    revised_names(seen, SETTINGS)
    for before, now in zip(copies, seen, strict=True):
        np.testing.assert_array_equal(before, now)


def test_refuses_what_has_no_best(unchecked):
    _, seen = small_world()
    nothing = seen._replace(words=seen.words[:0], drawn_for=seen.drawn_for[:0])
    with pytest.raises(ValueError, match="at least one of the concepts, got none"):
        unchecked(revised_names)(nothing, SETTINGS)
    with pytest.raises(ValueError, match="as many in each of pictures, drawn_for"):
        unchecked(revised_names)(seen._replace(drawn_for=seen.drawn_for[1:]), SETTINGS)
