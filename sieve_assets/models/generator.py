"""Text-to-image models: a picture for each prompt and seed, by diffusers."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from diffusers import DiffusionPipeline
from PIL import Image

from sieve_assets import study
from sieve_assets.generator_families import Drawing, drawing_of
from sieve_assets.models.batches import Batches
from sieve_assets.models.identity import generator_identity
from sieve_assets.models.pipelines import load_pipeline, pipeline_folder
from sieve_assets.models.precision import full_precision
from sieve_assets.study_problems import nearest

_REMEDY = (
    'Set a smaller size_px, precision = "bfloat16", or memory = "offload" or "slices" in the study '
    "file."
)


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
        drawing: Drawing,
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
        self._size_px = drawing.size_px
        self._batches = Batches(batch_size, where="draw", remedy=_REMEDY)
        self._arguments = call_arguments(pipeline, settings, drawing)

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """One RGB picture for each prompt with the seed beside it, in their order.

        Raises:
            ValueError: There are not as many seeds as prompts, a picture has another size than the
                settings say, or its pixels are not finite.
            MemoryError: A single picture is too much for the device.
        """
        if len(prompts) != len(seeds):
            raise ValueError(
                f"draw: expected as many seeds as prompts, got {len(prompts)} prompts and "
                f"{len(seeds)} seeds. Give each picture its own seed."
            )
        batches = self._batches.over(
            len(prompts), lambda batch: self._draw_batch(list(prompts[batch]), seeds[batch])
        )
        return [picture for _, pictures in batches for picture in pictures]

    def _draw_batch(self, prompts: list[str], seeds: Sequence[int]) -> list[Image.Image]:
        # An empty negative prompt is left out: what "none" means (zeros, or an empty text) is the
        # pipeline's own choice, the one it was trained with.
        negative = {"negative_prompt": [self._settings.negative_prompt] * len(prompts)}
        with full_precision(), _autoencoder_as_it_was(self._pipeline):
            pixels = self._pipeline(
                prompt=prompts,
                generator=[torch.Generator("cpu").manual_seed(int(seed)) for seed in seeds],
                **self._arguments,
                **(negative if self._settings.negative_prompt else {}),
            ).images
        pictures = zip(prompts, seeds, pixels, strict=True)
        return [self._picture(values, prompt, seed) for prompt, seed, values in pictures]

    def _picture(self, values: np.ndarray, prompt: str, seed: int) -> Image.Image:
        side = self._size_px
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
    """The pipeline on `device`.

    Args:
        settings: Which pipeline, and how it draws.
        device: torch's name of it, for example "cpu" or "cuda".
        batch_size: Pictures drawn together, fewer if memory runs out; pictures do not depend on it.

    Raises:
        LookupError: There is no such folder, or the hub does not give the name.
        ValueError: The folder holds no pipeline that draws from text, or it cannot do what
            `settings` ask for.
        ImportError: A package is missing that the pipeline needs.
        MemoryError: The weights do not fit on the device.
    """
    folder = pipeline_folder(settings.pipeline, settings.variant)
    identity = generator_identity(settings, folder)
    return DiffusersGenerator(
        load_pipeline(settings, folder, device=device),
        settings,
        drawing_of(settings, folder),
        identity=identity,
        batch_size=batch_size,
    )


def call_arguments(
    pipeline: DiffusionPipeline, settings: study.Generator, drawing: Drawing
) -> dict[str, Any]:
    """What a pipeline is called with besides prompts and seeds, by what it takes.

    Raises:
        ValueError: It does not take what the settings ask for.
    """
    takes = inspect.signature(pipeline.__call__).parameters
    kind = type(pipeline).__name__
    if settings.negative_prompt and "negative_prompt" not in takes:
        raise ValueError(
            f"load_generator: expected a pipeline that takes a negative prompt, got {kind}. Leave "
            "negative_prompt empty in the study file."
        )
    true_scale = settings.call_args.get("true_cfg_scale", 1)
    if settings.negative_prompt and "true_cfg_scale" in takes and true_scale == 1:
        raise ValueError(
            f"load_generator: expected call_args = {{true_cfg_scale = 4.0}} or another scale above "
            f"1 beside a negative prompt of {kind}, got none: it would draw without it. Give the "
            "scale, or leave negative_prompt empty."
        )
    if settings.guidance is not None and "guidance_scale" not in takes:
        raise ValueError(
            f"load_generator: expected a pipeline that takes a guidance scale, got {kind}. Leave "
            "guidance away in the study file."
        )
    for name in settings.call_args:
        if name not in takes:
            raise ValueError(
                f"load_generator: expected call_args of {kind}, got {name!r}. "
                f"{nearest(name, takes, 'Arguments')}"
            )
    usual = {
        "num_inference_steps": drawing.steps,
        "guidance_scale": drawing.guidance,
        "height": drawing.size_px,
        "width": drawing.size_px,
        "output_type": "np",
        # Otherwise prompts would be rewritten just where two more packages are installed.
        "clean_caption": False,
    }
    return {name: value for name, value in usual.items() if name in takes} | settings.call_args


@contextmanager
def _autoencoder_as_it_was(pipeline: Any) -> Iterator[None]:
    """Put the autoencoder's precision back, which pipelines lift while it decodes.

    They would leave it lifted if memory runs out, and the next batch would fail.
    """
    autoencoder = getattr(pipeline, "vae", None)
    dtype = getattr(autoencoder, "dtype", None)
    try:
        yield
    finally:
        if autoencoder is not None and autoencoder.dtype != dtype:
            autoencoder.to(dtype)
