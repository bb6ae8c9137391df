"""Linear classifiers over pooled feature maps: where a logit comes from (decision 8)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

_MAP_AXES = 4


class PooledHead(NamedTuple):
    """A linear layer, and the module before it that takes the mean over places."""

    head: nn.Linear
    pooling: nn.Module


def pooled_head(network: nn.Module, layer: nn.Module, try_out: Callable[[], None]) -> PooledHead:
    """A linear layer with the pooling that it reads: its logits are then sums over places.

    Args:
        network: That has the layer.
        layer: The classifier.
        try_out: Runs the network once, on a picture that is not of one colour.

    Raises:
        TypeError: The layer is not linear.
        ValueError: It does not read the mean over a feature map.
    """
    if not isinstance(layer, nn.Linear):
        raise TypeError(
            f"class_activation: expected a linear layer, got {type(layer).__name__}. "
            'Choose the classifier, or maps = "whole".'
        )
    entered = _inputs(network, try_out)
    read = entered.get(layer)
    for module, features in reversed(entered.items()):
        if read is not None and _is_mean(read, features):
            return PooledHead(layer, module)
    raise ValueError(
        "class_activation: expected a linear layer that reads the mean over a feature map, got one "
        'that does not. Use maps = "whole", or another layer.'
    )


def _is_mean(read: Tensor, features: Tensor) -> bool:
    has_places = features.ndim == _MAP_AXES and features.shape[2:].numel() > 1
    if not has_places or read.shape != features.shape[:2]:
        return False
    return torch.allclose(features.mean((2, 3)), read, rtol=1e-3, atol=1e-5)


def _inputs(network: nn.Module, try_out: Callable[[], None]) -> dict[nn.Module, Tensor]:
    """What enters every module that takes a tensor, in the order they run."""
    found: dict[nn.Module, Tensor] = {}

    def keep(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if inputs and isinstance(inputs[0], Tensor):
            found[module] = inputs[0].clone()

    handles = [module.register_forward_pre_hook(keep) for module in network.modules()]
    try:
        try_out()
    finally:
        for handle in handles:
            handle.remove()
    return found
