"""Image networks by library and name, built for inference with their weights."""

from collections.abc import Callable, Mapping
from typing import Any

import timm
import torchvision
from torch import nn
from transformers import AutoModelForImageClassification

from sieve_assets import study_targets
from sieve_assets.models.factories import made_by
from sieve_assets.models.origins import origin_of, torchvision_weights
from sieve_assets.models.weights import load_weights
from sieve_assets.study_problems import nearest

_REFUSALS = (TypeError, ValueError, AssertionError, RuntimeError, AttributeError, OSError)
"""What constructors raise for arguments and files that do not fit."""


def load_network(settings: study_targets.Target, *, where: str) -> nn.Module:
    """The target's network with its weights, in evaluation mode, without gradients.

    Args:
        settings: Of the target.
        where: Opens an error's text, for example "load_target(places)".

    Raises:
        LookupError: The library has no such network, or its weights cannot be had.
        ValueError: The arguments do not fit its constructor, or the weights do not fit it.
        TypeError: A factory returns something else than a network.
    """
    library, name = settings.network.split(":", maxsplit=1)
    if library in _NAMES:
        _require_known(library, name, where)
    origin = origin_of(settings)
    classes = {} if settings.n_classes is None else {"num_classes": settings.n_classes}
    try:
        network = _BUILDERS[library](name, settings, {**classes, **settings.network_args})
    except _REFUSALS as error:
        raise ValueError(
            f"{where}: expected arguments of {settings.network}, got {settings.network_args} "
            f"({error}). Change network_args."
        ) from error
    if not isinstance(network, nn.Module):
        raise TypeError(
            f"{where}: expected a torch module from {settings.network}, got a "
            f"{type(network).__name__}. Let it return the network."
        )
    if settings.weights is not None:
        load_weights(network, origin.weights, where=where)
    return network.requires_grad_(requires_grad=False).eval()


def _timm(name: str, settings: study_targets.Target, arguments: Mapping[str, Any]) -> nn.Module:
    return timm.create_model(name, pretrained=settings.weights is None, **arguments)


def _torchvision(
    name: str, settings: study_targets.Target, arguments: Mapping[str, Any]
) -> nn.Module:
    if settings.weights is None:
        weights = torchvision_weights(name)
        return torchvision.models.get_model(
            name.partition("@")[0], weights=weights, progress=False, **arguments
        )
    return torchvision.models.get_model(name, **arguments)


def _transformers(
    _name: str, settings: study_targets.Target, arguments: Mapping[str, Any]
) -> nn.Module:
    return AutoModelForImageClassification.from_pretrained(origin_of(settings).weights, **arguments)


def _factory(name: str, settings: study_targets.Target, _arguments: Mapping[str, Any]) -> nn.Module:
    return made_by(name, settings.network_args)


_NAMES = {
    "timm": timm.list_models,
    "torchvision": lambda: torchvision.models.list_models(module=torchvision.models),
}
_BUILDERS: Mapping[str, Callable[..., nn.Module]] = {
    "timm": _timm,
    "torchvision": _torchvision,
    "transformers": _transformers,
    "python": _factory,
}


def _require_known(library: str, name: str, where: str) -> None:
    known = _NAMES[library]()
    if name.partition("@")[0].split(".")[0] not in known:
        raise LookupError(
            f"{where}: expected a network of {library}, got {name!r}. "
            f"{nearest(name, known, f'Networks of {library}')}"
        )


def module_at(network: nn.Module, path: str, *, where: str) -> nn.Module:
    """The module at a dotted path.

    Raises:
        LookupError: There is none; the nearest names are listed.
    """
    modules = {name: module for name, module in network.named_modules() if name}
    if path not in modules:
        raise LookupError(
            f"{where}: expected the path of a module, got layer = {path!r}. "
            f"{nearest(path, modules, 'Modules')}"
        )
    return modules[path]
