"""FALCON's steps after the crops, against the same by loops over neurons."""

import numpy as np
import pytest

from sieve_assets.method.explainers.falcon_images import (
    NeuronImages,
    contrast_images,
    high_images,
    layer_levels,
    scaled_activations,
)
from sieve_assets.method.explainers.falcon_names import falcon_names
from sieve_assets_tests.falcon_loops import names_by_loops

SETTINGS = {
    "min_similarity": 0.45,
    "min_contrast_similarity": 0.1,
    "n_contrast": 4,
    "scale": 10.0,
    "n_captions": 3,
    "max_contrast": 0.15,
    "n_words": 4,
}
HIGH = {"n_sigmas": 1.0, "min_images": 3, "max_images": 6}


def unit(n_rows, features=5, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n_rows, features))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class World:
    """A layer of 7 neurons on 80 images, with crops that are more alike for some neurons."""

    def __init__(self, seed=0):
        activations = np.random.default_rng(seed).exponential(size=(80, 7)) ** 2
        self.layer = activations.astype(np.float32)
        self.scaled = scaled_activations(self.layer)
        self.levels = layer_levels(self.scaled, n_sigmas=1.0)
        self.high = high_images(self.scaled, level=self.levels.high, min_images=3, max_images=6)
        noise = unit(len(self.high.images), seed=seed + 1) * (self.high.neurons[:, None] + 1) / 4
        crops = unit(7, seed=seed + 2)[self.high.neurons] + noise
        crops /= np.linalg.norm(crops, axis=1, keepdims=True)
        self.crops = crops.astype(np.float32)
        self.images, self.concepts = unit(80, seed=seed + 3), unit(9, seed=seed + 4)

    def names(self, **changes):
        parts = (self.scaled, self.high, self.crops, self.images, self.concepts)
        return falcon_names(*parts, low=self.levels.mean, **SETTINGS | changes)


@pytest.mark.parametrize("seed", range(5))
def test_names_agree_with_one_neuron_at_a_time(seed):
    world = World(seed)
    crops = dict(zip(zip(*world.high, strict=True), world.crops, strict=True))
    expected = names_by_loops(
        world.layer,
        lambda neuron, image: crops[neuron, image],
        world.images,
        world.concepts,
        SETTINGS | HIGH,
    )
    found = world.names()
    assert 0 < len(expected) < 7
    for neuron in range(7):
        own = expected.get(neuron, [])
        words = [word for word, _ in own]
        assert found.concepts[neuron].tolist() == words + [-1] * (4 - len(own))
        scores = [score for _, score in own] + [0.0] * (4 - len(own))
        np.testing.assert_allclose(found.scores[neuron], scores, rtol=1e-9)


def test_a_neuron_whose_crops_differ_has_no_name():
    world = World()
    assert (world.names(min_similarity=1.0).concepts == -1).all()
    assert (world.names(min_similarity=-1.0).concepts >= 0).any()


def test_words_of_the_contrast_images_are_dropped():
    world = World()
    kept, all_words = world.names(max_contrast=0.15), world.names(max_contrast=1.0)
    assert (kept.concepts >= 0).sum() < (all_words.concepts >= 0).sum()


def test_no_high_image_gives_no_name():
    world = World()
    nothing = np.zeros(0, np.intp)
    world.high, world.crops = NeuronImages(nothing, nothing), world.crops[:0]
    found = world.names()
    assert found.concepts.shape == (7, 4)
    assert (found.concepts == -1).all()
    assert (found.scores == 0).all()


def test_a_single_word_has_probability_one_and_is_dropped_where_there_is_contrast():
    world = World()
    world.concepts = world.concepts[:1]
    assert set(world.names(max_contrast=1.0).scores.ravel()) <= {0.0, 1.0}
    contrast = contrast_images(
        world.scaled, world.high, level=world.levels.mean, min_similarity=0.1, max_images=4
    )
    assert (world.names(min_similarity=-1.0).concepts[np.unique(contrast.neurons)] == -1).all()


def test_inputs_are_left_as_they_were():
    world = World()
    before = [part.copy() for part in (world.scaled, *world.high, world.crops, world.images)]
    world.names()
    after = (world.scaled, *world.high, world.crops, world.images)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_crops_of_other_images_are_refused():
    world = World()
    world.crops = world.crops[1:]
    with pytest.raises(ValueError, match=r"falcon_names: expected .*high_images"):
        world.names()


def test_embeddings_of_other_images_are_refused(unchecked):
    world = World()
    parts = (world.scaled, world.high, world.crops, world.images[1:], world.concepts)
    with pytest.raises(ValueError, match="falcon_names: expected"):
        unchecked(falcon_names)(*parts, low=world.levels.mean, **SETTINGS)
