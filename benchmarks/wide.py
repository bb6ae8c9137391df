"""50,000 images × 2,048 neurons: stored, ratios, the 20 strongest images; one neuron read back.

Activations and maps are made up, the rest is the stages' own: shards in the array store, rows of
`neuron_activations`, `neuron_ratios` and `selected_samples` with their provenance. Not counted: the
making up, and Dagster's events (dagster_cost.py).
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from benchmarks.figures import Figure
from benchmarks.fresh_process import in_fresh_process
from benchmarks.studies import pretend, seconds_of_stage, shipped_study
from sieve_assets.assets.probe import SHARD_IMAGES, probe_activations, probe_pass
from sieve_assets.assets.probe_sets import probe_images
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import neuron_ratios, read_distribution, selected_samples
from sieve_assets.method.probe_pass import StrongestSamples, merge_strongest, strongest_of

MODEL, PROBE = "terrarium_vit", "terrarium"
N_IMAGES, N_NEURONS, MAP_SIDE = 50_000, 2048, 7
N_RUNS, N_READS = 3, 5
GIB = 2**30
STAGES = (probe_activations, neuron_ratios, selected_samples)


class Wide(NamedTuple):
    """What a run over a wide target took."""

    seconds: dict[str, float]
    """By step."""
    read_s: float
    """To read one neuron's distribution back, the median of some."""


def made_up_batches(
    n_images: int, n_neurons: int, size: int
) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    """Where a batch starts in its shard, its activations and its maps."""
    draws = torch.Generator().manual_seed(0)
    for start in range(0, n_images, size):
        count = min(size, n_images - start)
        activations = torch.randn(count, n_neurons, generator=draws)
        yield start, activations, activations[:, :, None, None].expand(-1, -1, MAP_SIDE, MAP_SIDE)


def store_shard(bench: Workbench, n_images: int, n_neurons: int) -> tuple[str, float]:
    """A made-up shard as the probe pass stores it: where, and how long that took (s)."""
    kept, parts, seconds = None, [], 0.0
    count = bench.study.select.n_kept
    for start, activations, maps in made_up_batches(n_images, n_neurons, bench.batch_size):
        positions = torch.arange(start, start + len(activations))
        began = time.monotonic()
        kept = merge_strongest(kept, activations, maps, positions, count=count)
        seconds += time.monotonic() - began
        parts.append(activations.numpy())
    began = time.monotonic()
    strongest = {} if kept is None else {k: v.numpy() for k, v in kept._asdict().items()}
    uri = bench.arrays.put({"all_activations": np.concatenate(parts), **strongest})
    return uri, seconds + time.monotonic() - began


def merged(bench: Workbench, uris: list[str]) -> str:
    """The strongest images of all shards, stored as the probe pass does."""

    def parts() -> Iterator[StrongestSamples]:
        start = 0
        for uri in uris:
            arrays = bench.arrays.open(uri, verify=True)
            positions, *rest = (torch.from_numpy(arrays[name]) for name in StrongestSamples._fields)
            yield StrongestSamples(positions + start, *rest)
            start += len(arrays["all_activations"])

    found = strongest_of(parts(), count=bench.study.select.n_kept)
    return bench.arrays.put({name: values.numpy() for name, values in found._asdict().items()})


def made_up_pass(bench: Workbench, n_images: int) -> dict[str, float]:
    """Store a pass over made-up images; seconds by step."""
    images = pd.DataFrame(
        {
            "probe": PROBE,
            "image_id": [f"{number:06d}.jpg" for number in range(n_images)],
            "position": np.arange(n_images, dtype=np.int32),
            "uri": "",
            "label": "",
            "sha256": "",
            "width_px": 64,
            "height_px": 64,
            "is_held_out": np.arange(n_images) % 10 == 9,
        }
    )
    pretend(bench, probe_images, MODEL, images)
    n_neurons = bench.study.targets[MODEL].width
    sizes = [min(SHARD_IMAGES, n_images - at) for at in range(0, n_images, SHARD_IMAGES)]
    shards = [store_shard(bench, size, n_neurons) for size in sizes]
    started = time.monotonic()
    uris = [uri for uri, _ in shards]
    row = {
        "model": MODEL,
        "probe": PROBE,
        "n_images": n_images,
        "weights_hash": bench.target_hash(MODEL),
        "activations_uri": uris,
        "strongest_uri": merged(bench, uris),
    }
    pretend(bench, probe_pass, MODEL, pd.DataFrame([row]))
    merging = time.monotonic() - started
    return {"shards": sum(seconds for _, seconds in shards), "strongest of all": merging}


def run(n_images: int, n_neurons: int) -> Wide:
    """Everything once, in a folder that is removed."""
    with tempfile.TemporaryDirectory(prefix="sieve-wide-") as folder:
        bench = shipped_study(Path(folder), {"width = 64": f"width = {n_neurons}"})
        seconds = made_up_pass(bench, n_images)
        seconds |= {stage.name: seconds_of_stage(bench, stage, MODEL) for stage in STAGES}
        return Wide(seconds, statistics.median(read_back(bench, n) for n in range(N_READS)))


def read_back(bench: Workbench, neuron: int) -> float:
    """How long it takes to read one neuron's distribution (s)."""
    started = time.monotonic()
    read_distribution(bench, MODEL, neuron)
    return time.monotonic() - started


def measure(
    n_images: int = N_IMAGES, n_neurons: int = N_NEURONS, n_runs: int = N_RUNS
) -> Iterator[Figure]:
    """Run it in processes of their own; figures with their goals."""
    runs = [in_fresh_process(run, n_images, n_neurons) for _ in range(n_runs)]
    size = f"{n_images:,} × {n_neurons:,}"
    totals = [sum(one.result.seconds.values()) for one in runs]
    yield Figure(f"{size}: store, ratios, top 20", statistics.median(totals), "s", 60)
    for step in runs[0].result.seconds:
        yield Figure(
            f"{size}: of that, {step}",
            statistics.median(one.result.seconds[step] for one in runs),
            "s",
        )
    peak = statistics.median(one.peak_bytes for one in runs)
    yield Figure(f"{size}: peak memory", peak / GIB, "GiB", 3)
    read = statistics.median(one.result.read_s for one in runs)
    yield Figure(f"{size}: one neuron's distribution read back", read, "s", 0.2)
