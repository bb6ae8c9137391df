"""A target's stages tried on a few images: what a piece of work takes, and what comes of it.

Runs the models as the stages do, in a scratch folder; nothing is stored. Each figure is measured
when it is first asked for, after a warm-up.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sieve_assets.assets.hypothesize import cluster_rows
from sieve_assets.assets.partitions import Share
from sieve_assets.assets.probe import frames_of
from sieve_assets.assets.probe_sample import ProbeSample, probe_sample
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import beta_of
from sieve_assets.image_sets.listing import open_image
from sieve_assets.method.neuron_ratios import neuron_ratios
from sieve_assets.method.probe_images import is_held_out
from sieve_assets.stores.content_files import size_of

SAMPLE_IMAGES = 512
"""Probe images a target is tried on, at most."""
BUDGET_S = 8.0
"""After this time (s), no more images are observed, and no more pictures are drawn."""
GROWTH = 4
"""How many times as many pictures are drawn in the next batch: more take less time each."""
TRIED_NEURONS = 5
"""Neurons whose samples are cropped and clustered; the first is the warm-up."""


class Observed(NamedTuple):
    """What a target does on the sample of its probe set."""

    activations: np.ndarray
    """`[image, neuron]`."""
    strongest: Any
    """Every neuron's strongest of them, by place among those that are not held out."""
    eligible: np.ndarray
    """Places in the sample of the images that are not held out."""
    seconds: float
    """An image."""


class Cropped(NamedTuple):
    """What came of some neurons' samples."""

    seconds: float
    """A crop: cut, tried, stored, embedded."""
    patch_bytes: float
    n_features: int
    """Of an embedding."""
    cluster_s: float
    """To cluster a neuron's patches (s)."""
    n_clusters: float
    """The mean."""


class Embedded(NamedTuple):
    """What it takes the vision-language model to look at a whole image."""

    seconds: float
    n_features: int


class Drawn(NamedTuple):
    """What it takes to draw a picture."""

    seconds: float
    picture_bytes: float


@dataclass(frozen=True)
class Rehearsal:
    """Tries out one target.

    Attributes:
        bench: With the study, and a scratch folder for its results.
        given: The workbench of the study itself, which says where the probe images are.
        model: The target.
    """

    bench: Workbench
    given: Workbench
    model: str

    @cached_property
    def sample(self) -> ProbeSample:
        """Some of the target's probe images."""
        name = self.given.study.targets[self.model].probe
        return probe_sample(
            self.given, name, count=SAMPLE_IMAGES, scratch=self.bench.folder / self.model
        )

    @cached_property
    def observed(self) -> Observed:
        """The target on the sample, until the time is up; without what is held out."""
        import torch  # noqa: PLC0415 (seconds to import)

        from sieve_assets.method.probe_pass import merge_strongest  # noqa: PLC0415 (torch)

        select, target = self.bench.study.select, self.bench.target(self.model)
        ids = list(self.sample.images["image_id"])
        eligible = np.flatnonzero(~is_held_out(ids, select.held_out_share))
        uris = list(self.sample.images["uri"].iloc[eligible])
        target.observe(list(self._frames(uris[: self.bench.batch_size])))
        rows, kept, start, started = [], None, 0, time.monotonic()
        frames = self._frames(uris)
        while batch := list(islice(frames, self.bench.batch_size)):
            seen = target.observe(batch)
            rows.append(seen.activations.cpu().numpy())
            places = torch.arange(start, start + len(batch), device=seen.activations.device)
            kept = merge_strongest(kept, seen.activations, seen.maps, places, count=select.n_kept)
            start += len(batch)
            if time.monotonic() - started > BUDGET_S:
                break
        activations = np.concatenate(rows)
        seconds = (time.monotonic() - started) / len(activations)
        return Observed(activations, kept, eligible[: len(activations)], seconds)

    def _frames(self, uris: list[str]) -> Iterator[np.ndarray]:
        """Probe images as the target's frames, as a probe pass reads them."""
        images = self.sample.image_set
        target = self.bench.target(self.model)
        return frames_of(
            self.bench,
            target,
            uris,
            lambda uri: open_image(images, uri),
            readers=images.readers,
        )

    @cached_property
    def _ratios(self) -> tuple[Any, float]:
        study, started = self.bench.study, time.monotonic()
        found = neuron_ratios(
            np.ascontiguousarray(self.observed.activations.T),
            rule=study.targets[self.model].rule,
            beta=beta_of(study, self.model),
            percentile=study.select.percentile,
            normalise=study.select.normalise,
            gate=study.select.gate,
        )
        return found, (time.monotonic() - started) / self.observed.activations.size

    @property
    def selected(self) -> np.ndarray:
        """Whether each neuron would be selected by the sample alone: `[neuron]`."""
        return np.array(self._ratios[0].status) == "selected"

    @property
    def ratio_s(self) -> float:
        """To judge a neuron, for each probe image (s)."""
        return self._ratios[1]

    @property
    def places(self) -> int:
        """Places of a neuron's map."""
        return int(np.prod(self.observed.strongest.maps.shape[2:]))

    @cached_property
    def cropped(self) -> Cropped:
        """Samples of a few neurons, of the selected ones if there are some."""
        from sieve_assets.assets.cropping import Cropper  # noqa: PLC0415 (scipy is slow to import)

        neurons = self._tried()
        cropper = Cropper(self.bench, Share(self.model, neurons, []))
        cropper.samples = {neuron: self._samples(neuron) for neuron in neurons}
        cropper.maps = self.observed.strongest.maps.cpu().numpy()
        cropper.rows(neurons[0])
        timed = neurons[1:] or neurons
        crops, crop_s = _timed(lambda: [cropper.rows(neuron) for neuron in timed])
        patches = pd.concat(crops, ignore_index=True)
        groups, cluster_s = _timed(
            lambda: [
                cluster_rows(one, self.model, neuron, self.bench.study)
                for neuron, one in zip(timed, crops, strict=True)
            ]
        )
        sizes = [size_of(self.bench.images.root / uri) for uri in set(patches["uri"])]
        return Cropped(
            crop_s / len(patches),
            float(np.mean(sizes)),
            len(patches["embedding"].iloc[0]),
            cluster_s / len(timed),
            float(np.mean([one["n_clusters"].iloc[0] for one in groups])),
        )

    def _tried(self) -> list[int]:
        found = np.flatnonzero(self.selected)
        found = found if len(found) else np.arange(len(self.selected))
        evenly = np.linspace(0, len(found) - 1, min(TRIED_NEURONS, len(found))).astype(int)
        return [int(neuron) for neuron in found[evenly]]

    def _samples(self, neuron: int) -> pd.DataFrame:
        """A neuron's strongest images of the sample, as `selected_samples` would list them."""
        kept, count = self.observed.strongest, self.bench.study.select.n_samples
        places = self.observed.eligible[kept.positions[neuron, :count].cpu().numpy()]
        images = self.sample.images.iloc[places].reset_index(drop=True)
        return images.assign(
            model=self.model,
            neuron=neuron,
            rank=np.arange(len(images)),
            activation=kept.activations[neuron, :count].cpu().numpy(),
            median=float(self._ratios[0].median[neuron]),
        )

    def text_s(self, names: Sequence[str]) -> float:
        """To embed a concept (s)."""
        some = list(names[: self.bench.batch_size])
        self.bench.vision_language.embed_texts(some[:1])
        _, seconds = _timed(lambda: self.bench.vision_language.embed_texts(some))
        return seconds / len(some)

    def drawn(self, names: Sequence[str], *, most: int) -> Drawn:
        """Pictures of concepts, in batches that grow until one is full or the time is up.

        Args:
            names: Concepts.
            most: Pictures in a batch, if the workbench says more.
        """
        draw, size, count, seconds = self.bench.generator.draw, 0, 1, 0.0
        largest, started = min(self.bench.pictures_at_once, most), time.monotonic()
        draw([names[0]], [0])
        pictures: list[Any] = []
        while not size or (size < largest and time.monotonic() - started + 2 * seconds < BUDGET_S):
            size, count = count, min(GROWTH * count, largest)
            prompts = [names[at % len(names)] for at in range(size)]
            pictures, seconds = _timed(lambda some=prompts: draw(some, list(range(len(some)))))
        stored, store_s = _timed(lambda: [self.bench.images.put(one) for one in pictures])
        sizes = [size_of(self.bench.images.root / one.uri) for one in stored]
        return Drawn((seconds + store_s) / size, float(np.mean(sizes)))

    @cached_property
    def embedded(self) -> Embedded:
        """Some of the probe images, whole."""
        images, model = self.sample.image_set, self.bench.vision_language
        uris = list(self.sample.images["uri"].iloc[: self.bench.batch_size])

        def embed(some: Sequence[str]) -> np.ndarray:
            return model.embed_frames([model.frame(open_image(images, uri)) for uri in some])

        embed(uris[:1])
        found, seconds = _timed(lambda: embed(uris))
        return Embedded(seconds / len(uris), found.shape[1])

    @cached_property
    def look_s(self) -> float:
        """For the target to look at a generated picture (s)."""
        from PIL import Image  # noqa: PLC0415 (with the models)

        target, side = self.bench.target(self.model), self.bench.generator_identity["size_px"]
        noise = Image.effect_noise((side, side), 100).convert("RGB")
        pictures = [noise] * self.bench.batch_size
        target.activations(pictures[:1])
        return _timed(lambda: target.activations(pictures))[1] / len(pictures)

    @cached_property
    def scene_s(self) -> float:
        """To draw a scene whose truth is known and look at it (s)."""
        from PIL import Image  # noqa: PLC0415 (with the renderer)

        from sieve_assets.terrarium.oracle_scenes import SceneSet, draw_batches  # noqa: PLC0415

        size, target = self.bench.batch_size, self.bench.target(self.model)

        def look(n_scenes: int) -> None:
            for batch in draw_batches(SceneSet(None, n_scenes).scenes(), batch_size=size):
                target.activations([Image.fromarray(one) for one in batch])

        look(2 * size)
        return _timed(lambda: look(8 * size))[1] / (8 * size)


def _timed(work: Any) -> tuple[Any, float]:
    """What some work gives, and how long it takes (s)."""
    started = time.monotonic()
    result = work()
    return result, time.monotonic() - started


def scratch_bench(bench: Workbench, folder: Path) -> Workbench:
    """A workbench of the same study whose results go to a folder that is thrown away."""
    return bench.anew(study_file=str(bench.study_path), data=str(folder))
