"""Makes the pictures in the docs, of the UI and of the neuron atlas: `make screenshots`.

On a copy of what `make demo` has made, of Dagster's records of them and of the study file.
"""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import FloatRect, ViewportSize, sync_playwright

from benchmarks.atlas_screenshots import shoot_atlas
from sieve_assets_tests.dagster_client import until
from sieve_assets_tests.server import serving
from sieve_assets_tests.studies import StudyRun
from sieve_assets_tests.ui.conftest import launched
from sieve_assets_tests.ui.window import SIZE, Window

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
MODEL, NEURON = "terrarium_vit", "0047"
STAGES = ("concept_hypotheses", "generated_image_sets", "activation_rates")
RULE = 'rule = "signed"\n'
GROUPS = ("world", "select", "hypothesize", "verify", "evaluate", "report")
GRAPH_SIZE: ViewportSize = {"width": 1700, "height": 900}
"""In which Dagster shows all groups, with names that one can read."""
SETTLED_MS = 4000
"""The graph moves into its place."""
MARGIN_PX, WIDTH_PX = 24, 147
"""Beside the groups' names, and of a group from its name on."""


def copy_of_the_demo(folder: Path) -> StudyRun:
    """The shipped study with the demo's results.

    Raises:
        FileNotFoundError: There are none yet.
    """
    warehouse = ROOT / "data" / "sieve.duckdb"
    if not warehouse.exists():
        raise FileNotFoundError(
            f"screenshots: expected results at {warehouse}, got none. Run `make demo` first."
        )
    (folder / "data").mkdir()
    for name in ("terrarium", "store"):
        (folder / "data" / name).symlink_to(ROOT / "data" / name)
    shutil.copy(warehouse, folder / "data")
    shutil.copytree(ROOT / "data" / "dagster_home", folder / "home")
    shutil.copy(ROOT / "sieve.toml", folder)
    return StudyRun(folder / "sieve.toml", folder / "data")


def shoot_lineage(ui: Window) -> None:
    """The groups of stages, cut out of the page; opened they are too large for one picture."""
    ui.page.set_viewport_size(GRAPH_SIZE)
    ui.go("asset-groups")
    ui.sees("report")
    ui.page.wait_for_timeout(SETTLED_MS)
    places = [
        place
        for name in GROUPS
        if (place := ui.page.get_by_text(name, exact=True).filter(visible=True).last.bounding_box())
    ]
    left = min(place["x"] for place in places) - MARGIN_PX
    top = min(place["y"] for place in places) - MARGIN_PX
    right = max(place["x"] for place in places) + WIDTH_PX
    bottom = max(place["y"] + place["height"] for place in places) + MARGIN_PX
    area: FloatRect = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    ui.page.screenshot(path=ui.screenshots / "lineage.png", clip=area)
    ui.page.set_viewport_size(SIZE)


def main() -> None:
    """Take every picture."""
    folder = Path(tempfile.mkdtemp(prefix="sieve-screenshots-"))
    try:
        study = copy_of_the_demo(folder)
        with serving(study, folder / "home") as server, sync_playwright() as playwright:
            browser = launched(playwright.chromium)
            shoot_atlas(browser, study.data / "store" / "atlas", IMAGES)
            page = browser.new_page(viewport=SIZE)
            ui = Window(page, server.url, IMAGES)
            page.goto(server.url)

            shoot_lineage(ui)

            keys = [f"{MODEL}|{NEURON}"]
            server.ended_backfill(server.backfill(dict.fromkeys(STAGES, keys)))
            ui.go(f"assets/activation_rates?view=partitions&partition={MODEL}%7C{NEURON}")
            ui.sees("best AR with its interval")
            ui.shot("ui-partition")
            ui.text("[Show Markdown]").click()
            ui.page.locator("img[src^='data:image']").wait_for()
            ui.shot("ui-pictures")

            ui.go("automation")
            ui.sees("study_watch")
            ui.shot("ui-automation")

            text = study.file.read_text(encoding="utf-8")
            study.file.write_text(text.replace(RULE, f"{RULE}beta = 4.0\n"), encoding="utf-8")
            server.reload()
            n_runs = len(server.runs())
            ui.go("assets/stale_report?view=overview")
            ui.press("Materialize")
            until(lambda: len(server.runs()) > n_runs, "the report's run to begin")
            server.ended_run(server.runs()[0]["runId"])
            ui.go("assets/stale_report?view=overview")
            ui.sees("beta: 3.0 → 4.0")
            ui.shot("ui-stale")
            browser.close()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
