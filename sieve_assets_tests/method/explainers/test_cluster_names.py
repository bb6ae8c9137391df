"""A neuron's names in one list, against a sort of all its hypotheses one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.concept_hypotheses import checked_concepts
from sieve_assets.method.explainers.cluster_names import cluster_names, ordered_names

CLUSTERS = st.lists(st.tuples(st.integers(1, 3), st.permutations(range(4))), min_size=1, max_size=4)


def unit(n_rows, features=8, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n_rows, features))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def listed_by_hand(concepts, scores, sizes):
    """Each hypothesis in turn: size of its cluster, place, cluster; later ones only add a score."""
    hypotheses = sorted(
        (-sizes[cluster], place, cluster, concept, scores[cluster][place])
        for cluster, row in enumerate(concepts)
        for place, concept in enumerate(row)
    )
    found = {}
    for *_, concept, score in hypotheses:
        found[concept] = max(score, found.get(concept, score))
    return list(found), list(found.values())


def test_the_best_name_of_the_largest_cluster_is_first_and_a_name_comes_once():
    concepts, scores = np.array([[5, 2], [7, 5]]), np.array([[0.6, 0.5], [0.4, 0.3]])
    found = ordered_names(concepts, scores, np.array([2, 9]))
    assert found.concepts.tolist() == [7, 5, 2]
    assert found.scores.tolist() == [0.4, 0.6, 0.5]


def test_clusters_whose_two_names_are_swapped_go_by_the_first_cluster():
    concepts, scores = np.array([[5, 2], [2, 5]]), np.array([[0.6, 0.5], [0.9, 0.3]])
    assert ordered_names(concepts, scores, np.array([4, 4])).concepts.tolist() == [5, 2]
    assert ordered_names(concepts, scores, np.array([4, 5])).concepts.tolist() == [2, 5]


@settings(max_examples=60)
@given(clusters=CLUSTERS, n_places=st.integers(1, 4))
def test_names_are_listed_as_by_hand(clusters, n_places):
    sizes = np.array([size for size, _ in clusters])
    concepts = np.array([list(order)[:n_places] for _, order in clusters])
    scores = np.random.default_rng(len(clusters)).standard_normal(concepts.shape)
    found = ordered_names(concepts, scores, sizes)
    expected = listed_by_hand(concepts.tolist(), scores.tolist(), sizes.tolist())
    assert (found.concepts.tolist(), found.scores.tolist()) == expected


def test_names_of_one_cluster_are_those_nearest_to_its_images_on_average():
    images, concepts = unit(6), unit(9, seed=1)
    found = cluster_names(images, np.zeros(6, np.int64), checked_concepts(concepts), count=3)
    means = [
        np.mean([float(np.float64(image) @ concept) for image in images]) for concept in concepts
    ]
    best = sorted(range(9), key=lambda concept: -means[concept])[:3]
    assert found.concepts.tolist() == best
    np.testing.assert_allclose(found.scores, [means[concept] for concept in best], atol=1e-7)


def test_each_cluster_brings_its_own_names():
    concepts = unit(9, seed=1)
    images = concepts[[4, 4, 4, 8, 8]]
    found = cluster_names(images, np.array([1, 1, 1, 0, 0]), checked_concepts(concepts), count=1)
    assert found.concepts.tolist() == [4, 8]
    np.testing.assert_allclose(found.scores, 1, atol=1e-6)


def test_a_single_concept_is_the_name_of_every_cluster_once():
    found = cluster_names(
        unit(4), np.array([0, 0, 1, 1]), checked_concepts(unit(1, seed=1)), count=2
    )
    assert found.concepts.tolist() == [0]


def test_labels_that_skip_a_cluster_and_a_count_of_none_are_refused():
    concepts = checked_concepts(unit(3, seed=1))
    with pytest.raises(ValueError, match="expected clusters numbered 0, 1"):
        cluster_names(unit(2), np.array([0, 2]), concepts, count=1)
    with pytest.raises(ValueError, match="expected n_concepts of at least 1, got 0"):
        cluster_names(unit(2), np.array([0, 0]), concepts, count=0)
