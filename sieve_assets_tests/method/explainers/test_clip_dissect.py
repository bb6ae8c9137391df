"""Soft-WPMI and WPMI: by hand, against the formulas in loops, and whole layers against parts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.explainers.clip_dissect import (
    best_names,
    evidence_scores,
    image_evidence,
    soft_wpmi,
    wpmi,
)

SOFT = {"n_images": 5, "sharpness": 10.0, "p_start": 0.998, "p_end": 0.97, "floor": 1e-7}
HARD = {"n_images": 4, "sharpness": 2.0, "floor": 1e-7}


def unit(n_rows, features=8, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n_rows, features))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def probe(n_images=12, n_neurons=3, n_concepts=6, seed=0):
    activations = np.random.default_rng(seed).standard_normal((n_images, n_neurons))
    return activations.astype(np.float32), unit(n_images, seed=1), unit(n_concepts, seed=2)


def formula_in_loops(activations, images, concepts, settings_, weight):
    """S - weight (log sum over k of exp S - log K), number by number."""
    n_images, n_neurons = activations.shape
    evidence = []
    for neuron in range(n_neurons):
        order = sorted(range(n_images), key=lambda image, k=neuron: (-activations[image, k], image))
        row = [0.0] * len(concepts)
        for place, image in enumerate(order[: settings_["n_images"]]):
            step = (settings_["p_start"] - settings_["p_end"]) / settings_["n_images"]
            membership = settings_["p_start"] - place * step
            weights = [
                math.exp(settings_["sharpness"] * float(images[image].astype(float) @ concept))
                for concept in concepts.astype(float)
            ]
            for concept, one in enumerate(weights):
                share = one / sum(weights)
                row[concept] += math.log(1 + membership * (share - 1) + settings_["floor"])
        evidence.append(row)
    layer = [
        math.log(sum(map(math.exp, column)) / n_neurons) for column in zip(*evidence, strict=True)
    ]
    return [
        [value - weight * common for value, common in zip(row, layer, strict=True)]
        for row in evidence
    ]


def test_evidence_that_one_can_work_out():
    # One image between two concepts: P is a half for each.
    images, concepts = np.array([[1.0, 0.0]]), np.array([[0.6, 0.8], [0.6, -0.8]])
    found = image_evidence(
        np.ones((1, 1)),
        images,
        concepts,
        n_images=1,
        sharpness=3.0,
        p_start=0.5,
        p_end=0.0,
        floor=0.25,
    )
    # 1 + 0.5 (0.5 - 1) + 0.25 = 1
    np.testing.assert_allclose(found.of_neuron, [[0.0, 0.0]], atol=1e-15)
    np.testing.assert_allclose(found.of_layer, [0.0, 0.0], atol=1e-15)


def test_sure_images_of_wpmi_count_with_the_log_of_their_share():
    images, concepts = np.array([[1.0, 0.0], [0.0, 1.0]]), np.eye(2)
    # Sharpness log 3: shares of 3/4 and 1/4. Two neurons, each with its own image.
    found = wpmi(
        np.eye(2),
        images,
        concepts,
        n_images=1,
        sharpness=math.log(3),
        floor=1e-12,
        evidence_weight=1.0,
    )
    # log 3/4 and log 1/4, less the log of their mean 1/2.
    expected = [[math.log(3 / 2), math.log(1 / 2)], [math.log(1 / 2), math.log(3 / 2)]]
    np.testing.assert_allclose(found, expected, atol=1e-11)


@pytest.mark.parametrize("n_images", [1, 5, 12, 30])
def test_soft_wpmi_agrees_with_its_formula_in_loops(n_images):
    activations, images, concepts = probe()
    values = {**SOFT, "n_images": n_images}
    expected = formula_in_loops(activations, images, concepts, values, 0.7)
    found = soft_wpmi(activations, images, concepts, **values, evidence_weight=0.7)
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("n_images", [1, 4, 30])
def test_wpmi_agrees_with_its_formula_in_loops(n_images):
    activations, images, concepts = probe()
    values = {**HARD, "n_images": n_images}
    certain = {**values, "p_start": 1.0, "p_end": 1.0}
    expected = formula_in_loops(activations, images, concepts, certain, 0.6)
    found = wpmi(activations, images, concepts, **values, evidence_weight=0.6)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_neuron_of_a_concept_is_given_its_name():
    concepts = np.eye(6, 8, dtype=np.float32)
    images = np.repeat(concepts, 4, axis=0)
    activations = np.repeat(np.eye(6, dtype=np.float32), 4, axis=0)[:, [2, 0, 5]]
    found = soft_wpmi(activations, images, concepts, **SOFT, evidence_weight=1.0)
    assert best_names(found, count=1).concepts.tolist() == [[2], [0], [5]]


def test_a_part_of_a_layer_has_the_scores_of_the_whole_to_the_last_bit():
    activations, images, concepts = probe(n_images=40, n_neurons=9)
    whole = image_evidence(activations, images, concepts, **SOFT)
    scores = soft_wpmi(activations, images, concepts, **SOFT, evidence_weight=1.0)
    for part in ([4], [8, 0, 3]):
        own = image_evidence(activations[:, part], images, concepts, **SOFT).of_neuron
        found = evidence_scores(own, whole.of_layer, weight=1.0)
        np.testing.assert_array_equal(found, scores[part])


def test_images_that_are_missing_do_not_change_the_membership_of_those_there():
    activations, images, concepts = probe(n_images=3, n_neurons=1)
    many = {**SOFT, "n_images": 100}
    few = {**SOFT, "n_images": 3, "p_end": 0.998 - 3 / 100 * (0.998 - 0.97)}
    np.testing.assert_allclose(
        image_evidence(activations, images, concepts, **many).of_neuron,
        image_evidence(activations, images, concepts, **few).of_neuron,
    )


@settings(max_examples=25)
@given(seed=st.integers(0, 999), scale=st.sampled_from([0.25, 1.0, 8.0]), data=st.data())
def test_scores_follow_images_neurons_and_concepts_through_any_order(seed, scale, data):
    activations, images, concepts = probe(seed=seed)
    scores = soft_wpmi(activations, images, concepts, **SOFT, evidence_weight=1.0)
    rows = data.draw(st.permutations(range(12)))
    neurons = data.draw(st.permutations(range(3)))
    columns = data.draw(st.permutations(range(6)))
    moved = scale * activations[rows][:, neurons] - 3
    found = soft_wpmi(moved, images[rows], concepts[columns], **SOFT, evidence_weight=1.0)
    np.testing.assert_allclose(found, scores[neurons][:, columns], atol=1e-10)


def test_of_equally_strong_images_the_earlier_count():
    images, concepts = np.eye(3), np.eye(3)
    values = {**SOFT, "n_images": 2, "p_start": 1.0, "p_end": 1.0}
    dead = image_evidence(np.zeros((3, 1)), images, concepts, **values).of_neuron[0]
    assert dead[0] == pytest.approx(dead[1])
    assert dead[2] < dead[1]


def test_one_image_one_neuron_and_one_concept_have_scores():
    found = soft_wpmi(np.ones((1, 1)), unit(1), unit(1, seed=1), **SOFT, evidence_weight=1.0)
    np.testing.assert_allclose(found, [[0.0]], atol=1e-12)


def test_evidence_far_below_what_a_number_can_hold_is_not_lost():
    # exp(-1600) is 0 in float64, its logarithm is not.
    activations, images, concepts = np.ones((100, 2)), np.tile([[1.0, 0.0]], (100, 1)), np.eye(2)
    found = wpmi(
        activations,
        images,
        concepts,
        n_images=100,
        sharpness=100.0,
        floor=1e-7,
        evidence_weight=1.0,
    )
    np.testing.assert_allclose(found, 0, atol=1e-9)


def test_best_names_are_those_of_a_sort_with_their_scores():
    scores = np.random.default_rng(0).integers(0, 4, (5, 7)).astype(float)
    found = best_names(scores, count=3)
    for neuron, row in enumerate(scores.tolist()):
        expected = sorted(range(7), key=lambda concept, row=row: (-row[concept], concept))[:3]
        assert found.concepts[neuron].tolist() == expected
        assert found.scores[neuron].tolist() == [row[concept] for concept in expected]
    assert best_names(scores, count=9).concepts.shape == (5, 7)


def test_inputs_are_unchanged():
    arrays = probe()
    copies = [one.copy() for one in arrays]
    soft_wpmi(*arrays, **SOFT, evidence_weight=1.0)
    wpmi(*arrays, **HARD, evidence_weight=1.0)
    for before, now in zip(copies, arrays, strict=True):
        np.testing.assert_array_equal(before, now)
    scores, layer = np.ones((2, 3)), np.ones(3)
    evidence_scores(scores, layer, weight=1.0)
    best_names(scores, count=2)
    assert scores.tolist() == [[1.0] * 3] * 2
    assert layer.tolist() == [1.0] * 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_images": 0}, r"^image_evidence: expected n_images of at least 1, got 0\. "),
        (
            {"sharpness": 0.0},
            r"^image_evidence: expected sharpness above 0 and finite, got 0\.0\. ",
        ),
        ({"p_start": 1.5}, r"^image_evidence: expected p_start between 0 and 1, got 1\.5\. "),
        ({"p_end": -0.5}, r"^image_evidence: expected p_end between 0 and 1, got -0\.5\. "),
        ({"floor": 0.0}, r"^image_evidence: expected floor above 0 and finite, got 0\.0\. "),
        ({"evidence_weight": 2.0}, r"^evidence_scores: expected weight between 0 and 1, got 2\.0"),
    ],
)
def test_settings_out_of_their_range_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        soft_wpmi(*probe(), **{**SOFT, "evidence_weight": 1.0, **change})


def test_what_cannot_be_scored_is_refused(unchecked):
    activations, images, concepts = probe()
    with pytest.raises(ValueError, match=r"^image_evidence: expected embeddings of images with n"):
        wpmi(activations, images * 2, concepts, **HARD, evidence_weight=1.0)
    with pytest.raises(ValueError, match=r"^image_evidence: .* finite activations, got nan for ne"):
        wpmi(activations * np.nan, images, concepts, **HARD, evidence_weight=1.0)
    with pytest.raises(ValueError, match=r"got 2 in of_neuron, 3 in of_layer\. "):
        unchecked(evidence_scores)(np.ones((1, 2)), np.ones(3), weight=1.0)
    with pytest.raises(ValueError, match=r"^best_concepts: expected n_concepts of at least 1, got"):
        best_names(np.ones((1, 2)), count=0)
