"""Kills a demo 50 times at random moments and compares what it ends with: part of `make bench`.

The study is the tests' tiny one. After each kill the store must hold nothing half-written; the next
demo goes on from it. One that ends is compared with an uninterrupted run, and a new store begun.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from tqdm import tqdm

from sieve_assets_tests.killing import (
    DemoProcess,
    assert_nothing_is_half_written,
    assert_same_results,
)
from sieve_assets_tests.studies import make_tiny_study


def main() -> None:
    """Kill, check, go on; fails at the first store that is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    generator, console = np.random.default_rng(asked.seed), Console()
    with tempfile.TemporaryDirectory(prefix="sieve-kill-") as root:
        folder = Path(root)
        (folder / "expected").mkdir()
        expected = make_tiny_study(folder / "expected")
        seconds = DemoProcess(expected, folder / "home").seconds()
        n_compared, n_stores = 0, 0
        study = None
        for number in tqdm(range(asked.kills), desc="kills"):
            if study is None:
                n_stores += 1
                (folder / f"store{number}").mkdir()
                study = expected.anew(folder / f"store{number}")
            demo = DemoProcess(study, folder / f"home{number}")
            has_ended = demo.killed_after(generator.uniform(0, seconds))
            assert_nothing_is_half_written(study)
            if has_ended or number == asked.kills - 1:
                demo.finished()
                assert_same_results(study, expected)
                n_compared, study = n_compared + 1, None
    console.print(
        f"{asked.kills} kills within {seconds:.0f} s of a demo, in {n_stores} stores: nothing "
        f"half-written; {n_compared} finished stores equal to an uninterrupted run's"
    )


if __name__ == "__main__":
    main()
