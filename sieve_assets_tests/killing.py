"""A demo in a process of its own that is killed, and what a store must hold after that.

Used by the tests with a few moments and by `benchmarks/kill.py` with many.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from sieve_assets.assets import probe
from sieve_assets.assets.partitions import OF_A_MODEL
from sieve_assets.assets.pipeline import stages_of
from sieve_assets.assets.records import rows_hash
from sieve_assets.stores.arrays import ArrayStore
from sieve_assets.stores.images import ImageStore
from sieve_assets_tests.studies import SHOWN, StudyRun, assert_same_rows

DEMO = [sys.executable, "-c", "from sieve_assets.cli import main; main()", "demo"]
TABLES = {
    "probe_pass": "probe_passes",
    "probe_activations": "neuron_activations",
}
MADE_AT = ["run_id", "recorded_at", "seconds", "drawn_by_run"]
"""What another run may say differently."""
BANK = ("pictures", "picture_activations", "picture_embeddings", "probe_shards")


@dataclass
class DemoProcess:
    """`sieve demo` on a study, in a process of its own.

    Attributes:
        study: The study, with the folder of its results.
        home: Dagster's folder.
        more: Further variables of the environment.
    """

    study: StudyRun
    home: Path
    more: Mapping[str, str] = field(default_factory=dict)

    def start(self) -> "subprocess.Popen[str]":
        """Start it."""
        self.home.mkdir(exist_ok=True)
        surroundings = {
            "SIEVE_STUDY": str(self.study.file),
            "SIEVE_DATA": str(self.study.data),
            "DAGSTER_HOME": str(self.home),
            "HF_HUB_OFFLINE": "1",
        }
        return subprocess.Popen(
            DEMO,
            cwd=Path(__file__).parents[1],
            env=os.environ | surroundings | dict(self.more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def killed_after(self, seconds: float) -> bool:
        """Kill it (-9) after a while; whether it had ended well before that."""
        process = self.start()
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return False
        assert process.returncode == 0, said
        return True

    def finished(self) -> str:
        """Let it run to its end; what it said.

        Raises:
            AssertionError: It did not end well.
        """
        process = self.start()
        said, _ = process.communicate()
        assert process.returncode == 0, said
        return said

    def seconds(self) -> float:
        """How long it takes (s)."""
        started = time.monotonic()
        self.finished()
        return time.monotonic() - started


def run_stages(
    study: StudyRun,
    model: str,
    runs: Sequence[Sequence[str]],
    *,
    shard_images: int,
    killed_after: float | None = None,
) -> None:
    """Stages of a target, one run after the other, in small shards and batches of one picture.

    Args:
        study: The study.
        model: Its target.
        runs: Stages of each run.
        shard_images: Probe images a shard.
        killed_after: When the process kills itself (-9): so many times as long after the second
            file it stores as there was between the first and the second.
    """
    probe.SHARD_IMAGES = shard_images
    if killed_after is not None:
        for store in (ArrayStore, ImageStore):
            store.put = _killing(store.put, killed_after)
    for stages in runs:
        study.of_model(model, *stages, batch_size=1)


def _killing(put: Callable[..., Any], killed_after: float) -> Callable[..., Any]:
    stored: list[float] = []

    def put_and_count(*arguments: Any) -> Any:
        found = put(*arguments)
        stored.append(time.monotonic())
        if len(stored) == 2:
            wait = killed_after * (stored[1] - stored[0])
            threading.Timer(wait, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return found

    return put_and_count


def assert_nothing_is_half_written(study: StudyRun) -> None:
    """Every note's rows are there, just as they were written, and no rows are without a note."""
    if not study.bench().warehouse.at.exists():
        return
    notes = study.table("provenance")
    for stage in stages_of(study.bench().study):
        rows = study.table(stage.table)
        told = notes[notes["stage"] == stage.name]
        if stage.name == "probe_images":
            assert {*told["n_rows"]} <= {len(rows)}
            assert len(told) > 0 or rows.empty
            continue
        assert told["n_rows"].sum() == len(rows), stage.name
        for note in told.itertuples():
            is_its = rows["model"] == note.model
            if note.neuron != OF_A_MODEL:
                is_its &= rows["neuron"] == note.neuron
            assert rows_hash(rows[is_its]) == note.output_hash, (stage.name, note.neuron)


def assert_same_results(
    found: StudyRun, expected: StudyRun, *, without: Sequence[str] = ()
) -> None:
    """Equal tables, but for when and by which run they were made, which pages show.

    Args:
        found: What is looked at.
        expected: What it should be.
        without: Stages that were not run.
    """
    stages = [
        one
        for one in stages_of(expected.bench().study)
        if not one.shows and one.name not in without
    ]
    for name in {*(one.table for one in stages), *BANK}:
        tables = [_plain(one.table(name)) for one in (found, expected)]
        assert_same_rows(*tables, tolerance=0)
    notes = [_plain(one.table("provenance")) for one in (found, expected)]
    assert_same_rows(*(one[~one["stage"].isin(SHOWN)] for one in notes), tolerance=0)


def _plain(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns=[name for name in MADE_AT if name in rows.columns])
