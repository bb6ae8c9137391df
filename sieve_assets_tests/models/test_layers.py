"""The layer that is chosen where nobody says which: known families of every library."""

import pytest
import timm
import torch
import torchvision
from transformers import ViTConfig, ViTForImageClassification

from sieve_assets import study_targets
from sieve_assets.models.layers import Layer, last_layer_with_places

TRANSFORM = study_targets.Transform(
    resize_px=64, crop_px=64, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)
)
TOKENS = ("class_token", "class_token_contributions")
HUGGING = ViTConfig(
    hidden_size=32,
    num_hidden_layers=1,
    num_attention_heads=4,
    intermediate_size=64,
    image_size=64,
    patch_size=8,
)
SWIN = {"img_size": 64, "patch_size": 4, "window_size": 4, "embed_dim": 16, "depths": (1, 1)}


def found(network, **more):
    torch.manual_seed(0)
    return last_layer_with_places(network.eval(), TRANSFORM, **more)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            lambda: timm.create_model("resnet10t"),
            Layer("layer4", "mean", 512, "feature_map", "ratio"),
        ),
        (
            lambda: timm.create_model("vit_tiny_patch16_224", img_size=64, patch_size=8, depth=1),
            Layer("norm", TOKENS[0], 192, TOKENS[1], "signed"),
        ),
        (
            lambda: timm.create_model("swin_tiny_patch4_window7_224", num_heads=(2, 4), **SWIN),
            Layer("norm", "mean", 32, "feature_map", "signed"),
        ),
        (
            torchvision.models.resnet18,
            Layer("layer4", "mean", 512, "feature_map", "ratio"),
        ),
        (
            torchvision.models.densenet121,
            Layer("features", "mean", 1024, "feature_map", "signed"),
        ),
        (
            lambda: torchvision.models.VisionTransformer(64, 8, 1, 4, 32, 64),
            Layer("encoder", TOKENS[0], 32, TOKENS[1], "signed"),
        ),
        (
            lambda: ViTForImageClassification(HUGGING),
            Layer("vit.layernorm", TOKENS[0], 32, "patch_tokens", "signed"),
        ),
    ],
    ids=["resnet", "vit", "swin", "tv_resnet", "tv_densenet", "tv_vit", "hf_vit"],
)
def test_the_layer_of_a_known_family_is_found_with_its_reading(make, expected):
    assert found(make()) == expected


def test_a_given_layer_keeps_its_name_and_gets_its_reading():
    network = torchvision.models.resnet18()

    assert found(network, path="layer2") == Layer("layer2", "mean", 128, "feature_map", "ratio")
    assert found(network, path="fc") == Layer("fc", "none", 1000, "whole", "signed")


def test_a_network_without_places_is_refused():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 64 * 64, 4))

    with pytest.raises(LookupError, match="gives feature maps or tokens, got none"):
        found(network)
    with pytest.raises(LookupError, match="got nowhere"):
        found(network, path="nowhere")
