"""Pipelines of diffusers, found, loaded and set up as a study says."""

import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from diffusers import AutoPipelineForText2Image, DiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from sieve_assets import study
from sieve_assets.models.batches import loading
from sieve_assets.study_problems import nearest

_LONGEST_REASON = 400
_REFUSALS = (OSError, ValueError, TypeError, RuntimeError, AttributeError, KeyError)
"""What diffusers and transformers raise for what they cannot load."""
_TOKENIZERS = ("sentencepiece", "protobuf", "tiktoken")
"""transformers asks for the last where the first is missing."""
_INSTALL = "Install what it needs; T5's tokenizer: `pip install sieve_assets[t5]`."


def load_pipeline(settings: study.Generator, folder: Path, *, device: str) -> Any:
    """The pipeline on `device`, without safety checker, watermark and progress bars.

    A safety checker blackens pictures and a watermark changes them: both would be measured with
    the concept.

    Args:
        settings: How it draws.
        folder: Of the pipeline's files.
        device: torch's name of it, for example "cpu" or "cuda".

    Raises:
        ValueError: The folder holds no pipeline that draws from text, or it cannot do what
            `settings` ask for.
        ImportError: A package is missing that the pipeline needs.
        MemoryError: The weights do not fit on the device.
    """
    pipeline = _from_folder(folder, settings)
    pipeline.set_progress_bar_config(disable=True)
    if hasattr(pipeline, "watermark"):
        pipeline.watermark = None
    _set_scheduler(pipeline, settings)
    with loading("load_generator", 'Set memory = "offload", or precision = "bfloat16".'):
        _place(pipeline, settings.memory, device)
    if settings.compile:
        _compile(pipeline)
    return pipeline


def pipeline_folder(pipeline: Path | str, variant: str | None = None) -> Path:
    """The pipeline's folder; a name that is none is fetched from the hub, or found in its cache.

    Args:
        pipeline: diffusers' folder or a name on its hub.
        variant: Of the files that are fetched.

    Raises:
        LookupError: There is no such folder, or the hub does not give the name.
    """
    if Path(pipeline).is_dir():
        return Path(pipeline)
    try:
        if isinstance(pipeline, str):
            return Path(DiffusionPipeline.download(pipeline, variant=variant))
        raise FileNotFoundError("there is no such folder")
    except (OSError, ValueError) as error:
        raise LookupError(
            f"load_generator: expected a diffusers folder or a name on the hub, got {pipeline}: "
            f"{shorten(str(error), _LONGEST_REASON)} Correct pipeline in the study file, or fetch "
            "it where there is a network: it is looked for in the hub's cache (HF_HOME) too."
        ) from error


def _from_folder(folder: Path, settings: study.Generator) -> Any:
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    unchecked = {"safety_checker": None, "requires_safety_checker": False}
    expected = "load_generator: expected a diffusers pipeline that draws from text"
    try:
        with _no_progress_bars():
            return AutoPipelineForText2Image.from_pretrained(
                folder,
                dtype=getattr(torch, settings.precision),
                variant=settings.variant,
                **{key: value for key, value in unchecked.items() if key in index},
            )
    except ImportError as error:
        raise ImportError(f"{expected}, got {folder}: {_reason(error)} {_INSTALL}") from error
    except _REFUSALS as error:
        is_tokenizer = any(name in str(error).lower() for name in _TOKENIZERS)
        remedy = _INSTALL if is_tokenizer else "Check its files, and variant in the study file."
        raise ValueError(f"{expected}, got {folder}: {_reason(error)} {remedy}") from error


def _set_scheduler(pipeline: Any, settings: study.Generator) -> None:
    """Another scheduler, or the pipeline's own with other arguments, if the settings say so.

    Raises:
        ValueError: There is no such scheduler for the pipeline, or it has no such argument.
    """
    if settings.scheduler is None and not settings.scheduler_args:
        return
    own = pipeline.scheduler
    kinds = {kind.__name__: kind for kind in [*getattr(own, "compatibles", ()), type(own)]}
    name = settings.scheduler or type(own).__name__
    if name not in kinds:
        raise ValueError(
            f"load_generator: expected a scheduler that goes with {type(pipeline).__name__}'s "
            f"{type(own).__name__}, got {name!r}. {nearest(name, kinds, 'Schedulers')}"
        )
    known = [*inspect.signature(kinds[name].__init__).parameters][1:]
    for argument in settings.scheduler_args:
        if argument not in known:
            raise ValueError(
                f"load_generator: expected scheduler_args of {name}, got {argument!r}. "
                f"{nearest(argument, known, 'Arguments')}"
            )
    try:
        pipeline.scheduler = kinds[name].from_config(own.config, **settings.scheduler_args)
    except (*_REFUSALS, ImportError) as error:
        raise ValueError(
            f"load_generator: expected scheduler_args that {name} takes, got "
            f"{settings.scheduler_args}: {_reason(error)} Choose others, or another scheduler."
        ) from error


def _place(pipeline: Any, memory: str, device: str) -> None:
    """Put the weights where the settings say.

    On the CPU there is nothing to offload from.
    """
    if memory == "slices":
        pipeline.enable_attention_slicing()
        if hasattr(getattr(pipeline, "vae", None), "enable_slicing"):
            pipeline.vae.enable_slicing()
    if memory == "offload" and torch.device(device).type != "cpu":
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.to(device)


def _compile(pipeline: Any) -> None:
    """Have the denoiser's repeated blocks compiled, once for all of them, or else all of it.

    Raises:
        ValueError: The pipeline has no denoiser to compile.
    """
    denoiser = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    if denoiser is None:
        raise ValueError(
            f"load_generator: expected a pipeline with a unet or a transformer to compile, got "
            f"{type(pipeline).__name__}. Leave compile away in the study file."
        )
    if getattr(denoiser, "_repeated_blocks", None):
        denoiser.compile_repeated_blocks()
    else:
        denoiser.compile()


def _reason(error: Exception) -> str:
    return shorten(str(error), _LONGEST_REASON)


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
