"""The probe pass and the drawing are killed at many moments and end as if they had not been.

Each try is a process forked from one that has the libraries loaded: what is killed is the work.
"""

import multiprocessing
import signal
from itertools import pairwise

import numpy as np
import pytest

from sieve_assets_tests.killing import assert_nothing_is_half_written, run_stages
from sieve_assets_tests.studies import assert_same_rows

SHARD_IMAGES = 2
"""30 shards of the tiny study's images."""
PASS = (("probe_images",), ("probe_pass",))
DRAWING = (("generated_image_sets",),)
MODULES = ["sieve_assets_tests.killing", "sieve_assets.models.generator"]


@pytest.fixture(scope="module")
def forked():
    """Runs stages in a process that has loaded what it needs; its exit code."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(MODULES)

    def run(study, stages, killed_after=None):
        options = {"shard_images": SHARD_IMAGES, "killed_after": killed_after}
        process = context.Process(target=run_stages, args=(study, "cnn", stages), kwargs=options)
        process.start()
        process.join()
        return process.exitcode

    return run


def killed_and_finished(forked, study, stages, n_kills):
    """Kill the stages at random moments, then let them end; what was stored after each kill."""
    moments, seen = np.random.default_rng(11), []
    for _ in range(n_kills):
        assert forked(study, stages, moments.uniform(0, 2)) == -signal.SIGKILL
        assert_nothing_is_half_written(study)
        seen.append(kept_by(study))
    assert forked(study, stages) == 0
    return seen


def kept_by(study):
    """What is stored of the two stages, by what it is named after."""
    if not study.bench().warehouse.at.exists():
        return set()
    shards, pictures = study.table("probe_shards"), study.table("pictures")
    return {*shards["uri"], *zip(pictures["picture_id"], pictures["drawn_by_run"], strict=True)}


def assert_only_grew(seen):
    """No kill lost what an earlier try had stored, and every try stored more."""
    assert all(before < after for before, after in pairwise(seen))


def test_a_probe_pass_killed_at_many_moments_goes_on_from_its_shards(forked, finished, tmp_path):
    for name in ("expected", "killed"):
        (tmp_path / name).mkdir()
    expected = finished.anew(tmp_path / "expected")
    assert forked(expected, PASS) == 0
    study = finished.anew(tmp_path / "killed")

    seen = killed_and_finished(forked, study, PASS, n_kills=6)

    assert_only_grew(seen)
    for table in ("probe_images", "probe_passes", "probe_shards"):
        found, wanted = study.table(table), expected.table(table)
        assert_same_rows(found, wanted, tolerance=0)
    arrays = study.bench().arrays
    assert all(arrays.is_whole(uri) for uri in study.table("probe_shards")["uri"])


def without_pictures(finished, folder):
    """A finished copy that lost its picture bank and the CNN's hypotheses' pictures."""
    study = finished.changed(folder)
    study.forget("cnn", "generated_image_sets")
    rows = study.table("generated_image_sets", model="cnn")
    study.delete("generated_image_sets", rows[["model", "neuron"]].drop_duplicates())
    study.delete("pictures", study.table("pictures")[["picture_id"]])
    return study


def test_a_drawing_killed_at_many_moments_draws_no_picture_again(forked, finished, tmp_path):
    for name in ("expected", "killed"):
        (tmp_path / name).mkdir()
    expected = without_pictures(finished, tmp_path / "expected")
    assert forked(expected, DRAWING) == 0
    study = without_pictures(finished, tmp_path / "killed")

    seen = killed_and_finished(forked, study, DRAWING, n_kills=3)

    assert_only_grew(seen)
    drawn = [study.table("pictures"), expected.table("pictures")]
    of_cnn = set(study.table("generated_image_sets", model="cnn")["picture_id"])
    assert set(drawn[0]["picture_id"]) == of_cnn
    same = ["picture_id", "prompt", "seed", "uri", "sha256"]
    assert_same_rows(drawn[0][same], drawn[1][same], tolerance=0)
    assert seen[-1] <= kept_by(study)
