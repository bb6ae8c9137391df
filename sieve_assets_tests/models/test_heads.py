"""Linear heads are found by what they give; and what a classifier returns is read."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from transformers import ViTConfig, ViTForImageClassification

from sieve_assets.models.heads import Classified, linear_head, logits_in
from sieve_assets.models.target import NeuronTarget


def target_of(settings, network, **update):
    return NeuronTarget("x", settings.model_copy(update=update), network, batch_size=3)


@pytest.mark.parametrize("library", ["timm resnet", "torchvision resnet", "timm vit"])
def test_the_head_that_reads_a_targets_neurons_is_found(
    library,
    resnet,
    resnet_settings,
    torchvision_resnet,
    torchvision_settings,
    vit,
    vit_settings,
    images,
):
    network, settings, own = {
        "timm resnet": (resnet, resnet_settings, resnet.fc),
        "torchvision resnet": (torchvision_resnet, torchvision_settings, torchvision_resnet.fc),
        "timm vit": (vit, vit_settings, vit.head),
    }[library]
    target = target_of(settings, network)

    found = target.linear_head(target.classified(images, held_at=None))

    np.testing.assert_array_equal(found.weight, own.weight.detach())
    np.testing.assert_array_equal(found.bias, own.bias.detach())


def test_transformers_head_on_its_class_token_is_found(vit_settings, images):
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = ViTConfig(**sizes, intermediate_size=32, image_size=64, patch_size=16, num_labels=3)
    network = ViTForImageClassification(config).eval().requires_grad_(requires_grad=False)
    network.classifier.weight.data *= 50  # as it is made, logits hardly differ
    update = {"layer": "vit.layernorm", "maps": "patch_tokens"}
    target = target_of(vit_settings, network, **update)

    found = target.linear_head(target.classified(images, held_at=None))

    np.testing.assert_array_equal(found.weight, network.classifier.weight)


def test_an_earlier_layer_has_none(resnet, resnet_settings, vit, vit_settings, images):
    for network, settings, layer in (
        (resnet, resnet_settings, "layer3"),
        (vit, vit_settings, "blocks.0"),
    ):
        target = target_of(settings, network, layer=layer)
        assert target.linear_head(target.classified(images, held_at=None)) is None


def test_a_head_behind_something_else_is_none():
    torch.manual_seed(0)
    head = nn.Linear(6, 3)
    activations = torch.randn(9, 6)

    right = Classified(activations, head(activations))
    normed = Classified(activations, head(activations * 1.1))

    assert linear_head(nn.Sequential(head), right) is not None
    assert linear_head(nn.Sequential(head), normed) is None
    assert linear_head(nn.Sequential(nn.Linear(6, 3)), right) is None


def test_logits_that_are_the_neurons_are_each_read_by_their_own_class():
    logits = torch.randn(4, 3)

    found = linear_head(nn.Linear(3, 3), Classified(logits, logits))

    np.testing.assert_array_equal(found.weight, np.eye(3))
    assert found.bias.tolist() == [0, 0, 0]


def test_a_head_without_bias_has_one_of_zero():
    head = nn.Linear(4, 2, bias=False)
    activations = torch.randn(5, 4)

    assert linear_head(head, Classified(activations, head(activations))).bias.tolist() == [0, 0]


def test_pictures_that_do_not_differ_show_nothing():
    head = nn.Linear(4, 2, bias=False)
    activations = torch.zeros(5, 4)

    assert linear_head(head, Classified(activations, head(activations))) is None


def test_logits_are_read_from_what_a_classifier_returns():
    logits = torch.ones(2, 3, dtype=torch.bfloat16)

    for output in (logits, {"logits": logits}, (logits, None), [logits]):
        found = logits_in(output, where="x")
        assert found.dtype == torch.float32
        assert torch.equal(found, torch.ones(2, 3))


@pytest.mark.parametrize(
    ("output", "got"),
    [(torch.ones(2, 3, 4), r"got \(2, 3, 4\)"), (SimpleNamespace(), "got SimpleNamespace")],
)
def test_other_outputs_are_refused(output, got):
    with pytest.raises(TypeError, match=f"x: expected a network that gives one number a .*{got}"):
        logits_in(output, where="x")
