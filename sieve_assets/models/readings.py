"""From a layer's output to its neurons' activations and maps, by the kind of layer."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from sieve_assets import study
from sieve_assets.models.attribution import (
    ClassTokenAttention,
    TokenLayout,
    class_token_attention,
    class_token_contributions,
    token_layout,
    token_maps,
)


@dataclass(frozen=True)
class ChannelReading:
    """A channel of a convolution: its map, and the map's mean (docs/method.md, decision 1)."""

    axes: ClassVar[tuple[str, ...]] = ("image", "neuron", "row", "column")
    attention: ClassVar[nn.Module | None] = None

    def activations(
        self, output: Float[Tensor, "image neuron row column"]
    ) -> Float[Tensor, "image neuron"]:
        """The mean over places."""
        return output.mean((2, 3))

    def maps(
        self, output: Float[Tensor, "image neuron row column"], attended: Tensor | None
    ) -> Float[Tensor, "image neuron row column"]:
        """The layer's own maps, which need no attention."""
        del attended
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
    def attention(self) -> nn.Module | None:
        """The last block's attention."""
        return self.source.module if self.source else None

    def activations(
        self, output: Float[Tensor, "image token neuron"]
    ) -> Float[Tensor, "image neuron"]:
        """The class token, which comes first."""
        return output[:, 0]

    def maps(
        self, output: Float[Tensor, "image token neuron"], attended: Tensor | None
    ) -> Float[Tensor, "image neuron row column"]:
        """Contributions or patch tokens, on the token grid."""
        if self.source is None or attended is None:
            return token_maps(output, self.layout)
        return token_maps(class_token_contributions(self.source, attended), self.layout)


Reading = ChannelReading | TokenReading


def reading_for(settings: study.Target, network: nn.Module) -> Reading:
    """How the layer is read that `settings` name.

    Raises:
        ValueError: The network has no class token, or attention that cannot be taken apart.
    """
    if settings.reducer == "mean":
        return ChannelReading()
    is_contributed = settings.maps == "class_token_contributions"
    source = class_token_attention(network) if is_contributed else None
    return TokenReading(token_layout(network), source)
