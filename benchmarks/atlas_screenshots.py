"""Makes the pictures of the neuron atlas in the docs: part of `make screenshots`."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, ViewportSize

from sieve_assets.reports.atlas.site import slug

DESKTOP: ViewportSize = {"width": 1280, "height": 860}
TALL: ViewportSize = {"width": 1280, "height": 1500}
PHONE: ViewportSize = {"width": 390, "height": 800}
MODEL, OTHER, NEURON, CONCEPT = "terrarium_vit", "terrarium_resnet", "0047", "owl at night"
SETTLED_MS = 1500
"""Charts and thumbnails are there, even if a page does not say so."""
QUALITY, GAP_PX = 82, 24


class Shot(NamedTuple):
    """A picture of a page."""

    name: str
    path: str
    size: ViewportSize = DESKTOP
    scheme: str = "light"


SHOTS = (
    Shot("atlas-index", f"{MODEL}/index.html"),
    Shot("atlas-map", f"{MODEL}/index.html?view=map", scheme="dark"),
    Shot("atlas-neuron", f"{MODEL}/neurons/{NEURON}.html", TALL),
    Shot("atlas-concept", f"concepts/{slug(CONCEPT)}.html"),
    Shot("atlas-compare", "compare.html"),
    Shot("atlas-report", f"{OTHER}/report.html", TALL),
)
PHONES = (
    Shot("index", f"{MODEL}/index.html", PHONE),
    Shot("neuron", f"{MODEL}/neurons/{NEURON}.html", PHONE, "dark"),
    Shot("concept", f"concepts/{slug(CONCEPT)}.html", PHONE),
)


def shoot_atlas(browser: Browser, folder: Path, images: Path) -> None:
    """Take every picture of an atlas.

    Args:
        browser: Chromium.
        folder: Of the atlas, as the demo wrote it.
        images: Where the pictures go.
    """
    for shot in SHOTS:
        _taken(browser, folder, shot).save(images / f"{shot.name}.webp", quality=QUALITY, method=6)
    phones = _beside([_taken(browser, folder, shot) for shot in PHONES])
    phones.save(images / "atlas-phone.webp", quality=QUALITY, method=6)


def _taken(browser: Browser, folder: Path, shot: Shot) -> Image.Image:
    context = browser.new_context(viewport=shot.size, reduced_motion="reduce")
    page = context.new_page()
    page.emulate_media(color_scheme="dark" if shot.scheme == "dark" else "light")
    page.goto(f"{folder.as_uri()}/{shot.path}")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLED_MS)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.close()
    return picture


def _beside(pictures: Sequence[Image.Image]) -> Image.Image:
    width = sum(one.width for one in pictures) + GAP_PX * (len(pictures) - 1)
    whole = Image.new("RGB", (width, max(one.height for one in pictures)), "white")
    left = 0
    for one in pictures:
        whole.paste(one, (left, 0))
        left += one.width + GAP_PX
    return whole
