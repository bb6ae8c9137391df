"""A demo is killed at some moments, runs beside another, and meets a full and a read-only disk."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from sieve_assets_tests.killing import (
    DEMO,
    DemoProcess,
    assert_nothing_is_half_written,
    assert_same_results,
)

N_KILLS = 3
"""`make bench ARGS=kill` kills 50 times, with two targets."""


@pytest.fixture(scope="module")
def uninterrupted(finished, without_vit, tmp_path_factory):
    """The tiny study's CNN as a demo of its own makes it, and how long that takes (s)."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    study = finished.anew(folder, without_vit)
    return study, DemoProcess(study, folder / "home").seconds()


def test_a_demo_killed_at_some_moments_ends_as_if_it_had_not_been(uninterrupted, tmp_path):
    expected, seconds = uninterrupted
    study = expected.anew(tmp_path)
    demo = DemoProcess(study, tmp_path / "home")
    moments = np.random.default_rng(7)

    for _ in range(N_KILLS):
        demo.killed_after(moments.uniform(0.2, 0.9) * seconds)
        assert_nothing_is_half_written(study)
    demo.finished()

    assert_same_results(study, expected)
    assert_no_run_is_left_open(tmp_path / "home")


def assert_no_run_is_left_open(home):
    with dg.DagsterInstance.from_ref(dg._core.instance.ref.InstanceRef.from_dir(str(home))) as here:
        statuses = {run.status for run in here.get_runs()}
    assert statuses <= {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE}


def test_two_demos_at_once_on_one_store_and_a_reader_end_with_the_same_results(
    uninterrupted, tmp_path
):
    expected, _ = uninterrupted
    study = expected.anew(tmp_path)
    processes = [DemoProcess(study, tmp_path / f"home{i}").start() for i in range(2)]
    done, seen = threading.Event(), []

    def read():
        while not done.wait(0.2):
            if study.bench().warehouse.at.exists():
                seen.append(len(study.table("provenance")))

    reader = threading.Thread(target=read)
    reader.start()
    said = [process.communicate()[0] for process in processes]
    done.set()
    reader.join()

    assert [process.returncode for process in processes] == [0, 0], said
    assert seen == sorted(seen), "a reader never sees less than before"
    assert_nothing_is_half_written(study)
    assert_same_results(study, expected)


def may_mount(command):
    """Whether the system lets a command mount file systems of its own."""
    trial = [*command, "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


def in_own_mounts(script, *arguments):
    """Run a shell script that may mount file systems which nobody else sees.

    As an ordinary user in a user namespace, or as root where those are switched off.
    """
    ways = [["unshare", "--user", "--map-root-user", "--mount"], ["unshare", "--mount"]]
    own = next(filter(may_mount, ways), ways[0])
    return subprocess.run(
        [*own, "sh", "-euc", script, "sh", *map(str, arguments)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )


SURROUNDINGS = 'export SIEVE_STUDY="$1" SIEVE_DATA="$2" DAGSTER_HOME="$3" HF_HUB_OFFLINE=1\n'
PYTHON_DEMO = f"'{DEMO[0]}' -c '{DEMO[2]}' demo"
FULL_DISK = f"""{SURROUNDINGS}
mkdir -p "$2" "$3" && mount -t tmpfs -o size=3m tmpfs "$2"
{PYTHON_DEMO} > "$4/first.log" 2>&1 && echo "expected a full disk" && exit 1
cp -r "$2" "$4/after_first"
mount -o remount,size=500m "$2"
{PYTHON_DEMO} > "$4/second.log" 2>&1
cp -r "$2" "$4/after_second"
"""
READ_ONLY = f"""{SURROUNDINGS}
mkdir -p "$3" && mount --bind "$2" "$2" && mount -o remount,bind,ro "$2"
'{sys.executable}' -c 'from sieve_assets.cli import main; main()' evidence cnn 1 --out "$4/e.png"
{PYTHON_DEMO} > "$4/fresh.log" 2>&1
SIEVE_STUDY="$5"
{PYTHON_DEMO} > "$4/stale.log" 2>&1 && echo "expected a refusal" && exit 1
exit 0
"""


def test_a_full_disk_is_said_and_loses_nothing(uninterrupted, tmp_path):
    expected, _ = uninterrupted
    study = expected.anew(tmp_path)

    ran = in_own_mounts(FULL_DISK, study.file, study.data, tmp_path / "home", tmp_path)

    assert ran.returncode == 0, ran.stdout + ran.stderr + (tmp_path / "first.log").read_text()
    assert "No space left on device" in " ".join((tmp_path / "first.log").read_text().split())
    for name in ("after_first", "after_second"):
        shutil.rmtree(study.data, ignore_errors=True)
        shutil.move(tmp_path / name, study.data)
        assert_nothing_is_half_written(study)
    assert_same_results(study, expected)


def test_a_read_only_store_can_be_read_and_says_what_it_lacks(uninterrupted, tmp_path):
    expected, _ = uninterrupted
    shutil.copytree(expected.data, tmp_path / "data")
    (tmp_path / "other").mkdir()
    other = expected.anew(tmp_path / "other", {"min_silhouette = 0.4": "min_silhouette = 0.9"})

    ran = in_own_mounts(
        READ_ONLY, expected.file, tmp_path / "data", tmp_path / "home", tmp_path, other.file
    )

    logs = {name: (tmp_path / f"{name}.log").read_text() for name in ("fresh", "stale")}
    assert ran.returncode == 0, ran.stdout + ran.stderr + str(logs)
    assert (tmp_path / "e.png").exists()
    assert "grant access" in " ".join(logs["stale"].split())
