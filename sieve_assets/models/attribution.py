"""Where a vision transformer's class token gets its value from: maps on the token grid."""

import math
from typing import Any, NamedTuple

import timm.models.vision_transformer as timm_vit
from jaxtyping import Float
from timm.layers import Attention
from torch import Tensor, nn
from torchvision.models import vision_transformer as torchvision_vit
from transformers import PreTrainedModel

_N_PREFIX = {"vit": 1, "deit": 2, "dinov2": 1, "dinov2_with_registers": 1, "beit": 1}
"""Class and distillation tokens of the models of transformers that have a class token."""
_INSTEAD = 'Use maps = "patch_tokens", or a plain vision transformer of timm or torchvision.'


class TokenLayout(NamedTuple):
    """How a transformer's tokens lie: the class token and other prefix tokens, then the grid."""

    n_prefix: int
    n_rows: int
    n_columns: int


class ClassTokenAttention(NamedTuple):
    """The attention of a transformer's last block, and the factor its output is scaled by."""

    module: Attention | nn.MultiheadAttention
    gain: Float[Tensor, " neuron"] | None
    """LayerScale's, which can turn a contribution's sign; None where there is none."""


def token_layout(network: nn.Module) -> TokenLayout:
    """The layout of the tokens of a vision transformer with a class token.

    Raises:
        ValueError: The network has no class token, or is of another kind.
    """
    if isinstance(network, torchvision_vit.VisionTransformer):
        side = network.image_size // network.patch_size
        return TokenLayout(1, side, side)
    if isinstance(network, timm_vit.VisionTransformer) and network.has_class_token:
        return TokenLayout(network.num_prefix_tokens, *network.patch_embed.grid_size)
    if isinstance(network, PreTrainedModel):
        said = network.config
        n_prefix = _N_PREFIX.get(said.model_type)
        side, patch = getattr(said, "image_size", 0), getattr(said, "patch_size", 0)
        if n_prefix is not None and isinstance(side, int) and isinstance(patch, int) and patch:
            n_prefix += getattr(said, "num_register_tokens", 0)
            return TokenLayout(n_prefix, side // patch, side // patch)
    raise ValueError(
        f"token_layout: expected a vision transformer with a class token, got "
        f'{type(network).__name__}. Use reducer = "mean" with maps = "feature_map".'
    )


def grid_of(n_tokens: int) -> TokenLayout:
    """The layout of tokens that are a square grid and nothing else.

    Raises:
        ValueError: They are not.
    """
    side = math.isqrt(n_tokens)
    if side * side != n_tokens:
        raise ValueError(
            f"grid_of: expected as many tokens as a square grid has, got {n_tokens}. Choose "
            "another layer: which tokens lie where is known for vision transformers of timm, "
            "torchvision and transformers."
        )
    return TokenLayout(0, side, side)


def token_maps(
    tokens: Float[Tensor, "image token neuron"], layout: TokenLayout
) -> Float[Tensor, "image neuron row column"]:
    """The grid tokens' values as maps, one a neuron.

    Raises:
        ValueError: There are not as many tokens as the layout says.
    """
    n_prefix, n_rows, n_columns = layout
    if tokens.shape[1] != n_prefix + n_rows * n_columns:
        raise ValueError(
            f"token_maps: expected {n_prefix} + {n_rows} x {n_columns} tokens, got "
            f"{tokens.shape[1]}. Make the transform's crop_px the network's input size."
        )
    return tokens[:, n_prefix:].mT.unflatten(2, (n_rows, n_columns))


def class_token_attention(network: nn.Module) -> ClassTokenAttention:
    """The last block's attention, where its output is linear in the values of the tokens.

    Raises:
        ValueError: The last block is of a kind whose contributions are not defined here.
    """
    if isinstance(network, torchvision_vit.VisionTransformer):
        block: Any = network.encoder.layers[-1]
        return ClassTokenAttention(block.self_attention, None)
    block = network.blocks[-1] if isinstance(network, timm_vit.VisionTransformer) else network
    if type(block) is not timm_vit.Block or type(block.attn) is not Attention:
        raise ValueError(
            "class_token_attention: expected a last block that adds plain attention, got "
            f"{type(block).__name__} of {type(network).__name__}. {_INSTEAD}"
        )
    attention = block.attn
    if not isinstance(attention.norm, nn.Identity) or getattr(attention, "gate", None) is not None:
        raise ValueError(
            "class_token_attention: expected attention that adds up over tokens, got one with a "
            f"norm or a gate before its projection. {_INSTEAD}"
        )
    return ClassTokenAttention(attention, getattr(block.ls1, "gamma", None))


def class_token_contributions(
    attention: ClassTokenAttention, inputs: Float[Tensor, "image token feature"]
) -> Float[Tensor, "image token neuron"]:
    """What each token adds to the class token in the last block, in every dimension at once.

    For token p and dimension i: the sum over heads h of A_h[class, p] (W_O V_h[p])_i, times the
    block's scale of i if it has one. Over all tokens, and with the projection's bias, they add up
    to what attention gives the class token. Signed, in units of the residual stream.

    Args:
        attention: Of the last block.
        inputs: What enters the attention: the block's input after its first norm.

    Source: project decision 7 (docs/method.md); SIEVE Sec. 3.3 asks for the region only.
    """
    module = attention.module
    queries, keys, values = _heads(module, inputs)
    scores = queries[:, :, :1] @ keys.mT / queries.shape[-1] ** 0.5
    weighted = scores.softmax(-1).mT * values
    projection = module.proj if isinstance(module, Attention) else module.out_proj
    added = weighted.transpose(1, 2).flatten(2) @ projection.weight.T
    return added if attention.gain is None else added * attention.gain


def _heads(
    module: Attention | nn.MultiheadAttention,
    inputs: Float[Tensor, "image token feature"],
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values with axes image, head, token, feature of the head."""
    if isinstance(module, Attention):
        projected = module.qkv(inputs)
    else:
        projected = nn.functional.linear(inputs, module.in_proj_weight, module.in_proj_bias)
    queries, keys, values = (
        part.unflatten(2, (module.num_heads, -1)).transpose(1, 2)
        for part in projected.chunk(3, dim=-1)
    )
    if isinstance(module, Attention):
        queries, keys = module.q_norm(queries), module.k_norm(keys)
    return queries, keys, values
