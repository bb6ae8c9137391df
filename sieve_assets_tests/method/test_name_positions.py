"""On the map, names that mean nearly the same lie side by side, and every neuron is to be seen."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.manifold import trustworthiness
from threadpoolctl import threadpool_limits

from sieve_assets.method.name_positions import name_positions, neuron_positions


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def kinds(n_kinds=3, n_each=12, spread=0.1, seed=0):
    """Names of some kinds, the names of a kind near each other; which kind each is of."""
    generator = np.random.default_rng(seed)
    centres = unit(generator.standard_normal((n_kinds, 16)))
    kind = np.arange(n_kinds * n_each) % n_kinds
    return unit(centres[kind] + spread * generator.standard_normal((len(kind), 16))), kind


def mapped(vectors, perplexity=10.0, seed=0):
    return name_positions(vectors, perplexity=perplexity, seed=seed)


def test_names_of_a_kind_lie_nearer_to_each_other_than_to_any_other():
    vectors, kind = kinds()
    places = mapped(vectors)
    for place, own in zip(places, kind, strict=True):
        distances = np.linalg.norm(places - place, axis=1)
        assert distances[kind == own].max() < distances[kind != own].min()


def test_neighbours_on_the_map_are_neighbours_in_meaning():
    vectors = unit(np.random.default_rng(0).standard_normal((120, 3)))
    assert trustworthiness(vectors, mapped(vectors), metric="cosine") > 0.9
    shuffled = np.random.default_rng(1).permutation(mapped(vectors))
    assert trustworthiness(vectors, shuffled, metric="cosine") < 0.6


def test_the_map_fills_its_longer_side_and_keeps_its_shape():
    places = mapped(kinds()[0])
    assert places.min() == 0
    assert places.max() == 1
    low, high = places.min(axis=0), places.max(axis=0)
    assert (high - low).max() == pytest.approx(1)
    np.testing.assert_allclose((low + high) / 2, 0.5)


def test_again_in_another_order_and_on_more_threads_it_is_the_same_map():
    vectors, _ = kinds()
    places = mapped(vectors)
    order = np.random.default_rng(1).permutation(len(vectors))
    np.testing.assert_array_equal(mapped(vectors), places)
    np.testing.assert_array_equal(mapped(vectors[order]), places[order])
    with threadpool_limits(2):
        np.testing.assert_array_equal(mapped(vectors), places)
    assert not np.allclose(mapped(vectors, perplexity=4.0), places)


def test_names_with_the_same_vector_have_the_same_place():
    vectors, _ = kinds()
    places = mapped(np.concatenate([vectors, vectors[:5]]))
    np.testing.assert_array_equal(places[-5:], places[:5])
    assert (mapped(vectors[[0] * 7]) == 0.5).all()


@pytest.mark.parametrize("scale", [1e-6, 1e-12])
def test_names_that_hardly_differ_have_places(scale):
    vectors = np.eye(8)[[0] * 9]
    vectors[:, 0] += scale * np.arange(9)
    places = mapped(vectors)
    assert np.isfinite(places).all()
    assert (places[:, 1] == 0.5).all()  # they lie on a line


@pytest.mark.parametrize("count", range(8))
def test_few_names_have_places_of_their_own(count):
    places = mapped(kinds(n_each=3)[0][:count], perplexity=30.0)
    assert places.shape == (count, 2)
    assert ((places >= 0) & (places <= 1)).all()
    assert len(np.unique(places, axis=0)) == count


def test_the_first_neuron_of_a_name_has_its_place_and_others_lie_around_it():
    positions = np.array([[0.5, 0.5], [0.25, 0.75]])
    places = neuron_positions(positions, np.array([1, 0, 0, -1, 0]), spacing=0.04)
    assert places[0].tolist() == [0.25, 0.75]
    assert places[1].tolist() == [0.5, 0.5]
    assert np.isnan(places[3]).all()
    turn = math.pi * (3 - math.sqrt(5))
    for row, order in ((2, 1), (4, 2)):
        radius = 0.04 * math.sqrt(order)
        x, y = radius * math.cos(order * turn), radius * math.sin(order * turn)
        assert places[row] == pytest.approx([0.5 + x, 0.5 + y])


def test_no_two_neurons_of_a_name_are_nearer_than_the_spacing():
    places = neuron_positions(np.array([[0.5, 0.5]]), np.zeros(400, np.int64), spacing=0.02)
    assert pdist(places).min() == pytest.approx(0.02)
    assert np.linalg.norm(places - 0.5, axis=1).max() < 0.02 * 20


def test_neurons_outside_the_map_move_it_and_shrink_it_alike():
    positions = np.array([[1.0, 0.5], [0.0, 0.5], [0.3, 0.2]])
    names = np.array([0] * 30 + [1, 2])
    places = neuron_positions(positions, names, spacing=0.05)
    assert ((places >= 0) & (places <= 1)).all()
    seeds = neuron_positions(np.full((3, 2), 0.5), names, spacing=0.05) - 0.5
    before = positions[names] + seeds
    share = pdist(places) / pdist(before)
    assert share == pytest.approx(share[0])
    assert 0.7 < share[0] < 1


def test_neurons_in_another_order_of_names_have_the_same_places():
    positions = np.random.default_rng(0).uniform(0.3, 0.7, (6, 2))
    names = np.random.default_rng(1).integers(-1, 6, 50)
    order = np.array([3, 1, 5, 0, 2, 4])
    renamed = np.where(names < 0, -1, np.argsort(order)[names])
    places = neuron_positions(positions, names, spacing=0.01)
    np.testing.assert_array_equal(neuron_positions(positions[order], renamed, spacing=0.01), places)
    for name in range(6):
        alone = neuron_positions(positions, np.where(names == name, name, -1), spacing=0.01)
        np.testing.assert_array_equal(alone[names == name], places[names == name])


def test_without_names_or_neurons_there_is_nothing_to_place():
    nothing = np.zeros((0, 2))
    assert neuron_positions(nothing, np.zeros(0, np.int64), spacing=0.1).shape == (0, 2)
    assert np.isnan(neuron_positions(nothing, np.array([-1, -1]), spacing=0.1)).all()


def test_inputs_are_unchanged():
    vectors, _ = kinds()
    positions, names = np.array([[1.0, 0.0]]), np.zeros(9, np.int64)
    copies = vectors.copy(), positions.copy(), names.copy()
    mapped(vectors)
    neuron_positions(positions, names, spacing=0.1)
    for before, now in zip(copies, (vectors, positions, names), strict=True):
        np.testing.assert_array_equal(before, now)


def test_refuses_what_it_cannot_place():
    with pytest.raises(ValueError, match="name_positions: expected perplexity between 1 and inf"):
        mapped(kinds()[0], perplexity=math.nan)
    with pytest.raises(ValueError, match="embeddings of names with norm 1, got norm 2 for row 0"):
        mapped(2 * kinds()[0])
    middle, one = np.array([[0.5, 0.5]]), np.array([0])
    with pytest.raises(ValueError, match="expected spacing between 0 and 1, got 2"):
        neuron_positions(middle, one, spacing=2.0)
    with pytest.raises(ValueError, match=r"the highest position between 0 and 1, got 1\.5"):
        neuron_positions(3 * middle, one, spacing=0.1)
    with pytest.raises(ValueError, match=r"the lowest position between 0 and 1, got -0\.5"):
        neuron_positions(-middle, one, spacing=0.1)
    with pytest.raises(ValueError, match=r"expected names of neurons below 1, got 1\. Pass"):
        neuron_positions(middle, one + 1, spacing=0.1)
    with pytest.raises(ValueError, match="expected names of neurons of at least -1, got -2"):
        neuron_positions(middle, one - 2, spacing=0.1)
