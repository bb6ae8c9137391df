"""Image networks by library and name, built for inference with weights from a local file."""

import timm
import torchvision
from torch import nn

from sieve_assets import study
from sieve_assets.models.weights import load_weights
from sieve_assets.study_problems import nearest

_NAMES = {
    "timm": timm.list_models,
    "torchvision": lambda: torchvision.models.list_models(module=torchvision.models),
}
_BUILDERS = {"timm": timm.create_model, "torchvision": torchvision.models.get_model}


def load_network(settings: study.Target, *, where: str) -> nn.Module:
    """The target's network with its weights, in evaluation mode, without gradients.

    Args:
        settings: Of the target.
        where: Opens an error's text, for example "load_target(places)".

    Raises:
        LookupError: The library has no such network.
        ValueError: The arguments do not fit its constructor, or the weights do not fit it.
    """
    library, name = settings.network.split(":", maxsplit=1)
    known = _NAMES[library]()
    if name.split(".")[0] not in known:
        raise LookupError(
            f"{where}: expected a network of {library}, got {name!r}. "
            f"{nearest(name, known, f'Networks of {library}')}"
        )
    try:
        network = _BUILDERS[library](name, num_classes=settings.n_classes, **settings.network_args)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise ValueError(
            f"{where}: expected arguments of {settings.network}, got {settings.network_args} "
            f"({error}). Change network_args."
        ) from error
    load_weights(network, settings.weights, where=where)
    return network.requires_grad_(requires_grad=False).eval()


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
