"""How long the stages take, beside what the models alone need: `make bench`.

Ratios are taken side by side in one run, since absolute times vary from machine to machine.
"""

import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import torch
from rich.console import Console

from sieve_assets.assets.conductor import Conductor, legs
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.verify import draw_missing
from sieve_assets.method.generated_image_sets import picture_requests
from sieve_assets.models.frames import input_frames
from sieve_assets.models.networks import load_network
from sieve_assets.models.origins import transform_of
from sieve_assets.stores.probe_images import open_image

N_IMAGES = 1000
"""Probe scenes of the benchmark's study."""
N_PICTURES = 64


def seconds_of(work: Callable[[], object]) -> float:
    """How long `work` takes (s)."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


def small_study(folder: Path) -> Path:
    """The shipped study with fewer probe scenes, in a folder of its own."""
    root = Path(__file__).resolve().parents[1]
    text = (root / "sieve.toml").read_text(encoding="utf-8")
    (folder / "data").mkdir()
    (folder / "data" / "terrarium").symlink_to(root / "data" / "terrarium")
    file = folder / "sieve.toml"
    file.write_text(text.replace("n_images = 12000", f"n_images = {N_IMAGES}"), encoding="utf-8")
    return file


def compare_probe_pass(bench: Workbench, model: str, seconds: float, console: Console) -> None:
    """Print the probe pass beside the network's bare forward passes on the same images."""
    settings = bench.study.targets[model]
    network = load_network(settings, where=model)
    uris = bench.warehouse.read("SELECT uri FROM probe_images ORDER BY position")["uri"]
    images = [open_image(uri) for uri in uris]
    frames = input_frames(images, transform_of(settings), device=torch.device("cpu"))

    def forward() -> None:
        with torch.inference_mode():
            for batch in frames.split(bench.batch_size):
                network(batch)

    bare = seconds_of(forward)
    console.print(
        f"{model}: probe pass {seconds:.1f} s, bare forward {bare:.1f} s: {seconds / bare:.1f}"
    )


def compare_drawing(bench: Workbench, console: Console) -> None:
    """Print drawing through the picture bank beside the generator alone."""
    prompts = [f"concept {number}" for number in range(N_PICTURES)]
    seeds = [0] * N_PICTURES
    bench.generator.draw(prompts[:4], seeds[:4])
    bare = seconds_of(lambda: bench.generator.draw(prompts, seeds))
    requests = picture_requests(prompts, identity=bench.generator_identity, n_images=1)
    log = logging.getLogger("bench")
    banked = seconds_of(lambda: draw_missing(bench, requests, run_id="bench", log=log))
    console.print(
        f"{N_PICTURES} pictures: {banked / N_PICTURES:.3f} s each into the bank, "
        f"{bare / N_PICTURES:.3f} s alone: {banked / bare:.2f}"
    )


def main() -> None:
    """Run the small study once and print seconds and ratios."""
    console, folder = Console(), Path(tempfile.mkdtemp(prefix="sieve-bench-"))
    try:
        bench = Workbench(study_file=str(small_study(folder)))
        with dg.DagsterInstance.local_temp(str(folder)) as instance:
            conductor = Conductor(bench, instance, lambda heading, _: console.print(heading))
            stages = conductor.seconds
            for model in sorted(bench.study.targets):
                before = stages["probe_pass"]
                legs_s = [
                    seconds_of(lambda leg=leg, model=model: conductor.run_leg(leg, model))
                    for leg in legs(bench.study)
                ]
                console.print(f"{model}: {sum(legs_s):.0f} s")
                compare_probe_pass(bench, model, stages["probe_pass"] - before, console)
        console.print(", ".join(f"{name} {value:.1f} s" for name, value in stages.items()))
        compare_drawing(bench, console)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
