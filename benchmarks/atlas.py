"""The neuron atlas of 2,048 neurons: written, written again, and opened in a browser.

Results are made up (made_up_target.py). Not counted: the making up, and Dagster's events.
"""

import re
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
from playwright.sync_api import sync_playwright

from benchmarks.atlas_in_browser import Opened, opened
from benchmarks.figures import Figure
from benchmarks.fresh_process import in_fresh_process
from benchmarks.made_up_target import MODEL, made_up_target
from benchmarks.made_up_world import Sizes
from benchmarks.studies import pretend, seconds_of_stage
from sieve_assets.assets.neuron_atlas import atlas_stage
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.revised_names import revised_names
from sieve_assets.reports.atlas.site import neuron_file
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.ui.conftest import launched

SIZES = Sizes(neurons=2048, images=12_000, concepts=1500)
N_RUNS = 3
MB, GIB = 1e6, 2**30
_LOADED = re.compile(r'(?:src|href)="([^"]+\.(?:js|css))"')


def bench_in(folder: Path) -> Workbench:
    """The made-up study in a folder."""
    return Workbench(study_file=str(folder / "sieve.toml"), data=str(folder / "data"))


def make(folder: Path, sizes: Sizes) -> None:
    """The made-up study in a folder, which is made."""
    made_up_target(folder, sizes)


def written(folder: Path) -> float:
    """Run the stage, whatever it has to do; how long that takes (s)."""
    bench = bench_in(folder)
    return seconds_of_stage(bench, atlas_stage(bench.study), MODEL)


def forget_site(folder: Path) -> None:
    """As if the stage had never run."""
    bench = bench_in(folder)
    shutil.rmtree(bench.atlas, ignore_errors=True)
    of_stage = pd.DataFrame({"stage": ["neuron_atlas"], "model": [MODEL], "neuron": [-1]})
    bench.warehouse.replace(
        Replacement("provenance", pd.DataFrame(), of_stage),
        Replacement("atlas_pages", pd.DataFrame(), of_stage.filter(["model"])),
    )


def change_a_neuron(folder: Path) -> int:
    """Give a neuron's verified name another verdict; which neuron."""
    bench = bench_in(folder)
    rows = bench.warehouse.read("SELECT * FROM revised_names WHERE model = $1", [MODEL])
    at = (rows["verdict"] == "verified").idxmax()
    rows.loc[at, ["verdict", "reason"]] = "ambiguous", "made up"
    pretend(bench, revised_names, MODEL, rows)
    return int(rows.loc[at, "neuron"])


def written_at(site: Path) -> dict[str, int]:
    """When each file of a site was written."""
    files = [path for path in site.rglob("*") if path.is_file()]
    return {path.relative_to(site).as_posix(): path.stat().st_mtime_ns for path in files}


def size_of(files: set[Path]) -> float:
    """Of files together (MB)."""
    return sum(path.stat().st_size for path in files) / MB


def index_files(site: Path) -> dict[str, set[Path]]:
    """What the index of the target loads, by kind."""
    page = site / MODEL / "index.html"
    named = {(page.parent / one).resolve() for one in _LOADED.findall(page.read_text("utf-8"))}
    data = {path.resolve() for path in (page.parent / "index").glob("*.js")}
    return {
        "page, scripts and styles": {page, *(path for path in named - data if path.exists())},
        "data": data,
        "thumbnails": set((page.parent / "neurons").glob("*-small.webp")),
    }


def building_figures(folder: Path, said: str, n_runs: int) -> Iterator[Figure]:
    """How long the stage takes for all, for nothing and for one neuron."""
    runs = []
    for _ in range(n_runs):
        forget_site(folder)
        runs.append(in_fresh_process(written, folder))
    yield Figure(f"{said}: written", statistics.median(run.result for run in runs), "s", 120)
    peak = statistics.median(run.peak_bytes for run in runs)
    yield Figure(f"{said}: peak memory", peak / GIB, "GiB")
    again = in_fresh_process(written, folder).result
    yield Figure(f"{said}: nothing has changed", again, "s")
    site = bench_in(folder).atlas
    before, neuron = written_at(site), change_a_neuron(folder)
    yield Figure(f"{said}: one neuron has changed", in_fresh_process(written, folder).result, "s")
    after = written_at(site)
    stem = neuron_file(neuron, bench_in(folder).study.targets[MODEL].width)
    own = tuple(f"{MODEL}/{one}" for one in ("index/", "export/", f"neurons/{stem}"))
    changed = [path for path in after if after[path] != before.get(path)]
    others = [path for path in changed if not path.startswith(own)]
    yield Figure(f"{said}: other neurons' and concepts' files that this wrote", len(others), "", 0)


def size_figures(site: Path, said: str) -> Iterator[Figure]:
    """How large the index and the whole site are."""
    files = index_files(site)
    yield Figure(f"{said}: the index", size_of(set().union(*files.values())), "MB", 3)
    for kind, some in files.items():
        yield Figure(f"{said}: of that, {kind}", size_of(some), "MB")
    everything = {path for path in site.rglob("*") if path.is_file()}
    yield Figure(f"{said}: the whole site", size_of(everything), "MB")
    yield Figure(f"{said}: its files", len(everything))


def browser_figures(page: Path, said: str, n_runs: int) -> Iterator[Figure]:
    """What someone who opens the index waits for."""
    with sync_playwright() as playwright:
        browser = launched(playwright.chromium)
        runs = [opened(browser, page) for _ in range(n_runs)]
        browser.close()

    def median(value: Callable[[Opened], float]) -> float:
        return statistics.median(value(run) for run in runs)

    yield Figure(f"{said}: first paint", median(lambda run: run.first_paint_s), "s", 1)
    yield Figure(f"{said}: first card", median(lambda run: run.first_card_s), "s", 1)
    for what, worst in (("median", statistics.median), ("worst", max)):
        filtered = median(lambda run, worst=worst: worst(run.filter_s))
        yield Figure(f"{said}: filtered after a letter, {what}", filtered, "s", 0.1)
    frame = median(lambda run: run.longest_frame_s)
    yield Figure(f"{said}: longest frame while scrolling", frame, "s")


def measure(sizes: Sizes = SIZES, n_runs: int = N_RUNS) -> Iterator[Figure]:
    """All of it on one made-up target; figures with their goals."""
    said = f"{sizes.neurons:,} neurons"
    with tempfile.TemporaryDirectory(prefix="sieve-atlas-") as root:
        folder = Path(root) / "study"
        in_fresh_process(make, folder, sizes)
        yield from building_figures(folder, said, n_runs)
        site = bench_in(folder).atlas
        yield from size_figures(site, said)
        yield from browser_figures(site / MODEL / "index.html", said, n_runs)
