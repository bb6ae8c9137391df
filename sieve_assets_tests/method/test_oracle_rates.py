"""F1 with the known truth: by hand, against counts of true and false positives, and by chance."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sieve_assets.method.oracle_rates import (
    best_concepts,
    f1_scores,
    is_true,
    oracle_scores,
    scene_ranks,
)


def counted_f1(activations, is_present):
    """F1 = 2 TP / (2 TP + FP + FN) of one neuron and concept, scene by scene."""
    count = sum(is_present)
    if count == 0:
        return math.nan
    order = sorted(range(len(activations)), key=lambda scene: (-activations[scene], scene))
    predicted = set(order[:count])
    true_positives = false_positives = false_negatives = 0
    for scene, present in enumerate(is_present):
        if scene in predicted and present:
            true_positives += 1
        elif scene in predicted:
            false_positives += 1
        elif present:
            false_negatives += 1
    return 2 * true_positives / (2 * true_positives + false_positives + false_negatives)


def scores_of(activations, is_present, n_shuffles=3, seed=0):
    return oracle_scores(
        activations, is_present, n_shuffles=n_shuffles, generator=np.random.default_rng(seed)
    )


def test_ranks_are_strongest_first_and_ties_by_position():
    activations = np.array([[0.5, 2.0, 0.5, 1.0], [0.0, 0.0, 0.0, 0.0]])
    assert scene_ranks(activations).tolist() == [[2, 0, 3, 1], [0, 1, 2, 3]]


def test_f1_is_the_share_of_a_concepts_k_scenes_among_the_k_strongest():
    # Strongest first: scenes 4, 2, 0, 1, 3.
    activations = np.array([[3.0, 2.0, 4.0, 1.0, 5.0]])
    is_present = np.array(
        [
            # both, one of two, none of one, one of three, none there
            [False, False, False, True, False],
            [False, False, False, True, False],
            [True, True, False, False, False],
            [False, False, True, True, False],
            [True, False, False, False, False],
        ]
    )
    found = f1_scores(scene_ranks(activations), is_present)
    np.testing.assert_allclose(found, [[1, 0, 0, 1 / 3, math.nan]])


STUDIES = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 4)).flatmap(
    lambda size: st.tuples(
        arrays.arrays(
            np.float32, size[:2], elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0]).map(np.float32)
        ),
        arrays.arrays(np.bool_, size[1:]),
    )
)


@settings(max_examples=60)
@given(study=STUDIES)
def test_f1_agrees_with_counts_of_true_and_false_positives(study):
    activations, is_present = study
    found = f1_scores(scene_ranks(activations), is_present)
    expected = [
        [counted_f1(row.tolist(), concept.tolist()) for concept in is_present.T]
        for row in activations
    ]
    np.testing.assert_allclose(found, expected)


def test_scores_agree_with_loops_and_the_largest_shuffle_counts():
    generator = np.random.default_rng(5)
    activations = generator.normal(size=(3, 40)).astype(np.float32)
    is_present = generator.random((40, 4)) < [0.5, 0.2, 0.1, 0]
    activations[0] += 3 * is_present[:, 1]
    found = scores_of(activations, is_present, n_shuffles=6, seed=11)
    same = np.random.default_rng(11)
    shuffled = [same.permutation(is_present) for _ in range(6)]
    for neuron, row in enumerate(activations.tolist()):
        f1 = [counted_f1(row, concept) for concept in is_present.T.tolist()]
        chance = [[counted_f1(row, one) for one in truth.T.tolist()] for truth in shuffled]
        largest = [max(values) for values in zip(*chance, strict=True)]
        best = max(f1[:3])
        np.testing.assert_allclose(found.f1[neuron], f1)
        np.testing.assert_allclose(found.shuffled_f1[neuron], largest)
        assert found.best_f1[neuron] == pytest.approx(best)
        assert found.best_concept[neuron] == f1.index(best)
        expected = [f1[c] >= best / 2 and f1[c] > largest[c] for c in range(4)]
        assert found.is_true[neuron].tolist() == expected
    assert found.best_concept[0] == 1
    assert found.is_true[0, 1]


def test_a_name_is_true_from_half_of_the_best_and_only_above_chance():
    f1 = np.array([[0.8, 0.4, 0.39, 0.5, 0.6, math.nan]])
    shuffled = np.array([[0.1, 0.1, 0.1, 0.5, 0.7, math.nan]])
    found = is_true(f1, np.array([0.8]), shuffled)
    assert found.tolist() == [[True, True, False, False, False, False]]


def test_a_neuron_that_answers_to_nothing_has_no_true_name():
    f1 = np.zeros((1, 2))
    assert is_true(f1, np.zeros(1), f1).tolist() == [[False, False]]


def test_the_best_concept_is_the_first_of_equals_and_none_without_f1():
    f1 = np.array([[math.nan, 0.5, 0.5], [math.nan, math.nan, math.nan], [0.0, math.nan, 0.0]])
    best, score = best_concepts(f1)
    assert best.tolist() == [1, -1, 0]
    np.testing.assert_array_equal(score, [0.5, math.nan, 0.0])


def test_words_that_name_nothing_are_never_true_and_warn_of_nothing(recwarn):
    activations = np.random.default_rng(0).normal(size=(2, 10))
    found = scores_of(activations, np.zeros((10, 3), dtype=bool))
    assert np.isnan(found.f1).all()
    assert np.isnan(found.best_f1).all()
    assert found.best_concept.tolist() == [-1, -1]
    assert not found.is_true.any()
    assert not recwarn.list


def test_a_neuron_has_the_same_scores_alone_and_in_any_scale():
    generator = np.random.default_rng(2)
    activations = generator.integers(0, 6, size=(4, 30)).astype(np.float64)
    is_present = generator.random((30, 3)) < 0.3
    together = scores_of(activations, is_present)
    alone = scores_of(100 * activations[2:3] - 7, is_present)
    for one, all_of_them in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one[0], all_of_them[2])


def test_a_concept_has_the_same_f1_whatever_others_there_are():
    generator = np.random.default_rng(3)
    ranks = scene_ranks(generator.normal(size=(2, 30)))
    is_present = generator.random((30, 5)) < 0.3
    order = [4, 0, 2]
    np.testing.assert_array_equal(
        f1_scores(ranks, is_present[:, order]), f1_scores(ranks, is_present)[:, order]
    )


def test_the_inputs_are_unchanged():
    activations, is_present = np.array([[1.0, 3.0, 2.0]]), np.array([[True], [False], [False]])
    scores_of(activations, is_present)
    assert activations.tolist() == [[1.0, 3.0, 2.0]]
    assert is_present.tolist() == [[True], [False], [False]]


def test_no_scenes_no_concepts_and_no_shuffles_are_refused():
    activations, is_present = np.ones((1, 3)), np.ones((3, 2), dtype=bool)
    with pytest.raises(ValueError, match=r"^scene_ranks: .* one of the scenes, got none"):
        scores_of(activations[:, :0], is_present[:0])
    with pytest.raises(ValueError, match=r"^oracle_scores: .* one of the concepts, got none"):
        scores_of(activations, is_present[:, :0])
    with pytest.raises(ValueError, match=r"^oracle_scores: expected n_shuffles of at least 1"):
        scores_of(activations, is_present, n_shuffles=0)


def test_activations_that_are_not_finite_are_refused_with_their_neuron():
    with pytest.raises(ValueError, match=r"expected finite activations, got nan for neuron 1"):
        scene_ranks(np.array([[1.0, 2.0], [0.0, math.nan]]))


def test_sizes_that_differ_are_refused(unchecked):
    with pytest.raises(ValueError, match=r"got 3 in activations, 2 in is_present\. "):
        unchecked(oracle_scores)(
            np.ones((1, 3)),
            np.ones((2, 1), dtype=bool),
            n_shuffles=1,
            generator=np.random.default_rng(0),
        )
