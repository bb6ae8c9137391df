"""From a layer's output to its neurons' activations and maps, by the kind of layer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sieve_assets import study_targets
from sieve_assets.models.attribution import (
    ClassTokenAttention,
    TokenLayout,
    class_token_attention,
    class_token_contributions,
    grid_of,
    token_layout,
    token_maps,
)
from sieve_assets.models.class_activation import PooledHead, pooled_head


@dataclass(frozen=True)
class ChannelReading:
    """A channel of a convolution: its map, and the map's mean (docs/method.md, decision 1).

    Attributes:
        width: Number of channels, by which layers are told apart that have them last.
    """

    axes: ClassVar[tuple[str, ...]] = ("image", "neuron", "row", "column")
    watched: ClassVar[nn.Module | None] = None
    width: int

    def ordered(self, output: Tensor) -> Tensor:
        """With channels before rows and columns; Swin transformers have them last."""
        is_last = output.ndim == len(self.axes) and self.width not in output.shape[1:2]
        return output.permute(0, 3, 1, 2) if is_last and output.shape[3] == self.width else output

    def activations(
        self, output: Float[Tensor, "image neuron row column"]
    ) -> Float[Tensor, "image neuron"]:
        """The mean over places."""
        return output.mean((2, 3))

    def of_neuron(
        self, output: Float[Tensor, "image neuron row column"], neuron: int
    ) -> Float[Tensor, "..."]:
        """What its activation is read from, as a view: all its places."""
        return output[:, neuron]

    def maps(
        self, output: Float[Tensor, "image neuron row column"], entered: Tensor | None
    ) -> Float[Tensor, "image neuron row column"]:
        """The layer's own maps, which need nothing else."""
        del entered
        return output


@dataclass(frozen=True)
class TokenReading:
    """A dimension of a transformer's tokens: the class token's value (decision 1).

    Its map is what each patch token adds to it in the last block, or, without `source`, the same
    dimension of the patch tokens (decision 7).
    """

    axes: ClassVar[tuple[str, ...]] = ("image", "token", "neuron")
    layout: TokenLayout
    source: ClassTokenAttention | None

    @property
    def watched(self) -> nn.Module | None:
        """The last block's attention."""
        return self.source.module if self.source else None

    def ordered(self, output: Tensor) -> Tensor:
        """As it is."""
        return output

    def activations(
        self, output: Float[Tensor, "image token neuron"]
    ) -> Float[Tensor, "image neuron"]:
        """The class token, which comes first."""
        return output[:, 0]

    def of_neuron(
        self, output: Float[Tensor, "image token neuron"], neuron: int
    ) -> Float[Tensor, "..."]:
        """What its activation is read from, as a view: the class token."""
        return output[:, 0, neuron]

    def maps(
        self, output: Float[Tensor, "image token neuron"], entered: Tensor | None
    ) -> Float[Tensor, "image neuron row column"]:
        """Contributions or patch tokens, on the token grid."""
        if self.source is None or entered is None:
            return token_maps(output, self.layout)
        return token_maps(class_token_contributions(self.source, entered), self.layout)


@dataclass(frozen=True)
class TokenMeanReading:
    """A dimension of a transformer's tokens: its mean over the tokens of the grid."""

    axes: ClassVar[tuple[str, ...]] = ("image", "token", "neuron")
    watched: ClassVar[nn.Module | None] = None
    layout: TokenLayout | None
    """None if the network does not say it: all tokens are then the grid, which is square."""

    def ordered(self, output: Tensor) -> Tensor:
        """As it is."""
        return output

    def activations(
        self, output: Float[Tensor, "image token neuron"]
    ) -> Float[Tensor, "image neuron"]:
        """The mean over the grid's tokens."""
        return output[:, self._layout(output).n_prefix :].mean(1)

    def of_neuron(
        self, output: Float[Tensor, "image token neuron"], neuron: int
    ) -> Float[Tensor, "..."]:
        """What its activation is read from, as a view: the grid's tokens."""
        return output[:, self._layout(output).n_prefix :, neuron]

    def maps(
        self, output: Float[Tensor, "image token neuron"], entered: Tensor | None
    ) -> Float[Tensor, "image neuron row column"]:
        """The grid's tokens."""
        del entered
        return token_maps(output, self._layout(output))

    def _layout(self, output: Tensor) -> TokenLayout:
        return self.layout or grid_of(output.shape[1])


@dataclass(frozen=True)
class VectorReading:
    """An entry of a vector: a pooled channel or a logit.

    Its map is the class activation map of a linear layer over pooled channels (decision 8; Zhou et
    al., arXiv 1512.04150), or, without `source`, the picture as a whole.
    """

    axes: ClassVar[tuple[str, ...]] = ("image", "neuron")
    source: PooledHead | None

    @property
    def watched(self) -> nn.Module | None:
        """The pooling whose input the head weighs."""
        return self.source.pooling if self.source else None

    def ordered(self, output: Tensor) -> Tensor:
        """Without the places that pooling may have left, one a picture."""
        is_pooled = output.ndim > len(self.axes) and output.shape[2:].numel() == 1
        return output.flatten(1) if is_pooled else output

    def activations(self, output: Float[Tensor, "image neuron"]) -> Float[Tensor, "image neuron"]:
        """The entries themselves."""
        return output

    def of_neuron(self, output: Float[Tensor, "image neuron"], neuron: int) -> Float[Tensor, "..."]:
        """What its activation is read from, as a view: the entry."""
        return output[:, neuron]

    def maps(
        self, output: Float[Tensor, "image neuron"], entered: Tensor | None
    ) -> Float[Tensor, "image neuron row column"]:
        """What each place adds to the mean that is the logit, up to the bias."""
        if self.source is None or entered is None:
            return output.new_ones(*output.shape, 1, 1)
        return torch.einsum("nc,ichw->inhw", self.source.head.weight.float(), entered.float())


Reading = ChannelReading | TokenReading | TokenMeanReading | VectorReading


def reading_for(
    settings: study_targets.Target,
    network: nn.Module,
    layer: nn.Module,
    *,
    n_channels: int,
    try_out: Callable[[], None],
) -> Reading:
    """How the layer is read that `settings` name.

    Args:
        settings: Of the target.
        network: That has the layer.
        layer: The module whose output is read.
        n_channels: Of the layer.
        try_out: Runs the network once, on any picture.

    Raises:
        ValueError: The network has no class token, attention that cannot be taken apart, or no
            pooling before a linear layer.
    """
    match settings.reducer, settings.maps:
        case "mean", _:
            return ChannelReading(n_channels)
        case "class_token", maps:
            is_contributed = maps == "class_token_contributions"
            source = class_token_attention(network) if is_contributed else None
            return TokenReading(token_layout(network), source)
        case "token_mean", _:
            return TokenMeanReading(_layout_if_told(network))
        case _, "class_activation":
            return VectorReading(pooled_head(network, layer, try_out))
    return VectorReading(None)


def _layout_if_told(network: nn.Module) -> TokenLayout | None:
    try:
        return token_layout(network)
    except ValueError:
        return None
