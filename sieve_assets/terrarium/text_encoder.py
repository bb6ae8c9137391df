"""An open_clip text tower as a transformers model: what a diffusers pipeline takes."""

from typing import Any

from open_clip.transformer import QuickGELU, ResidualAttentionBlock
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

# Configurations written before transformers 4.31 have this id whatever the tokenizer's is.
_OLD_END = 2


def hf_text_encoder(clip_model: nn.Module, tokenizer: CLIPTokenizer) -> CLIPTextModelWithProjection:
    """The text tower of an open_clip model, with equal outputs, in evaluation mode.

    `text_embeds` equals `encode_text` (not normalised), and `hidden_states[k]` the output of the
    k-th block, before the final norm. Weights are copied: training one leaves the other alone.

    Args:
        clip_model: An open_clip `CLIP` or `CustomTextCLIP` with open_clip's own text transformer.
        tokenizer: The model's tokenizer; its end token has the highest id.

    Raises:
        ValueError: The tower or the tokenizer has a form that transformers' CLIP cannot express.
    """
    tower: Any = getattr(clip_model, "text", clip_model)
    _require_convertible(tower, tokenizer)
    blocks = list(tower.transformer.resblocks)
    tokens: Any = tokenizer
    config = CLIPTextConfig(
        vocab_size=tower.token_embedding.num_embeddings,
        hidden_size=tower.token_embedding.embedding_dim,
        intermediate_size=blocks[0].mlp.c_fc.out_features,
        projection_dim=tower.text_projection.shape[1],
        num_hidden_layers=len(blocks),
        num_attention_heads=blocks[0].attn.num_heads,
        max_position_embeddings=tower.positional_embedding.shape[0],
        hidden_act=_activation_name(blocks[0].mlp.gelu),
        layer_norm_eps=tower.ln_final.eps,
        bos_token_id=tokens.bos_token_id,
        eos_token_id=tokens.eos_token_id,
        pad_token_id=tokens.pad_token_id,
    )
    encoder: Any = CLIPTextModelWithProjection(config)
    weights = _tower_weights(tower)
    for position, block in enumerate(blocks):
        prefix = f"text_model.encoder.layers.{position}."
        weights |= {prefix + name: value for name, value in _block_weights(block).items()}
    encoder.load_state_dict({name: value.detach().clone() for name, value in weights.items()})
    return encoder.eval()


def _tower_weights(tower: Any) -> dict[str, Tensor]:
    return {
        "text_model.embeddings.token_embedding.weight": tower.token_embedding.weight,
        "text_model.embeddings.position_embedding.weight": tower.positional_embedding,
        "text_model.final_layer_norm.weight": tower.ln_final.weight,
        "text_model.final_layer_norm.bias": tower.ln_final.bias,
        "text_projection.weight": tower.text_projection.T,
    }


def _block_weights(block: ResidualAttentionBlock) -> dict[str, Tensor]:
    attention: Any = block.attn
    mlp: Any = block.mlp
    weights: dict[str, Tensor] = {}
    parts = zip(
        "qkv", attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3), strict=True
    )
    for name, weight, bias in parts:
        weights |= {f"self_attn.{name}_proj.weight": weight, f"self_attn.{name}_proj.bias": bias}
    modules: dict[str, Any] = {
        "self_attn.out_proj": attention.out_proj,
        "layer_norm1": block.ln_1,
        "layer_norm2": block.ln_2,
        "mlp.fc1": mlp.c_fc,
        "mlp.fc2": mlp.c_proj,
    }
    for name, module in modules.items():
        weights |= {f"{name}.weight": module.weight, f"{name}.bias": module.bias}
    return weights


def _activation_name(activation: nn.Module) -> str:
    if isinstance(activation, QuickGELU):
        return "quick_gelu"
    if isinstance(activation, nn.GELU) and activation.approximate == "none":
        return "gelu"
    raise ValueError(
        f"hf_text_encoder: expected GELU or QuickGELU, got {activation}. "
        "Build the text tower without act_kwargs."
    )


def _require_convertible(tower: nn.Module, tokenizer: CLIPTokenizer) -> None:
    blocks = getattr(getattr(tower, "transformer", None), "resblocks", ())
    vocabulary = getattr(getattr(tower, "token_embedding", None), "num_embeddings", None)
    pooling = getattr(tower, "pool_type", getattr(tower, "text_pool_type", None))
    end = tokenizer.eos_token_id
    checks = {
        "open_clip's own text transformer": bool(blocks)
        and all(type(block) is ResidualAttentionBlock for block in blocks),
        "a causal mask": isinstance(getattr(tower, "attn_mask", None), Tensor),
        "no class token": getattr(tower, "cls_emb", None) is None,
        "no layer scale": all(isinstance(block.ls_1, nn.Identity) for block in blocks),
        "a text projection without a bias": isinstance(
            getattr(tower, "text_projection", None), nn.Parameter
        ),
        "pooling at the end token (pool_type argmax)": pooling == "argmax",
        f"as many tokens in the tokenizer as in the tower ({vocabulary})": (
            len(tokenizer) == vocabulary
        ),
        "an end token with the highest id": end == len(tokenizer) - 1,
        f"an end token other than {_OLD_END}, which transformers treats apart": end != _OLD_END,
    }
    missing = [what for what, holds in checks.items() if not holds]
    if missing:
        raise ValueError(
            f"hf_text_encoder: expected {'; '.join(missing)}, got {type(tower).__name__} and a "
            f"tokenizer of {len(tokenizer)} tokens ending with {end}. Use an open_clip text_cfg "
            "with the defaults of CLIP and the tokenizer it was trained with."
        )
