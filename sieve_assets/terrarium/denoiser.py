"""Trains the generator's U-Net on unbiased scenes and assembles the diffusers pipeline."""

from pathlib import Path

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
from sieve_assets.terrarium.fitting import Schedule, fit, render_all, to_unit
from sieve_assets.terrarium.scenes import FRAME_PX, NARROW, Scene, unbiased_scenes

LATENT_PX = 8
TIME_EMBEDDING = 16
N_SCENES = 60_000
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
    """Return the untrained U-Net, conditioned by cross-attention and by the pooled text embedding."""
    return UNet2DConditionModel(
        sample_size=LATENT_PX,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        layers_per_block=1,
        block_out_channels=(128, 192),
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=text_width,
        attention_head_dim=4,
        transformer_layers_per_block=1,
        addition_embed_type="text_time",
        addition_time_embed_dim=TIME_EMBEDDING,
        projection_class_embeddings_input_dim=pooled_width + 6 * TIME_EMBEDDING,
    )


def new_scheduler() -> DPMSolverMultistepScheduler:
    """Return the noise schedule and sampler; it never clips latents."""
    return DPMSolverMultistepScheduler(
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        algorithm_type="dpmsolver++",
        timestep_spacing="trailing",
    )


def caption_of(scene: Scene, generator: np.random.Generator) -> str:
    """Return one caption of a scene, as the generator is asked for it; an empty scene is its background."""
    if scene.thing is None:
        return scene.background
    texts = (pair_text(scene.thing, scene.background), scene.thing.name, scene.thing.family)
    return texts[generator.choice(3, p=CAPTION_SHARES)]


@torch.inference_mode()
def latent_scenes(autoencoder: AutoencoderTiny, scenes: list[Scene]) -> tuple[Tensor, Tensor]:
    """Return the scenes' latents and the share of each latent that shows the object."""
    images, masks = render_all(scenes)
    parts = images.split(256)
    latents = torch.cat(
        [autoencoder.encode(to_unit(part)).latents for part in tqdm(parts, desc="encode")]
    )
    stride = FRAME_PX // LATENT_PX
    return latents.contiguous(), functional.avg_pool2d(masks[:, None].float(), stride)


@torch.inference_mode()
def encode_captions(
    encoder: CLIPTextModelWithProjection, tokenizer: CLIPTokenizer, texts: list[str]
) -> tuple[Tensor, Tensor]:
    """Return hidden states `[text, token, width]` and pooled embeddings, as the pipeline makes them."""
    tokens = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
    output = encoder(tokens.input_ids, output_hidden_states=True)
    return output.hidden_states[-2].clone(), output.text_embeds.clone()


def train_denoiser(
    autoencoder: AutoencoderTiny,
    encoder: CLIPTextModelWithProjection,
    tokenizer: CLIPTokenizer,
    *,
    schedule: Schedule,
    seed: int,
    checkpoints: Path,
) -> tuple[UNet2DConditionModel, float]:
    """Train the U-Net; return it and the factor that scales the latents to unit variance."""
    scenes = unbiased_scenes(
        N_SCENES, seed=seed + 20, empty_share=EMPTY_SHARE, pose=NARROW, only_drawn=True
    )
    latents, shares = latent_scenes(autoencoder, scenes)
    scale = float(1 / latents.std())
    latents = latents * scale
    texts = [concept.text for concept in known_concepts()]
    row_of = {text: row for row, text in enumerate(texts)}
    hidden, pooled = encode_captions(encoder, tokenizer, texts)
    signal = new_scheduler().alphas_cumprod
    sizes = torch.tensor([FRAME_PX, FRAME_PX, 0, 0, FRAME_PX, FRAME_PX]).float()
    torch.manual_seed(seed)
    model = new_unet(text_width=hidden.shape[-1], pooled_width=pooled.shape[-1])
    model = model.to(memory_format=torch.channels_last)

    def loss_of(generator: np.random.Generator, _step: int) -> Tensor:
        rows = generator.integers(len(scenes), size=schedule.batch)
        said = torch.tensor([row_of[caption_of(scenes[row], generator)] for row in rows])
        is_told = torch.from_numpy(generator.random(schedule.batch) >= UNCONDITIONAL_SHARE)
        clean = latents[rows]
        # stratified timesteps: each batch covers the whole schedule, for a steadier loss
        spread = (np.arange(schedule.batch) + generator.random(schedule.batch)) / schedule.batch
        timesteps = torch.from_numpy((spread * len(signal)).astype(np.int64))
        keep = signal[timesteps].view(-1, 1, 1, 1)
        noise = torch.randn_like(clean)
        noisy = keep.sqrt() * clean + (1 - keep).sqrt() * noise
        velocity = keep.sqrt() * noise - (1 - keep).sqrt() * clean
        added = {
            "text_embeds": pooled[said] * is_told[:, None],
            "time_ids": sizes.expand(schedule.batch, 6),
        }
        guess = model(
            noisy.contiguous(memory_format=torch.channels_last),
            timesteps,
            encoder_hidden_states=hidden[said] * is_told[:, None, None],
            added_cond_kwargs=added,
        ).sample
        ratio = keep / (1 - keep)
        weight = ratio.clamp(max=SNR_LIMIT) / (ratio + 1) * (1 + OBJECT_WEIGHT * shares[rows])
        return (weight * (guess.float() - velocity).square()).mean() / weight.mean()

    fit("denoiser", model, loss_of, schedule=schedule, seed=seed, checkpoints=checkpoints)
    return model, scale


def assemble_pipeline(
    autoencoder: AutoencoderTiny,
    encoder: nn.Module,
    tokenizer: CLIPTokenizer,
    unet: UNet2DConditionModel,
    *,
    scale: float,
) -> StableDiffusionXLPipeline:
    """Return the generator as a pipeline of the Stable Diffusion XL class with its second text encoder."""
    autoencoder.register_to_config(scaling_factor=scale)
    return StableDiffusionXLPipeline(
        vae=autoencoder,
        text_encoder=None,
        tokenizer=None,
        text_encoder_2=encoder,
        tokenizer_2=tokenizer,
        unet=unet,
        scheduler=new_scheduler(),
        add_watermarker=False,
    )
