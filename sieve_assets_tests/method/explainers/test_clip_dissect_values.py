"""Rank reorder and cosine cubed: by hand, and against their formulas in loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.explainers import clip_dissect_values
from sieve_assets.method.explainers.clip_dissect_values import cosine_cubed, rank_reorder

REORDER = {"top_fraction": 0.5, "power": 3, "cosine_power": 0.5, "min_cosine": 1e-3}


def unit(n_rows, features=8, seed=0, lift=0.0):
    """Unit vectors; those with a lift have cosines above 0 with each other."""
    rows = np.random.default_rng(seed).standard_normal((n_rows, features)) + lift
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def probe(n_images=14, n_neurons=3, n_concepts=6, seed=0, lift=0.0):
    activations = np.random.default_rng(seed).standard_normal((n_images, n_neurons))
    images, concepts = unit(n_images, seed=1, lift=lift), unit(n_concepts, seed=2, lift=lift)
    return activations.astype(np.float32), images, concepts


def plane(*cosines):
    """Images of the plane with these cosines to the concept (1, 0)."""
    return np.array([[cosine, math.sqrt(1 - cosine**2)] for cosine in cosines])


def reorder_in_loops(activations, images, concepts, values):
    """The error of the reordered activations over that of all pairs, number by number."""
    n_images, n_neurons = activations.shape
    count = max(1, int(values["top_fraction"] * n_images))
    power = values["power"]
    scores = np.empty((n_neurons, len(concepts)))
    for neuron in range(n_neurons):
        own = [float(value) for value in activations[:, neuron]]
        top = sorted(range(n_images), key=lambda image, own=own: (-own[image], image))[:count]
        pairs = [abs(own[i] - own[j]) ** power for i in top for j in top]
        chance = sum(pairs) / len(pairs)
        for position, concept in enumerate(concepts.astype(float)):
            cosines = {image: float(images[image].astype(float) @ concept) for image in top}
            order = sorted(top, key=lambda image, cosines=cosines: (-cosines[image], image))
            misses = [
                abs(own[old] - own[new]) ** power for old, new in zip(top, order, strict=True)
            ]
            error = sum(misses) / count / chance if chance > 0 else 1.0
            mean = max(sum(cosines.values()) / count, values["min_cosine"])
            scores[neuron, position] = -error / mean ** values["cosine_power"]
    return scores


def cubed_in_loops(activations, images, concepts, min_norm):
    """The cosine of two lists of cubes, number by number."""
    scores = np.empty((activations.shape[1], len(concepts)))
    for neuron, column in enumerate(activations.T.tolist()):
        for position, concept in enumerate(concepts.astype(float)):
            cosines = [float(image @ concept) for image in images.astype(float)]
            one = [(value - sum(column) / len(column)) ** 3 for value in column]
            other = [(value - sum(cosines) / len(cosines)) ** 3 for value in cosines]
            norms = [max(math.sqrt(sum(v * v for v in cubes)), min_norm) for cubes in (one, other)]
            product = sum(a * b for a, b in zip(one, other, strict=True))
            scores[neuron, position] = product / norms[0] / norms[1]
    return scores


def test_reordering_that_one_can_work_out():
    images, concept = plane(0.9, 0.6, 0.3, 0.0), np.array([[1.0, 0.0]])
    activations = np.array([[3.0, 2.0], [2.0, 3.0], [1.0, 0.0], [0.0, 0.0]])
    values = {"top_fraction": 0.5, "power": 1, "cosine_power": 0.0, "min_cosine": 1e-3}
    # Neuron 0 falls as the concept's cosines do. Neuron 1 has 3 and 2 the other way round: both are
    # off by 1, and by chance half of the pairs are.
    np.testing.assert_allclose(rank_reorder(activations, images, concept, **values), [[0], [-2]])


def test_a_small_mean_cosine_makes_an_error_larger():
    concept = np.array([[1.0, 0.0]])
    activations = np.array([[2.0], [3.0]])
    for mean, images in ((0.64, plane(0.68, 0.6)), (0.16, plane(0.2, 0.12))):
        values = {**REORDER, "top_fraction": 1.0}
        found = rank_reorder(activations, images, concept, **values)
        np.testing.assert_allclose(found, [[-2 / math.sqrt(mean)]])
    negative = rank_reorder(
        activations, plane(-0.2, -0.5), concept, **{**values, "min_cosine": 0.04}
    )
    np.testing.assert_allclose(negative, [[-2 / 0.2]])


@pytest.mark.parametrize("lift", [0.0, 0.8])
@pytest.mark.parametrize(("top_fraction", "power"), [(0.01, 3), (0.5, 1), (0.5, 3), (1.0, 4)])
def test_rank_reorder_agrees_with_its_formula_in_loops(top_fraction, power, lift):
    values = {**REORDER, "top_fraction": top_fraction, "power": power}
    arrays = probe(lift=lift)
    expected = reorder_in_loops(*arrays, values)
    np.testing.assert_allclose(rank_reorder(*arrays, **values), expected, rtol=1e-9)


def test_ties_in_activation_and_cosine_go_by_position():
    images = np.repeat(plane(0.9, 0.5, 0.7), 4, axis=0)
    activations = np.tile(np.array([[2.0, 1.0], [2.0, 0.0], [0.0, 0.0]]), (4, 1))
    concepts = np.array([[1.0, 0.0], [0.0, 1.0]])
    expected = reorder_in_loops(activations, images, concepts, REORDER)
    np.testing.assert_allclose(rank_reorder(activations, images, concepts, **REORDER), expected)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_images_with_one_embedding_tie_wherever_they_stand(monkeypatch, size):
    monkeypatch.setattr(clip_dissect_values, "_BLOCK_IMAGES", size)
    images, concepts = np.tile(unit(1, features=67, lift=0.8), (50, 1)), unit(5, features=67)
    activations = np.random.default_rng(0).standard_normal((50, 2))
    expected = reorder_in_loops(activations, images, concepts, REORDER)
    found = rank_reorder(activations, images, concepts, **REORDER)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_neuron_without_an_order_has_the_error_of_chance():
    _, images, concepts = probe(lift=0.8)
    constant = np.full((14, 1), 0.25, np.float32)
    cosines = images[:7].astype(float) @ concepts.astype(float).T
    expected = -1 / np.sqrt(cosines.mean(axis=0))
    found = rank_reorder(constant, images, concepts, **REORDER)
    np.testing.assert_allclose(found[0], expected)
    np.testing.assert_array_equal(rank_reorder(0 * constant, images, concepts, **REORDER), found)


@settings(max_examples=20)
@given(seed=st.integers(0, 999), scale=st.sampled_from([0.25, 1.0, 8.0]), data=st.data())
def test_reordering_follows_any_order_and_scale(seed, scale, data):
    activations, images, concepts = probe(seed=seed)
    scores = rank_reorder(activations, images, concepts, **REORDER)
    rows = data.draw(st.permutations(range(14)))
    columns = data.draw(st.permutations(range(6)))
    moved = scale * activations[rows].astype(np.float64) - 3
    found = rank_reorder(moved, images[rows], concepts[columns], **REORDER)
    np.testing.assert_allclose(found, scores[:, columns], rtol=1e-9)


def test_a_neuron_has_the_same_error_to_the_last_bit_in_any_company():
    arrays = activations, images, concepts = probe(n_neurons=70)
    whole = rank_reorder(*arrays, **REORDER)
    for part in ([0], [63, 64, 65], [69, 2]):
        found = rank_reorder(activations[:, part], images, concepts, **REORDER)
        np.testing.assert_array_equal(found, whole[part])


@pytest.mark.parametrize("size", [1, 3, 5])
def test_blocks_change_scores_by_rounding_only(monkeypatch, size):
    arrays = probe(n_images=15)
    reordered, cubed = rank_reorder(*arrays, **REORDER), cosine_cubed(*arrays, min_norm=1e-3)
    monkeypatch.setattr(clip_dissect_values, "_BLOCK_IMAGES", size)
    monkeypatch.setattr(clip_dissect_values, "_BLOCK_CONCEPTS", size)
    np.testing.assert_allclose(rank_reorder(*arrays, **REORDER), reordered, rtol=1e-12)
    np.testing.assert_allclose(cosine_cubed(*arrays, min_norm=1e-3), cubed, atol=1e-14)


def test_cubes_that_one_can_work_out():
    images, concept = plane(0.6, -0.6, 0.6, -0.6), np.array([[1.0, 0.0]])
    activations = np.array([[1.0, 3.0, 1.0], [0.0, 5.0, 1.0], [1.0, 3.0, 0.0], [0.0, 5.0, 0.0]])
    found = cosine_cubed(activations, images, concept, min_norm=1e-3)
    np.testing.assert_allclose(found, [[1], [-1], [0]], atol=1e-12)


@pytest.mark.parametrize("min_norm", [1e-3, 0.5])
def test_cosine_cubed_agrees_with_its_formula_in_loops(min_norm):
    arrays = probe()
    expected = cubed_in_loops(*arrays, min_norm)
    np.testing.assert_allclose(cosine_cubed(*arrays, min_norm=min_norm), expected, atol=1e-9)


def test_what_is_the_same_for_every_image_scores_0():
    activations, images, concepts = probe()
    activations[:, 1] = 1e6
    found = cosine_cubed(activations, images, concepts, min_norm=1e-3)
    np.testing.assert_allclose(found[1], 0, atol=1e-12)
    same = cosine_cubed(activations, np.tile(images[:1], (14, 1)), concepts, min_norm=1e-3)
    np.testing.assert_allclose(same, 0, atol=1e-12)


@settings(max_examples=20)
@given(seed=st.integers(0, 999), scale=st.sampled_from([0.25, 1.0, 8.0]), data=st.data())
def test_cubes_follow_any_order_and_scale(seed, scale, data):
    activations, images, concepts = probe(seed=seed)
    scores = cosine_cubed(activations, images, concepts, min_norm=1e-6)
    rows = data.draw(st.permutations(range(14)))
    columns = data.draw(st.permutations(range(6)))
    moved = scale * activations[rows].astype(np.float64) - 3
    found = cosine_cubed(moved, images[rows], concepts[columns], min_norm=1e-6)
    np.testing.assert_allclose(found, scores[:, columns], atol=1e-9)


def test_one_image_and_one_concept_have_scores():
    one = np.ones((1, 1)), np.array([[0.6, 0.8]]), np.array([[1.0, 0.0]])
    np.testing.assert_allclose(rank_reorder(*one, **REORDER), [[-1 / math.sqrt(0.6)]])
    np.testing.assert_allclose(cosine_cubed(*one, min_norm=1e-3), [[0.0]], atol=1e-12)


def test_inputs_are_unchanged():
    arrays = probe()
    copies = [one.copy() for one in arrays]
    rank_reorder(*arrays, **REORDER)
    cosine_cubed(*arrays, min_norm=1e-3)
    for before, now in zip(copies, arrays, strict=True):
        np.testing.assert_array_equal(before, now)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"top_fraction": 1.5}, r"expected top_fraction between 0 and 1, got 1\.5\. "),
        ({"power": 0}, r"expected power of at least 1, got 0\. "),
        ({"cosine_power": -1.0}, r"expected cosine_power between 0 and 1, got -1\.0\. "),
        ({"min_cosine": 0.0}, r"expected min_cosine above 0 and finite, got 0\.0\. "),
    ],
)
def test_settings_of_rank_reorder_out_of_their_range_are_refused(change, words):
    with pytest.raises(ValueError, match="^rank_reorder: " + words):
        rank_reorder(*probe(), **{**REORDER, **change})


def test_what_cannot_be_scored_is_refused():
    activations, images, concepts = probe()
    with pytest.raises(ValueError, match=r"^cosine_cubed: expected min_norm above 0 and finite, "):
        cosine_cubed(activations, images, concepts, min_norm=0.0)
    with pytest.raises(ValueError, match=r"^cosine_cubed: expected embeddings of images with norm"):
        cosine_cubed(activations, images * 2, concepts, min_norm=1e-3)
    with pytest.raises(
        ValueError, match=r"^rank_reorder: expected finite activations, got nan for"
    ):
        rank_reorder(activations * np.nan, images, concepts, **REORDER)
