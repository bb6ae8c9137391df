"""From a neuron's samples to its patches: cut, tried on the target, stored, embedded.

Imports scipy, so `hypothesize` imports this module when a run needs it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from PIL import Image

from sieve_assets.assets.partitions import Share
from sieve_assets.assets.probe import read_pass
from sieve_assets.assets.records import split_by_neuron
from sieve_assets.assets.resources import Workbench
from sieve_assets.image_sets.ahead import done_ahead
from sieve_assets.image_sets.listing import open_image
from sieve_assets.method.patch_embeddings import (
    PixelBox,
    box_in_original,
    crop_box,
    crop_retention,
    is_whole_image,
)
from sieve_assets.study_targets import Transform

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_SAMPLES = """
SELECT s.*, i.uri, i.sha256, i.width_px, i.height_px, r.median
FROM selected_samples s
JOIN probe_images i ON i.image_id = s.image_id
JOIN neuron_ratios r ON r.model = s.model AND r.neuron = s.neuron
WHERE s.model = $model AND i.probe = $probe AND s.neuron IN (SELECT unnest($neurons))
ORDER BY s.neuron, s.rank
"""


@dataclass
class Cropper:
    """Makes the patches of one target's neurons; one that comes again is embedded once.

    Attributes:
        bench: Stores and models.
        share: The target and its neurons.
        embedded: Embeddings so far, by the hash of the patch.
    """

    bench: Workbench
    share: Share
    embedded: dict[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def samples(self) -> dict[int, pd.DataFrame]:
        """Each neuron's samples with their image and the neuron's median."""
        probe = self.bench.study.targets[self.share.model].probe
        key = {"model": self.share.model, "probe": probe, "neurons": self.share.neurons}
        found = self.bench.warehouse.read(_SAMPLES, key)
        return split_by_neuron(found)

    @cached_property
    def maps(self) -> np.ndarray:
        """Maps of every neuron's strongest images, `[neuron, place, row, column]`."""
        uri = str(read_pass(self.bench, self.share.model)["strongest_uri"])
        return self.bench.arrays.open(uri, verify=True)["maps"]

    def load(self) -> None:
        """Load what every selected neuron needs: what is wrong with it is no neuron's failure.

        Raises:
            LookupError: A model or its weights are not there.
            ValueError: A model does not fit its settings, or the stored maps are damaged.
        """
        if self.samples:
            _ = self.maps, self.bench.target(self.share.model), self.bench.vision_language

    def rows(self, neuron: int) -> pd.DataFrame:
        """The neuron's rows of `patch_embeddings`; none if it was not selected."""
        samples = self.samples.get(neuron)
        if samples is None:
            return pd.DataFrame()
        image_set = self.bench.images_of(self.share.model)
        listed = zip(samples["uri"], samples["sha256"], strict=True)
        images = _by_threads(lambda one: open_image(image_set, one[0], sha256=one[1]), listed)
        boxes = [self._box(neuron, sample) for sample in samples.to_dict("records")]
        crops = [image.crop(box) for image, box in zip(images, boxes, strict=True)]
        retention = crop_retention(
            self.bench.target(self.share.model).activations(crops)[:, neuron],
            samples["activation"].to_numpy(),
            samples["median"].to_numpy(),
        )
        is_whole = is_whole_image(
            retention, min_retention=self.bench.study.hypothesize.min_retention
        )
        for place in np.flatnonzero(is_whole):
            boxes[place], crops[place] = PixelBox(0, 0, *images[place].size), images[place]
        stored = _by_threads(self.bench.images.put, crops)
        edges = dict(zip(PixelBox._fields, np.array(boxes).T, strict=True))
        return samples.filter(["model", "neuron", "rank", "image_id"]).assign(
            **edges,
            crop_retention=retention,
            is_whole_image=is_whole,
            uri=[one.uri for one in stored],
            embedding=self._embeddings([one.sha256 for one in stored], crops),
        )

    def _box(self, neuron: int, sample: Mapping[str, Any]) -> PixelBox:
        how = self.bench.study.hypothesize
        return pixel_box(
            self.maps[neuron, sample["rank"]],
            self.bench.target(self.share.model).transform,
            size_px=(sample["width_px"], sample["height_px"]),
            level=how.crop_level,
            padding=how.crop_padding,
            min_side=how.crop_min_side,
        )

    def _embeddings(self, hashes: Sequence[str], crops: Sequence[Image.Image]) -> list[np.ndarray]:
        by_hash = dict(zip(hashes, crops, strict=True))
        new = [sha256 for sha256 in by_hash if sha256 not in self.embedded]
        if new:
            vectors = self.bench.vision_language.embed_images([by_hash[one] for one in new])
            self.embedded |= dict(zip(new, vectors, strict=True))
        return [self.embedded[sha256] for sha256 in hashes]


def pixel_box(
    activation_map: np.ndarray,
    transform: Transform,
    *,
    size_px: tuple[int, int],
    level: float,
    padding: float,
    min_side: float,
) -> PixelBox:
    """Where an image is to be cut so that what the neuron responds to is left.

    Args:
        activation_map: The neuron's, of the image.
        transform: The target's.
        size_px: The image's width and height.
        level: As in `crop_box`.
        padding: As in `crop_box`.
        min_side: As in `crop_box`.
    """
    in_frame = crop_box(
        activation_map, frame_px=transform.crop_px, level=level, padding=padding, min_side=min_side
    )
    return box_in_original(
        in_frame,
        width_px=size_px[0],
        height_px=size_px[1],
        resize_px=transform.resize_px,
        crop_px=transform.crop_px,
    )


def _by_threads(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """Results for items, in their order; files are read, packed and unpacked beside each other."""
    todo = list(items)
    return list(done_ahead(work, todo, n_ahead=max(1, len(todo))))
