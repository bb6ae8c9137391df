"""Clusters of many neurons are named as each would be alone; an unsound one is told alone."""

import numpy as np
import pandas as pd
import pytest

from sieve_assets.assets import naming
from sieve_assets.assets.naming import Namer
from sieve_assets.method.concept_hypotheses import best_concepts, cluster_scores


def units(*shape, seed=0):
    rows = np.random.default_rng(seed).standard_normal(shape)
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def made_up(n_neurons, n_concepts=9):
    clusters = [[0, 0, 1], [0, 1, 2], [0, 0, 0]]
    patches = {
        neuron: pd.DataFrame({"embedding": list(some), "cluster": clusters[neuron % 3]})
        for neuron, some in enumerate(units(n_neurons, 3, 8))
    }
    texts = dict(zip("abcdefghi", units(n_concepts, 8, seed=1), strict=True))
    return patches, texts


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_a_neurons_names_are_its_best_concepts_whoever_is_named_with_it(monkeypatch, at_once):
    monkeypatch.setattr(naming, "NEURONS_AT_ONCE", at_once)
    patches, texts = made_up(5)
    namer = Namer("m", patches, texts, 2)
    for neuron, table in patches.items():
        rows = namer.rows(neuron)
        labels = table["cluster"].to_numpy()
        scores = cluster_scores(
            np.stack(list(table["embedding"])), labels, np.stack(list(texts.values()))
        )
        best = best_concepts(scores, count=2)
        assert rows["concept"].tolist() == [list(texts)[place] for place in best.ravel()]
        assert rows["score"].tolist() == [
            scores[row.cluster, best[row.cluster, row.place]] for row in rows.itertuples()
        ]
        assert rows["cluster"].tolist() == sorted([*range(labels.max() + 1)] * 2)
        assert set(rows["model"]) == {"m"}
        assert set(rows["neuron"]) == {neuron}


def test_a_neuron_without_patches_has_no_rows():
    assert Namer("m", {}, made_up(1)[1], 2).rows(3).empty


def test_a_neuron_that_is_not_sound_is_refused_and_its_neighbours_are_named():
    patches, texts = made_up(3)
    patches[1]["embedding"] = [2 * one for one in patches[1]["embedding"]]
    namer = Namer("m", patches, texts, 2)
    assert len(namer.rows(0)) == 4
    with pytest.raises(ValueError, match=r"expected embeddings of patches with norm 1"):
        namer.rows(1)
    assert len(namer.rows(2)) == 2


def test_all_neurons_that_are_not_sound_are_refused():
    patches, texts = made_up(1)
    patches[0]["cluster"] = [0, 2, 2]
    with pytest.raises(ValueError, match="expected clusters numbered 0, 1"):
        Namer("m", patches, texts, 2).rows(0)
