"""A few images of a probe set, to try a target on before the set is listed or rendered."""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sieve_assets.assets.probe_sets import probe_folder
from sieve_assets.assets.resources import Workbench
from sieve_assets.stores.probe_images import image_names, list_folder
from sieve_assets.study import TerrariumProbe


class ProbeSample(NamedTuple):
    """Some images of a probe set."""

    n_images: int
    """In the whole set, as far as it is known without reading it."""
    images: pd.DataFrame
    """image_id, uri, sha256, width_px, height_px of those in the sample."""
    render_s: float
    """To render an image; 0 if they are there."""
    list_s: float
    """To list an image."""
    image_bytes: float
    """Of a rendered image's file; 0 if they are there."""


def probe_sample(bench: Workbench, name: str, *, count: int, scratch: Path) -> ProbeSample:
    """Evenly spaced images of a probe set, or scenes rendered for it if there is no folder yet.

    Args:
        bench: The study and its stores; nothing is written there.
        name: Of the probe set.
        count: Images at most.
        scratch: A folder for what is made.

    Raises:
        ValueError: The folder has no images, or too many that cannot be read.
    """
    probe, folder = bench.study.probes[name], probe_folder(bench, name)
    render_s, n_images = 0.0, 0
    is_to_render = isinstance(probe, TerrariumProbe) and not folder.is_dir()
    if isinstance(probe, TerrariumProbe) and is_to_render:
        from sieve_assets.terrarium.probe import render_probe  # noqa: PLC0415 (only this world)

        started, n_images, count = time.monotonic(), probe.n_images, min(count, probe.n_images)
        folder = render_probe(scratch, n_images=count, seed=probe.seed)
        render_s = (time.monotonic() - started) / count
    names = sorted(image_names(folder))
    chosen = _linked(folder, names, count, scratch / "sample")
    started = time.monotonic()
    images = list_folder(chosen).images
    list_s = (time.monotonic() - started) / len(images)
    sizes = np.array([Path(uri).stat().st_size for uri in images["uri"]])
    return ProbeSample(
        n_images or len(names), images, render_s, list_s, float(sizes.mean()) * is_to_render
    )


def _linked(folder: Path, names: list[str], count: int, place: Path) -> Path:
    """A folder of links to some of the images, under their own names."""
    for at in range(min(count, len(names))):
        name = names[at * len(names) // min(count, len(names))]
        link = place / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder / name)
    return place if names else folder
