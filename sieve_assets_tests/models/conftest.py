"""Tiny checkpoints of the real formats, with random weights, and pictures of many sizes."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import timm
import torch
import torchvision
from diffusers import StableDiffusionXLPipeline
from PIL import Image
from safetensors.torch import save_file

from sieve_assets import study_targets
from sieve_assets.terrarium.tokenizer import clip_tokenizer
from sieve_assets_tests import tiny_pipelines
from sieve_assets_tests.checkpoints import make_clip, make_pipeline, save_clip, spread

TRANSFORM = study_targets.Transform(
    resize_px=64, crop_px=64, mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3), interpolation="bilinear"
)
RESNET_ARGS: dict[str, Any] = {
    "channels": [8, 8, 16, 16],
    "layers": [1, 1, 1, 1],
    "output_stride": 8,
}
VIT_ARGS: dict[str, Any] = {
    "img_size": 64,
    "patch_size": 8,
    "embed_dim": 32,
    "depth": 2,
    "num_heads": 4,
}
TORCHVISION_VIT: dict[str, Any] = {
    "image_size": 64,
    "patch_size": 8,
    "num_layers": 2,
    "num_heads": 4,
    "hidden_dim": 32,
    "mlp_dim": 64,
}


@pytest.fixture(scope="session")
def resnet() -> torch.nn.Module:
    return spread(timm.create_model("resnet18", num_classes=5, **RESNET_ARGS))


@pytest.fixture(scope="session")
def resnet_settings(resnet, tmp_path_factory) -> study_targets.Target:
    weights = tmp_path_factory.mktemp("resnet") / "resnet.safetensors"
    save_file(resnet.state_dict(), weights)
    return study_targets.Target(
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
def torchvision_resnet() -> torch.nn.Module:
    return spread(torchvision.models.resnet18(num_classes=5))


@pytest.fixture(scope="session")
def torchvision_settings(
    torchvision_resnet, resnet_settings, tmp_path_factory
) -> study_targets.Target:
    weights = tmp_path_factory.mktemp("torchvision") / "resnet18.pth"
    torch.save(torchvision_resnet.state_dict(), weights)
    own = {"network": "torchvision:resnet18", "network_args": {}, "weights": weights, "width": 512}
    return study_targets.Target.model_validate(resnet_settings.model_dump() | own)


@pytest.fixture(scope="session")
def vit() -> torch.nn.Module:
    return spread(timm.create_model("vit_base_patch16_224", num_classes=5, **VIT_ARGS))


@pytest.fixture(scope="session")
def vit_settings(vit, tmp_path_factory) -> study_targets.Target:
    weights = tmp_path_factory.mktemp("vit") / "vit.safetensors"
    save_file(vit.state_dict(), weights)
    return study_targets.Target(
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


WORDS = ["red circle", "large blue square", "striped texture", "a close up of green grass"]


@pytest.fixture(scope="session")
def tokenizer():
    return clip_tokenizer(WORDS, n_merges=200, context_length=16)


@pytest.fixture(scope="session")
def clip(tokenizer) -> open_clip.CLIP:
    return make_clip(tokenizer)


@pytest.fixture(scope="session")
def clip_folder(clip, tokenizer, tmp_path_factory):
    return save_clip(clip, tokenizer, tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def pipeline(clip, tokenizer) -> StableDiffusionXLPipeline:
    return make_pipeline(clip, tokenizer)


@pytest.fixture(scope="session")
def pipeline_folder(pipeline, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    pipeline.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory) -> Callable[[str], Path]:
    """Saves a tiny pipeline of a class of diffusers, once; its folder."""

    @cache
    def save(kind: str) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        tiny_pipelines.make(kind).save_pretrained(folder)
        return folder

    return save
