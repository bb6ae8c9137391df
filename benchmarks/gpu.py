"""A probe pass and drawing at full size on a GPU, beside bare loops: `make bench-gpu`.

A network of ResNet-50's size over 50,000 made-up JPEGs, and a pipeline of SDXL's size with random
weights. How busy the GPU is, is what nvidia-smi says of it twice a second.
"""

import argparse
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from benchmarks.figures import Figure, keep
from benchmarks.networks import ARCHITECTURES, save_weights
from benchmarks.photos import make_photos
from benchmarks.pictures import banked_seconds, bare_pipeline, bare_seconds, best_batch
from benchmarks.probe_pass import Pass, bare, ours, with_data_loader
from benchmarks.studies import ROOT, shipped_study
from sieve_assets import study
from sieve_assets.assets.resources import Workbench
from sieve_assets.terrarium.tokenizer import clip_tokenizer

N_IMAGES, N_PICTURES, BATCH_SIZE = 50_000, 32, 256
SDXL_STEPS, SDXL_GUIDANCE, SDXL_SIDE_PX = 50, 5.0, 1024
DRAWN_AT_ONCE = (1, 2, 4, 8, 16)
N_PAPER_NEURONS, N_PAPER_HYPOTHESES, N_PAPER_PICTURES, N_PAPER_CONCEPTS = 2048, 5, 50, 1500
"""The paper's Table 1: neurons, about so many hypotheses each, pictures of each; and concepts."""
HOUR_S = 3600
_BUSY = [
    "nvidia-smi",
    "--query-gpu=utilization.gpu",
    "--format=csv,noheader,nounits",
    "-lms",
    "500",
]


class Asked(NamedTuple):
    """What is measured."""

    device: str
    n_images: int
    n_pictures: int
    is_tiny: bool
    """A small network and the shipped generator instead, to try the benchmark itself."""


class Busy(NamedTuple):
    """What some work gave, and how busy the GPU was."""

    result: Any
    pct: float | None
    """None where there is no GPU."""


def while_watched(work: Callable[[], Any], device: str) -> Busy:
    """Do some work and watch the GPU meanwhile."""
    if device == "cpu":
        return Busy(work(), None)
    seen: list[float] = []
    with subprocess.Popen(_BUSY, stdout=subprocess.PIPE, text=True) as watch:  # noqa: S603 (ours)

        def note() -> None:
            for line in watch.stdout or ():
                seen.append(float(line))  # noqa: PERF401 (as the lines come)

        reader = threading.Thread(target=note)
        reader.start()
        try:
            result = work()
        finally:
            watch.terminate()
            reader.join()
    return Busy(result, statistics.mean(seen) if seen else None)


def pass_figures(asked: Asked, folder: Path) -> Iterator[Figure]:
    """The probe pass beside the bare loop and one with a DataLoader."""
    network = "ResNet-18" if asked.is_tiny else "ResNet-50"
    photos = make_photos(folder / "photos", asked.n_images)
    weights = save_weights(ARCHITECTURES[network], folder)
    what = Pass(network, weights, photos, asked.device, min(BATCH_SIZE, asked.n_images))
    seconds = {}
    for name, way in (("ours", ours), ("a bare loop", bare), ("a DataLoader", with_data_loader)):
        took = while_watched(lambda way=way: way(what).seconds, asked.device)
        seconds[name] = took.result
        yield Figure(f"{network}, {name}", asked.n_images / took.result, "images/s")
        if took.pct is not None:
            yield Figure(f"{network}, {name}: GPU busy", took.pct, "%")
    ratio = seconds["ours"] / seconds["a bare loop"]
    yield Figure(f"{network}: probe pass over the bare loop", ratio, "", 1.10)
    yield Figure(
        f"{network}: probe pass over a DataLoader", seconds["ours"] / seconds["a DataLoader"]
    )


@torch.no_grad()
def save_sdxl(folder: Path, device: str) -> Path:
    """A pipeline of Stable Diffusion XL's sizes with random weights in half precision.

    The sizes are those of stabilityai/stable-diffusion-xl-base-1.0.
    """
    tokenizer = clip_tokenizer(["cat", "dog"], n_merges=100, context_length=77)
    text: dict[str, Any] = {"vocab_size": 49408, "max_position_embeddings": 77}
    large: dict[str, Any] = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}
    large |= {"num_attention_heads": 12, "projection_dim": 768, "hidden_act": "quick_gelu"}
    huge: dict[str, Any] = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32}
    huge |= {"num_attention_heads": 20, "projection_dim": 1280, "hidden_act": "gelu"}
    unet: dict[str, Any] = {
        "sample_size": 128,
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": (5, 10, 20),
        "cross_attention_dim": 2048,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    }
    vae: dict[str, Any] = {
        "block_out_channels": (128, 256, 512, 512),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 2,
        "sample_size": 1024,
        "force_upcast": False,
    }
    torch.manual_seed(0)
    scheduler: Any = EulerDiscreteScheduler(beta_schedule="scaled_linear")
    with torch.device(device):
        pipeline: Any = StableDiffusionXLPipeline(
            vae=AutoencoderKL(**vae),
            text_encoder=CLIPTextModel(CLIPTextConfig(**text, **large)),
            text_encoder_2=CLIPTextModelWithProjection(CLIPTextConfig(**text, **huge)),
            tokenizer=tokenizer,
            tokenizer_2=tokenizer,
            unet=UNet2DConditionModel(**unet),
            scheduler=scheduler,
            add_watermarker=False,
        )
    pipeline.to(torch.float16).save_pretrained(folder)
    return folder


def generator_study(asked: Asked, folder: Path, at_once: int) -> Workbench:
    """A study with the generator that is measured."""
    options = {"device": asked.device, "batch_size": at_once}
    if asked.is_tiny:
        return shipped_study(folder, **options)
    shipped = (ROOT / "sieve.toml").read_text(encoding="utf-8")
    old = shipped[shipped.index("[generator]") : shipped.index("n_images = 24")]
    new = f"""[generator]
pipeline = "{folder.parent / "sdxl"}"
steps = {SDXL_STEPS}
guidance = {SDXL_GUIDANCE}
size_px = {SDXL_SIDE_PX}
precision = "float16"
"""
    return shipped_study(folder, {old: new}, **options)


def bare_picture(
    settings: study.Generator, prompts: Sequence[str], device: str
) -> tuple[int, Busy]:
    """The batch size that serves a bare loop best, and its seconds a picture."""
    pipeline = bare_pipeline(settings, device)

    def seconds_at(size: int) -> float:
        return bare_seconds(pipeline, settings, prompts[:size], size)

    best = best_batch(seconds_at, [size for size in DRAWN_AT_ONCE if size <= len(prompts)])
    return best, while_watched(lambda: bare_seconds(pipeline, settings, prompts, best), device)


def picture_figures(asked: Asked, folder: Path) -> Iterator[Figure]:
    """Drawing into the bank beside a bare loop, and what the paper's Table 1 would take."""
    if not asked.is_tiny:
        save_sdxl(folder / "sdxl", asked.device)
    settings = generator_study(asked, folder / "study", 1).study.generator
    prompts = [f"concept {number}" for number in range(asked.n_pictures)]
    best, alone = bare_picture(settings, prompts, asked.device)
    bench = generator_study(asked, folder / "study", best)
    bench.generator.draw(prompts[:best], [0] * best)
    banked = while_watched(lambda: banked_seconds(bench, prompts), asked.device)
    name = "shipped generator" if asked.is_tiny else "SDXL's size"
    yield Figure(f"{name}: best batch size", best)
    for way, took in (("a bare loop", alone), ("into the bank", banked)):
        yield Figure(f"{name}, {way}: a picture", took.result, "s")
        if took.pct is not None:
            yield Figure(f"{name}, {way}: GPU busy", took.pct, "%")
    yield Figure(
        f"{name}: into the bank over the bare loop", banked.result / alone.result, "", 1.05
    )
    yield from table_1_figures(banked.result)


def table_1_figures(seconds: float) -> Iterator[Figure]:
    """GPU-hours of the paper's hypotheses at so many seconds a picture."""
    n_unshared = N_PAPER_NEURONS * N_PAPER_HYPOTHESES
    for what, n_sets in (("a set a hypothesis", n_unshared), ("shared", N_PAPER_CONCEPTS)):
        hours = n_sets * N_PAPER_PICTURES * seconds / HOUR_S
        yield Figure(f"the paper's Table 1, {what}", hours, "GPU-h")


def measure(asked: Asked) -> Iterator[Figure]:
    """Everything once; figures with their goals."""
    with tempfile.TemporaryDirectory(prefix="sieve-gpu-") as root:
        yield from pass_figures(asked, Path(root))
        yield from picture_figures(asked, Path(root))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every figure as soon as it is there.

    Raises:
        SystemExit: There is no GPU.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--images", type=int, default=N_IMAGES)
    parser.add_argument("--pictures", type=int, default=N_PICTURES)
    parser.add_argument("--tiny", action="store_true", help="small models, to try the benchmark")
    given = parser.parse_args(arguments)
    if given.device != "cpu" and not torch.cuda.is_available():
        parser.error(
            f"expected a GPU for --device {given.device}, got none that torch can use. "
            "Run it on a machine with one, or try it with --device cpu --tiny."
        )
    figures = []
    for figure in measure(Asked(given.device, given.images, given.pictures, given.tiny)):
        print(figure, flush=True)
        figures.append(figure)
    keep("gpu", figures)


if __name__ == "__main__":
    main()
