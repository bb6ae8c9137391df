"""The command `sieve cluster-demo`: the whole study on a cluster of processes of this machine."""

import os
import shutil
import signal
import sys
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # seconds to import
    from rich.console import Console

    from sieve_assets.assets.resources import Workbench
    from sieve_assets.cluster.backfills import Backfills, Range, State
    from sieve_assets.cluster.local import LocalCluster
    from sieve_assets.study import Study

ASKED_EVERY_S = 2.0
NEURONS_A_RUN = 32
"""Two runs for each of the shipped study's targets."""


@click.command("cluster-demo")
@click.option("--workers", default=3, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--neurons-a-run", default=NEURONS_A_RUN, show_default=True, type=click.IntRange(min=1)
)
@click.option("--stay", is_flag=True, help="Leave it running at the end, to look at, until Ctrl-C.")
def cluster_demo(workers: int, neurons_a_run: int, *, stay: bool) -> None:
    """Do the study on Celery workers, PostgreSQL, Redis and an S3 server, all on this machine.

    Then compare what it has found with the results that are there without a cluster, if any.
    """
    from rich.console import Console  # noqa: PLC0415 (with its neighbours)

    from sieve_assets.assets.partitions import NEURONS_A_RUN as TO_DIVIDE  # noqa: PLC0415 (slow)
    from sieve_assets.assets.resources import Workbench  # noqa: PLC0415 (as above)

    try:
        from sieve_assets.cluster.backfills import Backfills  # noqa: PLC0415 (of an extra)
        from sieve_assets.cluster.local import local_cluster  # noqa: PLC0415 (of an extra)
    except ImportError as error:
        raise click.ClickException(
            f"expected the packages of a cluster, got: {error}. Install sieve_assets[cluster-demo]."
        ) from error

    console, chosen = Console(soft_wrap=True), Workbench()
    alone = chosen.anew(study_file=str(chosen.study_path.absolute()), data=str(chosen.folder))
    folder = alone.folder / "cluster"
    shutil.rmtree(folder, ignore_errors=True)
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    more = {TO_DIVIDE: str(neurons_a_run)}
    if "OMP_NUM_THREADS" not in os.environ:
        more["OMP_NUM_THREADS"] = threads
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # so that servers end too
    try:
        with local_cluster(folder, alone.study_path, n_workers=workers, more=more) as cluster:
            console.print(f"{workers} workers. Dagster: {cluster.url}, logs: {folder}")
            state = _backfill(console, cluster, Backfills(cluster.url), alone.study)
            differences = _told(console, Workbench(), alone)
            if stay:
                console.print("Running until Ctrl-C.")
                signal.pause()
    except (LookupError, ChildProcessError, TimeoutError) as error:
        raise click.ClickException(str(error)) from error
    if differences or not state.is_good:
        raise SystemExit(1)


def _backfill(
    console: "Console", cluster: "LocalCluster", backfills: "Backfills", study: "Study"
) -> "State":
    """Everything of the study, done by the workers; how it ended."""
    started, told = time.monotonic(), {}
    backfill = backfills.launch(_everything(study))
    while True:
        state = backfills.state(backfill)
        if state.runs != told:
            told = state.runs
            runs = ", ".join(f"{n} {status.lower()}" for status, n in sorted(told.items()))
            console.print(f"{time.monotonic() - started:5.0f} s: runs {runs or 'none yet'}")
        if state.has_ended:
            break
        cluster.refuse_ended()
        time.sleep(ASKED_EVERY_S)
    took_s = time.monotonic() - started
    console.print(f"Backfill {state.status.lower()} after {took_s:.0f} s. {state.problem}")
    for failure in [] if state.is_good else backfills.failures(backfill):
        console.print(f"  {failure}", style="red", markup=False)
    return state


def _everything(study: "Study") -> "dict[str, list[Range]]":
    """All partitions of all stages: a range a target."""
    from sieve_assets.assets.partitions import neuron_key  # noqa: PLC0415 (as above)
    from sieve_assets.assets.pipeline import stages_of  # noqa: PLC0415 (as above)
    from sieve_assets.cluster.backfills import Range  # noqa: PLC0415 (as above)

    by_model = [Range(model, model) for model in study.targets]
    by_neuron = [
        Range(*(f"{model}|{neuron_key(n, study)}" for n in (0, one.width - 1)))
        for model, one in study.targets.items()
    ]
    return {one.name: by_neuron if one.is_by_neuron else by_model for one in stages_of(study)}


def _told(console: "Console", found: "Workbench", alone: "Workbench") -> list[str]:
    """Say how the results compare with those that are there without a cluster."""
    from sieve_assets.assets.errands import DRAWN  # noqa: PLC0415 (as above)
    from sieve_assets.assets.same_results import LEVELS, ROUNDING, compared  # noqa: PLC0415

    notes = found.warehouse.read("SELECT n_images FROM image_work WHERE work = $1", [DRAWN])
    n_there = len(found.warehouse.read("SELECT picture_id FROM pictures"))
    n_twice = sum(notes["n_images"]) - n_there
    console.print(f"{n_there} pictures, {n_twice} of them drawn by two runs at once")
    if not alone.warehouse.at.exists():
        console.print(f"Nothing to compare with in {alone.folder}: `sieve run` (make demo) first.")
        return []
    comparison = compared(found, alone)
    console.print(
        f"Compared with {alone.folder}: {sum(comparison.n_rows.values())} rows of "
        f"{len(comparison.n_rows)} tables (floats within {ROUNDING:g}), {comparison.n_pictures} "
        f"pictures (within {LEVELS} of 255): {len(comparison.differences) or 'no'} differences"
    )
    for difference in comparison.differences:
        console.print(f"  {difference}", style="red", markup=False)
    return comparison.differences
