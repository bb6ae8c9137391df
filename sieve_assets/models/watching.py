"""Hooks on a layer while a network runs: what leaves it is kept, or a neuron is held at a value."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sieve_assets.models.readings import Reading


class Held(NamedTuple):
    """A neuron whose activation is not the network's own."""

    neuron: int
    """Position in the layer."""
    value: float
    """What it is everywhere that the activation is read from."""


@contextmanager
def watch(layer: nn.Module, watched: nn.Module | None) -> Iterator[dict[str, Any]]:
    """Keep what leaves `layer` and what enters `watched`, while the network runs.

    The output is copied: the network's next step may overwrite it (`out += identity` in a ResNet's
    block, ReLU in place).
    """
    seen: dict[str, Any] = {}

    def keep_output(_module: nn.Module, _inputs: Any, output: Any) -> None:
        seen["output"] = output.clone() if isinstance(output, Tensor) else output

    def keep_input(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen["entered"] = inputs[0].to(torch.float32)

    handles = [layer.register_forward_hook(keep_output)]
    if watched is not None:
        handles.append(watched.register_forward_pre_hook(keep_input))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def held(layer: nn.Module, reading: Reading, at: Held | None) -> Iterator[None]:
    """Hold a neuron at a value while the network runs, wherever its activation is read from."""
    if at is None:
        yield
        return

    def hold(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        kept = output.clone()
        reading.of_neuron(reading.ordered(kept), at.neuron).fill_(at.value)
        return kept

    handle = layer.register_forward_hook(hold)
    try:
        yield
    finally:
        handle.remove()
