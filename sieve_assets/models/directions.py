"""Directions of a layer, studied in place of its channels: dictionaries, probes, components."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sieve_assets import study_targets

_NAMES = 'Save {"weight": directions × channels, "bias": directions} with safetensors.'


@dataclass(frozen=True)
class Directions:
    """Rows of a matrix that weigh a layer's channels. Made by `load_directions`.

    Attributes:
        weight: Of each channel in each direction.
        bias: Added to each direction.
        activation: What is done then.
        k: How many directions a picture keeps, for "top_k".
    """

    weight: Float[Tensor, "direction channel"]
    bias: Float[Tensor, " direction"]
    activation: Literal["linear", "relu", "top_k"]
    k: int

    @property
    def n_channels(self) -> int:
        """Of the layer."""
        return self.weight.shape[1]

    @property
    def n_directions(self) -> int:
        """The target's width."""
        return self.weight.shape[0]

    def activations(
        self, channels: Float[Tensor, "image channel"]
    ) -> Float[Tensor, "image direction"]:
        """Weight @ channels + bias; below 0 nothing, or below a picture's k greatest, if so set."""
        values = channels @ self.weight.T + self.bias
        if self.activation == "linear":
            return values
        if self.activation == "top_k":
            least = values.topk(self.k, dim=1).values[:, -1:]
            values = values.where(values >= least, 0)
        return values.relu()

    def maps(
        self, maps: Float[Tensor, "image channel row column"]
    ) -> Float[Tensor, "image direction row column"]:
        """Where a direction's linear part comes from: maps are linear in channels."""
        return torch.einsum("dc,ichw->idhw", self.weight, maps)


def load_directions(
    settings: study_targets.Directions, *, device: torch.device | str
) -> Directions:
    """The directions of a file, float32, on `device`.

    Raises:
        ValueError: The file does not hold them.
    """
    try:
        tensors = load_file(settings.file, device=str(device))
    except (SafetensorError, OSError) as error:
        raise _refused(settings.file, str(error)) from error
    weight = tensors.pop("weight", None)
    if weight is None or weight.ndim != 2:  # noqa: PLR2004 (a matrix)
        found = {name: tuple(value.shape) for name, value in tensors.items()}
        shape = None if weight is None else tuple(weight.shape)
        raise _refused(settings.file, f"weight of shape {shape} and {found}")
    bias = tensors.pop("bias", weight.new_zeros(len(weight)))
    if tensors or bias.shape != (len(weight),):
        found = {name: tuple(value.shape) for name, value in tensors.items()}
        raise _refused(settings.file, f"bias of shape {tuple(bias.shape)} and {found}")
    k = settings.k or 0
    if k > len(weight):
        raise ValueError(
            f"directions: expected k of at most {len(weight)} directions, got {k}. Lower k."
        )
    return Directions(weight.float(), bias.float(), settings.activation, k)


def _refused(file: Path, found: str) -> ValueError:
    return ValueError(
        f"directions: expected a matrix of directions in {file}, got {found}. {_NAMES}"
    )
