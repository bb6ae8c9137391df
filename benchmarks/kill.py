"""Kills a demo 50 times at random moments and compares what it ends with: `make bench ARGS=kill`.

The study is the tests' tiny one. After each kill the store must hold nothing half-written; the next
demo goes on from it. One that ends is compared with an uninterrupted run, and a new store begun.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.figures import Figure
from sieve_assets_tests.killing import (
    DemoProcess,
    assert_nothing_is_half_written,
    assert_same_results,
)
from sieve_assets_tests.studies import make_tiny_study

N_KILLS = 50


def measure(n_kills: int = N_KILLS, seed: int = 0) -> Iterator[Figure]:
    """Kill, check, go on; fails at the first store that is not as it must be."""
    moments = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory(prefix="sieve-kill-") as root:
        folder = Path(root)
        (folder / "expected").mkdir()
        expected = make_tiny_study(folder / "expected")
        seconds = DemoProcess(expected, folder / "home").seconds()
        n_compared, study = 0, None
        for number in tqdm(range(n_kills), desc="kills"):
            if study is None:
                (folder / f"store{number}").mkdir()
                study = expected.anew(folder / f"store{number}")
            demo = DemoProcess(study, folder / f"home{number}")
            has_ended = demo.killed_after(moments.uniform(0, seconds))
            assert_nothing_is_half_written(study)
            if has_ended or number == n_kills - 1:
                demo.finished()
                assert_same_results(study, expected)
                n_compared, study = n_compared + 1, None
    yield Figure(f"{n_kills} kills: stores with something half-written", 0, "", 0)
    yield Figure(f"{n_kills} kills: finished stores, equal to an uninterrupted run's", n_compared)
    yield Figure("a demo of the tests' tiny study", seconds, "s")
