"""Targets: a network's layer and its neurons, observed on pictures."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn

from sieve_assets import study
from sieve_assets.models.frames import input_frames
from sieve_assets.models.identity import target_hash
from sieve_assets.models.networks import load_network, module_at
from sieve_assets.models.precision import full_precision
from sieve_assets.models.readings import reading_for


class Observation(NamedTuple):
    """What the neurons of a target do on some pictures."""

    activations: Float[Tensor, "image neuron"]
    """One number a neuron, float32 (arbitrary units)."""
    maps: Float[Tensor, "image neuron row column"]
    """Where in the input frame a neuron responds, float32; as coarse as the layer."""


class Target(Protocol):
    """A layer whose neurons are explained."""

    @property
    def name(self) -> str:
        """The target's name in the study."""
        ...

    @property
    def width(self) -> int:
        """Number of neurons."""
        ...

    @property
    def weights_hash(self) -> str:
        """Hash of everything that an activation depends on besides the picture."""
        ...

    def observe(self, images: Sequence[Image.Image]) -> Observation:
        """Activations and maps of all neurons."""
        ...

    def activations(self, images: Sequence[Image.Image]) -> Float[np.ndarray, "image neuron"]:
        """Activations of all neurons, without maps."""
        ...


class NeuronTarget:
    """A target of timm or torchvision, in evaluation mode. Made by `load_target`.

    A picture's activations do not depend on the pictures beside it.
    """

    def __init__(
        self, name: str, settings: study.Target, network: nn.Module, *, batch_size: int
    ) -> None:
        """Watch the layer of `network` that `settings` name, and try it on a blank picture.

        Raises:
            LookupError: There is no such layer.
            ValueError: Its output is not what `settings` say.
        """
        self.name = name
        self.width = settings.width
        self.weights_hash = target_hash(settings)
        self._where = f"target {name}"
        self._transform = settings.transform
        self._layer_path = settings.layer
        self._batch_size = batch_size
        self._network = network
        self._device = next(network.parameters()).device
        self._layer = module_at(network, settings.layer, where=self._where)
        self._reading = reading_for(settings, network)
        frame = Image.new("RGB", (settings.transform.crop_px, settings.transform.crop_px))
        self._no_maps = self._forward([frame], with_maps=True)[1][:0].clone()

    def observe(self, images: Sequence[Image.Image]) -> Observation:
        """Activations and maps of all neurons, on the network's device.

        Args:
            images: Of any size and mode.

        Raises:
            ValueError: An activation is not finite; its image's position and neuron are named.
        """
        rows, maps = [self._no_maps.new_empty(0, self.width)], [self._no_maps]
        for batch_rows, batch_maps in self._batches(images, with_maps=True):
            rows.append(batch_rows)
            maps.append(batch_maps)
        return Observation(torch.cat(rows), torch.cat(maps))

    def activations(self, images: Sequence[Image.Image]) -> Float[np.ndarray, "image neuron"]:
        """Activations of all neurons, float32; the same as `observe` gives, without the maps.

        Raises:
            ValueError: An activation is not finite; its image's position and neuron are named.
        """
        rows = np.empty((len(images), self.width), np.float32)
        start = 0
        for activations, _ in self._batches(images, with_maps=False):
            rows[start : start + len(activations)] = activations.cpu().numpy()
            start += len(activations)
        return rows

    def _batches(
        self, images: Sequence[Image.Image], *, with_maps: bool
    ) -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, len(images), self._batch_size):
            batch = images[start : start + self._batch_size]
            activations, maps = self._forward(batch, with_maps=with_maps)
            self._require_finite(activations, start)
            yield activations, maps

    def _forward(self, images: Sequence[Image.Image], *, with_maps: bool) -> tuple[Tensor, Tensor]:
        """One batch through the network: activations, and maps or, if not asked for, nothing."""
        with full_precision():
            frames = input_frames(images, self._transform, device=self._device)
            attention = self._reading.attention if with_maps else None
            with _watch(self._layer, attention) as seen:
                self._network(frames)
            output = self._checked(seen.get("output"))
            activations = self._reading.activations(output)
            if not with_maps:
                return activations, activations.new_empty(0)
            return activations, self._reading.maps(output, seen.get("attended"))

    def _checked(self, output: Any) -> Tensor:
        """The layer's output as float32, if its axes and width are those of the settings."""
        axes = self._reading.axes
        if not isinstance(output, Tensor) or output.ndim != len(axes):
            found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(
                f"{self._where}: expected axes {', '.join(axes)} from layer {self._layer_path!r}, "
                f"got {found}. Choose another layer, or the reducer that goes with it."
            )
        width = output.shape[axes.index("neuron")]
        if width != self.width:
            raise ValueError(
                f"{self._where}: expected width = {self.width} neurons in layer "
                f"{self._layer_path!r}, got {width}. Correct width or layer in the study file."
            )
        return output.to(torch.float32)

    def _require_finite(self, activations: Tensor, start: int) -> None:
        is_finite = torch.isfinite(activations)
        if not is_finite.all():
            image, neuron = (~is_finite).nonzero()[0].tolist()
            raise ValueError(
                f"{self._where}: expected finite activations, got "
                f"{activations[image, neuron].item()} for image {start + image} of those given, "
                f"neuron {neuron}. Check the weights and the transform's std."
            )


def load_target(name: str, settings: study.Target, *, device: str, batch_size: int) -> NeuronTarget:
    """The target with its weights, on `device`.

    Args:
        name: Of the target in the study.
        settings: Of the target.
        device: torch's name of it, for example "cpu" or "cuda".
        batch_size: Pictures in one forward pass; results do not depend on it.

    Raises:
        LookupError: The network, the weights file or the layer does not exist.
        ValueError: The weights do not fit the network, or the layer's output is not what the
            settings say.
    """
    network = load_network(settings, where=f"target {name}").to(device)
    return NeuronTarget(name, settings, network, batch_size=batch_size)


@contextmanager
def _watch(layer: nn.Module, attention: nn.Module | None) -> Iterator[dict[str, Any]]:
    """Keep what leaves `layer` and what enters `attention`, while the network runs.

    The output is copied: the network's next step may overwrite it (`out += identity` in a ResNet's
    block, ReLU in place).
    """
    seen: dict[str, Any] = {}

    def keep_output(_module: nn.Module, _inputs: Any, output: Any) -> None:
        seen["output"] = output.clone() if isinstance(output, Tensor) else output

    def keep_input(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen["attended"] = inputs[0]

    handles = [layer.register_forward_hook(keep_output)]
    if attention is not None:
        handles.append(attention.register_forward_pre_hook(keep_input))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
