"""Weights on disk: their content hash, and state dicts into networks."""

import hashlib
import pickle
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

_MOST_NAMES = 3
_WRAPPERS = ("state_dict", "model")


def content_hash(path: Path) -> str:
    """SHA-256, in hex, of a file's bytes, or of all files of a folder with their relative names.

    Times and the folder's own place do not count; nor do hidden files, which tools leave behind,
    nor Markdown, which says what a model is and does not change what it does.

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


def state_hash(network: nn.Module) -> str:
    """SHA-256, in hex, of a network's weights by name, for weights whose files are not at hand."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        plain = value.detach().cpu().contiguous()
        digest.update(f"{name}\0{plain.dtype}\0{tuple(plain.shape)}\0".encode())
        digest.update(plain.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file or of a file saved by torch, by name.

    Training scripts wrap them ({"state_dict": …}, names beginning with "module."): unwrapped here.

    Raises:
        LookupError: There is no such file.
        ValueError: The file does not hold a state dict.
    """
    if not path.is_file():
        raise LookupError(
            f"read_state_dict: expected a file of weights, got {path}, where there is none. "
            "Check weights in the study file."
        )
    try:
        is_safe = path.suffix == ".safetensors"
        saved = load_file(path) if is_safe else torch.load(path, "cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, EOFError, RuntimeError) as error:
        raise _not_a_state_dict(path, f"{error or 'an empty file'}".split("\n")[0]) from error
    for wrapper in _WRAPPERS:
        if isinstance(saved, dict) and isinstance(saved.get(wrapper), dict):
            saved = saved[wrapper]
    if not isinstance(saved, dict) or not saved:
        raise _not_a_state_dict(path, f"a {type(saved).__name__}")
    strangers = [name for name, value in saved.items() if not isinstance(value, Tensor)]
    if strangers:
        raise _not_a_state_dict(path, f"entries that are no tensors: {_some(strangers)}")
    is_wrapped = all(name.startswith("module.") for name in saved)
    return {name.removeprefix("module.") if is_wrapped else name: saved[name] for name in saved}


def load_weights(network: nn.Module, path: Path, *, where: str) -> None:
    """Put the state dict at `path` into `network`, all of it and nothing else.

    Args:
        network: Built without weights; changed in place.
        path: A .safetensors or .pth file.
        where: Opens the error's text, for example "load_target(places)".

    Raises:
        ValueError: Names or shapes differ from the network's; the first few are named.
    """
    found = read_state_dict(path)
    expected = network.state_dict()
    shapes = [
        f"{name} {tuple(found[name].shape)} for {tuple(expected[name].shape)}"
        for name in expected.keys() & found.keys()
        if found[name].shape != expected[name].shape
    ]
    fitting = {} if shapes else found
    missing, unexpected = network.load_state_dict(fitting, strict=False)
    differences = {
        "other shapes": sorted(shapes),
        "missing": [] if shapes else missing,
        "unknown": [] if shapes else unexpected,
    }
    told = [f"{kind}: {_some(names)}" for kind, names in differences.items() if names]
    if told:
        raise ValueError(
            f"{where}: expected the weights of this network, got {path.name} with "
            f"{'; '.join(told)}. Check network, network_args and n_classes against the weights."
        )


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _not_a_state_dict(path: Path, found: str) -> ValueError:
    return ValueError(
        f"read_state_dict: expected a state dict in {path}, got {found}. "
        "Save network.state_dict() as .safetensors or with torch.save."
    )


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
