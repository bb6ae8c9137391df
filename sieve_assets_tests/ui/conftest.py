"""A browser over the real web server and daemon of a tiny study."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserType, Error, sync_playwright

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
LOAD_S = 60
"""How long something may take to appear: other tests may use all processors."""


def launched(chromium: BrowserType) -> Browser:
    """The system's Chromium; Playwright's own, downloaded if need be, where there is none."""
    if found := shutil.which("chromium"):
        return chromium.launch(executable_path=found, args=FLAGS)
    with contextlib.suppress(Error):
        return chromium.launch(args=FLAGS)
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)
    return chromium.launch(args=FLAGS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of one module: as long as it lives an event loop runs, and Dagster cannot run its own."""
    with sync_playwright() as playwright:
        browser = launched(playwright.chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(finished, tmp_path_factory):
    """Serves a copy of the finished tiny study, of which Dagster knows nothing yet."""
    from sieve_assets_tests.server import serving  # noqa: PLC0415 (see the conftest above)

    folder = tmp_path_factory.mktemp("served")
    with serving(finished.changed(folder), folder / "home") as server:
        yield server


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory) -> Path:
    """$SIEVE_SCREENSHOTS, or a folder of pytest's that stays after the run."""
    chosen = os.environ.get("SIEVE_SCREENSHOTS")
    folder = Path(chosen) if chosen else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def ui(browser, server, screenshots, request):
    """The UI in a window of its own; `ui.shot(name)` keeps what it shows, as does every end."""
    from sieve_assets_tests.ui.window import SIZE, Window  # noqa: PLC0415 (see above)

    context = browser.new_context(viewport=SIZE)
    context.set_default_timeout(1000 * LOAD_S)
    page = context.new_page()
    yield Window(page, server.url, screenshots)
    page.screenshot(path=screenshots / f"end_of_{request.node.name}.png")
    context.close()
