"""What networks beside a target do on its pictures and on some of its probe images.

Not here: the networks (`models.control_networks`).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sieve_assets.assets.control_kinds import Subject
from sieve_assets.assets.errands import LOOKED_AT
from sieve_assets.assets.probe import frames_of
from sieve_assets.assets.progress import tracked
from sieve_assets.assets.seen_activations import HeldActivations
from sieve_assets.assets.witnesses import Witnesses
from sieve_assets.image_sets.ahead import batched
from sieve_assets.image_sets.listing import open_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

    from sieve_assets.models.target import Target


@dataclass(frozen=True)
class Looks:
    """What a network beside a target does, which nothing stores.

    Attributes:
        subject: The target.
        network: The network.
        what: The network, for people.
    """

    subject: Subject
    network: "Target"
    what: str

    @cached_property
    def images(self) -> np.ndarray:
        """Positions of the probe images that it is shown: by the hash of the id."""
        from sieve_assets.method.verdict_controls import hashed_sample  # noqa: PLC0415 (scipy)

        study = self.subject.bench.study
        ids = self.subject.images["image_id"].tolist()
        return hashed_sample(ids, count=study.verify.n_control_images, seed=study.seed)

    @cached_property
    def probe(self) -> np.ndarray:
        """Its activations on these, `[image neuron]`."""
        images = self.subject.images.iloc[self.images]
        image_set = self.subject.bench.images_of(self.subject.model)
        return self._seen(
            list(zip(images["uri"], images["sha256"], strict=True)),
            lambda one: open_image(image_set, one[0], sha256=one[1]),
            "probe images",
        )

    def activations(self, witnesses: Witnesses) -> HeldActivations:
        """These, and those on pictures of the bank."""
        bank = self.subject.bench.images
        found = witnesses.pictures.drop_duplicates("picture_id")
        items = [(str(uri), "") for uri in found["uri"]]
        pictures = self._seen(items, lambda one: bank.open(one[0], verify=True), "pictures")
        ids = found["picture_id"].tolist()
        return held(self.subject, ids, self.probe, pictures, self.images)

    def _seen(
        self,
        items: list[tuple[str, str]],
        opened: "Callable[[tuple[str, str]], Image.Image]",
        what: str,
    ) -> np.ndarray:
        """Its activations on what stands for pictures, `[image neuron]`."""
        bench, errand = self.subject.bench, self.subject.errand
        frames = batched(frames_of(bench, self.network, items, opened), bench.batch_size)
        parts = tracked(
            items, f"{self.what} on {what}", errand.log, unit="image", size=bench.batch_size
        )
        found = np.concatenate([self.network.activations(next(frames)) for _ in parts])
        errand.note(LOOKED_AT, len(items), 0)
        return found


def held(
    subject: Subject,
    picture_ids: list[str],
    probe: np.ndarray,
    pictures: np.ndarray,
    images: np.ndarray,
) -> HeldActivations:
    """Activations of other neurons, with thresholds as `neuron_ratios` takes them.

    Args:
        subject: The target.
        picture_ids: Of the pictures.
        probe: On the probe images, `[image neuron]`.
        pictures: On the pictures, `[picture neuron]`.
        images: Positions of the probe images.
    """
    from sieve_assets.method.neuron_ratios import neuron_ratios  # noqa: PLC0415 (with its kin)

    is_used = ~subject.images["is_held_out"].to_numpy()[images]
    found = neuron_ratios(
        np.ascontiguousarray(probe[is_used].T),
        rule="signed",
        beta=1.0,
        percentile=subject.bench.study.select.percentile,
        normalise="none",
        gate="neuron",
    )
    return HeldActivations(
        picture_ids=pd.Index(picture_ids),
        pictures=pictures,
        probe=np.ascontiguousarray(probe.T),
        images=images,
        thresholds=found.p99,
    )
