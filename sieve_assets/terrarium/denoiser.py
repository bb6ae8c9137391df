"""Trains the generator's U-Net on unbiased scenes and assembles the diffusers pipeline."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import (
    AutoencoderTiny,
    DPMSolverMultistepScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from sieve_assets.terrarium.autoencoder import LATENT_CHANNELS
from sieve_assets.terrarium.captions import known_concepts, pair_text
from sieve_assets.terrarium.fitting import LossOfStep, Schedule, fit, render_all, to_unit
from sieve_assets.terrarium.scenes import FRAME_PX, NARROW, Scene, unbiased_scenes
from sieve_assets.terrarium.world import families

LATENT_PX = 8
CHANNELS = (128, 192)
"""Of the U-Net's two resolutions."""
TIME_EMBEDDING = 16
N_SCENES = 160_000
EMPTY_SHARE = 0.08
UNCONDITIONAL_SHARE = 0.1
"""Share of the steps' pictures without a caption, for classifier-free guidance."""
CAPTION_SHARES = (0.45, 0.42, 0.13)
"""Object on background; object; family."""
OBJECT_WEIGHT = 1.5
"""Extra weight of latents that show the object."""
SNR_LIMIT = 5.0
"""Source: min-SNR weighting, Hang et al. 2023."""


def new_unet(*, text_width: int, pooled_width: int) -> UNet2DConditionModel:
    """Return the untrained U-Net, which sees a text by cross-attention and as one pooled vector."""
    return UNet2DConditionModel(
        sample_size=LATENT_PX,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        layers_per_block=1,
        block_out_channels=CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=text_width,
        attention_head_dim=4,
        transformer_layers_per_block=1,
        addition_embed_type="text_time",
        addition_time_embed_dim=TIME_EMBEDDING,
        projection_class_embeddings_input_dim=pooled_width + 6 * TIME_EMBEDDING,
    )


def new_scheduler() -> DPMSolverMultistepScheduler:
    """Return the noise schedule and sampler; it never clips latents.

    Steps are spread evenly over the logarithm of signal to noise. Spread over time instead, most
    of them fall where there is hardly any signal, and ten end far from what eighty draw.
    """
    return DPMSolverMultistepScheduler(
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        algorithm_type="dpmsolver++",
        timestep_spacing="trailing",
        use_lu_lambdas=True,
    )


def captions_of(scene: Scene) -> tuple[str, str, str]:
    """Return the captions of a scene in the order of `CAPTION_SHARES`.

    An empty scene is called by its background, and what has no family word by its name.
    """
    thing = scene.thing
    if thing is None:
        return scene.background, scene.background, scene.background
    kind = thing.family if thing.family in families() else thing.name
    return pair_text(thing, scene.background), thing.name, kind


@cache
def noise_schedule() -> Tensor:
    """Return the share of the variance that is signal at each timestep, `[timestep]`."""
    return new_scheduler().alphas_cumprod.to(torch.get_default_device())


@dataclass(frozen=True)
class Captions:
    """What the pipeline gives the U-Net for every caption.

    Attributes:
        row_of: Row of each text.
        hidden: Hidden states `[text, token, width]`.
        pooled: Pooled embeddings `[text, feature]`.
    """

    row_of: dict[str, int]
    hidden: Tensor
    pooled: Tensor


@torch.inference_mode()
def encode_captions(encoder: CLIPTextModelWithProjection, tokenizer: CLIPTokenizer) -> Captions:
    """Return all captions of the world as the pipeline encodes them."""
    texts = [concept.text for concept in known_concepts()]
    tokens = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
    output = encoder(tokens.input_ids.to(encoder.device), output_hidden_states=True)
    rows = {text: row for row, text in enumerate(texts)}
    return Captions(rows, output.hidden_states[-2].clone(), output.text_embeds.clone())


@torch.inference_mode()
def latents_of(autoencoder: AutoencoderTiny, images: Tensor) -> Tensor:
    """Return the autoencoder's latents of pictures `[image, 3, row, column]` (uint8), unscaled."""
    coder: Any = autoencoder
    parts = tqdm(images.split(256), desc="encode", leave=False)
    return torch.cat([coder.encode(to_unit(part)).latents for part in parts]).clone()


def training_scenes(count: int, *, seed: int) -> list[Scene]:
    """Return unbiased scenes of drawn objects."""
    return unbiased_scenes(
        count, seed=seed + 20, empty_share=EMPTY_SHARE, pose=NARROW, only_drawn=True
    )


def latent_scale(autoencoder: AutoencoderTiny, *, seed: int) -> float:
    """Return the factor that scales latents to unit variance."""
    images, _ = render_all(training_scenes(512, seed=seed))
    return float(1 / latents_of(autoencoder, images).std())


def velocity_loss(
    unet: UNet2DConditionModel,
    captions: Captions,
    *,
    clean: Tensor,
    said: Tensor,
    shares: Tensor,
    generator: np.random.Generator,
) -> Tensor:
    """Return the weighted error of the predicted velocity at timesteps spread over the schedule.

    Args:
        unet: The model.
        captions: Encoded captions.
        clean: Latents `[image, channel, row, column]`.
        said: Row of each picture's caption.
        shares: Share of each latent that shows the object, `[image, 1, row, column]`.
        generator: Randomness of timesteps and of leaving captions out.
    """
    signal, count = noise_schedule(), len(clean)
    spread = (np.arange(count) + generator.random(count)) / count
    timesteps = torch.as_tensor((spread * len(signal)).astype(np.int64))
    is_told = torch.as_tensor(generator.random(count) >= UNCONDITIONAL_SHARE)
    keep = signal[timesteps].view(-1, 1, 1, 1)
    noise = torch.randn_like(clean)
    noisy = keep.sqrt() * clean + (1 - keep).sqrt() * noise
    velocity = keep.sqrt() * noise - (1 - keep).sqrt() * clean
    sizes = torch.tensor([FRAME_PX, FRAME_PX, 0, 0, FRAME_PX, FRAME_PX]).float()
    guess = unet(
        noisy.contiguous(memory_format=torch.channels_last),
        timesteps,
        encoder_hidden_states=captions.hidden[said] * is_told[:, None, None],
        added_cond_kwargs={
            "text_embeds": captions.pooled[said] * is_told[:, None],
            "time_ids": sizes.expand(count, 6),
        },
    ).sample
    ratio = keep / (1 - keep)
    weight = ratio.clamp(max=SNR_LIMIT) / (ratio + 1) * (1 + OBJECT_WEIGHT * shares)
    return (weight * (guess.float() - velocity).square()).mean() / weight.mean()


def train_denoiser(
    autoencoder: AutoencoderTiny,
    captions: Captions,
    *,
    scale: float,
    schedule: Schedule,
    seed: int,
    checkpoints: Path,
) -> UNet2DConditionModel:
    """Train the U-Net on latents multiplied by `scale` and return it."""
    torch.manual_seed(seed)
    model: Any = new_unet(
        text_width=captions.hidden.shape[-1], pooled_width=captions.pooled.shape[-1]
    )
    model.to(memory_format=torch.channels_last)
    if model.device.type == "cuda":
        model.compile()

    def prepare() -> LossOfStep:
        scenes = training_scenes(N_SCENES, seed=seed)
        images, masks = render_all(scenes)
        latents = latents_of(autoencoder, images) * scale
        shares = functional.avg_pool2d(masks[:, None].float(), FRAME_PX // LATENT_PX)
        texts = [[captions.row_of[text] for text in captions_of(scene)] for scene in scenes]
        sayable = torch.tensor(texts)

        def loss_of(generator: np.random.Generator, _step: int) -> Tensor:
            rows = torch.as_tensor(generator.integers(len(scenes), size=schedule.batch))
            chosen = torch.as_tensor(generator.choice(3, size=schedule.batch, p=CAPTION_SHARES))
            return velocity_loss(
                model,
                captions,
                clean=latents[rows],
                said=sayable[rows, chosen],
                shares=shares[rows],
                generator=generator,
            )

        return loss_of

    fit("denoiser", model, prepare, schedule=schedule, seed=seed, checkpoints=checkpoints)
    return model


def assemble_pipeline(
    autoencoder: AutoencoderTiny,
    encoder: nn.Module,
    tokenizer: CLIPTokenizer,
    unet: UNet2DConditionModel,
    *,
    scale: float,
) -> StableDiffusionXLPipeline:
    """Return the generator: a Stable Diffusion XL pipeline with the second text encoder only."""
    autoencoder.register_to_config(scaling_factor=scale)
    parts: dict[str, Any] = {
        "vae": autoencoder,
        "text_encoder": None,
        "tokenizer": None,
        "text_encoder_2": encoder,
        "tokenizer_2": tokenizer,
        "unet": unet,
        "scheduler": new_scheduler(),
    }
    return StableDiffusionXLPipeline(**parts, add_watermarker=False)
