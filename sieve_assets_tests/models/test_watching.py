"""Hooks: what is kept of a layer, and a neuron held at a value as if the layer had said so."""

import pytest
import torch
from torch import nn

from sieve_assets.models.attribution import TokenLayout
from sieve_assets.models.frames import input_frames
from sieve_assets.models.readings import (
    ChannelReading,
    TokenMeanReading,
    TokenReading,
    VectorReading,
)
from sieve_assets.models.target import NeuronTarget
from sieve_assets.models.watching import Held, held, watch


@pytest.mark.parametrize(
    ("reading", "shape", "changed"),
    [
        (ChannelReading(3), (2, 3, 4, 5), (slice(None), 1)),
        (ChannelReading(3), (2, 4, 5, 3), (..., 1)),
        (TokenReading(TokenLayout(1, 2, 2), None), (2, 5, 3), (slice(None), 0, 1)),
        (TokenMeanReading(TokenLayout(1, 2, 2)), (2, 5, 3), (slice(None), slice(1, None), 1)),
        (VectorReading(None), (2, 3), (slice(None), 1)),
        (VectorReading(None), (2, 3, 1, 1), (slice(None), 1)),
    ],
)
def test_only_what_the_activation_is_read_from_is_held(reading, shape, changed):
    layer, given = nn.Identity(), torch.randn(*shape)
    before = given.clone()

    with held(layer, reading, Held(1, 7.0)):
        found = layer(given)
    expected = before.clone()
    expected[changed] = 7.0

    assert torch.equal(found, expected)
    assert torch.equal(given, before)
    assert reading.activations(reading.ordered(found))[:, 1].tolist() == [7.0, 7.0]
    assert torch.equal(layer(given), before)


def test_nothing_is_held_without_a_neuron():
    layer = nn.Identity()
    with held(layer, VectorReading(None), None):
        assert not layer._forward_hooks


@torch.inference_mode()
def test_a_target_gives_the_logits_of_the_network_with_the_neuron_held(vit, vit_settings, images):
    target = NeuronTarget("x", vit_settings, vit, batch_size=3)
    features = vit.forward_features(input_frames(images, vit_settings.transform, device="cpu"))
    features[:, 0, 4] = 2.5

    found = target.classified(images, held_at=Held(4, 2.5))

    torch.testing.assert_close(found.logits, vit.forward_head(features), rtol=1e-5, atol=1e-5)
    assert found.activations[:, 4].tolist() == [2.5] * 7
    plain = target.classified(images, held_at=None)
    frames = input_frames(images, vit_settings.transform, device="cpu")
    torch.testing.assert_close(plain.logits, vit(frames), rtol=1e-5, atol=1e-5)


def test_what_leaves_a_layer_is_kept_though_the_next_step_overwrites_it():
    layer, after = nn.Identity(), nn.ReLU(inplace=True)
    given = torch.tensor([[-1.0, 2.0]])

    with watch(layer, after) as seen:
        after(layer(given))

    assert seen["output"].tolist() == [[-1, 2]]
    assert seen["entered"].shape == (1, 2)
    assert not layer._forward_hooks
    assert not after._forward_pre_hooks
