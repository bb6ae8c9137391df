"""A study is brought up to date: what is stale is launched, by target, and nothing else."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from sieve_assets.assets import conductor, select
from sieve_assets.assets.conductor import (
    PROCESS,
    UNFINISHED,
    Conductor,
    StageError,
    close_abandoned_runs,
    legs,
    tags_of,
    this_process,
)
from sieve_assets.assets.pipeline import EVALUATION, STAGES, stages_of
from sieve_assets.assets.resources import Workbench
from sieve_assets_tests.killing import assert_same_results
from sieve_assets_tests.studies import BY_NEURON, FIRST, JUDGED, LAST, SHOWN, WORLD_PROBE

NAMES = [stage.name for stage in STAGES]
LEGS = [list(FIRST), BY_NEURON, list(LAST)]
OF_THE_SECOND = [list(FIRST[1:]), *LEGS[1:]]
"""What is left to run for a target whose images have been listed for another."""


def headings(model, names=LEGS):
    return [f"{model}: {', '.join(leg)}" for leg in names]


def started(said):
    """Headings of the legs that were run."""
    return [heading for heading, is_up_to_date in said if not is_up_to_date]


@contextmanager
def conducting(study, **options):
    """A conductor of a study with an instance of its own; what it has said."""
    said = []
    with dg.DagsterInstance.ephemeral() as instance:
        yield Conductor(study.bench(), instance, lambda *told: said.append(told), **options), said


def conduct(study, models=(), neurons=()):
    """Bring a study up to date: what failed, what was said, and the runs it took, first first."""
    with conducting(study) as (one, said):
        failed = one.run(models, neurons)
        runs = sorted(one.instance.get_run_records(), key=lambda record: record.storage_id)
    return SimpleNamespace(failed=failed, said=said, runs=[record.dagster_run for record in runs])


def noted(study, stage, model):
    return study.table("provenance", stage=stage, model=model)["neuron"].tolist()


def test_legs_hold_every_stage_once_in_order_and_one_kind_of_partition(finished):
    found = legs(finished.bench().study)

    assert [stage for leg in found for stage in leg] == list(stages_of(finished.bench().study))
    for leg in found:
        assert len({stage.is_by_neuron for stage in leg}) == 1
    assert [[stage.name for stage in leg] for leg in found] == LEGS


def test_a_study_with_known_truth_has_its_evaluation_in_legs_too(finished, tmp_path):
    found = legs(finished.anew(tmp_path, WORLD_PROBE).bench().study)

    names = [[stage.name for stage in leg] for leg in found]
    by_neuron, by_model = (stage.name for stage in EVALUATION)
    assert names == [*LEGS[:2], list(JUDGED), [by_neuron], [by_model, *SHOWN]]


def test_tags_cover_the_neurons_from_the_first_to_the_last(finished):
    study = finished.bench().study
    of_models, by_neuron, _ = legs(study)

    tags = tags_of(by_neuron, "cnn", [0, 2, 5], study)
    assert list(tags.values()) == ["cnn|0000", "cnn|0005"]
    assert set(tags_of(by_neuron, "vit", [7], study).values()) == {"vit|0007"}
    assert list(tags_of(of_models, "cnn", [-1], study).values()) == ["cnn", "cnn"]


def test_all_targets_are_studied_leg_by_leg_with_the_same_results(finished, empty):
    done = conduct(empty)

    assert done.failed == {}
    told = [*headings("cnn"), *headings("vit", OF_THE_SECOND)]
    assert done.said == [(heading, False) for heading in told]
    selected = [{key.to_user_string() for key in run.asset_selection} for run in done.runs]
    assert selected == [set(leg) for leg in (*LEGS, *OF_THE_SECOND)]
    assert {run.status for run in done.runs} == {dg.DagsterRunStatus.SUCCESS}
    assert_same_results(empty, finished)


def test_runs_say_by_whom_they_are_run_and_what_else_they_are_told(copied):
    copied.forget("cnn", "verified_concepts")
    with conducting(copied, tags={"asked/by": "a cat"}) as (one, _):
        one.run()
        [run] = one.instance.get_runs()

    assert run.tags[PROCESS] == this_process() == f"{socket.gethostname()}:{os.getpid()}"
    assert run.tags["asked/by"] == "a cat"


def test_time_is_told_by_stage_and_adds_up(copied):
    with conducting(copied) as (one, _):
        copied.forget("cnn", "neuron_ratios")
        one.run(["cnn"])
        first = dict(one.seconds)
        copied.forget("cnn", "neuron_ratios")
        one.run(["cnn"])

    assert set(first) == set(one.seconds) == set(LEGS[1][1:]), "the stages that were launched"
    assert all(0 < first[stage] < one.seconds[stage] < 600 for stage in first)


def test_nothing_stale_launches_nothing_and_loads_nothing(finished, monkeypatch):
    for model in ("target", "vision_language", "generator"):
        monkeypatch.setattr(Workbench, model, lambda *_: pytest.fail("a model was loaded"))

    done = conduct(finished)

    assert (done.failed, done.runs) == ({}, [])
    assert done.said == [(heading, True) for m in ("cnn", "vit") for heading in headings(m)]


def test_only_what_is_stale_of_a_leg_is_launched_for_the_neurons_that_need_it(copied):
    before = copied.table("provenance")
    copied.forget("cnn", "clusters", neurons=[3, 4])

    done = conduct(copied)

    [run] = done.runs
    later = NAMES[NAMES.index("clusters") : NAMES.index("verified_concepts")]
    assert run.asset_selection == {dg.AssetKey(name) for name in later}
    assert started(done.said) == [f"cnn: {', '.join(later)}"]
    after = copied.table("provenance", run_id=run.run_id)
    assert after.filter(["stage", "model", "neuron"]).values.tolist() == [
        ["clusters", "cnn", 3],
        ["clusters", "cnn", 4],
    ], "whose results were the same"
    assert len(copied.table("provenance")) == len(before)


def test_only_the_targets_that_are_named_are_run_in_their_order(copied):
    for model in ("cnn", "vit"):
        copied.forget(model, "verified_concepts")

    one = conduct(copied, ["vit"])
    later = ", ".join(("verified_concepts", *SHOWN))
    assert started(one.said) == [f"vit: {later}"]
    assert noted(copied, "verified_concepts", "cnn") == []
    copied.forget("vit", "verified_concepts")
    both = conduct(copied, ["vit", "cnn"])
    assert started(both.said) == [f"vit: {later}", f"cnn: {later}"]


@pytest.mark.parametrize("neurons", [[4], [3, 4], [5, 4], [1, 4]])
def test_only_the_neurons_that_are_named_are_run(copied, neurons):
    copied.forget("cnn", "clusters")

    done = conduct(copied, ["cnn"], neurons)

    assert done.failed == {}
    assert noted(copied, "clusters", "cnn") == sorted(neurons)


def test_neurons_can_be_named_before_anything_is_made(empty):
    done = conduct(empty, ["cnn"], [3, 4])

    assert done.failed == {}
    for stage in STAGES:
        expected = [3, 4] if stage.is_by_neuron else [-1]
        assert noted(empty, stage.name, "cnn") == expected, stage.name
    assert noted(empty, "probe_activations", "vit") == []
    assert not empty.table("verified_concepts")["is_complete"].any()


def test_neurons_beyond_a_targets_width_are_none_of_it(finished):
    done = conduct(finished, [], [7])

    assert (done.failed, done.runs) == ({}, [])


def test_what_failed_is_named_by_target_and_the_others_go_on(empty):
    file = empty.file
    file.write_text(file.read_text().replace('layer = "layer4"', 'layer = "layer9"'))

    done = conduct(empty)

    assert set(done.failed) == {"cnn"}
    assert isinstance(done.failed["cnn"], StageError)
    assert str(done.failed["cnn"]).startswith("probe_pass: LookupError: ")
    assert "layer9" in str(done.failed["cnn"])
    assert started(done.said) == [headings("cnn")[0], *headings("vit", OF_THE_SECOND)]
    assert noted(empty, "verified_concepts", "vit") == [-1]
    assert noted(empty, "probe_activations", "cnn") == []


def test_what_stood_at_the_root_of_a_failure_is_told(copied, monkeypatch):
    def stumble(*_inputs):
        raise ValueError("stumbled") from KeyError("the step that was missing")

    monkeypatch.setattr(select, "read_activations", stumble)
    copied.forget("vit", "neuron_ratios")

    failed = conduct(copied).failed

    assert set(failed) == {"vit"}
    assert "neuron_ratios: KeyError: 'the step that was missing'" in str(failed["vit"])


def test_a_target_that_cannot_be_judged_is_told_and_the_others_go_on(copied, monkeypatch):
    """Before anything is launched for it: its weights are gone."""
    original = Workbench.target_hash

    def look(bench, model):
        if model == "cnn":
            raise LookupError("expected weights, got none")
        return original(bench, model)

    monkeypatch.setattr(Workbench, "target_hash", look)
    copied.forget("vit", "verified_concepts")

    done = conduct(copied)

    assert {model: str(error) for model, error in done.failed.items()} == {
        "cnn": "probe_images: expected weights, got none"
    }
    later = ", ".join(("verified_concepts", *SHOWN))
    assert started(done.said) == [f"vit: {later}"]


def test_another_try_after_a_failure_takes_up_what_is_left(copied, monkeypatch):
    def fail(*_inputs):
        raise ValueError("broken")

    copied.forget("cnn", "neuron_ratios")
    with monkeypatch.context() as broken:
        broken.setattr(select, "read_activations", fail)
        assert set(conduct(copied).failed) == {"cnn"}
        assert noted(copied, "neuron_ratios", "cnn") == []

    assert conduct(copied).failed == {}
    assert noted(copied, "neuron_ratios", "cnn") == list(range(6))


@pytest.fixture
def dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return f"{socket.gethostname()}:{process.pid}"


def test_runs_of_a_killed_process_are_closed_however_far_they_got(dead_process):
    with dg.DagsterInstance.ephemeral() as instance:

        def open_run(process, status):
            tags = {} if process is None else {PROCESS: process}
            run = create_run_for_test(instance, job_name="job", tags=tags, status=status)
            return run.run_id

        killed = [open_run(dead_process, status) for status in UNFINISHED]
        alive = [
            open_run(process, dg.DagsterRunStatus.STARTED)
            for process in (this_process(), f"elsewhere-{dead_process}", None)
        ]

        close_abandoned_runs(instance)

        statuses = {run.run_id: run.status for run in instance.get_runs()}
    assert {statuses[one] for one in killed} == {dg.DagsterRunStatus.FAILURE}
    assert {statuses[one] for one in alive} == {dg.DagsterRunStatus.STARTED}


def test_another_users_process_is_alive(monkeypatch):
    def refuse(_process, _signal):
        raise PermissionError

    monkeypatch.setattr(conductor.os, "kill", refuse)
    with dg.DagsterInstance.ephemeral() as instance:
        create_run_for_test(
            instance, tags={PROCESS: this_process()}, status=dg.DagsterRunStatus.STARTED
        )

        close_abandoned_runs(instance)

        [run] = instance.get_runs()
    assert run.status == dg.DagsterRunStatus.STARTED
