"""Weights on disk: state dicts into networks, and their hash where no file is at hand."""

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


def _not_a_state_dict(path: Path, found: str) -> ValueError:
    return ValueError(
        f"read_state_dict: expected a state dict in {path}, got {found}. "
        "Save network.state_dict() as .safetensors or with torch.save."
    )


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
