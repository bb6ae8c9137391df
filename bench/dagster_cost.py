"""What Dagster costs at 7 assets × 2,048 partitions, and what we add to it: part of `make bench`.

The seven stages of a wide target run twice over stored rows that are up to date, so that nothing is
computed: what remains is Dagster's events, and what we tell it. Beside it, the same assets with
empty functions. On SQLite, and on PostgreSQL if $SIEVE_BENCH_POSTGRES names a database
(postgresql+psycopg2://user:password@host/database).
"""

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import sqlalchemy
from PIL import Image
from rich.console import Console

from sieve_assets.assets.conductor import QUIET, tags_of
from sieve_assets.assets.lineage import Lineage, input_hash
from sieve_assets.assets.partitions import OF_A_MODEL, Share
from sieve_assets.assets.pipeline import STAGES
from sieve_assets.assets.records import rows_hash, split_by_neuron
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Stage
from sieve_assets.stores.warehouse import Replacement

MODEL = "terrarium_vit"
N_ASSETS = 7
N_PICTURES = 4
BY_NEURON = [stage for stage in STAGES if stage.is_by_neuron]
MEASURED = BY_NEURON[-N_ASSETS:]
MILLISECONDS = 1000
KILO = 1000
N_LOADS = 5


def wide_study(folder: Path, width: int) -> Workbench:
    """The shipped study, one target of it as wide as asked, with made-up rows that are fresh."""
    root = Path(__file__).resolve().parents[1]
    text = (root / "sieve.toml").read_text(encoding="utf-8")
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "terrarium").symlink_to(root / "data" / "terrarium")
    file = folder / "sieve.toml"
    wide = text.replace("width = 64", f"width = {width}")
    wide = wide.replace("n_images = 24", f"n_images = {N_PICTURES}")
    file.write_text(wide, encoding="utf-8")
    bench = Workbench(study_file=str(file))
    store_rows(bench, width)
    return bench


def store_rows(bench: Workbench, width: int) -> None:
    """Fill the tables of a target: every neuron selected, one cluster, two names each."""
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
    rows = {
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
    for stage in STAGES:
        stored = rows.get(stage.table, pd.DataFrame())
        note(bench, stage, stored, neurons.tolist() if stage.is_by_neuron else [OF_A_MODEL])


def note(bench: Workbench, stage: Stage, rows: pd.DataFrame, neurons: list[int]) -> None:
    """Store rows of a stage with the notes that they would get now."""
    lineage = Lineage(bench, stage, Share(MODEL, neurons, []))
    made = lineage.made_with(stage)
    parts = split_by_neuron(rows) if stage.is_by_neuron else {}
    notes = pd.DataFrame(
        {
            "stage": stage.name,
            "model": MODEL,
            "neuron": neurons,
            "run_id": "bench",
            "settings_hash": made.settings_hash,
            "weights_hash": made.weights_hash or None,
            "input_hash": [input_hash(stage, n, lineage.outputs) for n in neurons],
            "output_hash": [rows_hash(parts.get(n, rows.head(0))) for n in neurons],
            "n_rows": [len(parts.get(n, ())) for n in neurons],
            "recorded_at": pd.Timestamp("2026-01-01"),
            "seconds": 0.0,
        }
    )
    place = notes.filter(["stage", "model", "neuron"])
    replacements = [Replacement("provenance", notes, place)]
    if len(rows):
        scope = rows.filter(["model", "neuron"]).drop_duplicates()
        replacements.append(Replacement(stage.table, rows, scope))
    bench.warehouse.replace(*replacements)


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


def run(
    bench: Workbench, instance: dg.DagsterInstance, width: int, *, is_empty: bool
) -> tuple[float, int]:
    """Seconds and events of one run of the measured stages over all neurons."""
    assets = [stage.asset(bench.study) for stage in MEASURED]
    if is_empty:
        assets = [
            dg.asset(
                empty,
                name=stage.name,
                partitions_def=stage.asset(bench.study).partitions_def,
                deps=[one.name for one in stage.reads if one in MEASURED],
                backfill_policy=dg.BackfillPolicy.single_run(),
            )
            for stage in MEASURED
        ]
    job = dg.Definitions(
        assets=assets, resources={"bench": bench}, executor=dg.in_process_executor
    ).resolve_implicit_global_asset_job_def()
    started = time.monotonic()
    result = job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(stage.name) for stage in MEASURED],
        tags=tags_of(MEASURED, MODEL, range(width), bench.study),
        run_config=QUIET,
    )
    return time.monotonic() - started, len(instance.all_logs(result.run_id))


def stored_bytes(storage: str, folder: Path) -> int:
    """How much an instance has stored: its database's size, or that of its files."""
    if not storage:
        return sum(path.stat().st_size for path in folder.rglob("*.db*"))
    engine = sqlalchemy.create_engine(storage)
    with engine.connect() as connection:
        size = connection.execute(sqlalchemy.text("SELECT pg_database_size(current_database())"))
        return int(size.scalar_one())


def measure(storage: str, bench: Workbench, width: int, folder: Path, console: Console) -> None:
    """Print what a run of empty assets costs, and what ours adds."""
    with instance_of(storage, folder) as instance:
        at_first = stored_bytes(storage, folder)
        bare_s, bare_events = run(bench, instance, width, is_empty=True)
        bare_bytes = stored_bytes(storage, folder) - at_first
        ours_s, our_events = run(bench, instance, width, is_empty=False)
        our_bytes = stored_bytes(storage, folder) - bare_bytes - at_first
    partitions = width * len(MEASURED)
    more_ms = MILLISECONDS * (ours_s - bare_s) / partitions
    console.print(
        f"{'PostgreSQL' if storage else 'SQLite'}, {len(MEASURED)} assets × {width} partitions: "
        f"empty {bare_s:.0f} s, {MILLISECONDS * bare_s / partitions:.1f} ms a partition, "
        f"{MILLISECONDS * bare_s / bare_events:.1f} ms an event; ours {ours_s:.0f} s: "
        f"{more_ms:.1f} ms a partition more (goal: 3), {our_events - bare_events} events more; "
        f"event log {bare_bytes / bare_events / KILO:.1f} and {our_bytes / our_events / KILO:.1f} "
        "kB an event (goal: 8)"
    )


def loading_seconds() -> float:
    """How long the code location takes to load, in a process of its own: the median of some."""
    seconds = []
    for _ in range(N_LOADS):
        started = time.monotonic()
        subprocess.run([sys.executable, "-c", "import sieve_assets.definitions"], check=True)
        seconds.append(time.monotonic() - started)
    return statistics.median(seconds)


def main() -> None:
    """Measure on SQLite, and on PostgreSQL if one is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=2048)
    asked, console = parser.parse_args(), Console()
    console.print(f"loading the code location: {loading_seconds():.1f} s (goal: 2.5 s)")
    folder = Path(tempfile.mkdtemp(prefix="sieve-dagster-cost-"))
    try:
        bench = wide_study(folder / "study", asked.width)
        for storage in sorted({"", os.environ.get("SIEVE_BENCH_POSTGRES", "")}):
            home = folder / ("postgres" if storage else "sqlite")
            home.mkdir()
            measure(storage, bench, asked.width, home, console)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
