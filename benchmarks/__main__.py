"""Measures the parts that are named, or all but the two longest: `make bench`."""

import argparse
import importlib
import time

from benchmarks.figures import RESULTS, keep, table

PARTS = {
    "probe_pass": 26,
    "wide": 3,
    "hypotheses": 1,
    "pictures": 5,
    "pipeline": 18,
    "growth": 11,
    "atlas": 15,
}
"""Modules in their order, with the minutes that each took on two cores."""
ASKED_FOR = {"dagster_cost": 10, "kill": 20, "writers": 7, "workers": 14}
"""Modules that run only if they are named."""


def main() -> None:
    """Print every figure as soon as it is there, beside its goal; keep them all."""
    known = PARTS | ASKED_FOR
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(known)}")
    parser.add_argument("--table", action="store_true", help="only print what is kept, for README")
    asked = parser.parse_args()
    unknown = [part for part in asked.parts if part not in known]
    if unknown:
        parser.error(f"expected parts of {', '.join(known)}, got {', '.join(unknown)}.")
    if asked.table:
        print(table())
        return
    parts = asked.parts or list(PARTS)
    minutes = sum(known[part] for part in parts)
    print(f"{', '.join(parts)}: about {minutes} minutes on two cores that do nothing else.")
    n_missed = 0
    for part in parts:
        started, figures = time.monotonic(), []
        print(f"\n{part}", flush=True)
        for figure in importlib.import_module(f"benchmarks.{part}").measure():
            print(figure, flush=True)
            figures.append(figure)
        n_missed += sum(figure.verdict == "MISS" for figure in figures)
        keep(part, figures)
        print(f"({time.monotonic() - started:.0f} s)")
    print(f"\n{n_missed} missed. Kept in {RESULTS}; `python -m benchmarks --table` prints them.")


if __name__ == "__main__":
    main()
