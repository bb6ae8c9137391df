"""How time and peak memory grow with images, neurons and concepts: at n, 2n and 4n.

Linear allows 15 % more than four times as much at 4n; flat allows 15 % more than at n. A power is
the slope over the three sizes in a plot with two logarithmic axes.
"""

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import wide
from benchmarks.figures import Figure, medians
from benchmarks.fresh_process import Run, in_fresh_process
from benchmarks.hypotheses import named_seconds
from benchmarks.photos import make_photos
from benchmarks.studies import seconds_of_stage, shipped_study
from sieve_assets.assets.probe import probe_pass
from sieve_assets.assets.probe_sets import probe_images

FACTORS = (1, 2, 4)
TOLERANCE = 1.15
N_RUNS = 3
MODEL, WIDTH, FLOAT_BYTES = "terrarium_resnet", 64, 4
SIDE_PX = 64
MIB = 2**20


class Sizes(NamedTuple):
    """The n of each kind of growth, and what stays as it is."""

    photos: int = 4096
    """Two shards of a probe pass: below that, memory grows to the size of one."""
    images: int = 10_000
    neurons: int = 512
    concepts: int = 1000


def pass_seconds(photos: str) -> float:
    """The probe pass of a small network over a folder of small pictures (s)."""
    with tempfile.TemporaryDirectory(prefix="sieve-growth-") as folder:
        scenes = 'kind = "terrarium"\nn_images = 12000'
        bench = shipped_study(Path(folder), {scenes: f'kind = "folder"\npath = "{photos}"'})
        seconds_of_stage(bench, probe_images, MODEL)
        bench.target(MODEL)
        return seconds_of_stage(bench, probe_pass, MODEL)


def wide_seconds(n_images: int, n_neurons: int) -> float:
    """Storing, ratios and strongest images of made-up activations (s)."""
    return sum(wide.run(n_images, n_neurons).seconds.values())


def measured(work: Callable[[int], Run], sizes: Sequence[int], n_runs: int) -> tuple[list, list]:
    """Medians of time (s) and peak memory (bytes) at each size."""
    runs = medians({str(size): partial(work, size) for size in sizes}, n_runs)
    seconds = [statistics.median(run.result for run in some) for some in runs.values()]
    peaks = [statistics.median(run.peak_bytes for run in some) for some in runs.values()]
    return seconds, peaks


def power(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The slope of the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def figures_of(
    what: str, sizes: Sequence[int], seconds: Sequence[float], peaks: Sequence[float],
    *, most_memory: float
) -> Iterator[Figure]:  # fmt: skip
    """Time and memory of one kind of growth."""
    factor = sizes[-1] / sizes[0]
    span = f"{sizes[0]:,} to {sizes[-1]:,} {what}"
    yield Figure(f"{span}: time grows by", seconds[-1] / seconds[0], "×", factor * TOLERANCE)
    yield Figure(f"{span}: power of time", power(sizes, seconds))
    yield Figure(f"{span}: peak memory", peaks[-1] / MIB, "MiB")
    yield Figure(f"{span}: memory grows by", peaks[-1] / peaks[0], "×", most_memory)


def of_photos(n_photos: int, n_runs: int) -> Iterator[Figure]:
    """The probe pass; of its memory, the activations that it is to keep are taken away."""
    sizes = [factor * n_photos for factor in FACTORS]
    with tempfile.TemporaryDirectory(prefix="sieve-photos-") as root:
        folders = {}
        for size in sizes:
            folders[size] = make_photos(Path(root) / str(size), size, size=(SIDE_PX, SIDE_PX))
        seconds, peaks = measured(
            lambda size: in_fresh_process(pass_seconds, str(folders[size])), sizes, n_runs
        )
    beyond = [peak - size * WIDTH * FLOAT_BYTES for size, peak in zip(sizes, peaks, strict=True)]
    yield from figures_of("images, probe pass", sizes, seconds, beyond, most_memory=TOLERANCE)


def of_tables(sizes: Sizes, n_runs: int) -> Iterator[Figure]:
    """The stages that hold all activations of a target, which grow with both."""
    most = FACTORS[-1] * TOLERANCE
    images = [factor * sizes.images for factor in FACTORS]
    found = measured(
        lambda size: in_fresh_process(wide_seconds, size, sizes.neurons), images, n_runs
    )
    yield from figures_of("images, tables", images, *found, most_memory=most)
    neurons = [factor * sizes.neurons for factor in FACTORS]
    found = measured(
        lambda size: in_fresh_process(wide_seconds, sizes.images, size), neurons, n_runs
    )
    yield from figures_of("neurons, tables", neurons, *found, most_memory=most)


def of_names(sizes: Sizes, n_runs: int) -> Iterator[Figure]:
    """Scoring neurons with concepts."""
    most = FACTORS[-1] * TOLERANCE
    neurons = [factor * sizes.neurons for factor in FACTORS]
    found = measured(
        lambda size: in_fresh_process(named_seconds, size, sizes.concepts), neurons, n_runs
    )
    yield from figures_of("neurons, scoring", neurons, *found, most_memory=most)
    concepts = [factor * sizes.concepts for factor in FACTORS]
    found = measured(
        lambda size: in_fresh_process(named_seconds, sizes.neurons, size), concepts, n_runs
    )
    yield from figures_of("concepts, scoring", concepts, *found, most_memory=most)


def measure(sizes: Sizes = Sizes(), n_runs: int = N_RUNS) -> Iterator[Figure]:  # noqa: B008 (a constant)
    """Every kind of growth, each measurement in a process of its own; figures with their goals."""
    yield from of_photos(sizes.photos, n_runs)
    yield from of_tables(sizes, n_runs)
    yield from of_names(sizes, n_runs)
