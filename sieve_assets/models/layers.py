"""Which layer to study if nobody says: the last that still has places, and how it is read."""

from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor, nn

from sieve_assets import study_targets
from sieve_assets.models.attribution import class_token_attention, token_layout
from sieve_assets.models.frames import input_frames
from sieve_assets.models.precision import full_precision

_VECTOR_AXES, _TOKEN_AXES, _MAP_AXES = 2, 3, 4
_N_TRIED = 4
"""Pictures of noise that tell whether a layer's values can be negative."""


class Layer(NamedTuple):
    """A layer, and the settings that go with it."""

    layer: str
    reducer: str
    width: int
    maps: str
    rule: str


def last_layer_with_places(
    network: nn.Module, transform: study_targets.Transform, *, path: str | None = None
) -> Layer:
    """The layer whose neurons are usually studied: the last feature map or the last tokens.

    Args:
        network: In evaluation mode.
        transform: From a picture to its input.
        path: Of the module, if it is known.

    Raises:
        LookupError: No module, or not this one, gives feature maps, tokens or a vector.
    """
    outputs = _outputs(network, transform)
    if path is not None:
        outputs = {path: outputs[path]} if path in outputs else {}
    else:
        outputs = {name: one for name, one in outputs.items() if _has_places(one)}
    if not outputs:
        raise LookupError(
            f"layer: expected a module that gives feature maps or tokens, got {path or 'none'}. "
            "Choose one of network.named_modules()."
        )
    name, output = list(outputs.items())[-1]
    rule = "signed" if output.min() < 0 else "ratio"
    if output.ndim == _MAP_AXES:
        return Layer(name, "mean", _n_channels(output), "feature_map", rule)
    if output.ndim == _TOKEN_AXES:
        reducer, maps = _of_tokens(network)
        return Layer(name, reducer, output.shape[2], maps, rule)
    return Layer(name, "none", output.shape[1], "whole", rule)


def output_layer(network: nn.Module, transform: study_targets.Transform) -> Layer:
    """The module whose output is the network's own: a classifier's logits.

    Args:
        network: In evaluation mode.
        transform: From a picture to its input.

    Raises:
        LookupError: The last module gives no vector.
    """
    outputs = _outputs(network, transform)
    name, output = list(outputs.items())[-1] if outputs else ("none", None)
    if output is None or output.ndim != _VECTOR_AXES:
        shape = None if output is None else tuple(output.shape)
        raise LookupError(
            f"output_layer: expected a vector a picture from the last module, got {shape} from "
            f"{name}. Its classes cannot be studied."
        )
    return Layer(name, "none", output.shape[1], "whole", "signed")


def _has_places(output: Tensor) -> bool:
    is_map = output.ndim == _MAP_AXES and output[0].numel() > max(output.shape[1], output.shape[3])
    return is_map or (output.ndim == _TOKEN_AXES and output.shape[1] > 1)


def _n_channels(output: Tensor) -> int:
    """Of feature maps that are square: the axis that has not another's length."""
    _, first, middle, last = output.shape
    return last if first == middle != last else first


def _of_tokens(network: nn.Module) -> tuple[str, str]:
    try:
        if token_layout(network).n_prefix == 0:
            return "token_mean", "patch_tokens"
    except ValueError:
        return "token_mean", "patch_tokens"
    try:
        class_token_attention(network)
    except (ValueError, AttributeError):
        return "class_token", "patch_tokens"
    return "class_token", "class_token_contributions"


def _outputs(network: nn.Module, transform: study_targets.Transform) -> dict[str, Tensor]:
    """What every module gives for pictures of noise, in the order they end."""
    found: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            if isinstance(output, Tensor) and 1 < output.ndim <= _MAP_AXES:
                found.pop(name, None)
                found[name] = output.clone()

        return hook

    handles = [m.register_forward_hook(keep(name)) for name, m in network.named_modules() if name]
    side = transform.crop_px
    pictures = [Image.effect_noise((side, side), 20 * (1 + i)) for i in range(_N_TRIED)]
    try:
        with full_precision():
            network(input_frames(pictures, transform, device=_device(network)))
    finally:
        for handle in handles:
            handle.remove()
    return found


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device
