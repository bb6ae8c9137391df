"""Tiny checkpoints of the real formats, with random weights, and pictures of many sizes."""

import numpy as np
import pytest
import timm
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file

from sieve_assets import study

TRANSFORM = study.Transform(
    resize_px=64, crop_px=64, mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3), interpolation="bilinear"
)
RESNET_ARGS = {"channels": [8, 8, 16, 16], "layers": [1, 1, 1, 1], "output_stride": 8}
VIT_ARGS = {"img_size": 64, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 4}
TORCHVISION_VIT = {
    "image_size": 64,
    "patch_size": 8,
    "num_layers": 2,
    "num_heads": 4,
    "hidden_dim": 32,
    "mlp_dim": 64,
}


def spread(network: torch.nn.Module, *, seed: int = 0) -> torch.nn.Module:
    """Random weights and normalisation statistics large enough that everything matters."""
    torch.manual_seed(seed)
    for name, value in network.state_dict().items():
        if name.endswith("running_var"):
            torch.nn.init.uniform_(value, 0.5, 2)
        elif value.is_floating_point():
            fan_in = value[0].numel() if value.ndim > 1 else 25
            torch.nn.init.normal_(value, std=fan_in**-0.5)
    return network.eval()


@pytest.fixture(scope="session")
def resnet() -> torch.nn.Module:
    return spread(timm.create_model("resnet18", num_classes=5, **RESNET_ARGS))


@pytest.fixture(scope="session")
def resnet_settings(resnet, tmp_path_factory) -> study.Target:
    weights = tmp_path_factory.mktemp("resnet") / "resnet.safetensors"
    save_file(resnet.state_dict(), weights)
    return study.Target(
        network="timm:resnet18",
        network_args=RESNET_ARGS,
        weights=weights,
        n_classes=5,
        layer="layer4",
        reducer="mean",
        width=16,
        maps="feature_map",
        rule="ratio",
        transform=TRANSFORM,
        probe="scenes",
    )


@pytest.fixture(scope="session")
def vit() -> torch.nn.Module:
    return spread(timm.create_model("vit_base_patch16_224", num_classes=5, **VIT_ARGS))


@pytest.fixture(scope="session")
def vit_settings(vit, tmp_path_factory) -> study.Target:
    weights = tmp_path_factory.mktemp("vit") / "vit.safetensors"
    save_file(vit.state_dict(), weights)
    return study.Target(
        network="timm:vit_base_patch16_224",
        network_args=VIT_ARGS,
        weights=weights,
        n_classes=5,
        layer="norm",
        reducer="class_token",
        width=32,
        maps="class_token_contributions",
        rule="signed",
        transform=TRANSFORM,
        probe="scenes",
    )


@pytest.fixture(scope="session")
def torchvision_vit() -> torch.nn.Module:
    network = torchvision.models.vision_transformer.VisionTransformer(
        **TORCHVISION_VIT, num_classes=5
    )
    return spread(network)


@pytest.fixture(scope="session")
def images() -> list[Image.Image]:
    """Seven pictures: of the frame's size, larger, smaller, wide, tall, grey, with transparency."""
    random = np.random.default_rng(0)
    sizes = [(64, 64), (200, 200), (20, 24), (150, 70), (65, 131), (90, 90), (64, 64)]
    noise = [
        Image.fromarray(random.integers(0, 256, (h // 4 + 1, w // 4 + 1, 3), np.uint8))
        for w, h in sizes
    ]
    pictures = [one.resize(size) for one, size in zip(noise, sizes, strict=True)]
    pictures[5] = pictures[5].convert("L")
    pictures[6] = pictures[6].convert("RGBA")
    return pictures
