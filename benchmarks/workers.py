"""Workers of a cluster that draw for one target: how the time falls with their number.

A picture takes a while of waiting, as on a GPU of the worker's own, which this machine has not:
what is measured is all that workers share, the queue, the tables' turns and the object storage.
Needs PostgreSQL and Redis.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from benchmarks.figures import Figure
from benchmarks.pictures import made_up_hypotheses
from benchmarks.studies import ROOT, pretend, shipped_study
from sieve_assets.assets.hypothesize import concept_hypotheses, concept_names
from sieve_assets.assets.partitions import NEURONS_A_RUN, neuron_key
from sieve_assets.assets.pipeline import STAGES
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.verify import generated_image_sets
from sieve_assets.cluster.backfills import Backfills, Range
from sieve_assets.cluster.local import DAEMON, local_cluster

PICTURE_S = "SIEVE_BENCHMARK_PICTURE_S"
"""Variable of the environment: how long a picture takes (s)."""
LOCATION = "benchmarks.waiting_generator"
"""Never imported here: it replaces what draws."""
TARGET = "terrarium_resnet"
N_CONCEPTS, N_IMAGES = 60, 6
SETTINGS = {
    NEURONS_A_RUN: "8",
    "SIEVE_BATCH_SIZE": "4",
    "PYTHONPATH": str(ROOT),
    "OMP_NUM_THREADS": "1",
}
ASKED_EVERY_S = 1.0


class Drawn(NamedTuple):
    """What a backfill did."""

    seconds: float
    """From the start of its first run to the end of its last."""
    n_pictures: int
    n_drawn: int
    """The same, those drawn twice counted twice."""


def measure(
    n_workers: Sequence[int] = (1, 2, 4),
    picture_s: float = 0.5,
    n_concepts: int = N_CONCEPTS,
    daemon: Sequence[str] = DAEMON,
) -> Iterator[Figure]:
    """Figures for each number of workers.

    Args:
        n_workers: Numbers of workers; the first is what the others are compared with.
        picture_s: How long a picture takes (s).
        n_concepts: Concepts that the hypotheses of 64 neurons are made up from.
        daemon: How Python is told to run Dagster's daemon.
    """
    found = {n: _drawn(n, picture_s, n_concepts, daemon) for n in n_workers}
    alone = found[n_workers[0]].seconds
    for n, one in found.items():
        said = f"{n} workers" if n > 1 else "1 worker"
        yield Figure(f"{said}: {one.n_pictures} pictures of {picture_s} s", one.seconds, "s")
        yield Figure(f"{said}: times as fast as {n_workers[0]}", alone / one.seconds)
        yield Figure(f"{said}: pictures drawn twice", one.n_drawn - one.n_pictures)


def _drawn(n_workers: int, picture_s: float, n_concepts: int, daemon: Sequence[str]) -> Drawn:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        file = shipped_study(root, {"n_images = 24": f"n_images = {N_IMAGES}"}).study_path
        cluster = local_cluster(
            root / "cluster",
            file,
            n_workers=n_workers,
            more=SETTINGS | {PICTURE_S: str(picture_s)},
            daemon=daemon,
            location=LOCATION,
        )
        with cluster as running:
            bench = Workbench()
            _prepare(bench, n_concepts)
            keys = [neuron_key(n, bench.study) for n in (0, bench.study.targets[TARGET].width - 1)]
            wanted = Range(*(f"{TARGET}|{key}" for key in keys))
            backfills = Backfills(running.url)
            backfill = backfills.launch({generated_image_sets.name: [wanted]})
            while not (state := backfills.state(backfill)).has_ended:
                time.sleep(ASKED_EVERY_S)
            if not state.is_good:
                raise RuntimeError(f"workers: expected a good end, got {state}.")
            notes = bench.warehouse.read("SELECT n_images FROM image_work WHERE work = 'drawn'")
            n_pictures = len(bench.warehouse.read("SELECT picture_id FROM pictures"))
            return Drawn(state.took_s, n_pictures, sum(notes["n_images"]))


def _prepare(bench: Workbench, n_concepts: int) -> None:
    """Hypotheses, and notes of all that they would follow from."""
    for stage in STAGES[: STAGES.index(concept_hypotheses)]:
        pretend(bench, stage, TARGET, pd.DataFrame())
    width = bench.study.targets[TARGET].width
    concepts = concept_names(bench.study)[:n_concepts]
    pretend(bench, concept_hypotheses, TARGET, made_up_hypotheses(TARGET, width, concepts))
