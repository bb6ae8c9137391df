"""High images are far above the layer's mean; contrast images differ in the one neuron."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sieve_assets.method.explainers import falcon_images
from sieve_assets.method.explainers.falcon_images import (
    NeuronImages,
    contrast_images,
    high_images,
    layer_levels,
    scaled_activations,
)


def layer(n_images, n_neurons, seed=0):
    """Activations as after a ReLU: many zeros, some equal values."""
    values = np.random.default_rng(seed).integers(-4, 9, (n_images, n_neurons)) / 4
    return np.maximum(values, 0).astype(np.float32)


def pairs(found):
    return list(zip(found.neurons.tolist(), found.images.tolist(), strict=True))


def high_by_loops(scaled, level, min_images, max_images):
    found = []
    for neuron in range(scaled.shape[1]):
        column = scaled[:, neuron].tolist()
        high = [image for image, value in enumerate(column) if value >= level]
        if len(high) >= min_images:
            high.sort(key=lambda image: (-column[image], image))
            found += [(neuron, image) for image in high[:max_images]]
    return found


def contrast_by_loops(scaled, high, level, min_similarity, max_images):
    """Pairs, and the least difference between similarities, or from one to the minimum."""
    found, least = [], 1.0
    for neuron in sorted({neuron for neuron, _ in high}):
        others = [j for j in range(scaled.shape[1]) if j != neuron]
        rows = [scaled[image].astype(float) for owner, image in high if owner == neuron]
        centre = {j: sum(row[j] for row in rows) / len(rows) for j in others}
        alike = [sum(row[j] * centre[j] for j in others) for row in scaled.astype(float)]
        steps = np.diff(sorted([*alike, min_similarity]))
        least = min(least, *steps)
        low = [image for image, row in enumerate(scaled) if row[neuron] < level]
        best = sorted((-alike[image], image) for image in low if alike[image] >= min_similarity)
        found += [(neuron, image) for _, image in best[:max_images]]
    return found, least


def test_each_image_is_scaled_to_norm_1_and_a_silent_one_stays_silent():
    scaled = scaled_activations(np.array([[3.0, 4.0], [0.0, 0.0], [-2.0, 0.0]]))
    np.testing.assert_array_equal(scaled, np.array([[0.6, 0.8], [0, 0], [-1, 0]], np.float32))


def test_levels_that_one_can_work_out():
    levels = layer_levels(np.array([[1, 0], [0, 0]], np.float32), n_sigmas=2.0)
    assert levels.mean == 0.25
    assert levels.high == pytest.approx(0.25 + 2 * math.sqrt(3) / 4)


def test_levels_agree_with_numpy_over_many_blocks(monkeypatch):
    scaled = scaled_activations(layer(57, 5))
    whole = layer_levels(scaled, n_sigmas=5.0)
    exact = scaled.astype(np.float64)
    np.testing.assert_allclose(whole, (exact.mean(), exact.mean() + 5 * exact.std()))
    monkeypatch.setattr(falcon_images, "_BLOCK_IMAGES", 4)
    assert layer_levels(scaled, n_sigmas=5.0) == whole


def test_an_image_is_scaled_the_same_alone_and_in_any_layout():
    activations = layer(40, 33)
    scaled = scaled_activations(activations)
    np.testing.assert_array_equal(scaled[7:8], scaled_activations(activations[7:8]))
    np.testing.assert_array_equal(scaled, scaled_activations(np.asfortranarray(activations)))
    np.testing.assert_array_equal(scaled, scaled_activations(activations.astype(np.float64)))


def test_high_images_come_strongest_first_and_a_neuron_with_too_few_has_none():
    scaled = np.array([[0.5, 0.9], [0.7, 0.1], [0.7, 0.2], [0.4, 0.1]], np.float32)
    found = high_images(scaled, level=0.5, min_images=2, max_images=None)
    assert pairs(found) == [(0, 1), (0, 2), (0, 0)]
    few = high_images(scaled, level=0.5, min_images=1, max_images=2)
    assert pairs(few) == [(0, 1), (0, 2), (1, 0)]


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    n_images=st.integers(1, 12),
    n_neurons=st.integers(1, 6),
    min_images=st.integers(1, 3),
    max_images=st.one_of(st.none(), st.integers(1, 4)),
    level=st.sampled_from([0.0, 0.25, 0.5, 2.0]),
)
def test_high_images_agree_with_loops(seed, n_images, n_neurons, min_images, max_images, level):
    scaled = scaled_activations(layer(n_images, n_neurons, seed))
    found = high_images(scaled, level=level, min_images=min_images, max_images=max_images)
    assert pairs(found) == high_by_loops(scaled, level, min_images, max_images)


def test_contrast_images_are_low_on_the_neuron_and_alike_in_all_others():
    scaled = np.array(
        [
            [0.8, 0.6, 0.0],  # high
            [0.1, 0.9, 0.0],  # low, alike
            [0.1, 0.6, 0.8],  # low, less alike
            [0.0, 0.0, 1.0],  # low, not alike
            [0.6, 0.8, 0.0],  # alike, but not low
        ],
        np.float32,
    )
    high = NeuronImages(np.array([0]), np.array([0]))
    found = contrast_images(scaled, high, level=0.3, min_similarity=0.3, max_images=10)
    assert pairs(found) == [(0, 1), (0, 2)]
    best = contrast_images(scaled, high, level=0.3, min_similarity=0.3, max_images=1)
    assert pairs(best) == [(0, 1)]


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    n_images=st.integers(1, 12),
    n_neurons=st.integers(1, 6),
    max_images=st.integers(1, 4),
)
def test_contrast_images_agree_with_loops(seed, n_images, n_neurons, max_images):
    values = np.random.default_rng(seed).random((n_images, n_neurons)).astype(np.float32)
    scaled = scaled_activations(values)
    high = high_images(scaled, level=0.5, min_images=1, max_images=None)
    found = contrast_images(scaled, high, level=0.4, min_similarity=0.3, max_images=max_images)
    expected, least = contrast_by_loops(scaled, pairs(high), 0.4, 0.3, max_images)
    assume(n_neurons == 1 or least > 1e-6)  # single precision cannot tell near ties
    assert pairs(found) == expected


def test_blocks_change_no_image(monkeypatch):
    scaled = scaled_activations(np.random.default_rng(1).random((50, 20)).astype(np.float32))
    arguments = {"level": 0.2, "min_similarity": 0.3, "max_images": 5}
    high = high_images(scaled, level=0.3, min_images=1, max_images=None)
    contrast = contrast_images(scaled, high, **arguments)
    assert len(contrast.images)
    monkeypatch.setattr(falcon_images, "_BLOCK_IMAGES", 3)
    monkeypatch.setattr(falcon_images, "_BLOCK_NEURONS", 7)
    assert pairs(high_images(scaled, level=0.3, min_images=1, max_images=None)) == pairs(high)
    assert pairs(contrast_images(scaled, high, **arguments)) == pairs(contrast)


def test_images_follow_their_order_and_activations_their_scale():
    activations = np.random.default_rng(2).random((40, 6))
    order = np.random.default_rng(3).permutation(40)
    results = []
    for some in (activations, 9 * activations[order]):
        scaled = scaled_activations(some)
        levels = layer_levels(scaled, n_sigmas=1.0)
        high = high_images(scaled, level=levels.high, min_images=1, max_images=None)
        low = contrast_images(scaled, high, level=levels.mean, min_similarity=0.3, max_images=5)
        results.append((high, low))
    for one, other in zip(*results, strict=True):
        assert len(one.images)
        assert pairs(one) == pairs(NeuronImages(other.neurons, order[other.images]))


def test_a_layer_without_a_high_neuron_has_neither_images_nor_contrast():
    scaled = scaled_activations(np.ones((3, 4), np.float32))
    high = high_images(scaled, level=0.6, min_images=1, max_images=None)
    assert pairs(high) == []
    found = contrast_images(scaled, high, level=1.0, min_similarity=0.0, max_images=5)
    assert pairs(found) == []
    assert found.images.dtype.kind == "i"


def test_one_image_of_one_neuron_has_no_other_to_contrast_with():
    scaled = scaled_activations(np.array([[2.0]]))
    levels = layer_levels(scaled, n_sigmas=5.0)
    assert levels == (1.0, 1.0)
    high = high_images(scaled, level=levels.high, min_images=1, max_images=None)
    assert pairs(high) == [(0, 0)]
    found = contrast_images(scaled, high, level=1.0, min_similarity=0.3, max_images=10)
    assert pairs(found) == []


def test_inputs_are_unchanged():
    activations = layer(20, 4)
    before = activations.copy()
    scaled = scaled_activations(activations)
    same = scaled.copy()
    layer_levels(scaled, n_sigmas=5.0)
    high = high_images(scaled, level=0.3, min_images=1, max_images=3)
    kept = high.neurons.copy(), high.images.copy()
    contrast_images(scaled, high, level=0.3, min_similarity=0.3, max_images=3)
    for old, now in zip((before, same, *kept), (activations, scaled, *high), strict=True):
        np.testing.assert_array_equal(old, now)


def test_no_image_and_activations_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match=r"^scaled_activations: .* one of the images, got none"):
        scaled_activations(np.ones((0, 2)))
    with pytest.raises(ValueError, match=r"expected finite activations, got inf for image 1\. Che"):
        scaled_activations(np.array([[1.0], [math.inf]]))
    with pytest.raises(ValueError, match=r"^layer_levels: expected at least one of the images"):
        layer_levels(np.ones((0, 2), np.float32), n_sigmas=5.0)


def test_settings_out_of_range_are_refused():
    scaled = np.ones((2, 2), np.float32)
    with pytest.raises(ValueError, match=r"^layer_levels: expected n_sigmas between 0 and inf"):
        layer_levels(scaled, n_sigmas=-1.0)
    with pytest.raises(ValueError, match=r"^high_images: expected min_images of at least 1, got 0"):
        high_images(scaled, level=0.5, min_images=0, max_images=None)
    with pytest.raises(ValueError, match=r"^high_images: expected max_images of at least 1, got 0"):
        high_images(scaled, level=0.5, min_images=1, max_images=0)
    high = high_images(scaled, level=0.5, min_images=1, max_images=None)
    with pytest.raises(ValueError, match=r"^contrast_images: expected max_images of at least 1"):
        contrast_images(scaled, high, level=0.5, min_similarity=0.3, max_images=0)
