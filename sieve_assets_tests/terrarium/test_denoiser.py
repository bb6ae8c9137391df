"""The generator's training: the loss against diffusers' own formulas, and the pipeline's inputs."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from diffusers.training_utils import compute_snr
from torch import nn

from sieve_assets.terrarium import denoiser
from sieve_assets.terrarium.autoencoder import LATENT_CHANNELS, new_autoencoder
from sieve_assets.terrarium.captions import known_concepts, truth_table
from sieve_assets.terrarium.denoiser import (
    Captions,
    assemble_pipeline,
    captions_of,
    encode_captions,
    latent_scale,
    latents_of,
    new_scheduler,
    new_unet,
    train_denoiser,
    training_scenes,
    velocity_loss,
)
from sieve_assets.terrarium.fitting import Schedule, render_all
from sieve_assets.terrarium.text_encoder import hf_text_encoder
from sieve_assets.terrarium.world import drawn_objects, families

PROMPTS = ["dog on grass", "fruit", "snow"]


class Recorder(nn.Module):
    """Keeps what it is asked and guesses that nothing moves."""

    def forward(self, noisy, timesteps, **given):
        self.seen = SimpleNamespace(noisy=noisy, timesteps=timesteps, **given)
        return SimpleNamespace(sample=torch.zeros_like(noisy))


@pytest.fixture(scope="module")
def encoder(clip, tokenizer):
    return hf_text_encoder(clip, tokenizer)


@pytest.fixture(scope="module")
def captions(encoder, tokenizer):
    return encode_captions(encoder, tokenizer)


@pytest.fixture
def pipeline(encoder, tokenizer):
    torch.manual_seed(0)
    unet = new_unet(text_width=128, pooled_width=128).eval()
    pipeline = assemble_pipeline(new_autoencoder().eval(), encoder, tokenizer, unet, scale=0.5)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def asked(captions, count=40):
    """One call of the loss with a network that records it."""
    torch.manual_seed(0)
    recorder = Recorder()
    clean = torch.randn(count, LATENT_CHANNELS, 8, 8)
    said = torch.arange(count) % len(captions.hidden)
    shares = torch.rand(count, 1, 8, 8)
    generator = np.random.default_rng(0)
    loss = velocity_loss(
        recorder, captions, clean=clean, said=said, shares=shares, generator=generator
    )
    return loss, recorder.seen, clean, said, shares


def test_the_loss_is_diffusers_velocity_with_min_snr_weights(captions):
    loss, seen, clean, _, shares = asked(captions)
    reference = DDPMScheduler(beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction")
    signal = reference.alphas_cumprod[seen.timesteps].view(-1, 1, 1, 1)
    noise = (seen.noisy - signal.sqrt() * clean) / (1 - signal).sqrt()

    velocity = reference.get_velocity(clean, noise, seen.timesteps)
    snr = compute_snr(reference, seen.timesteps)
    weight = (snr.clamp(max=5) / (snr + 1)).view(-1, 1, 1, 1) * (1 + 1.5 * shares)

    torch.testing.assert_close(
        seen.noisy, reference.add_noise(clean, noise, seen.timesteps), rtol=0, atol=1e-4
    )
    assert noise.std().item() == pytest.approx(1, abs=0.02)
    expected = (weight * velocity**2).sum() / weight.expand_as(velocity).sum()
    torch.testing.assert_close(loss, expected, rtol=1e-3, atol=0)


def test_timesteps_are_spread_evenly_over_the_schedule(captions):
    _, seen, *_ = asked(captions, count=50)

    assert (seen.timesteps // 20).tolist() == list(range(50))


def test_captions_are_left_out_in_their_share_both_ways_at_once(captions):
    _, seen, _, said, _ = asked(captions, count=400)
    pooled = seen.added_cond_kwargs["text_embeds"]
    is_told = seen.encoder_hidden_states.abs().sum((1, 2)) > 0

    assert 1 - is_told.float().mean() == pytest.approx(denoiser.UNCONDITIONAL_SHARE, abs=0.05)
    assert torch.equal(is_told, pooled.abs().sum(1) > 0)
    assert torch.equal(pooled[is_told], captions.pooled[said][is_told])
    assert torch.equal(seen.encoder_hidden_states[is_told], captions.hidden[said][is_told])


def test_captions_are_encoded_as_the_pipeline_encodes_prompts(pipeline, captions):
    hidden, without, pooled, pooled_without = pipeline.encode_prompt(
        PROMPTS, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=True
    )

    rows = [captions.row_of[prompt] for prompt in PROMPTS]
    torch.testing.assert_close(hidden, captions.hidden[rows], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(pooled, captions.pooled[rows], rtol=1e-5, atol=1e-5)
    assert not without.any()
    assert not pooled_without.any()


def test_the_pipeline_asks_the_network_what_training_asked(pipeline, captions):
    calls = []
    pipeline.unet.register_forward_pre_hook(
        lambda _module, args, given: calls.append((args, given)), with_kwargs=True
    )
    pipeline(prompt="fruit", num_inference_steps=2, guidance_scale=3.0, output_type="latent")
    _, trained, *_ = asked(captions, count=2)

    (noisy, timestep), given = calls[0]
    added = given["added_cond_kwargs"]
    row = captions.row_of["fruit"]
    assert noisy.shape[1:] == trained.noisy.shape[1:]
    assert noisy.std().item() == pytest.approx(1, abs=0.1)
    assert timestep.item() == 999
    assert torch.equal(added["time_ids"], trained.added_cond_kwargs["time_ids"])
    for value, expected in (
        (given["encoder_hidden_states"], captions.hidden[row]),
        (added["text_embeds"], captions.pooled[row]),
    ):
        without, told = value
        assert not without.any()
        torch.testing.assert_close(told, expected, rtol=1e-5, atol=1e-5)


def test_the_sampler_finds_latents_of_any_size_with_a_perfect_network():
    generator = torch.Generator().manual_seed(0)
    scheduler = new_scheduler()
    scheduler.set_timesteps(10)
    clean = 6 * torch.randn(2, 8, 8, 8, generator=generator)
    sample = torch.randn(clean.shape, generator=generator) * scheduler.init_noise_sigma

    for timestep in scheduler.timesteps:
        signal = scheduler.alphas_cumprod[timestep]
        velocity = (signal.sqrt() * sample - clean) / (1 - signal).sqrt()
        sample = scheduler.step(velocity, timestep, sample).prev_sample

    assert clean.abs().max() > 15
    torch.testing.assert_close(sample, clean, rtol=0, atol=1e-3)


def test_every_caption_is_known_and_true():
    scenes = training_scenes(600, seed=0)
    concepts = known_concepts()
    row_of = {concept.text: row for row, concept in enumerate(concepts)}

    truth = truth_table(scenes[:100], concepts)
    for scene, truths in zip(scenes[:100], truth, strict=True):
        assert all(truths[row_of[caption]] for caption in captions_of(scene))
    assert {caption for scene in scenes for caption in captions_of(scene)} < set(row_of)
    empty = next(scene for scene in scenes if scene.thing is None)
    assert captions_of(empty) == (empty.background,) * 3


def test_captions_are_said_in_their_shares(tmp_path, monkeypatch):
    monkeypatch.setattr(denoiser, "N_SCENES", 40)
    monkeypatch.setattr(denoiser, "EMPTY_SHARE", 0.0)
    said = []

    def keep(unet, _captions, **given):
        said.extend(given["said"].tolist())
        return sum(parameter.sum() for parameter in unet.parameters())

    monkeypatch.setattr(denoiser, "velocity_loss", keep)
    concepts = known_concepts()
    captions = Captions(
        {concept.text: row for row, concept in enumerate(concepts)},
        torch.zeros(len(concepts), 12, 16),
        torch.zeros(len(concepts), 16),
    )

    schedule = Schedule(n_steps=1, batch=3000, peak_rate=1e-3, weight_decay=0.0)
    train_denoiser(
        new_autoencoder(), captions, scale=1.0, schedule=schedule, seed=0, checkpoints=tmp_path
    )

    kinds = Counter(
        "pair" if concepts[row].background else "family" if concepts[row].family else "object"
        for row in said
    )
    # The objects without a family word are called by their names twice.
    nameless = sum(thing.family not in families() for thing in drawn_objects()) / 60
    pair, name, family = denoiser.CAPTION_SHARES
    assert kinds["pair"] / 3000 == pytest.approx(pair, abs=0.03)
    assert kinds["object"] / 3000 == pytest.approx(name + nameless * family, abs=0.05)
    assert kinds["family"] / 3000 == pytest.approx((1 - nameless) * family, abs=0.05)


def test_scaled_latents_have_unit_variance():
    torch.manual_seed(0)
    coder = new_autoencoder().eval()
    scale = latent_scale(coder, seed=0)

    images, _ = render_all(training_scenes(40, seed=5))
    assert (latents_of(coder, images) * scale).std().item() == pytest.approx(1, rel=0.1)


def test_training_is_reproducible(tmp_path, monkeypatch):
    monkeypatch.setattr(denoiser, "N_SCENES", 6)
    torch.manual_seed(0)
    coder = new_autoencoder().eval()
    texts = [concept.text for concept in known_concepts()]
    captions = Captions(
        {text: row for row, text in enumerate(texts)},
        torch.randn(len(texts), 12, 16),
        torch.randn(len(texts), 16),
    )
    schedule = Schedule(n_steps=2, batch=3, peak_rate=1e-3, weight_decay=0.0)

    first, second = (
        train_denoiser(
            coder, captions, scale=1, schedule=schedule, seed=0, checkpoints=tmp_path / name
        )
        for name in ("first", "second")
    )

    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key])
