"""What one does in the Dagster UI, by the words on its buttons.

Not here: a browser or a server (see conftest), and what a test expects.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, ViewportSize, expect

SIZE: ViewportSize = {"width": 1600, "height": 1000}
PATIENCE_S = 60
"""With a page that still loads something."""


@dataclass(frozen=True)
class Window:
    """A browser window.

    Attributes:
        page: What Playwright gives.
        url: Of the web server.
        screenshots: Folder for pictures of it.
    """

    page: Page
    url: str
    screenshots: Path

    def shot(self, name: str) -> Path:
        """Keep what the window shows, once it has loaded."""
        self.page.wait_for_load_state("networkidle")
        body = self.page.locator("body")
        expect(body).not_to_contain_text("Loading", use_inner_text=True, timeout=1000 * PATIENCE_S)
        path = self.screenshots / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def go(self, path: str) -> None:
        self.page.goto(f"{self.url}/{path}")

    def text(self, words: str) -> Locator:
        """The first place that shows these words and nothing else."""
        return self.page.get_by_text(words, exact=True).filter(visible=True).first

    def sees(self, words: str, *, times: int = 1) -> None:
        """Wait until these words are shown, in so many places.

        Raises:
            TimeoutError: They are not (Playwright's own).
        """
        places = self.page.get_by_text(words, exact=True).filter(visible=True)
        places.nth(times - 1).wait_for()

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button).filter(visible=True).last.click()

    def open_lineage(self, stage: str) -> None:
        """The lineage page, with a stage chosen by its search box."""
        self.go("asset-groups")
        box = self.page.get_by_placeholder("Jump to")
        box.fill(stage)
        box.press("Enter")
        self.page.get_by_role("button", name="Materialize selected").wait_for()

    def choose_stages(self, *stages: str) -> None:
        """The lineage page, with several stages chosen."""
        self.go(f"asset-groups/{','.join(stages)}")
        self.page.get_by_role("button", name="Materialize selected").wait_for()

    def open_partition(self, stage: str, *key: str) -> None:
        """The page of a partition, found by a click on each dimension's key."""
        self.go(f"assets/{stage}?view=partitions")
        for part in key:
            self.text(part).click()

    def open_run(self, run: str) -> None:
        self.go(f"runs/{run}")

    def turn(self, automation: str, *, is_on: bool) -> None:
        """The page of a schedule or sensor ("schedules/nightly"), turned on or off there."""
        self.go(f"locations/sieve_assets.definitions/{automation}")
        switch = self.page.get_by_role("checkbox")
        expect(switch).to_be_checked(checked=not is_on)
        switch.dispatch_event("click")
        expect(switch).to_be_checked(checked=is_on)

    def launch_job(self, job: str) -> str:
        """Launch a job as its launchpad proposes it; id of the run."""
        self.go(f"locations/sieve_assets.definitions/jobs/{job}/playground")
        self.text("No errors").wait_for()
        self.shot(f"launchpad_{job}")
        self.press("Launch Run")
        return self.launched()

    def choose(self, *keys: str) -> None:
        """Tick partition keys in the dialog's first list of which nothing is chosen."""
        self.text("Select a partition or create one").click()
        items = self.page.get_by_role("menuitem")
        for key in keys:
            items.filter(has_text=key).click()
        self.page.keyboard.press("Escape")
        items.first.wait_for(state="hidden")

    def materialize(self, *keys: Sequence[str]) -> str:
        """Launch what is chosen on the lineage page, and go where it runs.

        Args:
            *keys: Of each dimension, in the dialog's order.

        Returns:
            Id of the run, or of the backfill if there are several partitions.
        """
        self.press("Materialize selected")
        for some in keys:
            self.choose(*some)
        self.shot(f"dialog_{len(keys)}_dimensions")
        self.press("Launch")
        self.text("View").click()
        return self.launched()

    def terminate(self) -> None:
        """Terminate the run on whose page this is."""
        self.press("Terminate")
        self.shot("terminate")
        self.page.get_by_role("button", name=re.compile("erminat.* 1 run")).click()

    def reload_code(self) -> None:
        """Reload the code location, and wait until it is loaded."""
        self.go("locations")
        with self.page.expect_response(
            lambda response: "reload" in (response.request.post_data or "").lower()
        ):
            self.text("Reload").click()
        self.shot("code_locations")

    def launched(self) -> str:
        """Id of the run or backfill whose page this becomes."""
        self.page.wait_for_url(re.compile(r"/runs/(b/)?\w"))
        return self.page.url.split("?")[0].rsplit("/", 1)[-1]

    def run_again_from_failure(self) -> str:
        """Re-execute a backfill's failed run, on whose page this is; id of the new run."""
        before = self.page.url
        menu = self.page.get_by_role("button", name="Re-execute all")
        menu.locator("xpath=following::button[1]").click()
        self.shot("ways_to_run_again")
        self.page.get_by_role("menuitem", name="From failure").click()
        self.press("Confirm")
        self.page.wait_for_url(lambda url: url != before)
        return self.launched()
