"""Text-to-image models: a picture for each prompt and seed, by diffusers."""

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import Any, Protocol

import numpy as np
import torch
from diffusers import AutoPipelineForText2Image, DiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from PIL import Image
from transformers.utils import logging as transformers_logging

from sieve_assets import study
from sieve_assets.models.identity import generator_identity
from sieve_assets.models.precision import full_precision

_LONGEST_REASON = 400


class Generator(Protocol):
    """A model that draws."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """Everything a picture depends on besides its prompt and seed, as JSON can say it."""
        ...

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """One picture for each prompt with the seed beside it."""
        ...


class DiffusersGenerator:
    """A pipeline of diffusers. Made by `load_generator`.

    Each picture has its own random numbers, made on the CPU: the same on every device, whatever
    pictures are drawn with it.
    """

    def __init__(
        self,
        pipeline: DiffusionPipeline,
        settings: study.Generator,
        *,
        identity: Mapping[str, Any],
        batch_size: int,
    ) -> None:
        """Take over a loaded pipeline.

        Raises:
            ValueError: The pipeline cannot do what `settings` ask for.
        """
        self.identity = identity
        self._pipeline: Any = pipeline
        self._settings = settings
        self._batch_size = batch_size
        takes = inspect.signature(pipeline.__call__).parameters
        if settings.negative_prompt and "negative_prompt" not in takes:
            raise ValueError(
                f"load_generator: expected a pipeline that takes a negative prompt, got "
                f"{type(pipeline).__name__}. Leave negative_prompt empty in the study file."
            )

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """One RGB picture for each prompt with the seed beside it, in their order.

        Raises:
            ValueError: There are not as many seeds as prompts, a picture has another size than the
                settings say, or its pixels are not finite.
        """
        if len(prompts) != len(seeds):
            raise ValueError(
                f"draw: expected as many seeds as prompts, got {len(prompts)} prompts and "
                f"{len(seeds)} seeds. Give each picture its own seed."
            )
        pictures: list[Image.Image] = []
        for start in range(0, len(prompts), self._batch_size):
            batch = slice(start, start + self._batch_size)
            pictures += self._draw_batch(list(prompts[batch]), seeds[batch])
        return pictures

    def _draw_batch(self, prompts: list[str], seeds: Sequence[int]) -> list[Image.Image]:
        settings = self._settings
        # An empty negative prompt is left out: what "none" means (zeros, or an empty text) is the
        # pipeline's own choice, the one it was trained with.
        negative = {"negative_prompt": [settings.negative_prompt] * len(prompts)}
        with full_precision():
            pixels = self._pipeline(
                prompt=prompts,
                generator=[torch.Generator("cpu").manual_seed(int(seed)) for seed in seeds],
                num_inference_steps=settings.steps,
                guidance_scale=settings.guidance,
                height=settings.size_px,
                width=settings.size_px,
                output_type="np",
                **(negative if settings.negative_prompt else {}),
            ).images
        pictures = zip(prompts, seeds, pixels, strict=True)
        return [self._picture(values, prompt, seed) for prompt, seed, values in pictures]

    def _picture(self, values: np.ndarray, prompt: str, seed: int) -> Image.Image:
        side = self._settings.size_px
        if values.shape != (side, side, 3):
            raise ValueError(
                f"draw: expected a picture of {side} x {side} pixels in colour, got "
                f"{values.shape}. Make size_px a multiple of what the pipeline can draw."
            )
        if not np.isfinite(values).all():
            raise ValueError(
                f"draw: expected finite pixels, got nan for {prompt!r}, seed {seed}. Use "
                f'another precision than "{self._settings.precision}" in the study file.'
            )
        return Image.fromarray((values * 255).round().astype(np.uint8))


def load_generator(
    settings: study.Generator, *, device: str, batch_size: int
) -> DiffusersGenerator:
    """The pipeline on `device`, without safety checker, watermark and progress bars.

    A safety checker blackens pictures and a watermark changes them: both would be measured with
    the concept.

    Args:
        settings: Which pipeline, and how it draws.
        device: torch's name of it, for example "cpu" or "cuda".
        batch_size: Pictures drawn together; pictures do not depend on it.

    Raises:
        LookupError: There is no such folder, or the hub does not give the name.
        ValueError: The folder holds no pipeline that draws from text.
    """
    folder = pipeline_folder(settings.pipeline)
    identity = generator_identity(settings, folder)
    index = json.loads((folder / "model_index.json").read_text())
    unchecked = {"safety_checker": None, "requires_safety_checker": False}
    dtype = getattr(torch, settings.precision)
    try:
        with _no_progress_bars():
            pipeline = AutoPipelineForText2Image.from_pretrained(
                folder, dtype=dtype, **{k: v for k, v in unchecked.items() if k in index}
            )
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise ValueError(
            f"load_generator: expected a diffusers pipeline that draws from text, got {folder}: "
            f"{shorten(str(error), _LONGEST_REASON)} Check its files."
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    if hasattr(pipeline, "watermark"):
        pipeline.watermark = None
    return DiffusersGenerator(
        pipeline.to(device), settings, identity=identity, batch_size=batch_size
    )


def pipeline_folder(pipeline: Path | str) -> Path:
    """The pipeline's folder; a name that is none is fetched from the hub."""
    if Path(pipeline).is_dir():
        return Path(pipeline)
    try:
        if isinstance(pipeline, str):
            return Path(DiffusionPipeline.download(pipeline))
        raise FileNotFoundError("there is no such folder")
    except (OSError, ValueError) as error:
        raise LookupError(
            f"load_generator: expected a diffusers folder or a name on the hub, got {pipeline}: "
            f"{shorten(str(error), _LONGEST_REASON)} Correct pipeline in the study file."
        ) from error


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Loading from a folder takes seconds: its bars would only fill the runs' logs."""
    libraries = (diffusers_logging, transformers_logging)
    for library in libraries:
        library.disable_progress_bar()
    try:
        yield
    finally:
        for library in libraries:
            library.enable_progress_bar()
