"""The autoencoder: its loss against loops, its shapes, and a training in miniature."""

import numpy as np
import pytest
import torch

from sieve_assets.terrarium import autoencoder
from sieve_assets.terrarium.autoencoder import (
    new_autoencoder,
    reconstruction_loss,
    refine_decoder,
    train_autoencoder,
)
from sieve_assets.terrarium.fitting import Schedule


def random_pictures(count=2):
    generator = torch.Generator().manual_seed(0)
    shape = (count, 3, 64, 64)
    masks = torch.rand(count, 64, 64, generator=generator) < 0.3
    return (torch.rand(shape, generator=generator), torch.rand(shape, generator=generator), masks)


def test_the_loss_is_that_of_loops_over_pixels_and_their_steps():
    decoded, pixels, masks = random_pictures()
    error, weight = (decoded - pixels).numpy(), 1 + 3 * masks.numpy()

    expected = np.mean([np.abs(error[:, c]) * weight for c in range(3)])
    down, right = [], []
    for c in range(3):
        for i in range(63):
            step_down = error[:, c, i + 1] - error[:, c, i]
            step_right = error[:, c, :, i + 1] - error[:, c, :, i]
            down.append(np.abs(step_down) * weight[:, i + 1])
            right.append(np.abs(step_right) * weight[:, :, i + 1])
    expected += np.mean(down) + np.mean(right)

    assert reconstruction_loss(decoded, pixels, masks).item() == pytest.approx(expected, rel=1e-5)


def test_a_perfect_picture_costs_nothing_and_an_error_on_the_object_most():
    _, pixels, masks = random_pictures()
    on_object, beside = pixels.clone(), pixels.clone()
    on_object[masks[:, None].expand_as(pixels)] += 0.1
    beside[~masks[:, None].expand_as(pixels)] += 0.1 * masks.sum() / (~masks).sum()

    assert reconstruction_loss(pixels, pixels, masks).item() == 0
    assert reconstruction_loss(on_object, pixels, masks) > reconstruction_loss(
        beside, pixels, masks
    )


@torch.inference_mode()
def test_latents_are_eight_times_smaller_and_pictures_come_back():
    coder = new_autoencoder()
    _, pixels, _ = random_pictures()

    latents = coder.encode(pixels).latents

    assert latents.shape == (2, 32, 8, 8)
    assert coder.decode(latents).sample.shape == pixels.shape


def test_training_is_reproducible_and_changes_every_weight(tmp_path, monkeypatch):
    monkeypatch.setattr(autoencoder, "N_SCENES", 4)
    schedule = Schedule(n_steps=2, batch=2, peak_rate=1e-3, weight_decay=0.0)
    torch.manual_seed(0)
    untrained = new_autoencoder()

    first, second = (
        train_autoencoder(schedule=schedule, seed=0, checkpoints=tmp_path / name)
        for name in ("first", "second")
    )

    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key])
        assert not torch.equal(value, untrained.state_dict()[key]), key


def test_refining_the_decoder_leaves_the_latents_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(autoencoder, "N_SCENES", 4)
    torch.manual_seed(0)
    coder = new_autoencoder()
    before = {key: value.clone() for key, value in coder.state_dict().items()}
    schedule = Schedule(n_steps=2, batch=2, peak_rate=1e-3, weight_decay=0.0)

    refined = refine_decoder(coder, schedule=schedule, seed=1, checkpoints=tmp_path)

    assert refined is coder
    for key, value in coder.state_dict().items():
        assert torch.equal(value, before[key]) == key.startswith("encoder."), key
