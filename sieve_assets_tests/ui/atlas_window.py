"""A window on the neuron atlas, opened from disk: what went wrong in it, and what axe finds."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

DESKTOP: ViewportSize = {"width": 1360, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
SERIOUS = {"serious", "critical"}


@dataclass
class AtlasWindow:
    """A page of the atlas and what has gone wrong in it so far.

    Attributes:
        page: What Playwright gives.
        folder: Of the atlas.
        screenshots: Folder for pictures of it.
        problems: Errors of the console and of scripts.
        foreign: Addresses asked for that are not on this disk.
    """

    page: Page
    folder: Path
    screenshots: Path
    problems: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page by its path in the atlas."""
        self.page.goto(f"{self.folder.as_uri()}/{path}")

    def shot(self, name: str) -> None:
        """Keep the whole page as a picture."""
        self.page.screenshot(path=self.screenshots / f"atlas_{name}.png", full_page=True)

    def violations(self) -> list[tuple[str, str]]:
        """What axe-core calls serious or critical: the rule and the first element it is about."""
        # Without preload: axe would ask for the styles once more, which no browser gives from disk.
        found = Axe().run(self.page, options={"preload": False}).response["violations"]
        return [
            (one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in SERIOUS
        ]

    def is_too_wide(self) -> bool:
        """Whether the page as a whole scrolls sideways."""
        return bool(
            self.page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
        )


def open_window(
    browser: Browser, folder: Path, screenshots: Path, size: ViewportSize, **options: Any
) -> tuple[AtlasWindow, BrowserContext]:
    """A window that notes what goes wrong; `options` are those of a browser context."""
    context = browser.new_context(viewport=size, **options)
    page = context.new_page()
    window = AtlasWindow(page, folder, screenshots)
    page.on("console", lambda said: said.type == "error" and window.problems.append(said.text))
    page.on("pageerror", lambda error: window.problems.append(str(error)))
    page.on(
        "request",
        lambda asked: (
            asked.url.startswith(("file:", "data:", "blob:")) or window.foreign.append(asked.url)
        ),
    )
    return window, context
