"""The atlas's index in a browser: when it is there, how soon it is filtered, how it scrolls."""

from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, ViewportSize

SIZE: ViewportSize = {"width": 1280, "height": 800}
LETTERS = ("r", "re", "red", "red ", "red c", "red ca", "red car", "", "o", "ow", "owl", "", "st",
           "striped", "striped fish", "", "moon", "tower", "f", "fl")  # fmt: skip
"""What is in the search box after each of 20 keys."""
STEP_PX = 300
"""Scrolled in a frame: about twenty screens a second."""
_NOTE_FIRST_CARD = """
const look = () => {
  if (document.querySelector("#grid .cell")) window.firstCard = performance.now();
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
_FIRST_PAINT = """
() => performance.getEntriesByName("first-contentful-paint").map((entry) => entry.startTime)[0]
"""
_PAINTED = """
const painted = () => new Promise((resolve) => requestAnimationFrame(() => {
  const after = new MessageChannel();
  after.port1.onmessage = () => resolve(performance.now());
  after.port2.postMessage(null);
}));
"""
_FILTER = f"""
async (letters) => {{
  {_PAINTED}
  const box = document.getElementById("f-q");
  const found = [];
  for (const text of letters) {{
    await painted();
    const before = performance.now();
    box.value = text;
    box.dispatchEvent(new Event("input", {{ bubbles: true }}));
    found.push([await painted() - before, document.getElementById("count").textContent]);
  }}
  box.value = "";
  box.dispatchEvent(new Event("input", {{ bubbles: true }}));
  return found;
}}
"""
_SCROLL = f"""
async (step) => {{
  {_PAINTED}
  const frames = [];
  let last = await painted();
  const end = document.documentElement.scrollHeight - innerHeight;
  for (let top = 0; top < end; top += step) {{
    scrollTo(0, top);
    const now = await painted();
    frames.push(now - last);
    last = now;
  }}
  return frames;
}}
"""


class Opened(NamedTuple):
    """What someone waits for who opens the index (s)."""

    first_paint_s: float
    first_card_s: float
    filter_s: list[float]
    """From a letter in the search box to the next frame, of each letter."""
    longest_frame_s: float
    """While the whole grid is scrolled through."""


def opened(browser: Browser, page: Path) -> Opened:
    """Open the index from disk with nothing cached, search in it, and scroll through it.

    Raises:
        AssertionError: The search box filters nothing.
    """
    context = browser.new_context(viewport=SIZE)
    try:
        tab = context.new_page()
        tab.add_init_script(_NOTE_FIRST_CARD)
        tab.goto(page.as_uri())
        first_card = tab.wait_for_function("window.firstCard").json_value()
        tab.wait_for_function(f"({_FIRST_PAINT})()")
        first_paint = tab.evaluate(_FIRST_PAINT)
        tab.focus("#f-q")
        tab.wait_for_selector("#words option", state="attached")
        found: list[tuple[float, Any]] = tab.evaluate(_FILTER, LETTERS)
        if len({count for _, count in found}) == 1:
            raise AssertionError(f"opened: expected a search to filter, got {found[0][1]} always.")
        frames = tab.evaluate(_SCROLL, STEP_PX)
    finally:
        context.close()
    return Opened(
        first_paint / 1000,
        first_card / 1000,
        [milliseconds / 1000 for milliseconds, _ in found],
        max(frames, default=0.0) / 1000,
    )
