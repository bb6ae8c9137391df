"""Activations come back by picture and neuron, from the stores and from memory alike."""

import numpy as np
import pandas as pd
import pytest

from sieve_assets.assets.seen_activations import HeldActivations, StoredActivations


def test_stored_activations_are_those_of_the_tables(finished):
    stored = StoredActivations(finished.bench(), "cnn")
    seen = finished.table("picture_activations", model="cnn")
    ids = seen["picture_id"].tolist()[::-2]
    probe = finished.table("neuron_activations", model="cnn").set_index("neuron")["activation"]

    expected = [seen.set_index("picture_id").loc[one, "activation"] for one in ids]
    np.testing.assert_array_equal(stored.on_pictures(ids), np.stack(expected))
    found = stored.on_images(np.array([1, 4]))
    np.testing.assert_array_equal(found, np.stack([probe[1], probe[4]]))
    assert len(found[0][stored.images]) == 60
    ratios = finished.table("neuron_ratios", model="cnn")
    np.testing.assert_array_equal(stored.thresholds, ratios["p99"])


def test_thresholds_do_not_wait_for_the_neurons_of_another_run(copied):
    before = StoredActivations(copied.bench(), "cnn").thresholds
    rows = copied.table("neuron_ratios", model="cnn")
    copied.delete("neuron_ratios", rows.loc[[2, 3], ["model", "neuron"]])

    thresholds = StoredActivations(copied.bench(), "cnn").thresholds

    np.testing.assert_array_equal(thresholds, before)


def held():
    pictures = np.arange(6, dtype=np.float32).reshape(3, 2)
    ids = pd.Index(["a", "b", "c"])
    return HeldActivations(ids, pictures, pictures.T * 10, slice(None), np.zeros(2, np.float32))


def test_held_activations_come_in_the_order_that_is_asked_for():
    assert held().on_pictures(["c", "a"]).tolist() == [[4, 5], [0, 1]]
    assert held().on_images(np.array([1])).tolist() == [[10, 30, 50]]


def test_a_picture_that_was_not_shown_is_refused():
    with pytest.raises(LookupError, match=r"on_pictures: expected .* 2 pictures, got none on 1 of"):
        held().on_pictures(["c", "d"])
