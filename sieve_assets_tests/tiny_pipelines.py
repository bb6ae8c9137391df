"""Tiny text-to-image pipelines with random weights: the classes and files of the real ones.

And what tests of them share: how they are loaded, and how far pictures are apart.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PixArtAlphaPipeline,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from sieve_assets import study
from sieve_assets.models.generator import DiffusersGenerator, load_generator
from sieve_assets.terrarium.tokenizer import clip_tokenizer

WORDS = ["red circle", "large blue square", "striped texture"]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def stable_diffusion() -> StableDiffusionPipeline:
    """Stable Diffusion 1.5 and 2.1."""
    tokenizer = _clip_tokenizer()
    return StableDiffusionPipeline(
        vae=_autoencoder(4),
        text_encoder=CLIPTextModel(_clip_config(tokenizer)),
        tokenizer=tokenizer,
        unet=_unet(cross_attention_dim=32),
        scheduler=DDIMScheduler(clip_sample=False, beta_schedule="scaled_linear", steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def stable_diffusion_xl() -> StableDiffusionXLPipeline:
    """Stable Diffusion XL and what is distilled from it: two text encoders."""
    tokenizer = _clip_tokenizer()
    config = _clip_config(tokenizer)
    return StableDiffusionXLPipeline(
        vae=_autoencoder(4),
        text_encoder=CLIPTextModel(config),
        text_encoder_2=CLIPTextModelWithProjection(config),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=_unet(
            cross_attention_dim=64,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=32 + 6 * 8,
            use_linear_projection=True,
        ),
        scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear", steps_offset=1),
        add_watermarker=False,
    )


def stable_diffusion_3() -> StableDiffusion3Pipeline:
    """Stable Diffusion 3 and 3.5: a transformer, three text encoders."""
    tokenizer = _clip_tokenizer()
    config = _clip_config(tokenizer)
    words = _t5_tokenizer()
    transformer = SD3Transformer2DModel(
        sample_size=8,
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        caption_projection_dim=32,
        joint_attention_dim=64,
        pooled_projection_dim=64,
        qk_norm="rms_norm",
        dual_attention_layers=(0,),
    )
    return StableDiffusion3Pipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_autoencoder(4, shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=CLIPTextModelWithProjection(config),
        tokenizer=tokenizer,
        text_encoder_2=CLIPTextModelWithProjection(config),
        tokenizer_2=tokenizer,
        text_encoder_3=_t5_encoder(words, width=64),
        tokenizer_3=words,
    )


def flux() -> FluxPipeline:
    """FLUX.1 dev; its transformer is told the guidance."""
    tokenizer, words = _clip_tokenizer(), _t5_tokenizer()
    transformer = FluxTransformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        guidance_embeds=True,
        axes_dims_rope=(4, 4, 8),
    )
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=_autoencoder(4, shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=CLIPTextModel(_clip_config(tokenizer)),
        tokenizer=tokenizer,
        text_encoder_2=_t5_encoder(words, width=32),
        tokenizer_2=words,
        transformer=transformer,
    )


def pixart_sigma() -> PixArtSigmaPipeline:
    """PixArt Sigma, made for pictures of 256 pixels."""
    return PixArtSigmaPipeline(**_pixart(use_additional_conditions=False))


def pixart_alpha() -> PixArtAlphaPipeline:
    """PixArt Alpha, made for pictures of 256 pixels."""
    return PixArtAlphaPipeline(**_pixart(use_additional_conditions=False))


MAKERS: Mapping[str, Callable[[], Any]] = {
    "StableDiffusionPipeline": stable_diffusion,
    "StableDiffusionXLPipeline": stable_diffusion_xl,
    "StableDiffusion3Pipeline": stable_diffusion_3,
    "FluxPipeline": flux,
    "PixArtSigmaPipeline": pixart_sigma,
    "PixArtAlphaPipeline": pixart_alpha,
}
"""By the class that diffusers saves in model_index.json."""


def make(kind: str) -> Any:
    """A pipeline of that class, with the same random weights every time."""
    torch.manual_seed(0)
    return MAKERS[kind]()


def load(folder: Path | str, batch_size: int = 2, **settings: Any) -> DiffusersGenerator:
    """A generator on the CPU that draws little unless told otherwise."""
    given = {"steps": 2, "guidance": 3.0, "size_px": 64} | settings
    generator = study.Generator(pipeline=folder, **given)
    return load_generator(generator, device="cpu", batch_size=batch_size)


def largest_difference(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Between pictures, in grey levels."""
    pairs = zip(first, second, strict=True)
    return max(int(np.abs(np.int16(one) - np.int16(other)).max()) for one, other in pairs)


def _pixart(**more: Any) -> dict[str, Any]:
    words = _t5_tokenizer()
    transformer = PixArtTransformer2DModel(
        sample_size=32,
        patch_size=2,
        in_channels=4,
        out_channels=8,
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=8,
        cross_attention_dim=16,
        caption_channels=32,
        **more,
    )
    return {
        "tokenizer": words,
        "text_encoder": _t5_encoder(words, width=32),
        "vae": _autoencoder(4),
        "transformer": transformer,
        "scheduler": DPMSolverMultistepScheduler(beta_schedule="linear"),
    }


def _unet(**more: Any) -> UNet2DConditionModel:
    settings: dict[str, Any] = {
        "sample_size": 8,
        "layers_per_block": 1,
        "block_out_channels": (8, 16),
        "norm_num_groups": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "attention_head_dim": 2,
    }
    return UNet2DConditionModel(**settings | more)


def _autoencoder(channels: int, **more: Any) -> AutoencoderKL:
    settings: dict[str, Any] = {
        "block_out_channels": (8,) * 4,
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "norm_num_groups": 4,
        "latent_channels": channels,
    }
    return AutoencoderKL(**settings | more)


def _clip_tokenizer() -> Any:
    return clip_tokenizer(WORDS, n_merges=200, context_length=16)


def _clip_config(tokenizer: Any) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=37,
        projection_dim=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=16,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def _t5_tokenizer() -> T5Tokenizer:
    """Pieces as T5's tokenizer has them: special ones, letters, letters that begin a word."""
    pieces = ["<pad>", "</s>", "<unk>", "▁", *_LETTERS, *(f"▁{letter}" for letter in _LETTERS)]
    vocabulary = [(piece, -float(place)) for place, piece in enumerate(pieces)]
    return T5Tokenizer(vocab=vocabulary, extra_ids=4)


def _t5_encoder(tokenizer: Any, *, width: int) -> T5EncoderModel:
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=width,
        d_kv=8,
        d_ff=37,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
    )
    return T5EncoderModel(config).eval()
