"""Where a target's weights come from, a file or a library's own, and what input they expect.

Libraries are imported on first use: a study whose weights are files needs none of them to be told
what is stale.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from textwrap import shorten
from typing import Any, NamedTuple
from urllib.parse import urlparse

from sieve_assets import study_targets
from sieve_assets.models.file_hashes import content_hash
from sieve_assets.study_problems import nearest

_LONGEST_REASON = 300
_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,})\.pth$")
_RESAMPLING = {2: "bilinear", 3: "bicubic"}
"""Pillow's numbers, as image processors save them."""


class Origin(NamedTuple):
    """What a target's network is loaded from."""

    weights: Path
    """A file, or a folder as transformers saves one."""
    transform: study_targets.Transform | None
    """What the weights say of their input; None if they say nothing."""


def origin_of(settings: study_targets.Target) -> Origin:
    """Where the weights are on this machine; a library's own are fetched if they are not yet here.

    Raises:
        LookupError: There are no such weights, or they cannot be fetched.
        ValueError: What was fetched is not what its name says.
    """
    if settings.weights is not None:
        return Origin(settings.weights, settings.transform)
    library, _, name = settings.network.partition(":")
    return _ORIGINS[library](name)


def transform_of(settings: study_targets.Target) -> study_targets.Transform:
    """From a picture to the network's input: as the study says, or else as the weights do.

    Raises:
        LookupError: Neither says so.
    """
    found = settings.transform or origin_of(settings).transform
    if found is None:
        raise LookupError(
            f"transform: expected the input of {settings.network} to be described by its weights, "
            "got nothing of the kind. Write a transform into the study file."
        )
    return found


def torchvision_weights(name: str) -> Any:
    """The entry of torchvision's list that "resnet50@IMAGENET1K_V2" stands for.

    Raises:
        LookupError: There is no such network, or it has no such weights.
    """
    from torchvision import models  # noqa: PLC0415 (seconds to import)

    network, _, tag = name.partition("@")
    known = models.list_models(module=models)
    if network not in known:
        raise LookupError(
            f"network: expected a network of torchvision, got {network!r}. "
            f"{nearest(network, known, 'Networks of torchvision')}"
        )
    weights = models.get_model_weights(network)
    tags = [*weights.__members__]
    if tag not in tags:
        raise LookupError(
            f"network: expected weights of torchvision's {network}, got {tag!r}. "
            f"{nearest(tag, tags, 'Weights')}"
        )
    return weights[tag]


@lru_cache(maxsize=64)
def _torchvision(name: str) -> Origin:
    from torch import hub  # noqa: PLC0415 (seconds to import)

    weights = torchvision_weights(name)
    file = Path(hub.get_dir()) / "checkpoints" / Path(urlparse(weights.url).path).name
    if not file.is_file():
        with _fetching(weights.url, f"{file}, or an address that can be reached"):
            weights.get_state_dict(progress=False, check_hash=True)
    promised = _HASH_IN_NAME.search(file.name)
    if promised and not content_hash(file).startswith(promised[1]):
        raise ValueError(
            f"weights: expected a file whose SHA-256 begins with {promised[1]}, got "
            f"{content_hash(file)[:8]} for {file}. Remove it, and it is fetched again."
        )
    transform = weights.transforms()
    return Origin(
        file,
        _transform(
            weights.url,
            resize_px=transform.resize_size[0],
            crop_px=transform.crop_size[0],
            mean=transform.mean,
            std=transform.std,
            interpolation=transform.interpolation.value,
        ),
    )


@lru_cache(maxsize=64)
def _timm(name: str) -> Origin:
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 (seconds to import)
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError  # noqa: PLC0415
    from timm.models import get_pretrained_cfg  # noqa: PLC0415

    said = get_pretrained_cfg(name)
    if said is None or not said.hf_hub_id:
        raise LookupError(
            f"network: expected a name with pretrained weights of timm, got {name!r}, which has "
            "none. Give weights, or another name (timm.list_pretrained())."
        )
    names = (said.hf_hub_filename or "model.safetensors", "pytorch_model.bin")
    with _fetching(said.hf_hub_id, "its file in the cache of Hugging Face's hub (HF_HOME)"):
        try:
            file = hf_hub_download(said.hf_hub_id, names[0])
        except (EntryNotFoundError, LocalEntryNotFoundError):
            file = hf_hub_download(said.hf_hub_id, names[1])
    return Origin(Path(file), _timms_transform(said))


def _timms_transform(said: Any) -> study_targets.Transform:
    """What timm's configuration of pretrained weights says, as timm evaluates them."""
    from timm.data import resolve_data_config  # noqa: PLC0415 (seconds to import)

    found = resolve_data_config(pretrained_cfg=said.to_dict())
    side = found["input_size"][-1]
    return _transform(
        said.hf_hub_id,
        resize_px=int(side / found["crop_pct"]),
        crop_px=side,
        mean=found["mean"],
        std=found["std"],
        interpolation=found["interpolation"],
    )


def _transformers(name: str) -> Origin:
    folder = Path(name) if Path(name).is_dir() else _snapshot(name)
    processor = folder / "preprocessor_config.json"
    if not processor.is_file():
        return Origin(folder, None)
    return Origin(folder, _processors_transform(json.loads(processor.read_text("utf-8"))))


@lru_cache(maxsize=64)
def _snapshot(name: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 (seconds to import)

    with _fetching(name, "a folder, or a name on Hugging Face's hub or in its cache (HF_HOME)"):
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors"]))


def _processors_transform(said: Mapping[str, Any]) -> study_targets.Transform:
    """What a saved image processor says.

    One that squeezes pictures into a square is read as one that cuts a square from their middle:
    what a neuron looks at must be found in the picture again.
    """
    size = _side(said.get("size", {}))
    crop = _side(said["crop_size"]) if said.get("do_center_crop") else size
    return _transform(
        "preprocessor_config.json",
        resize_px=size,
        crop_px=crop,
        mean=said["image_mean"],
        std=said["image_std"],
        interpolation=_RESAMPLING.get(said.get("resample", 2)),
    )


def _transform(where: str, *, mean: Sequence[float], std: Sequence[float], **said: Any) -> Any:
    """A transform of what weights say.

    Raises:
        ValueError: It is none that can be carried out here.
    """
    values = said | {"mean": tuple(mean), "std": tuple(std)}
    try:
        return study_targets.Transform.model_validate(values)
    except ValueError as error:
        raise ValueError(
            f"transform: expected one that resizes and crops a square, bilinear or bicubic, got "
            f"{values} from {where}. Write a transform into the study file."
        ) from error


def _side(size: Mapping[str, int] | int) -> int:
    if isinstance(size, int):
        return size
    return size.get("shortest_edge") or size["height"]


@contextmanager
def _fetching(what: str, where: str) -> Any:
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        raise LookupError(
            f"weights: expected {where}, got none of {what} "
            f"({shorten(str(error), _LONGEST_REASON)}). Fetch them where there is a network, or "
            "give weights as a file."
        ) from error


_ORIGINS: Mapping[str, Callable[[str], Origin]] = {
    "timm": _timm,
    "torchvision": _torchvision,
    "transformers": _transformers,
}
