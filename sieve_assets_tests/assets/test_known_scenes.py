"""A target's answers to known scenes: each scene's own, stored once, never an old result."""

import logging

import numpy as np
import pytest
from PIL import Image

from sieve_assets.assets import known_scenes
from sieve_assets.assets.known_scenes import observe, scenes_id
from sieve_assets.models.target import NeuronTarget
from sieve_assets.terrarium import oracle_scenes, workers
from sieve_assets.terrarium.oracle_scenes import SceneSet
from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.scenes import WIDE

DOG, CAT, ANY = SceneSet("dog", 5), SceneSet("cat", 5), SceneSet(None, 7)

LOG = logging.getLogger("known scenes")


@pytest.fixture(autouse=True)
def one_worker(monkeypatch):
    monkeypatch.setattr(workers, "N_WORKERS", 1)


def test_each_scene_has_the_activations_of_its_picture(empty):
    bench = empty.bench(batch_size=3)
    target = bench.target("cnn")

    for scenes, uri in observe(bench, target, [DOG, ANY], log=LOG).items():
        found = bench.arrays.open(uri)["activations"]
        assert found.dtype == np.float32
        assert found.shape == (scenes.n_scenes, 6)
        for scene, activations in zip(scenes.scenes(), found, strict=True):
            alone = target.activations([Image.fromarray(draw_scene(scene).image)])[0]
            np.testing.assert_allclose(activations, alone, rtol=1e-5, atol=1e-5)


def test_only_what_is_missing_is_observed(empty, count):
    bench, observed = empty.bench(), count(NeuronTarget, "activations")
    first = observe(bench, bench.target("cnn"), [DOG, ANY], log=LOG)
    assert sum(observed) == 12

    second = observe(bench, bench.target("cnn"), [CAT, ANY, DOG], log=LOG)

    assert sum(observed) == 17
    assert {one: second[one] for one in first} == first
    rows = empty.table("scene_activations").sort_values("n_scenes", kind="stable")
    assert rows["n_scenes"].tolist() == [5, 5, 7]
    assert set(rows["concept"].fillna("-")) == {"dog", "cat", "-"}


def test_an_interrupted_observation_keeps_the_sets_that_were_finished(empty, count, monkeypatch):
    bench, original = empty.bench(), SceneSet.scenes
    monkeypatch.setattr(known_scenes, "SETS_TOGETHER", 1)

    def fail_on_cats(self):
        if self == CAT:
            raise RuntimeError("power cut")
        return original(self)

    with monkeypatch.context() as patch:
        patch.setattr(SceneSet, "scenes", fail_on_cats)
        with pytest.raises(RuntimeError, match="power cut"):
            observe(bench, bench.target("cnn"), [DOG, CAT], log=LOG)
    observed = count(NeuronTarget, "activations")
    observe(bench, bench.target("cnn"), [DOG, CAT], log=LOG)

    assert sum(observed) == 5


def test_another_target_count_concept_or_pose_is_another_set(monkeypatch):
    ids = {
        scenes_id(weights, scenes)
        for weights in ("a", "b")
        for scenes in (DOG, CAT, ANY, SceneSet("dog", 6))
    }
    monkeypatch.setattr(oracle_scenes, "ORACLE_POSE", WIDE)
    assert len(ids | {scenes_id("a", DOG)}) == 9
