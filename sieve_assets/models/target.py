"""Targets: a network's layer and its neurons, observed on pictures."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn

from sieve_assets import study_targets
from sieve_assets.models.batches import Batches, loading
from sieve_assets.models.directions import load_directions
from sieve_assets.models.frames import Pictures, input_frames
from sieve_assets.models.heads import Classified, LinearHead, linear_head, logits_in
from sieve_assets.models.identity import target_hash
from sieve_assets.models.networks import load_network, module_at
from sieve_assets.models.origins import transform_of
from sieve_assets.models.precision import arithmetic, full_precision
from sieve_assets.models.readings import reading_for
from sieve_assets.models.watching import Held, held, watch
from sieve_assets.study_values import Precision

_REMEDY = 'Set precision = "bfloat16" for this target, or use another SIEVE_DEVICE.'


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
    def transform(self) -> study_targets.Transform:
        """From a picture to what the network sees of it."""
        ...

    @property
    def weights_hash(self) -> str:
        """Hash of everything that an activation depends on besides the picture."""
        ...

    def observe(self, images: Pictures) -> Observation:
        """Activations and maps of all neurons."""
        ...

    def activations(self, images: Pictures) -> Float[np.ndarray, "image neuron"]:
        """Activations of all neurons, without maps."""
        ...

    def classified(self, images: Pictures, *, held_at: Held | None) -> Classified:
        """Activations of all neurons, and what the network as a whole makes of them."""
        ...

    def linear_head(self, seen: Classified) -> LinearHead | None:
        """The linear classifier that reads the neurons and nothing else; None if there is none."""
        ...


class NeuronTarget:
    """A network's layer, in evaluation mode. Made by `load_target`.

    A picture's activations do not depend on the pictures beside it.
    """

    def __init__(
        self, name: str, settings: study_targets.Target, network: nn.Module, *, batch_size: int
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
        self.transform = transform_of(settings)
        self._layer_path = settings.layer
        self._batches = Batches(batch_size, where=self._where, remedy=_REMEDY)
        self._precision: Precision = settings.precision
        self._network = network
        self._device = next(network.parameters()).device
        self._layer = module_at(network, settings.layer, where=self._where)
        self._directions = (
            load_directions(settings.directions, device=self._device)
            if settings.directions
            else None
        )
        self._n_channels = self._directions.n_channels if self._directions else self.width
        self._require_width()
        side = self.transform.crop_px
        frame = Image.effect_noise((side, side), 100)
        self._reading = reading_for(
            settings,
            network,
            self._layer,
            n_channels=self._n_channels,
            try_out=lambda: self._run([frame]),
        )
        self._no_maps = self._forward([frame], with_maps=True)[1][:0].clone()

    def observe(self, images: Pictures) -> Observation:
        """Activations and maps of all neurons, on the network's device.

        Args:
            images: Of any size and mode, or frames already cut.

        Raises:
            ValueError: An activation is not finite; its image's position and neuron are named.
        """
        rows, maps = [self._no_maps.new_empty(0, self.width)], [self._no_maps]
        for batch_rows, batch_maps in self._observed(images, with_maps=True):
            rows.append(batch_rows)
            maps.append(batch_maps)
        return Observation(torch.cat(rows), torch.cat(maps))

    def activations(self, images: Pictures) -> Float[np.ndarray, "image neuron"]:
        """Activations of all neurons, float32; the same as `observe` gives, without the maps.

        Raises:
            ValueError: An activation is not finite; its image's position and neuron are named.
        """
        rows = np.empty((len(images), self.width), np.float32)
        start = 0
        for activations, _ in self._observed(images, with_maps=False):
            rows[start : start + len(activations)] = activations.cpu().numpy()
            start += len(activations)
        return rows

    def classified(self, images: Pictures, *, held_at: Held | None) -> Classified:
        """Activations of all neurons, and the classes that the network as a whole gives.

        Args:
            images: At least one, of any size and mode, or frames already cut.
            held_at: A neuron that is held at a value wherever its activation is read from.

        Raises:
            TypeError: The network does not give one number a class.
            ValueError: The target's neurons are directions, of which none can be held alone.
        """
        if self._directions is not None:
            raise ValueError(
                f"{self._where}: expected neurons of a layer, got directions of one. Choose a "
                "target without directions."
            )
        parts = [
            done
            for _, done in self._batches.over(
                len(images), lambda batch: self._classified(images[batch], held_at)
            )
        ]
        activations, logits = zip(*parts, strict=True)
        return Classified(torch.cat(activations), torch.cat(logits))

    def linear_head(self, seen: Classified) -> LinearHead | None:
        """The linear classifier that reads the neurons and nothing else; None if there is none.

        Args:
            seen: Of pictures that differ: it is seen in the numbers, not in the architecture.
        """
        return linear_head(self._network, seen)

    def _classified(self, images: Pictures, held_at: Held | None) -> Classified:
        with held(self._layer, self._reading, held_at), watch(self._layer, None) as seen:
            output = self._run(images)
        activations = self._reading.activations(self._checked(seen.get("output")))
        return Classified(activations, logits_in(output, where=self._where))

    def _observed(self, images: Pictures, *, with_maps: bool) -> Iterator[tuple[Tensor, Tensor]]:
        for batch, (activations, maps) in self._batches.over(
            len(images), lambda batch: self._forward(images[batch], with_maps=with_maps)
        ):
            self._require_finite(activations, batch.start)
            yield activations, maps

    def _forward(self, images: Pictures, *, with_maps: bool) -> tuple[Tensor, Tensor]:
        """One batch through the network: activations, and maps or, if not asked for, nothing."""
        watched = self._reading.watched if with_maps else None
        with watch(self._layer, watched) as seen:
            self._run(images)
        with full_precision():
            output = self._checked(seen.get("output"))
            activations = self._reading.activations(output)
            maps = activations.new_empty(0)
            if with_maps:
                maps = self._reading.maps(output, seen.get("entered"))
            if self._directions is None:
                return activations, maps
            return (
                self._directions.activations(activations),
                self._directions.maps(maps) if with_maps else maps,
            )

    def _run(self, images: Pictures) -> Any:
        with arithmetic(self._precision, self._device):
            return self._network(input_frames(images, self.transform, device=self._device))

    def _checked(self, output: Any) -> Tensor:
        """The layer's output as float32, if its axes and width are those of the settings."""
        axes = self._reading.axes
        if isinstance(output, Tensor):
            output = self._reading.ordered(output)
        if not isinstance(output, Tensor) or output.ndim != len(axes):
            found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(
                f"{self._where}: expected axes {', '.join(axes)} from layer {self._layer_path!r}, "
                f"got {found}. Choose another layer, or the reducer that goes with it."
            )
        width = output.shape[axes.index("neuron")]
        if width != self._n_channels:
            what = "channels for the directions" if self._directions else "neurons"
            raise ValueError(
                f"{self._where}: expected width = {self._n_channels} {what} in layer "
                f"{self._layer_path!r}, got {width}. Correct width or layer in the study file."
            )
        return output.to(torch.float32)

    def _require_width(self) -> None:
        """See that the directions are as many as the study says.

        Raises:
            ValueError: They are not.
        """
        if self._directions and self._directions.n_directions != self.width:
            raise ValueError(
                f"{self._where}: expected width = {self.width} directions, got "
                f"{self._directions.n_directions}. Correct width in the study file."
            )

    def _require_finite(self, activations: Tensor, start: int) -> None:
        is_finite = torch.isfinite(activations)
        if not is_finite.all():
            image, neuron = (~is_finite).nonzero()[0].tolist()
            raise ValueError(
                f"{self._where}: expected finite activations, got "
                f"{activations[image, neuron].item()} for image {start + image} of those given, "
                f"neuron {neuron}. Check the weights, the transform's std, and precision = "
                f"{self._precision!r}."
            )


def load_target(
    name: str, settings: study_targets.Target, *, device: str, batch_size: int
) -> NeuronTarget:
    """The target with its weights, on `device`.

    Args:
        name: Of the target in the study.
        settings: Of the target.
        device: torch's name of it, for example "cpu" or "cuda".
        batch_size: Pictures in one forward pass, fewer if memory runs out; results do not depend
            on it.

    Raises:
        LookupError: The network, the weights file or the layer does not exist.
        ValueError: The weights do not fit the network, or the layer's output is not what the
            settings say.
        MemoryError: The weights do not fit on the device.
    """
    where = f"target {name}"
    with loading(where, "Use another SIEVE_DEVICE, or free the memory of this one."):
        network = load_network(settings, where=where).to(device)
    return NeuronTarget(name, settings, network, batch_size=batch_size)
