"""Sums over images say all that a fit needs, however the images are parted."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.explainers import linear_moments
from sieve_assets.method.explainers.linear_moments import (
    active_concepts,
    concept_activations,
    covariances,
    joined_moments,
    moments,
    scales,
)


def unit(n_rows, features=6, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n_rows, features))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def study(n_images, n_concepts=4, n_neurons=3, seed=0):
    generator = np.random.default_rng(seed)
    present = generator.random((n_images, n_concepts)).astype(np.float32)
    return present, generator.standard_normal((n_images, n_neurons)).astype(np.float32)


def test_a_concepts_activation_is_the_sigmoid_of_its_cosine():
    images, concepts = np.array([[1.0, 0]]), np.array([[0.25, math.sqrt(15) / 4], [0, 1.0]])
    found = concept_activations(images, concepts, slope=58.0, shift=-0.25)
    np.testing.assert_allclose(found, [[0.5, 1 / (1 + math.exp(14.5))]], rtol=1e-6)


def test_concept_activations_agree_with_loops():
    images, concepts = unit(5), unit(4, seed=1)
    found = concept_activations(images, concepts, slope=60.0, shift=-0.09)
    for row, image in zip(found, images, strict=True):
        for value, concept in zip(row, concepts, strict=True):
            cosine = sum(float(a) * float(b) for a, b in zip(image, concept, strict=True))
            assert value == pytest.approx(1 / (1 + math.exp(-60 * (cosine - 0.09))), rel=1e-4)


def test_an_image_has_the_same_concept_activations_alone_and_among_others(monkeypatch):
    images, concepts = unit(30), unit(7, seed=1)
    whole = concept_activations(images, concepts, slope=9.0, shift=-0.1)
    monkeypatch.setattr(linear_moments, "_BLOCK_IMAGES", 4)
    again = concept_activations(images, concepts, slope=9.0, shift=-0.1)
    np.testing.assert_allclose(again, whole, rtol=1e-6)
    alone = concept_activations(images[5:6], concepts, slope=9.0, shift=-0.1)
    np.testing.assert_array_equal(alone, again[5:6])


def test_a_concept_must_be_shown_by_some_images_and_not_by_all_alike():
    present = np.array([[0.9, 0.9, 0.2, 0.7], [0.2, 0.0, 0.1, 0.7], [0.0, 0.0, 0.2, 0.7]])
    found = active_concepts(present, n_strongest=2, min_mean=0.5, min_std=1e-5)
    assert found.tolist() == [True, False, False, False]


@settings(max_examples=40)
@given(seed=st.integers(0, 1000), n_images=st.integers(1, 8), n_strongest=st.integers(1, 9))
def test_active_concepts_agree_with_loops(seed, n_images, n_strongest):
    present = study(n_images, seed=seed)[0]
    found = active_concepts(present, n_strongest=n_strongest, min_mean=0.6, min_std=0.2)
    for is_active, column in zip(found, present.T.astype(np.float64), strict=True):
        best = sorted(column, reverse=True)[:n_strongest]
        assert is_active == (sum(best) / len(best) >= 0.6 and np.std(column) >= 0.2)


def test_blocks_of_concepts_change_no_answer(monkeypatch):
    present = study(20, n_concepts=9)[0]
    settings_of = {"n_strongest": 3, "min_mean": 0.9, "min_std": 0.2}
    whole = active_concepts(present, **settings_of)
    assert 0 < whole.sum() < 9
    monkeypatch.setattr(linear_moments, "_BLOCK_CONCEPTS", 2)
    np.testing.assert_array_equal(active_concepts(present, **settings_of), whole)


def test_sums_that_one_can_work_out():
    found = moments(np.array([[1.0, 0], [1, 2]]), np.array([[3.0], [-1]]))
    assert found.n_images == 2
    assert found.concept_sums.tolist() == [2, 2]
    assert found.neuron_sums.tolist() == [2]
    assert found.concept_products.tolist() == [[2, 2], [2, 4]]
    assert found.cross_products.tolist() == [[2, -2]]
    assert found.neuron_squares.tolist() == [10]


def test_parts_and_blocks_change_sums_by_rounding_only(monkeypatch):
    present, activations = study(50)
    whole = moments(present, activations)
    parts = [moments(present[rows], activations[rows]) for rows in (slice(7), slice(7, None))]
    kept = parts[0].concept_sums.copy()
    joined = joined_moments(parts)
    np.testing.assert_array_equal(parts[0].concept_sums, kept)
    monkeypatch.setattr(linear_moments, "_BLOCK_IMAGES", 3)
    for found in (joined, moments(present, activations)):
        for one, other in zip(found, whole, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), n_images=st.integers(1, 20))
def test_scales_and_covariances_agree_with_numpy(seed, n_images):
    present, activations = study(n_images, seed=seed)
    sums = moments(present, activations)
    found, exact = scales(sums), (present.astype(np.float64), activations.astype(np.float64))
    np.testing.assert_allclose(found.concept_means, exact[0].mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.neuron_stds, exact[1].std(axis=0), atol=1e-8)
    measures = np.array([1.0, 2.0, 0.5, 4.0])
    shared = covariances(sums, measures)
    if n_images > 1:
        both = np.cov(np.hstack(exact).T, bias=True)
        expected = both[:4, :4] / np.outer(measures, measures)
        np.testing.assert_allclose(shared.concepts, expected, atol=1e-10)
        expected = both[4:, :4] / measures / exact[1].std(axis=0)[:, None]
        np.testing.assert_allclose(shared.neurons, expected, atol=1e-8)


def test_what_is_constant_has_no_deviation_and_no_covariance():
    present, activations = study(40)
    present[:, 1], activations[:, 2] = 0.1, 1e3
    sums = moments(present, activations)
    found = scales(sums)
    assert found.concept_stds[1] == 0
    assert found.neuron_stds[2] == 0
    shared = covariances(sums, np.ones(4))
    assert not shared.concepts[1].any()
    assert not shared.concepts[:, 1].any()
    assert not shared.neurons[:, 1].any()
    assert not shared.neurons[2].any()
    assert shared.concepts[0].any()


def test_one_image_has_no_deviation(recwarn):
    present, activations = study(1)
    found = scales(moments(present, activations))
    assert not found.concept_stds.any()
    assert not found.neuron_stds.any()
    assert not recwarn.list


def test_inputs_are_unchanged():
    images, concepts = unit(3), unit(4, seed=1)
    present, activations = study(5)
    given_arrays = images, concepts, present, activations
    copies = [values.copy() for values in given_arrays]
    concept_activations(images, concepts, slope=1.0, shift=0.0)
    active_concepts(present, n_strongest=2, min_mean=0.5, min_std=0.1)
    sums = moments(present, activations)
    before = [np.copy(values) for values in sums]
    covariances(sums, np.ones(4))
    scales(sums)
    for old, now in zip([*copies, *before], [*given_arrays, *sums], strict=True):
        np.testing.assert_array_equal(old, now)


def test_nothing_to_embed_or_to_sum_is_refused():
    with pytest.raises(ValueError, match=r"^concept_activations: .* one of the images, got none"):
        concept_activations(unit(0), unit(2), slope=1.0, shift=0.0)
    with pytest.raises(ValueError, match=r"^concept_activations: .* one of the concepts, got none"):
        concept_activations(unit(2), unit(0), slope=1.0, shift=0.0)
    with pytest.raises(ValueError, match=r"^active_concepts: .* one of the images, got none"):
        active_concepts(np.ones((0, 2)), n_strongest=1, min_mean=0.5, min_std=0.0)
    with pytest.raises(
        ValueError, match=r"^moments: expected at least one of the images, got none"
    ):
        moments(np.ones((0, 2)), np.ones((0, 2)))
    with pytest.raises(
        ValueError, match=r"^joined_moments: expected at least one part, got none\."
    ):
        joined_moments([])


def test_settings_out_of_range_and_other_embeddings_are_refused():
    with pytest.raises(ValueError, match=r"^concept_activations: expected slope between 0 and inf"):
        concept_activations(unit(2), unit(2), slope=-1.0, shift=0.0)
    with pytest.raises(ValueError, match=r"expected embeddings of images with norm 1"):
        concept_activations(2 * unit(2), unit(2), slope=1.0, shift=0.0)
    with pytest.raises(ValueError, match=r"expected embeddings of concepts with norm 1"):
        concept_activations(unit(2), 2 * unit(2), slope=1.0, shift=0.0)
    with pytest.raises(ValueError, match=r"^active_concepts: expected n_strongest of at least 1"):
        active_concepts(np.ones((2, 2)), n_strongest=0, min_mean=0.5, min_std=0.0)


def test_values_that_are_not_finite_are_refused():
    good, bad = np.ones((2, 1)), np.array([[1.0], [math.nan]])
    with pytest.raises(ValueError, match=r"^active_concepts: expected finite concept activations"):
        active_concepts(bad, n_strongest=1, min_mean=0.5, min_std=0.0)
    with pytest.raises(
        ValueError, match=r"finite concept activations, got nan for image 1\. Check"
    ):
        moments(bad, good)
    with pytest.raises(
        ValueError, match=r"^moments: expected finite activations, got nan for image"
    ):
        moments(good, bad)


def test_sizes_that_differ_are_refused(unchecked):
    with pytest.raises(ValueError, match=r"got 6 in images, 5 in concepts\. "):
        unchecked(concept_activations)(unit(2), unit(2, features=5), slope=1.0, shift=0.0)
    with pytest.raises(ValueError, match=r"got 2 in present, 3 in activations\. "):
        unchecked(moments)(np.ones((2, 1)), np.ones((3, 1)))
    for sizes, expected in (((2, 1), "1 in first, 2 in part"), ((1, 2), "1 in first, 2 in part")):
        other = moments(np.ones((4, sizes[0])), np.ones((4, sizes[1])))
        with pytest.raises(ValueError, match=rf"^joined_moments: .* got {expected}\. "):
            joined_moments([moments(np.ones((4, 1)), np.ones((4, 1))), other])
