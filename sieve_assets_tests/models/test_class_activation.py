"""Class activation maps: their mean is the logit, and heads without one are refused."""

import re

import pytest
import torch
from torch import nn

from sieve_assets.models.class_activation import pooled_head
from sieve_assets.models.networks import module_at
from sieve_assets.models.target import NeuronTarget


def head_of(network, layer, size=64):
    torch.manual_seed(0)
    frames = torch.rand(2, 3, size, size)
    with torch.inference_mode():
        return pooled_head(network, module_at(network, layer, where="x"), lambda: network(frames))


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_the_mean_of_a_logits_map_is_the_logit_without_bias(
    library, resnet, resnet_settings, torchvision_resnet, torchvision_settings, images
):
    network, settings = {
        "timm": (resnet, resnet_settings),
        "torchvision": (torchvision_resnet, torchvision_settings),
    }[library]
    logits = {"layer": "fc", "reducer": "none", "maps": "class_activation", "width": 5}
    target = NeuronTarget("x", settings.model_copy(update=logits), network, batch_size=3)

    seen = target.observe(images)

    assert seen.maps.shape[2] > 1
    expected = seen.maps.mean((2, 3)) + network.fc.bias
    torch.testing.assert_close(seen.activations, expected, rtol=1e-3, atol=1e-3)


def test_the_pooling_before_a_head_is_found(resnet):
    assert head_of(resnet, "fc").pooling is resnet.global_pool.pool


def test_a_layer_that_is_not_linear_is_refused(resnet):
    with pytest.raises(TypeError, match="expected a linear layer, got Sequential"):
        head_of(resnet, "layer4")


def test_a_head_that_reads_a_class_token_is_refused(vit):
    with pytest.raises(ValueError, match=re.escape('Use maps = "whole"')):
        head_of(vit, "head")


def test_a_head_that_reads_something_else_than_the_mean_is_refused():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveMaxPool2d(1), nn.Flatten())
    network.append(nn.Linear(4, 2))

    with pytest.raises(ValueError, match="reads the mean over a feature map"):
        head_of(network, "3")
