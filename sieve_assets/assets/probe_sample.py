"""A few images of a probe set, to try a target on before the set is listed or rendered."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sieve_assets.assets.resources import Workbench
from sieve_assets.image_sets.ahead import Threads
from sieve_assets.image_sets.folders import Folder
from sieve_assets.image_sets.image_set import ImageSet, Item
from sieve_assets.image_sets.listing import list_images
from sieve_assets.study_probes import TerrariumProbe


class ProbeSample(NamedTuple):
    """Some images of a probe set."""

    n_images: int
    """In the whole set, whether they can be read or not."""
    image_set: ImageSet
    """Reads them."""
    images: pd.DataFrame
    """image_id, uri, sha256, width_px, height_px of those in the sample."""
    render_s: float
    """To render an image; 0 if they are there."""
    list_s: float
    """To list an image."""
    image_bytes: float
    """Of a rendered image's file; 0 if they are there."""


@dataclass(frozen=True)
class _Some:
    """Some images of a set.

    Attributes:
        whole: The set.
        chosen: Those of it.
    """

    whole: ImageSet
    chosen: list[Item]

    @property
    def where(self) -> str:
        """What the set is, for a message."""
        return self.whole.where

    @property
    def readers(self) -> Threads:
        """Who reads the set best."""
        return self.whole.readers

    def items(self) -> Iterable[Item]:
        """Those that were chosen."""
        return self.chosen

    def read(self, uri: str) -> bytes:
        """An image as an encoded file."""
        return self.whole.read(uri)

    def state(self) -> str:
        """That of the set."""
        return self.whole.state()


def probe_sample(bench: Workbench, name: str, *, count: int, scratch: Path) -> ProbeSample:
    """Evenly spaced images of a probe set, or scenes rendered for it if they are not there yet.

    Args:
        bench: The study and its stores; nothing is written there.
        name: Of the probe set.
        count: Images at most.
        scratch: A folder for what is made.

    Raises:
        FileNotFoundError: There is no such set.
        ValueError: The set has no images, or too many that cannot be read.
    """
    probe, images = bench.study.probes[name], bench.image_set(name)
    render_s, n_rendered = 0.0, 0
    if isinstance(probe, TerrariumProbe) and not images.state():
        from sieve_assets.terrarium.probe import render_probe  # noqa: PLC0415 (only this world)

        started, n_rendered = time.monotonic(), min(count, probe.n_images)
        images = Folder(
            render_probe(scratch, n_images=n_rendered, seed=probe.seed, style=probe.style)
        )
        render_s = (time.monotonic() - started) / n_rendered
    items = sorted(images.items())
    n_chosen = min(count, len(items))
    chosen = [items[at * len(items) // n_chosen] for at in range(n_chosen)]
    started = time.monotonic()
    listed = list_images(_Some(images, chosen)).images
    return ProbeSample(
        probe.n_images if isinstance(probe, TerrariumProbe) else len(items),
        images,
        listed,
        render_s,
        (time.monotonic() - started) / len(listed),
        _mean_size(listed) if n_rendered else 0.0,
    )


def _mean_size(listed: pd.DataFrame) -> float:
    """Bytes of a file on this machine."""
    return float(np.mean([Path(uri).stat().st_size for uri in listed["uri"]]))
