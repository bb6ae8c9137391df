"""Counts and bounds of work that lies ahead, against enumeration and against arrays as stored."""

import itertools

import numpy as np
import pytest
import torch

from sieve_assets.method.clusters import cluster_patches
from sieve_assets.method.planned_work import (
    Amount,
    counted,
    crops,
    estimated,
    most_clusters,
    new_concepts,
    pass_bytes,
    still_missing,
)
from sieve_assets.method.probe_pass import merge_strongest, strongest_of


def mask(*values):
    return np.array(values, dtype=bool)


def test_a_known_amount_is_a_bound_if_it_is_not_certain_to_be_done():
    assert counted(3) == Amount(3, 3, "counted")
    assert counted(3).if_at_all(is_certain=True) == counted(3)
    assert counted(3).if_at_all(is_certain=False) == Amount(3, 3, "at most")
    assert counted(0).if_at_all(is_certain=False) == counted(0)
    assert estimated(2, 5).if_at_all(is_certain=False) == estimated(2, 5)


def test_an_estimate_never_exceeds_its_bound():
    assert estimated(7, 5) == Amount(7, 7, "estimated")


def test_amounts_are_multiplied_and_taken_apart():
    assert estimated(2, 5).times(3) == Amount(6, 15, "estimated")
    assert counted(9).less(counted(2)) == counted(7)
    assert estimated(9, 20).less(estimated(2, 20)) == Amount(7, 20, "estimated")


def test_samples_of_selected_neurons_are_cropped_and_perhaps_those_of_undecided_ones():
    n_samples = np.array([6, 5, 4, 3])
    is_selected = mask(1, 0, 1, 0)

    assert crops(is_selected, mask(1, 1, 1, 1), n_samples) == counted(10)
    assert crops(is_selected, mask(1, 0, 1, 1), n_samples) == Amount(10, 15, "estimated")
    assert crops(mask(), mask(), np.array([], dtype=int)) == counted(0)


@pytest.mark.parametrize("n_patches", [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize(("max_clusters", "min_patches"), [(6, 2), (3, 1), (4, 4)])
def test_patches_that_are_all_far_apart_fall_into_no_more_clusters_than_the_bound(
    n_patches, max_clusters, min_patches
):
    at = np.arange(n_patches)[:, None] // min_patches
    points = np.eye(20)[at[:, 0]] + 1e-3 * np.random.default_rng(0).normal(size=(n_patches, 20))
    found = cluster_patches(
        points / np.linalg.norm(points, axis=1, keepdims=True),
        max_clusters=max_clusters,
        min_patches=min_patches,
        test="min_silhouette",
        null_draws=1,
        null_percentile=95.0,
        min_silhouette=-1.0,
        generator=np.random.default_rng(0),
    )

    bound = most_clusters(n_patches, max_clusters=max_clusters, min_patches=min_patches)
    assert 1 <= found.n_clusters <= bound <= max(1, max_clusters)


@pytest.mark.parametrize(("n_draws", "n_names", "n_taken"), [(0, 3, 0), (1, 3, 1), (4, 3, 1)])
def test_new_concepts_are_the_mean_over_all_equally_likely_draws(n_draws, n_names, n_taken):
    draws = itertools.product(range(n_names), repeat=n_draws)
    counts = [len(set(draw) - set(range(n_taken))) for draw in draws]

    found = new_concepts(n_draws, n_names=n_names, n_taken=n_taken)

    assert found == pytest.approx(np.mean(counts))


def test_no_concept_is_new_where_all_are_taken_and_a_name_there_must_be():
    assert new_concepts(5, n_names=3, n_taken=4) == 0
    with pytest.raises(ValueError, match="n_names of at least 1, got 0"):
        new_concepts(5, n_names=0, n_taken=0)


def test_what_is_there_counts_for_every_kind_alike():
    assert still_missing(0, n_kinds=4, n_of_each=3) == 3
    assert still_missing(6, n_kinds=4, n_of_each=3) == 1.5
    assert still_missing(99, n_kinds=4, n_of_each=3) == 0
    assert still_missing(0, n_kinds=0, n_of_each=3) == 0


@pytest.mark.parametrize("n_images", [3, 8, 19])
def test_a_passes_bytes_are_those_of_its_arrays(n_images):
    generator = torch.Generator().manual_seed(0)
    activations = torch.rand(n_images, 5, generator=generator)
    maps = torch.rand(n_images, 5, 2, 3, generator=generator)
    shards = [
        merge_strongest(
            None, activations[at : at + 8], maps[at : at + 8], torch.arange(n_images)[at : at + 8],
            count=4,
        )
        for at in range(0, n_images, 8)
    ]  # fmt: skip
    kept = [*shards, strongest_of(shards, count=4)]

    found = pass_bytes(n_images, width=5, places=6, n_kept=4, shard_images=8)

    assert found == activations.nbytes + sum(array.nbytes for one in kept for array in one)
