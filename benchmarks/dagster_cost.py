"""What Dagster costs at 7 assets × 2,048 partitions, what we add to it, and loading the code.

The seven stages of a wide target run twice over stored rows that are up to date, so that nothing is
computed: what remains is Dagster's events, and what we tell it. Beside it, the same assets with
empty functions. On SQLite, and on PostgreSQL if $SIEVE_BENCH_POSTGRES names a database
(postgresql+psycopg2://user:password@host/database).
"""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import numpy as np
import pandas as pd
import sqlalchemy
from PIL import Image

from benchmarks.figures import Figure
from benchmarks.studies import pretend, shipped_study
from sieve_assets.assets.conductor import QUIET, tags_of
from sieve_assets.assets.pipeline import STAGES
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Stage

MODEL = "terrarium_vit"
N_ASSETS, WIDTH = 7, 2048
N_PICTURES = 4
MEASURED = [stage for stage in STAGES if stage.is_by_neuron][-N_ASSETS:]
MILLISECONDS = KILO = 1000
N_LOADS = 5


class Run(NamedTuple):
    """What a run cost."""

    seconds: float
    n_events: int
    n_bytes: int
    """Of the event log."""


def wide_study(folder: Path, width: int) -> Workbench:
    """The shipped study, one target of it as wide as asked, with made-up rows that are fresh."""
    changes = {"width = 64": f"width = {width}", "n_images = 24": f"n_images = {N_PICTURES}"}
    bench = shipped_study(folder, changes)
    rows = made_up_rows(bench, width)
    for stage in STAGES:
        pretend(bench, stage, MODEL, rows.get(stage.table, pd.DataFrame()))
    return bench


def made_up_rows(bench: Workbench, width: int) -> dict[str, pd.DataFrame]:
    """Rows of the stages' tables: every neuron selected, one cluster, two names each."""
    neurons = np.arange(width, dtype=np.int32)
    one = {"model": MODEL, "neuron": neurons}
    named = pd.DataFrame(
        {
            "model": MODEL,
            "neuron": np.repeat(neurons, 2),
            "cluster": 0,
            "place": np.tile([0, 1], width),
            "concept": np.tile(["owl", "owl at night"], width),
            "score": 0.3,
        }
    )
    tested = named.drop(columns=["place", "score"])
    rates = tested.assign(
        threshold=1.0, n_images=N_PICTURES, n_active=2, activation_rate=0.5, ci_low=0.3, ci_high=0.7
    )
    uri = bench.images.put(Image.new("RGB", (64, 64), "red")).uri
    pictures = pd.concat(
        [
            tested.assign(seed=seed, generator="bench", picture_id=str(seed), uri=uri)
            for seed in range(N_PICTURES)
        ]
    )
    return {
        "neuron_activations": pd.DataFrame(
            {**one, "activation": list(np.ones((width, 4), np.float32))}
        ),
        "neuron_ratios": pd.DataFrame(
            {**one, "median": 1.0, "p99": 2.0, "ratio": 2.0, "rule": "signed", "beta": 3.0}
            | {"status": "selected", "is_sparse": False}
        ),
        "concept_hypotheses": named,
        "generated_image_sets": pictures,
        "activation_rates": rates,
    }


@contextlib.contextmanager
def instance_of(storage: str, folder: Path) -> Iterator[dg.DagsterInstance]:
    """An instance with the storage of an address; SQLite if it is empty."""
    overrides = (
        {
            "storage": {"postgres": {"postgres_url": storage}},
        }
        if storage
        else {}
    )
    with dg.instance_for_test(overrides=overrides, temp_dir=str(folder)) as instance:
        yield instance


def empty(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Does nothing."""


def empty_job(bench: Workbench, stages: Sequence[Stage]) -> dg.JobDefinition:
    """The stages' assets with their partitions and order, doing nothing."""
    assets = [
        dg.asset(
            empty,
            name=stage.name,
            partitions_def=stage.asset(bench.study).partitions_def,
            deps=[
                one.name
                for one in stage.reads
                if one in stages and one.is_by_neuron == stage.is_by_neuron
            ],
            backfill_policy=dg.BackfillPolicy.single_run(),
        )
        for stage in stages
    ]
    return job_of(bench, assets)


def job_of(bench: Workbench, assets: Sequence[dg.AssetsDefinition]) -> dg.JobDefinition:
    """The job of all these assets."""
    return dg.Definitions(
        assets=assets, resources={"bench": bench}, executor=dg.in_process_executor
    ).resolve_implicit_global_asset_job_def()


def run(
    bench: Workbench, instance: dg.DagsterInstance, job: dg.JobDefinition, log: "EventLog"
) -> Run:
    """One run of the measured stages over all neurons."""
    before = log.n_bytes()
    started = time.monotonic()
    result = job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(stage.name) for stage in MEASURED],
        tags=tags_of(MEASURED, MODEL, range(bench.study.targets[MODEL].width), bench.study),
        run_config=QUIET,
    )
    seconds = time.monotonic() - started
    return Run(seconds, len(instance.all_logs(result.run_id)), log.n_bytes() - before)


class EventLog(NamedTuple):
    """Where an instance stores its events."""

    storage: str
    """A database's address; empty for SQLite."""
    folder: Path
    """Of the instance."""

    def n_bytes(self) -> int:
        """How much is stored: the database's size, or that of its files."""
        if not self.storage:
            return sum(path.stat().st_size for path in self.folder.rglob("*.db*"))
        engine = sqlalchemy.create_engine(self.storage)
        size = sqlalchemy.text("SELECT pg_database_size(current_database())")
        with engine.connect() as connection:
            return int(connection.execute(size).scalar_one())


def figures_of(log: EventLog, bench: Workbench) -> Iterator[Figure]:
    """What a run of empty assets costs, and what ours adds."""
    ours = job_of(bench, [stage.asset(bench.study) for stage in MEASURED])
    with instance_of(log.storage, log.folder) as instance:
        bare = run(bench, instance, empty_job(bench, MEASURED), log)
        full = run(bench, instance, ours, log)
    n_partitions = bench.study.targets[MODEL].width * len(MEASURED)
    where = f"{'PostgreSQL' if log.storage else 'SQLite'}, {n_partitions:,} partitions"
    each_ms = MILLISECONDS / n_partitions
    yield Figure(f"{where}: empty assets", bare.seconds, "s")
    yield Figure(f"{where}: empty assets, each", bare.seconds * each_ms, "ms")
    more_ms = (full.seconds - bare.seconds) * each_ms
    yield Figure(f"{where}: what we add to each", more_ms, "ms", 3)
    yield Figure(f"{where}: an event of an empty asset", bare.n_bytes / bare.n_events / KILO, "kB")
    yield Figure(f"{where}: an event", full.n_bytes / full.n_events / KILO, "kB", 8)


def loading_seconds() -> float:
    """How long the code location takes to load, in a process of its own: the median of some."""
    seconds = []
    for _ in range(N_LOADS):
        started = time.monotonic()
        subprocess.run([sys.executable, "-c", "import sieve_assets.definitions"], check=True)
        seconds.append(time.monotonic() - started)
    return statistics.median(seconds)


def measure(width: int = WIDTH) -> Iterator[Figure]:
    """On SQLite, and on PostgreSQL if one is named; figures with their goals."""
    yield Figure("loading the code location", loading_seconds(), "s", 2.5)
    with tempfile.TemporaryDirectory(prefix="sieve-dagster-cost-") as root:
        folder = Path(root)
        bench = wide_study(folder / "study", width)
        for storage in sorted({"", os.environ.get("SIEVE_BENCH_POSTGRES", "")}):
            home = folder / ("postgres" if storage else "sqlite")
            home.mkdir()
            yield from figures_of(EventLog(storage, home), bench)
