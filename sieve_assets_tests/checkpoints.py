"""Tiny checkpoints of the real formats, random: networks, CLIP, a diffusion pipeline."""

import json
from pathlib import Path
from typing import Any

import open_clip
import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import save_file

from sieve_assets.terrarium.text_encoder import hf_text_encoder


def spread(network: Any, *, seed: int = 0) -> Any:
    """Random weights and normalisation statistics large enough that everything matters."""
    torch.manual_seed(seed)
    for name, value in network.state_dict().items():
        if name.endswith("running_var"):
            torch.nn.init.uniform_(value, 0.5, 2)
        elif value.is_floating_point():
            fan_in = value[0].numel() if value.ndim > 1 else 25
            torch.nn.init.normal_(value, std=fan_in**-0.5)
    return network.eval()


def clip_config(tokenizer: Any) -> dict[str, Any]:
    vision = {"image_size": 32, "layers": 2, "width": 32, "head_width": 8, "patch_size": 8}
    text = {"context_length": 16, "vocab_size": len(tokenizer), "hf_tokenizer_name": "local"}
    size = {"width": 32, "heads": 4, "layers": 3}
    return {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text | size}


def make_clip(tokenizer: Any) -> open_clip.CLIP:
    return spread(open_clip.CLIP(**clip_config(tokenizer)))


def save_clip(clip: open_clip.CLIP, tokenizer: Any, folder: Path) -> Path:
    """As open_clip reads it: configuration, weights, tokenizer."""
    save_file(clip.state_dict(), folder / "open_clip_model.safetensors")
    preprocess = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3], "interpolation": "bicubic"}
    config = {"model_cfg": clip_config(tokenizer), "preprocess_cfg": preprocess | {"size": 32}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    tokenizer.save_pretrained(folder)
    return folder


def make_pipeline(clip: open_clip.CLIP, tokenizer: Any) -> StableDiffusionXLPipeline:
    """Stable Diffusion XL as the embedded world has it: one text encoder, 8 x 8 latents."""
    torch.manual_seed(0)
    unet: dict[str, Any] = {
        "sample_size": 8,
        "layers_per_block": 1,
        "block_out_channels": (8, 16),
        "norm_num_groups": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 32,
        "attention_head_dim": 2,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 24 + 6 * 8,
    }
    vae: dict[str, Any] = {
        "block_out_channels": (8, 8, 8, 8),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "norm_num_groups": 4,
    }
    components: dict[str, Any] = {
        "unet": UNet2DConditionModel(**unet),
        "vae": AutoencoderKL(**vae),
        "text_encoder": None,
        "tokenizer": None,
        "text_encoder_2": hf_text_encoder(clip, tokenizer),
        "tokenizer_2": tokenizer,
        "scheduler": DPMSolverMultistepScheduler(beta_schedule="scaled_linear"),
    }
    return StableDiffusionXLPipeline(**components, add_watermarker=False)
