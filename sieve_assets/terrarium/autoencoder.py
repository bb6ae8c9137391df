"""Trains the generator's autoencoder: 64 x 64 pictures to 8 x 8 latents of 32 channels and back."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import Tensor

from sieve_assets.terrarium.fitting import LossOfStep, Schedule, fit, render_all, to_unit
from sieve_assets.terrarium.scenes import NARROW, unbiased_scenes

LATENT_CHANNELS = 32
LATENT_NOISE = 0.1
"""Noise on the latents while training (of scale about 1), so that near latents decode alike."""
OBJECT_WEIGHT = 3.0
"""Extra weight of an object's pixels in the loss: textures' noise cannot be kept, objects must."""
N_SCENES = 120_000
EMPTY_SHARE = 0.1


def new_autoencoder() -> AutoencoderTiny:
    """Return the untrained autoencoder (channels doubled where the picture is small enough)."""
    return AutoencoderTiny(
        encoder_block_out_channels=(48, 48, 48, 48),
        decoder_block_out_channels=(48, 48, 48, 48),
        num_encoder_blocks=(0, 1, 2, 3),
        num_decoder_blocks=(3, 2, 1, 0),
        latent_channels=LATENT_CHANNELS,
        latent_magnitude=3,
        scaling_factor=1.0,
    )


def reconstruction_loss(decoded: Tensor, pixels: Tensor, masks: Tensor) -> Tensor:
    """Return the mean absolute error of pixels and of their gradients, object pixels weighted."""
    weight = 1 + OBJECT_WEIGHT * masks[:, None]
    error = decoded - pixels
    loss = (error.abs() * weight).mean()
    for axis in (2, 3):
        loss = loss + (error.diff(dim=axis).abs() * weight.narrow(axis, 1, 63)).mean()
    return loss


def training_pictures(seed: int) -> tuple[Tensor, Tensor]:
    """Return pixels and masks of unbiased scenes of the drawn objects."""
    return render_all(
        unbiased_scenes(N_SCENES, seed=seed, empty_share=EMPTY_SHARE, pose=NARROW, only_drawn=True)
    )


def train_autoencoder(*, schedule: Schedule, seed: int, checkpoints: Path) -> AutoencoderTiny:
    """Train on unbiased scenes of the drawn objects and return the autoencoder."""
    torch.manual_seed(seed)
    model: Any = new_autoencoder()
    model.to(memory_format=torch.channels_last)

    def prepare() -> LossOfStep:
        images, masks = training_pictures(seed)

        def loss_of(generator: np.random.Generator, _step: int) -> Tensor:
            rows = torch.as_tensor(generator.integers(len(images), size=schedule.batch))
            pixels = to_unit(images[rows])
            latents = model.encode(pixels).latents
            decoded = model.decode(latents + LATENT_NOISE * torch.randn_like(latents)).sample
            return reconstruction_loss(decoded.float(), pixels, masks[rows])

        return loss_of

    return fit("autoencoder", model, prepare, schedule=schedule, seed=seed, checkpoints=checkpoints)


def refine_decoder(
    model: AutoencoderTiny, *, schedule: Schedule, seed: int, checkpoints: Path
) -> AutoencoderTiny:
    """Train the decoder further, in place, while the latents and what was trained on them stay."""
    coder: Any = model

    def prepare() -> LossOfStep:
        images, masks = training_pictures(seed)

        def loss_of(generator: np.random.Generator, _step: int) -> Tensor:
            rows = torch.as_tensor(generator.integers(len(images), size=schedule.batch))
            pixels = to_unit(images[rows])
            with torch.no_grad():
                latents = coder.encode(pixels).latents
            decoded = coder.decode(latents + LATENT_NOISE * torch.randn_like(latents)).sample
            return reconstruction_loss(decoded.float(), pixels, masks[rows])

        return loss_of

    fit("decoder", coder.decoder, prepare, schedule=schedule, seed=seed, checkpoints=checkpoints)
    return model
