"""Partial backfills through the real daemon and from the command line: what is asked, no more."""

import os
import shutil
import signal
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from sieve_assets_tests.dagster_client import GOOD, LOCATION, until
from sieve_assets_tests.killing import TABLES, assert_nothing_is_half_written
from sieve_assets_tests.server import cut_short, serving
from sieve_assets_tests.studies import BY_NEURON, SHOWN, assert_same_rows

CHANGE = {
    "n_samples = 6": "n_samples = 5",
    "min_silhouette = 0.4": "min_silhouette = 0.4\ncrop_padding = 0.25",
}
"""What makes both STAGES stale for every neuron, and the rows of half of them others."""
STALE = BY_NEURON[BY_NEURON.index("selected_samples") :]
STAGES = ("selected_samples", "patch_embeddings")
ROUNDING = 1e-4
"""Embeddings depend in their last bits on the process that makes them, retention on small sums."""
REPORTED = "Materialized value selected_samples."
MATERIALIZE = [sys.executable, "-m", "dagster", "asset", "materialize", "-m", LOCATION]


def keys(model, *neurons):
    return [f"{model}|{neuron:04d}" for neuron in neurons]


ALL_KEYS = [*keys("cnn", *range(8)), *keys("vit", *range(8))]
"""Two of them are beyond the narrower target's width."""


@pytest.fixture(scope="module")
def expected(finished, tmp_path_factory):
    """The study with the change, all stages run."""
    return finished.changed(tmp_path_factory.mktemp("expected"), CHANGE).everything()


@pytest.fixture(scope="module")
def running(finished, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    study = finished.changed(folder, CHANGE)
    with serving(study, folder / "home", n_runs_at_once=2) as server:
        yield server


@pytest.fixture
def server(running, finished):
    """Serves the study with the change, and the results from before it."""
    shutil.rmtree(running.study.data)
    shutil.copytree(finished.data, running.study.data)
    return running


def ended(server, asked):
    """A backfill of these keys by stage, once it has ended."""
    return server.ended_backfill(server.backfill(asked))


def key_of(rows):
    return rows["model"] + "|" + rows["neuron"].map("{:04d}".format)


def rows_of(study, stage):
    return study.table(TABLES.get(stage, stage))


def assert_redone(study, before, expected, asked, runs):
    """Of each stage, the keys asked are as expected and made by these runs; the rest is untouched.

    Args:
        study: The study that is looked at.
        before: The study with the results that there were.
        expected: The study with those that there should be.
        asked: Keys by stage.
        runs: Ids of runs.
    """
    notes = [one.table("provenance") for one in (study, before, expected)]
    for stage in BY_NEURON:
        wanted = asked.get(stage, [])
        tables = [rows_of(one, stage) for one in (study, before, expected)]
        ours = [note[note["stage"] == stage] for note in notes]
        for found, old, _ in (tables, ours):
            assert_same_rows(*(without(one, wanted) for one in (found, old)), tolerance=0)
        redone = (only(one, wanted) for one in (tables[0], tables[2]))
        assert_same_rows(*redone, tolerance=ROUNDING)
        assert set(only(ours[0], wanted)["run_id"]) <= set(runs), stage
        hashes = [list(only(one, wanted)["settings_hash"]) for one in (ours[0], ours[2])]
        assert hashes[0] == hashes[1], stage


def only(rows, wanted):
    return rows[key_of(rows).isin(wanted)]


def without(rows, wanted):
    return rows[~key_of(rows).isin(wanted)]


def overlap(runs):
    """Whether two of the runs were at work at the same time."""
    return any(
        max(one["startTime"], other["startTime"]) < min(one["endTime"], other["endTime"])
        for one, other in combinations(runs, 2)
    )


def test_the_change_gives_half_of_the_neurons_other_rows(finished, expected):
    notes = [study.table("provenance") for study in (finished, expected)]
    for stage in STAGES:
        hashes = [note[note["stage"] == stage]["output_hash"].tolist() for note in notes]
        assert sum(old != new for old, new in zip(*hashes, strict=True)) >= 7, stage


def test_a_neuron_a_range_and_scattered_neurons_are_redone_alone_and_at_once(
    server, finished, expected
):
    one, stretch = keys("cnn", 1), keys("vit", 2, 3, 4)
    scattered = keys("cnn", 3, 5) + keys("vit", 0)

    ids = [server.backfill(dict.fromkeys(STAGES, some)) for some in (one, stretch)]
    ids.append(server.backfill({"selected_samples": scattered}))
    backfills = [server.ended_backfill(backfill) for backfill in ids]

    assert {backfill.status for backfill in backfills} <= GOOD
    assert [len(backfill.runs) for backfill in backfills] == [1, 1, 3]
    assert overlap([run for backfill in backfills for run in backfill.runs])
    asked = {"selected_samples": one + stretch + scattered, "patch_embeddings": one + stretch}
    runs = set.union(*(backfill.run_ids for backfill in backfills))
    assert_redone(server.study, finished, expected, asked, runs)
    for stage, some in asked.items():
        assert {server.latest(stage, key)["runId"] for key in some} <= runs


def test_a_target_is_redone_in_one_run_and_no_other_target(server, finished, expected):
    asked = dict.fromkeys(STAGES, keys("cnn", *range(8)))

    done = ended(server, asked)

    assert done.status in GOOD
    assert len(done.runs) == 1
    assert_redone(server.study, finished, expected, asked, done.run_ids)
    for key in keys("cnn", 6, 7):
        assert server.latest("selected_samples", key) == {
            "status": "absent",
            "runId": done.runs[0]["runId"],
        }


def test_all_targets_end_as_if_all_had_been_run_at_once(server, expected):
    asked = dict.fromkeys(STALE, ALL_KEYS) | {"verified_concepts": ["cnn", "vit"]}

    done = ended(server, asked)

    assert done.status in GOOD
    assert {run["status"] for run in done.runs} == {"SUCCESS"}
    for stage in (*BY_NEURON, "verified_concepts"):
        tables = [rows_of(study, stage) for study in (server.study, expected)]
        assert_same_rows(*tables, tolerance=ROUNDING)
    settings = [
        study.table("provenance").filter(["stage", "model", "neuron", "settings_hash"])
        for study in (server.study, expected)
    ]
    assert_same_rows(*(one[~one["stage"].isin(SHOWN)] for one in settings), tolerance=0)
    for stage, some in asked.items():
        assert server.statuses(stage) == dict.fromkeys(some, "materialized")


def test_only_what_failed_or_is_missing_is_redone(server, finished, expected):
    server.wipe(*STAGES)
    good = ended(server, dict.fromkeys(STAGES, keys("cnn", *range(3, 8))))
    with cut_short(Path(server.study.bench().study.vision_language.model)):
        bad = ended(server, dict.fromkeys(STAGES, keys("cnn", 0, 1)))
    statuses = {stage: server.statuses(stage) for stage in STAGES}
    assert only_with("failed", statuses["patch_embeddings"]) == keys("cnn", 0, 1)

    last = ended(server, {stage: left(found) for stage, found in statuses.items()})

    assert [one.status in GOOD for one in (good, bad, last)] == [True, False, True]
    for key, backfill in {"cnn|0000": bad, "cnn|0002": last, "cnn|0003": good}.items():
        assert server.latest("selected_samples", key)["runId"] in backfill.run_ids
    asked = dict.fromkeys(STAGES, keys("cnn", *range(8)))
    all_runs = good.run_ids | bad.run_ids | last.run_ids
    assert_redone(server.study, finished, expected, asked, all_runs)
    assert {left(server.statuses(stage)) for stage in STAGES} == {()}


def left(statuses):
    """What the UI's "failed and missing" would choose of a target."""
    return tuple(key for key in keys("cnn", *range(8)) if statuses[key] != "materialized")


def only_with(status, statuses):
    return [key for key, found in statuses.items() if found == status]


def test_the_command_line_redoes_a_partition_and_a_range_that_spans_targets(
    server, finished, expected
):
    commands = [
        materialize(server, "--partition", "vit|0003"),
        materialize(server, "--partition-range", "cnn|0004...vit|0006"),
    ]
    said = [command.communicate()[0] for command in commands]

    assert [command.returncode for command in commands] == [0, 0], said
    runs = server.runs()[:2]
    assert overlap(runs)
    asked = keys("vit", 3) + keys("cnn", 4, 5, 6) + keys("vit", 4, 5, 6)
    ids = {run["runId"] for run in runs}
    assert_redone(server.study, finished, expected, dict.fromkeys(STAGES, asked), ids)


def materialize(server, *which):
    """The stages from the command line, in a process of its own."""
    return subprocess.Popen(
        [*MATERIALIZE, "--select", ",".join(STAGES), *which],
        env=server.surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_backfill_whose_run_is_killed_is_retried_from_there(server, finished, expected):
    asked = dict.fromkeys(STAGES, keys("cnn", *range(6)))
    backfill = server.backfill(asked)
    [killed] = until(lambda: half_done(server, backfill, 6), "the first stage to be reported")
    os.kill(server.process_of(killed), signal.SIGKILL)
    first = server.ended_backfill(backfill)

    assert first.status not in GOOD
    assert [run["status"] for run in first.runs] == ["FAILURE"]
    assert_nothing_is_half_written(server.study)
    assert stages_by(server.study, first.run_ids) == {"selected_samples"}

    second = server.ended_backfill(server.retry_backfill(backfill))

    assert second.status in GOOD
    assert stages_by(server.study, second.run_ids) == {"patch_embeddings"}
    assert_redone(server.study, finished, expected, asked, first.run_ids | second.run_ids)


def half_done(server, backfill, n_keys):
    """The runs of a backfill that have reported so many keys of the first stage, and no more."""
    runs = server.backfill_state(backfill).run_ids
    return {run for run in runs if server.said_by(run).count(REPORTED) >= n_keys}


def stages_by(study, runs):
    """Stages of which these runs have written rows."""
    notes = study.table("provenance")
    return set(notes[notes["run_id"].isin(runs)]["stage"])


def test_a_backfill_that_is_cancelled_is_retried_from_there(server, finished, expected):
    asked = dict.fromkeys(STAGES, keys("cnn", 1, 4) + keys("vit", 4))
    backfill = server.backfill(asked)
    until(lambda: half_done(server, backfill, 1), "the first stage to be reported")
    first = server.cancelled_backfill(backfill)

    assert first.status == "CANCELED"
    assert "CANCELED" in {run["status"] for run in first.runs}
    assert_nothing_is_half_written(server.study)
    cut_short_runs = [run for run in first.run_ids if stages_by(server.study, {run}) < {*STAGES}]
    assert cut_short_runs

    second = server.ended_backfill(server.retry_backfill(backfill))

    assert second.status in GOOD
    assert_redone(server.study, finished, expected, asked, first.run_ids | second.run_ids)
