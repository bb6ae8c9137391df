"""Makes the pictures of docs/operating.md from what `make demo` has made: `make screenshots`.

On a copy of its results and of the study file, in a Dagster instance of its own.
"""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

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
    shutil.copy(ROOT / "sieve.toml", folder)
    return StudyRun(folder / "sieve.toml", folder / "data")


def main() -> None:
    """Take every picture."""
    folder = Path(tempfile.mkdtemp(prefix="sieve-screenshots-"))
    try:
        study = copy_of_the_demo(folder)
        with serving(study, folder / "home") as server, sync_playwright() as playwright:
            browser = launched(playwright.chromium)
            page = browser.new_page(viewport=SIZE)
            ui = Window(page, server.url, IMAGES)
            page.goto(server.url)
            page.get_by_role("button", name="Skip").click()

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
