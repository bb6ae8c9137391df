"""What a network beside the target sees: some probe images, and pictures in their order."""

import logging

import numpy as np
import pandas as pd
import pytest

from sieve_assets.assets.control_kinds import Subject
from sieve_assets.assets.control_networks import Looks, held
from sieve_assets.assets.errands import Errand
from sieve_assets.assets.seen_activations import StoredActivations

NOTHING = pd.DataFrame({"neuron": [], "concept": [], "n_pictures": []})


@pytest.fixture
def subject(copied, tmp_path):
    """The tiny study's cnn, of which some probe images are looked at."""
    folder = tmp_path / "some"
    folder.mkdir()
    lines = "n_reference = 4\nn_control_images = 25"
    bench = copied.changed(folder, {"n_reference = 4": lines}).bench()
    return Subject(Errand(bench, "verdict_controls", "cnn", "run", logging.getLogger()), NOTHING)


def test_the_target_itself_sees_again_what_is_stored_of_it(subject):
    stored = StoredActivations(subject.bench, "cnn")
    witnesses = subject.witnesses(NOTHING)
    looks = Looks(subject, subject.bench.target("cnn"), "the cnn")

    found = looks.activations(witnesses)

    assert len(looks.images) == 25
    expected = stored.on_images(np.arange(6))[:, looks.images]
    np.testing.assert_allclose(found.on_images(np.arange(6)), expected, atol=1e-5)
    np.testing.assert_allclose(
        found.on_pictures(witnesses.picture_ids),
        stored.on_pictures(witnesses.picture_ids),
        atol=1e-5,
    )
    noted = subject.bench.warehouse.read("SELECT * FROM image_work WHERE run_id = 'run'")
    assert noted["n_images"].tolist() == [12, 25]


def test_thresholds_are_those_that_neurons_get(subject):
    stored = StoredActivations(subject.bench, "cnn")
    ids = subject.witnesses(NOTHING).picture_ids
    probe = stored.on_images(np.arange(6)).T

    found = held(subject, ids, probe, np.zeros((12, 6), np.float32), np.arange(60))

    np.testing.assert_array_equal(found.thresholds, stored.thresholds)
