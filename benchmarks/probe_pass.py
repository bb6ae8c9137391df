"""The probe pass beside bare loops that decode the same files and run the same forward pass.

One bare loop does one thing after the other. The second has torch's DataLoader decode in other
processes, one less than there are cores. Each measurement is in a new process.
"""

import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image, JpegImagePlugin
from torch.utils.data import DataLoader, Dataset

from benchmarks.figures import Figure, medians, ratio_of_medians
from benchmarks.fresh_process import Run, in_fresh_process
from benchmarks.networks import ARCHITECTURES, MODEL, photo_study, save_weights
from benchmarks.photos import make_photos
from benchmarks.studies import seconds_of_stage
from sieve_assets.assets.probe import probe_pass
from sieve_assets.assets.probe_sets import probe_images
from sieve_assets.assets.resources import Workbench
from sieve_assets.models.frames import cut_frame, input_frames
from sieve_assets.models.networks import load_network
from sieve_assets.models.origins import transform_of
from sieve_assets.study_targets import Transform

N_IMAGES, N_RUNS = 400, 3
MIB = 2**20
FLOAT_BYTES = 4


class Pass(NamedTuple):
    """What to pass through which network."""

    network: str
    weights: Path
    photos: Path
    device: str
    batch_size: int

    def bench(self, folder: Path) -> Workbench:
        """A study of it in a folder of its own."""
        return photo_study(
            folder,
            ARCHITECTURES[self.network],
            weights=self.weights,
            photos=self.photos,
            device=self.device,
            batch_size=self.batch_size,
        )


class Took(NamedTuple):
    """What a pass took."""

    seconds: float
    n_decoded: int
    """JPEGs that this process decoded; other processes' are not counted."""


class CutPhotos(Dataset):
    """The frames that a network sees, decoded when they are asked for."""

    def __init__(self, paths: list[Path], transform: Transform) -> None:
        """Frames of these files."""
        self._paths, self._transform = paths, transform

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> np.ndarray:
        with Image.open(self._paths[index]) as image:
            return np.array(cut_frame(image, self._transform))


def ours(what: Pass) -> Took:
    """The stage, after its images are listed and its network is loaded."""
    with tempfile.TemporaryDirectory(prefix="sieve-pass-") as folder:
        bench = what.bench(Path(folder))
        seconds_of_stage(bench, probe_images, MODEL)
        bench.target(MODEL)
        with noting_decoded() as decoded:
            seconds = seconds_of_stage(bench, probe_pass, MODEL)
        return Took(seconds, len(decoded))


@contextlib.contextmanager
def noting_decoded() -> Iterator[list[str]]:
    """A list that grows with each JPEG that this process decodes."""
    decoded: list[str] = []
    jpeg: Any = JpegImagePlugin.JpegImageFile
    load = jpeg.load_prepare

    def noted(image: Any) -> None:
        decoded.append(str(image.filename))
        load(image)

    jpeg.load_prepare = noted
    try:
        yield decoded
    finally:
        jpeg.load_prepare = load


def bare(what: Pass) -> Took:
    """Decode a batch, pass it through, and so on."""
    network, transform, paths = parts_of(what)
    started = time.monotonic()
    with torch.inference_mode():
        for at in range(0, len(paths), what.batch_size):
            images = [Image.open(path) for path in paths[at : at + what.batch_size]]
            network(input_frames(images, transform, device=what.device))
        synchronize(what.device)
    return Took(time.monotonic() - started, len(paths))


def with_data_loader(what: Pass) -> Took:
    """The same with other processes that decode ahead, as one would write it with torch."""
    network, transform, paths = parts_of(what)
    started = time.monotonic()
    loader = DataLoader(
        CutPhotos(paths, transform),
        batch_size=what.batch_size,
        num_workers=max((os.cpu_count() or 2) - 1, 1),
        pin_memory=what.device != "cpu",
    )
    mean, std = (
        255 * torch.tensor(values, device=what.device).view(3, 1, 1)
        for values in (transform.mean, transform.std)
    )
    with torch.inference_mode():
        for pixels in loader:
            frames = pixels.to(what.device).permute(0, 3, 1, 2).to(torch.float32)
            network(frames.sub_(mean).div_(std))
        synchronize(what.device)
    return Took(time.monotonic() - started, 0)


def parts_of(what: Pass) -> tuple[torch.nn.Module, Transform, list[Path]]:
    """The network, its transform and the files."""
    with tempfile.TemporaryDirectory(prefix="sieve-bare-") as folder:
        settings = what.bench(Path(folder)).study.targets[MODEL]
        network = load_network(settings, where=MODEL).to(what.device)
    transform = transform_of(settings)
    with torch.inference_mode():  # as loading a target does: the first pass is slow
        network(torch.zeros(1, 3, transform.crop_px, transform.crop_px, device=what.device))
    return network, transform, sorted(what.photos.glob("*.jpg"))


def synchronize(device: str) -> None:
    """Wait for what a GPU has been told to do."""
    if device != "cpu":
        torch.cuda.synchronize()


def figures_of(what: Pass, n_runs: int) -> Iterator[Figure]:
    """One network's figures with their goals."""
    runs: dict[str, list[Run]] = medians(
        {
            "ours": lambda: in_fresh_process(ours, what),
            "bare": lambda: in_fresh_process(bare, what),
            "loader": lambda: in_fresh_process(with_data_loader, what),
        },
        n_runs,
    )
    seconds = {name: [run.result.seconds for run in some] for name, some in runs.items()}
    n_images = len(list(what.photos.glob("*.jpg")))
    yield Figure(f"{what.network}: probe pass", statistics.median(seconds["ours"]), "s")
    yield Figure(
        f"{what.network}: probe pass over the bare loop",
        ratio_of_medians(seconds["ours"], seconds["bare"]),
        "",
        1.10,
    )
    yield Figure(
        f"{what.network}: probe pass over a loop with a DataLoader",
        ratio_of_medians(seconds["ours"], seconds["loader"]),
    )
    n_decoded = max(run.result.n_decoded for run in runs["ours"])
    yield Figure(f"{what.network}: times that an image is decoded", n_decoded / n_images, "", 1)
    peaks = {name: statistics.median(run.peak_bytes for run in some) for name, some in runs.items()}
    activations = n_images * ARCHITECTURES[what.network].width * FLOAT_BYTES
    yield Figure(f"{what.network}: peak memory", peaks["ours"] / MIB, "MiB")
    yield Figure(
        f"{what.network}: peak memory over the bare loop's and the activations",
        peaks["ours"] / (peaks["bare"] + activations),
        "",
        1.2,
    )


def measure(
    networks: tuple[str, ...] = tuple(ARCHITECTURES),
    n_images: int = N_IMAGES,
    n_runs: int = N_RUNS,
) -> Iterator[Figure]:
    """Every network on the same pictures; figures with their goals."""
    with tempfile.TemporaryDirectory(prefix="sieve-photos-") as root:
        folder = Path(root)
        photos = make_photos(folder / "photos", n_images)
        for network in networks:
            weights = save_weights(ARCHITECTURES[network], folder)
            yield from figures_of(Pass(network, weights, photos, "cpu", 64), n_runs)
