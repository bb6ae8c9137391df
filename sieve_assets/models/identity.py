"""What a model is, by the content of its files: hashes that need no model loaded and no torch.

Equal hashes mean equal results, so what has been computed once is recognised before anything loads.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sieve_assets import study, study_targets
from sieve_assets.generator_families import drawing_of
from sieve_assets.models.factories import factory_file
from sieve_assets.models.file_hashes import content_hash
from sieve_assets.models.origins import origin_of, transform_of
from sieve_assets.settings_hash import settings_hash

_READS = {"network", "network_args", "layer", "reducer", "maps", "transform"}
"""What an activation depends on besides weights and picture."""


def target_hash(settings: study_targets.Target) -> str:
    """SHA-256, in hex, over everything that a target's activation depends on besides the picture.

    Raises:
        LookupError: There is no file of weights.
    """
    identity = target_identity(settings)
    return settings_hash(identity.pop("weights"), identity)


def target_identity(settings: study_targets.Target) -> dict[str, Any]:
    """Everything that a target's activation depends on besides the picture, as JSON can say it.

    Raises:
        LookupError: There is no file of weights.
    """
    read = settings.model_dump(mode="json", include=_READS)
    library, _, name = settings.network.partition(":")
    if settings.transform is None:
        read["transform"] = transform_of(settings).model_dump(mode="json")
    if library == "transformers":  # a folder's name says nothing about what it holds
        read["network"] = library
    if settings.directions is not None:
        read["directions"] = [
            content_hash(settings.directions.file),
            settings.directions.model_dump(mode="json", exclude={"file"}),
        ]
    if settings.precision != "float32":
        read["precision"] = settings.precision
    if library == "python":
        read["code"] = content_hash(factory_file(name))
    return {"weights": content_hash(origin_of(settings).weights), **read}


def vision_language_hash(settings: study.VisionLanguage, weights: str) -> str:
    """Hash of everything that an embedding depends on besides its picture or text.

    Args:
        settings: How the model computes.
        weights: Hash of its files, or of what was loaded from them.
    """
    if settings.precision == "float32":
        return weights
    return settings_hash(weights, {"precision": settings.precision})


def generator_identity(settings: study.Generator, folder: Path) -> dict[str, Any]:
    """Everything a picture depends on besides its prompt and seed, as JSON can say it.

    What is absent from the settings is left out, so that a key that later versions know changes
    nothing; settings that no picture depends on are left out too.

    Args:
        settings: How it draws.
        folder: Of the pipeline, as diffusers saves one.

    Raises:
        LookupError: There is no such folder.
        ValueError: The folder holds no pipeline.
    """
    index = _read_json(folder / "model_index.json")
    configuration = folder / "scheduler" / "scheduler_config.json"
    scheduler = dict(_read_json(configuration)) if configuration.is_file() else {}
    scheduler |= settings.scheduler_args
    if settings.scheduler is not None:
        scheduler["_class_name"] = settings.scheduler
    rare = {"variant": settings.variant, "call_args": settings.call_args}
    return {
        "pipeline": content_hash(folder),
        "pipeline_class": index.get("_class_name"),
        "scheduler": {k: v for k, v in scheduler.items() if k != "_diffusers_version"},
        "negative_prompt": settings.negative_prompt,
        **drawing_of(settings, folder)._asdict(),
        "precision": settings.precision,
        **{name: value for name, value in rare.items() if value},
    }


def _read_json(path: Path) -> Mapping[str, Any]:
    """A configuration; infinite numbers as text, which JSON has no other way."""
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=str)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(
            f"load_generator: expected a diffusers pipeline, got {path.parent} without a readable "
            f"{path.name} ({reason}). Save one there with save_pretrained."
        ) from error
