"""From neurons to classes: the linear classifier that reads them, and what it does without one.

That a classifier is linear in a target's activations is never taken from its architecture: it is
seen in the numbers, since dropout, another norm or several pooled features may lie in between.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

TOLERANCE = 0.01
"""Largest difference between what a head gives and the logits, in the logits' standard deviations:
bfloat16 rounds by .4 %, and a module in between that changes anything changes far more."""


class Classified(NamedTuple):
    """What a network makes of some pictures."""

    activations: Float[Tensor, "image neuron"]
    """Of the target's neurons, float32."""
    logits: Float[Tensor, "image class"]
    """One number a class, float32."""


class LinearHead(NamedTuple):
    """Logits as a linear function of a target's activations."""

    weight: Float[np.ndarray, "class neuron"]
    bias: Float[np.ndarray, " class"]


def linear_head(network: nn.Module, seen: Classified) -> LinearHead | None:
    """The linear classifier that reads the activations and nothing else; None if there is none.

    If the neurons are the logits themselves, each is read by its own class.

    Args:
        network: That may have one.
        seen: What it makes of pictures that differ.
    """
    n_neurons, n_classes = seen.activations.shape[1], seen.logits.shape[1]
    if seen.activations.shape == seen.logits.shape and _is_close(seen.activations, seen.logits):
        return LinearHead(np.eye(n_classes, dtype=np.float32), np.zeros(n_classes, np.float32))
    for module in network.modules():
        if not isinstance(module, nn.Linear) or module.weight.shape != (n_classes, n_neurons):
            continue
        weight = module.weight.float()
        bias = weight.new_zeros(n_classes) if module.bias is None else module.bias.float()
        if _is_close(seen.activations @ weight.T + bias, seen.logits):
            return LinearHead(weight.detach().cpu().numpy(), bias.detach().cpu().numpy())
    return None


def _is_close(found: Tensor, logits: Tensor) -> bool:
    spread = logits.std(correction=0)
    return bool(spread > 0 and (found - logits).abs().max() <= TOLERANCE * spread)


def logits_in(output: Any, *, where: str) -> Float[Tensor, "image class"]:
    """What a classifier returns, as float32: a tensor, or the logits in transformers' output.

    Raises:
        TypeError: It returns something else.
    """
    found = output
    if isinstance(output, Mapping):
        found = output.get("logits")
    elif isinstance(output, tuple | list) and output:
        found = output[0]
    if isinstance(found, Tensor) and found.ndim == len(("image", "class")):
        return found.float()
    what = tuple(found.shape) if isinstance(found, Tensor) else type(output).__name__
    raise TypeError(
        f"{where}: expected a network that gives one number a class, got {what}. Leave out what "
        "is about classes."
    )
