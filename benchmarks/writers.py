"""Processes that write to one warehouse at once, of either kind: what is lost, and how fast it is.

Each writes partitions of its own, as a stage does, and adds pictures that others add, too. Needs
PostgreSQL's server.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from benchmarks.figures import Figure
from sieve_assets.stores.addresses import LAKE, warehouse_at
from sieve_assets.stores.warehouse import Replacement, Warehouse

N_ROWS = 20
"""Of a partition: as many as a neuron has samples."""
N_SHARED = 3
"""Pictures that every process adds with each of its partitions."""
PATIENCE_S = 120.0


class Place(NamedTuple):
    """A warehouse's address, as the environment gives it."""

    address: str
    files: str
    folder: Path

    @property
    def warehouse(self) -> Warehouse:
        """What is there."""
        return warehouse_at(self.address, self.files, self.folder, PATIENCE_S)


def measure(n_processes: int = 8, n_writes: int = 200) -> Iterator[Figure]:
    """Figures of both kinds.

    Args:
        n_processes: That write at once.
        n_writes: Of each.
    """
    said = f"{n_processes} processes × {n_writes} writes"
    with tempfile.TemporaryDirectory() as folder:
        yield from _figures(Place("", "", Path(folder)), f"{said}, file", n_processes, n_writes)
    with tempfile.TemporaryDirectory() as folder, database() as words:
        lake = Place(LAKE + words, str(Path(folder) / "files"), Path(folder))
        yield from _figures(lake, f"{said}, DuckLake", n_processes, n_writes)


@contextmanager
def database() -> Iterator[str]:
    """A PostgreSQL server for a while; libpq's words for its database. Sets $PGPASSWORD."""
    from sieve_assets.cluster.servers import Database, free_port, postgresql  # noqa: PLC0415

    made = Database(free_port(), "sieve", "of this benchmark")
    os.environ |= made.environment
    with tempfile.TemporaryDirectory(prefix="sieve-postgresql-") as folder:
        Path(folder).chmod(0o755)  # so that PostgreSQL's user can enter it
        with postgresql(Path(folder) / "server", made):
            yield made.words


def _figures(place: Place, said: str, n_processes: int, n_writes: int) -> Iterator[Figure]:
    place.warehouse.read("SELECT 1")  # makes it
    started = time.monotonic()
    jobs = [(place, process, n_writes) for process in range(n_processes)]
    with ProcessPoolExecutor(n_processes, mp_context=get_context("spawn")) as pool:
        seconds = [one for of_process in pool.map(_write, jobs) for one in of_process]
    elapsed_s = time.monotonic() - started
    yield Figure(f"{said}: writes lost or doubled", _n_wrong(place, n_processes, n_writes), goal=0)
    yield Figure(f"{said}: writes a second", len(seconds) / elapsed_s)
    yield Figure(f"{said}: longest that one took", max(seconds), "s", PATIENCE_S)


def _write(job: tuple[Place, int, int]) -> list[float]:
    """A process's writes; how long each took (s)."""
    place, process, n_writes = job
    seconds = []
    for at in range(n_writes):
        key = pd.DataFrame({"model": ["m"], "neuron": [process * n_writes + at]})
        rows = key.merge(pd.DataFrame({"rank": range(N_ROWS)}), how="cross")
        rows = rows.assign(image_id=rows["rank"].astype(str), activation=1.0)
        started = time.monotonic()
        place.warehouse.add_missing("pictures", _pictures(at))
        place.warehouse.replace(Replacement("selected_samples", rows, key))
        seconds.append(time.monotonic() - started)
    return seconds


def _pictures(at: int) -> pd.DataFrame:
    names = [f"{at} {one}" for one in range(N_SHARED)]
    known = {"generator": "g", "prompt": "p", "seed": 0, "uri": "u", "sha256": "s"}
    return pd.DataFrame({"picture_id": names}).assign(drawn_by_run="r", seconds=1.0, **known)


def _n_wrong(place: Place, n_processes: int, n_writes: int) -> int:
    """Partitions and pictures that are not there just once, or not whole."""
    found = place.warehouse.read(
        "SELECT neuron, count(*) AS n, count(DISTINCT rank) AS n_ranks FROM selected_samples"
        " GROUP BY ALL"
    )
    whole = found[(found["n"] == N_ROWS) & (found["n_ranks"] == N_ROWS)]
    pictures = place.warehouse.read("SELECT count(*) AS n FROM pictures GROUP BY picture_id")["n"]
    n_lost = n_processes * n_writes - len(whole) + N_SHARED * n_writes - sum(pictures == 1)
    return n_lost + len(found) - len(whole)
