"""Pictures of hypotheses that two targets share: what is drawn, and what drawing costs.

The hypotheses are made up from the shipped concepts; the generator is the shipped one. Beside it, a
bare loop over the same diffusers pipeline at the batch size that serves it best.
"""

import logging
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from diffusers import AutoPipelineForText2Image
from PIL import Image

from benchmarks.figures import Figure, medians, ratio_of_medians
from benchmarks.studies import pretend, seconds_of_stage, shipped_study
from sieve_assets import study
from sieve_assets.assets.errands import Errand
from sieve_assets.assets.hypothesize import concept_hypotheses, concept_names
from sieve_assets.assets.picture_bank import draw_missing
from sieve_assets.assets.pipeline import STAGES
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.verify import generated_image_sets
from sieve_assets.method.generated_image_sets import picture_requests
from sieve_assets.models.devices import device_for

TARGETS = ("terrarium_resnet", "terrarium_vit")
N_CONCEPTS, N_IMAGES, N_EACH = 30, 4, 2
"""Concepts that hypotheses are made up from, pictures a hypothesis, hypotheses a neuron."""
N_PICTURES, N_RUNS = 256, 3
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Drawn(NamedTuple):
    """What two targets with shared concepts had drawn."""

    n_wanted: int
    """Pictures over all hypotheses."""
    n_distinct: int
    times: Counter[tuple[str, int]]
    """How often each prompt was drawn with each seed."""


def made_up_hypotheses(model: str, width: int, concepts: Sequence[str]) -> pd.DataFrame:
    """Two names of each neuron."""
    draws = np.random.default_rng(len(model))
    names = [draws.choice(concepts, N_EACH, replace=False) for _ in range(width)]
    return pd.DataFrame(
        {
            "model": model,
            "neuron": np.repeat(np.arange(width, dtype=np.int32), N_EACH),
            "cluster": 0,
            "place": np.tile(np.arange(N_EACH), width),
            "concept": np.concatenate(names),
            "score": 0.3,
        }
    )


def drawn_for_two_targets(folder: Path, n_concepts: int) -> Drawn:
    """Run the stage for both targets and note every picture that the generator draws."""
    bench = shipped_study(folder, {"n_images = 24": f"n_images = {N_IMAGES}"})
    concepts = concept_names(bench.study)[:n_concepts]
    before = STAGES[: STAGES.index(concept_hypotheses)]
    times: Counter[tuple[str, int]] = Counter()
    generator: Any = bench.generator
    draw = generator.draw

    def noted(prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        times.update(zip(prompts, seeds, strict=True))
        return draw(prompts, seeds)

    generator.draw = noted
    for model in TARGETS:
        for stage in before:
            pretend(bench, stage, model, pd.DataFrame())
        width = bench.study.targets[model].width
        hypotheses = made_up_hypotheses(model, width, concepts)
        pretend(bench, concept_hypotheses, model, hypotheses)
        seconds_of_stage(bench, generated_image_sets, model)
    links = bench.warehouse.read(
        "SELECT count(*) AS n, count(DISTINCT (concept, seed)) AS n_distinct"
        " FROM generated_image_sets"
    )
    return Drawn(int(links["n"].iloc[0]), int(links["n_distinct"].iloc[0]), times)


def bare_pipeline(settings: study.Generator, device: str) -> Any:
    """The pipeline as diffusers loads it."""
    dtype = getattr(torch, settings.precision)
    pipeline: Any = AutoPipelineForText2Image.from_pretrained(settings.pipeline, dtype=dtype)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def bare_seconds(
    pipeline: Any, settings: study.Generator, prompts: Sequence[str], size: int
) -> float:
    """How long a loop over the pipeline takes for one picture (s)."""
    started = time.monotonic()
    for at in range(0, len(prompts), size):
        some = list(prompts[at : at + size])
        pipeline(
            prompt=some,
            generator=[torch.Generator("cpu").manual_seed(0) for _ in some],
            num_inference_steps=settings.steps,
            guidance_scale=settings.guidance,
            height=settings.size_px,
            width=settings.size_px,
        )
    return (time.monotonic() - started) / len(prompts)


def best_batch(seconds_at: Callable[[int], float], sizes: Sequence[int]) -> int:
    """The size at which a picture takes the least time, each tried twice."""
    return min(sizes, key=lambda size: min(seconds_at(size), seconds_at(size)))


def banked_seconds(bench: Workbench, prompts: Sequence[str]) -> float:
    """How long it takes to draw one picture into the bank (s)."""
    requests = picture_requests(prompts, identity=bench.generator_identity, n_images=1)
    started = time.monotonic()
    errand = Errand(bench, "benchmark", "none", "bench", logging.getLogger("benchmarks"))
    draw_missing(errand, requests)
    return (time.monotonic() - started) / len(prompts)


def cost_figures(
    bench: Workbench, n_pictures: int, n_runs: int, sizes: Sequence[int]
) -> Iterator[Figure]:
    """A picture's cost in the bank over that of a bare loop."""
    settings = bench.study.generator
    pipeline = bare_pipeline(settings, device_for(bench.device))
    prompts = [f"concept {number}" for number in range(n_pictures)]
    bare_seconds(pipeline, settings, prompts[:1], 1)
    sizes = [size for size in sizes if size <= n_pictures]
    best = best_batch(lambda size: bare_seconds(pipeline, settings, prompts, size), sizes)
    bench = bench.anew(batch_size=best)
    banked_seconds(bench, ["the first, with what a process does once"])
    rounds = count()

    def ours() -> float:
        number = next(rounds)
        return banked_seconds(bench, [f"{prompt}, {number}" for prompt in prompts])

    found = medians(
        {"ours": ours, "bare": lambda: bare_seconds(pipeline, settings, prompts, best)}, n_runs
    )
    yield Figure("bare diffusers loop: best batch size", best)
    yield Figure("bare diffusers loop: a picture", statistics.median(found["bare"]), "s")
    yield Figure(f"drawn into the bank, {bench.pictures_at_once} at once: a picture",
                 statistics.median(found["ours"]), "s")  # fmt: skip
    ratio = ratio_of_medians(found["ours"], found["bare"])
    yield Figure("drawing into the bank over the bare loop", ratio, "", 1.05)


def measure(
    n_concepts: int = N_CONCEPTS, n_pictures: int = N_PICTURES, n_runs: int = N_RUNS
) -> Iterator[Figure]:
    """What is shared, then what a picture costs; figures with their goals."""
    with tempfile.TemporaryDirectory(prefix="sieve-pictures-") as root:
        drawn = drawn_for_two_targets(Path(root) / "shared", n_concepts)
        n_drawn = drawn.times.total()
        n_again = n_drawn - len(drawn.times)
        n_missing = drawn.n_distinct - len(drawn.times)
        yield Figure("two targets with shared concepts: pictures of all hypotheses", drawn.n_wanted)
        yield Figure("two targets with shared concepts: pictures drawn", n_drawn)
        yield Figure("(concept, seed) drawn more than once, or not at all", n_again + n_missing,
                     "", 0)  # fmt: skip
        saved = 100 * (1 - n_drawn / drawn.n_wanted)
        yield Figure("saved against a set for every hypothesis", saved, "%")
        bench = shipped_study(Path(root) / "cost")
        yield from cost_figures(bench, n_pictures, n_runs, BATCH_SIZES)
