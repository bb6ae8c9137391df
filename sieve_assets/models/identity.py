"""What a model is, by the content of its files: hashes that need no model loaded and no torch.

Equal hashes mean equal results, so what has been computed once is recognised before anything loads.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from sieve_assets import study
from sieve_assets.settings_hash import settings_hash

_READS = {"network", "network_args", "layer", "reducer", "maps", "transform"}
"""What an activation depends on besides weights and picture."""


def target_hash(settings: study.Target) -> str:
    """SHA-256, in hex, over everything that a target's activation depends on besides the picture.

    Raises:
        LookupError: There is no file of weights.
    """
    identity = target_identity(settings)
    return settings_hash(identity.pop("weights"), identity)


def target_identity(settings: study.Target) -> dict[str, Any]:
    """Everything that a target's activation depends on besides the picture, as JSON can say it.

    Raises:
        LookupError: There is no file of weights.
    """
    read = settings.model_dump(mode="json", include=_READS)
    return {"weights": content_hash(settings.weights), **read}


def generator_identity(settings: study.Generator, folder: Path) -> dict[str, Any]:
    """Everything a picture depends on besides its prompt and seed, as JSON can say it.

    Args:
        settings: How it draws.
        folder: Of the pipeline, as diffusers saves one.

    Raises:
        LookupError: There is no such folder.
        ValueError: The folder holds no pipeline.
    """
    index = _read_json(folder / "model_index.json")
    configuration = folder / "scheduler" / "scheduler_config.json"
    scheduler = _read_json(configuration) if configuration.is_file() else {}
    return {
        "pipeline": content_hash(folder),
        "pipeline_class": index.get("_class_name"),
        "scheduler": {k: v for k, v in scheduler.items() if k != "_diffusers_version"},
        "negative_prompt": settings.negative_prompt,
        "steps": settings.steps,
        "guidance": settings.guidance,
        "size_px": settings.size_px,
        "precision": settings.precision,
    }


def content_hash(path: Path) -> str:
    """SHA-256, in hex, of a file's bytes, or of all files of a folder with their relative names.

    Times and the folder's own place do not count; nor do hidden files, which tools leave behind,
    nor Markdown, which says what a model is and does not change what it does. A file is read again
    only when its size, times or inode say that it may have changed.

    Raises:
        LookupError: There is nothing at `path`.
        ValueError: The folder holds no files.
    """
    if path.is_file():
        return _file_hash(path)
    if not path.is_dir():
        raise LookupError(
            f"content_hash: expected a file or a folder, got {path}, where there is nothing. "
            "Check the path in the study file."
        )
    names = {file.relative_to(path): file for file in path.rglob("*") if file.is_file()}
    visible = {
        name.as_posix(): file
        for name, file in names.items()
        if not any(part.startswith(".") for part in name.parts) and name.suffix != ".md"
    }
    if not visible:
        raise ValueError(
            f"content_hash: expected a folder with files, got {path}, which is empty. "
            "Check the path in the study file."
        )
    digest = hashlib.sha256()
    for name, file in sorted(visible.items()):
        digest.update(f"{name}\0{_file_hash(file)}\n".encode())
    return digest.hexdigest()


def _file_hash(path: Path) -> str:
    seen = path.stat()
    return _hash_as_of(path, (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino))


@lru_cache(maxsize=4096)
def _hash_as_of(path: Path, _seen: tuple[int, ...]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
