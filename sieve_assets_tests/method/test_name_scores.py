"""A name's score is the mean of two average precisions, relative to the neuron's best."""

import math

import numpy as np
import pytest

from sieve_assets.method.name_scores import name_scores

NATURAL = np.array([[0.8, 0.4, 0.2], [np.nan, 0.1, 0.3]])
DRAWN = np.array([[0.25, 0.5, 1.0], [0.9, 0.3, 0.6]])
ALL = np.ones(3, bool)


def test_scores_that_one_can_work_out():
    is_candidate = np.array([[True, True, False], [True, True, True]])
    expected = [
        [(1 + 0.5) / 2, (0.5 + 1) / 2, 0.0],
        [(0 + 1) / 2, (1 / 3 + 1 / 3) / 2, (1 + 2 / 3) / 2],
    ]
    np.testing.assert_allclose(name_scores(NATURAL, DRAWN, is_candidate, is_rival=ALL), expected)


def test_agrees_with_the_definition_in_loops():
    generator = np.random.default_rng(0)
    natural, drawn = generator.random((5, 8)), generator.random((5, 8))
    natural[1, 2] = math.nan
    is_candidate = generator.random((5, 8)) < 0.6
    found = name_scores(natural, drawn, is_candidate, is_rival=np.ones(8, bool))
    for neuron in range(5):
        for concept in range(8):
            parts = []
            for values in (natural[neuron], drawn[neuron]):
                known = [
                    0.0 if math.isnan(value) else value
                    for value, counts in zip(values, is_candidate[neuron], strict=True)
                    if counts
                ]
                value = 0.0 if math.isnan(values[concept]) else values[concept]
                parts.append(value / max(known))
            expected = sum(parts) / 2 if is_candidate[neuron, concept] else 0.0
            assert found[neuron, concept] == pytest.approx(expected)


def test_the_scale_of_a_neuron_and_other_neurons_make_no_difference():
    is_candidate = np.ones((2, 3), bool)
    whole = name_scores(NATURAL, DRAWN, is_candidate, is_rival=ALL)
    halved = name_scores(NATURAL / 2, DRAWN / 4, is_candidate, is_rival=ALL)
    np.testing.assert_allclose(halved, whole)
    np.testing.assert_array_equal(
        name_scores(NATURAL[1:], DRAWN[1:], is_candidate[1:], is_rival=ALL), whole[1:]
    )


def test_without_candidates_or_hits_the_score_is_0():
    nobody = np.zeros((2, 3), bool)
    assert name_scores(NATURAL, DRAWN, nobody, is_rival=ALL).tolist() == [[0.0] * 3] * 2
    silent = np.zeros((1, 2))
    assert name_scores(silent, silent, np.ones((1, 2), bool), is_rival=ALL[:2]).tolist() == [
        [0.0, 0.0]
    ]
    assert name_scores(
        np.zeros((1, 0)), np.zeros((1, 0)), np.ones((1, 0), bool), is_rival=ALL[:0]
    ).shape == (1, 0)


def test_what_is_no_rival_is_held_against_the_others_and_they_not_against_it():
    natural, drawn = np.array([[0.4, 0.2, 0.8]]), np.array([[0.5, 1.0, 0.25]])
    is_rival = np.array([True, True, False])

    found = name_scores(natural, drawn, np.ones((1, 3), bool), is_rival=is_rival)

    assert found.tolist() == [[(1 + 0.5) / 2, (0.5 + 1) / 2, (1 + 0.25) / 2]]


def test_inputs_are_unchanged():
    copies, is_candidate = (NATURAL.copy(), DRAWN.copy()), np.ones((2, 3), bool)
    name_scores(NATURAL, DRAWN, is_candidate, is_rival=ALL)
    np.testing.assert_array_equal(copies[0], NATURAL)
    np.testing.assert_array_equal(copies[1], DRAWN)
    assert is_candidate.all()


def test_refuses_other_sizes(unchecked):
    with pytest.raises(ValueError, match="as many in each of natural, drawn, is_candidate"):
        unchecked(name_scores)(NATURAL, DRAWN[:1], np.ones((2, 3), bool), is_rival=ALL)
