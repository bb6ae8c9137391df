"""2,048 neurons × 20 patches: clustered, and scored with 3,000 concepts, as the stages do it.

Embeddings are made up: each neuron's patches around one to three centres. Not counted: embedding,
which the vision-language model does, and the tables.
"""

import statistics
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.figures import Figure
from benchmarks.fresh_process import in_fresh_process
from sieve_assets.assets.hypothesize import CLUSTER_SETTINGS, neuron_generator
from sieve_assets.assets.naming import Namer
from sieve_assets.method.clusters import PatchClusters, SingleClusterTest, cluster_patches
from sieve_assets.study import Hypothesize

N_NEURONS, N_PATCHES, N_CONCEPTS, N_FEATURES = 2048, 20, 3000, 512
N_RUNS = 3
N_NULL_NEURONS = 32
"""The test against the null takes a hundred times as long: so many neurons, then in proportion."""
SPREAD = 0.7
"""Of patches around their centre, beside the centre's length of 1."""


class Seconds(NamedTuple):
    """What each step took (s)."""

    scoring: float
    cuts: float
    null: float
    """In proportion, for all neurons."""


def units(values: np.ndarray) -> np.ndarray:
    """Rows of norm 1, float32."""
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


def made_up_patches(n_neurons: int) -> np.ndarray:
    """Embeddings `[neuron, patch, feature]`."""
    draws = np.random.default_rng(0)
    n_centres = draws.integers(1, 4, n_neurons)
    centres = units(draws.standard_normal((n_neurons, 3, N_FEATURES)))
    which = np.arange(N_PATCHES)[None] % n_centres[:, None]
    noise = draws.standard_normal((n_neurons, N_PATCHES, N_FEATURES)) * SPREAD / N_FEATURES**0.5
    return units(centres[np.arange(n_neurons)[:, None], which] + noise)


def clustered(patches: np.ndarray, test: SingleClusterTest) -> list[PatchClusters]:
    """Every neuron's patches in clusters, with the settings' defaults."""
    settings = Hypothesize().model_dump(include=CLUSTER_SETTINGS)
    return [
        cluster_patches(
            embeddings, test=test, generator=neuron_generator(0, "bench", neuron), **settings
        )
        for neuron, embeddings in enumerate(patches)
    ]


def labelled(patches: np.ndarray, found: Iterable[np.ndarray]) -> dict[int, pd.DataFrame]:
    """Every neuron's patches with their clusters, as `clusters` stores them."""
    return {
        neuron: pd.DataFrame({"embedding": list(embeddings), "cluster": labels})
        for neuron, (embeddings, labels) in enumerate(zip(patches, found, strict=True))
    }


def scoring_seconds(tables: dict[int, pd.DataFrame], n_concepts: int) -> float:
    """How long it takes to name the clusters of all neurons (s)."""
    vectors = units(np.random.default_rng(1).standard_normal((n_concepts, N_FEATURES)))
    texts = {f"concept {number}": vector for number, vector in enumerate(vectors)}
    started = time.monotonic()
    namer = Namer("bench", tables, texts, 2)
    for neuron in tables:
        namer.rows(neuron)
    return time.monotonic() - started


def named_seconds(n_neurons: int, n_concepts: int) -> float:
    """The same for made-up clusters, two a neuron (s)."""
    labels = np.arange(N_PATCHES) % 2
    return scoring_seconds(labelled(made_up_patches(n_neurons), [labels] * n_neurons), n_concepts)


def run(n_neurons: int, n_concepts: int) -> Seconds:
    """Everything once."""
    patches = made_up_patches(n_neurons)
    started = time.monotonic()
    found = clustered(patches, "min_silhouette")
    cut = time.monotonic()
    n_null = min(N_NULL_NEURONS, n_neurons)
    clustered(patches[:n_null], "null")
    null = (time.monotonic() - cut) * n_neurons / n_null
    tables = labelled(patches, (one.labels for one in found))
    return Seconds(scoring_seconds(tables, n_concepts), cut - started, null)


def measure(
    n_neurons: int = N_NEURONS, n_concepts: int = N_CONCEPTS, n_runs: int = N_RUNS
) -> Iterator[Figure]:
    """Run it in processes of their own; figures with their goals."""
    runs = [in_fresh_process(run, n_neurons, n_concepts).result for _ in range(n_runs)]
    scoring, cuts, null = (statistics.median(values) for values in zip(*runs, strict=True))
    size = f"{n_neurons:,} × {N_PATCHES}"
    yield Figure(f"{size} patches × {n_concepts:,} concepts scored", scoring, "s", 5)
    yield Figure(f"{size} patches clustered, all cuts and silhouettes", cuts, "s", 20)
    yield Figure(f"{size} patches clustered, tested against 100 draws each", null, "s")
