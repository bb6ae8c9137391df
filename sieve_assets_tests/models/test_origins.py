"""Weights of libraries and hubs, on checkpoints of exactly their formats, and refusals."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import torchvision
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform, resolve_data_config
from transformers import (
    Dinov2Config,
    Dinov2ForImageClassification,
    ResNetConfig,
    ResNetForImageClassification,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessor,
)

from sieve_assets import study_targets
from sieve_assets.models import origins
from sieve_assets.models.frames import cut_frame, input_frames
from sieve_assets.models.identity import target_hash
from sieve_assets.models.origins import origin_of, transform_of
from sieve_assets.models.target import load_target
from sieve_assets_tests.checkpoints import spread

TIMM = "resnet10t.c3_in1k"
WEIGHTS = torchvision.models.ResNet18_Weights.IMAGENET1K_V1


@pytest.fixture(autouse=True)
def nothing_remembered():
    for each in (origins._timm, origins._torchvision, origins._snapshot):
        each.cache_clear()


def settings_of(network, layer, **more):
    plain = {"reducer": "mean", "width": 512, "maps": "feature_map", "rule": "ratio", "probe": "x"}
    return study_targets.Target(**{"network": network, "layer": layer, **plain, **more})


def observed(settings):
    picture = Image.effect_noise((300, 260), 90)
    target = load_target("x", settings, device="cpu", batch_size=2)
    return target, picture, target.observe([picture])


def in_cache(folder: Path, name: str) -> Path:
    """Where a hub's file lies in its cache: a snapshot, and the name of the newest."""
    repository = folder / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123abcd")
    snapshot = repository / "snapshots" / "0123abcd"
    snapshot.mkdir(parents=True)
    return snapshot


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


# torchvision


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A checkpoint of torchvision's, at an address that can be reached."""
    network = spread(torchvision.models.resnet18())
    file = tmp_path / "resnet18.pth"
    torch.save(network.state_dict(), file)
    named = tmp_path / f"resnet18-{hashlib.sha256(file.read_bytes()).hexdigest()[:8]}.pth"
    file.rename(named)
    monkeypatch.setattr(WEIGHTS.value, "url", named.as_uri())
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "torch"))
    return network


def test_torchvisions_weights_are_fetched_and_say_what_input_they_take(published):
    settings = settings_of("torchvision:resnet18@IMAGENET1K_V1", "layer4")

    target, picture, seen = observed(settings)

    frames = WEIGHTS.transforms()(picture.convert("RGB"))[None]
    own = input_frames([picture], target.transform, device="cpu")
    torch.testing.assert_close(own, frames, atol=0.02, rtol=0)
    maps = {}
    published.layer4.register_forward_hook(lambda _m, _i, output: maps.update(last=output))
    with torch.inference_mode():
        published(own)
    torch.testing.assert_close(seen.activations, maps["last"].mean((2, 3)), rtol=1e-4, atol=1e-4)
    assert origin_of(settings).weights.parent.name == "checkpoints"


@pytest.mark.usefixtures("published")
def test_a_file_with_a_wrong_checksum_is_refused():
    settings = settings_of("torchvision:resnet18@IMAGENET1K_V1", "layer4")
    file = origin_of(settings).weights
    file.write_bytes(file.read_bytes() + b"x")
    origins._torchvision.cache_clear()

    with pytest.raises(ValueError, match=r"expected a file whose SHA-256 begins with \w{8}, got"):
        origin_of(settings)


def test_a_download_with_a_wrong_checksum_is_refused(published, monkeypatch, tmp_path):
    wrong = tmp_path / "resnet18-00000000.pth"
    torch.save(published.state_dict(), wrong)
    monkeypatch.setattr(WEIGHTS.value, "url", wrong.as_uri())

    with pytest.raises(LookupError, match="invalid hash value"):
        origin_of(settings_of("torchvision:resnet18@IMAGENET1K_V1", "layer4"))


def test_an_address_that_cannot_be_reached_says_where_the_file_belongs(monkeypatch, tmp_path):
    monkeypatch.setattr(WEIGHTS.value, "url", (tmp_path / "resnet18-0123abcd.pth").as_uri())
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "torch"))

    with pytest.raises(LookupError, match=r"checkpoints/resnet18-0123abcd\.pth.*give weights"):
        origin_of(settings_of("torchvision:resnet18@IMAGENET1K_V1", "layer4"))


@pytest.mark.parametrize(
    ("name", "told"),
    [("resnet18@IMAGENET", "IMAGENET1K_V1"), ("resnet8@IMAGENET1K_V1", "resnet18")],
)
def test_unknown_names_of_torchvision_list_the_nearest(name, told):
    with pytest.raises(LookupError, match=told):
        origin_of(settings_of(f"torchvision:{name}", "layer4"))


# timm


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_timms_weights_come_from_the_hubs_cache(cache, file):
    network = spread(timm.create_model(TIMM))
    snapshot = in_cache(cache, f"timm/{TIMM}")
    if file.endswith("safetensors"):
        save_file(network.state_dict(), snapshot / file)
    else:
        torch.save(network.state_dict(), snapshot / file)
    settings = settings_of(f"timm:{TIMM}", "layer4")

    target, picture, seen = observed(settings)

    config = resolve_data_config(model=network)
    frames = create_transform(**config)(picture.convert("RGB"))[None]
    own = input_frames([picture], target.transform, device="cpu")
    torch.testing.assert_close(own, frames, atol=0.02, rtol=0)
    with torch.inference_mode():
        expected = network.forward_features(own).mean((2, 3))
    torch.testing.assert_close(seen.activations, expected, rtol=1e-4, atol=1e-4)
    assert origin_of(settings).weights == snapshot / file


@pytest.mark.usefixtures("cache")
def test_what_is_not_in_the_hubs_cache_is_refused_without_a_network():
    with pytest.raises(LookupError, match=rf"HF_HOME.*timm/{TIMM}.*give weights"):
        origin_of(settings_of(f"timm:{TIMM}", "layer4"))


def test_a_name_without_pretrained_weights_is_refused():
    with pytest.raises(LookupError, match="'resnet50_mlp', which has none"):
        origin_of(settings_of("timm:resnet50_mlp", "layer4"))


# transformers


def save_hugging_face(network, folder, size=64):
    spread(network).save_pretrained(folder)
    ViTImageProcessor(size={"height": size, "width": size}).save_pretrained(folder)
    return network


SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
SIZES = {"intermediate_size": 64, "image_size": 64, "patch_size": 8}


@pytest.mark.parametrize(
    ("network", "layer", "reducer", "width"),
    [
        (
            ViTForImageClassification(ViTConfig(**SMALL, **SIZES)),
            "vit.layernorm",
            "class_token",
            32,
        ),
        (
            Dinov2ForImageClassification(
                Dinov2Config(**SMALL, image_size=64, patch_size=8, mlp_ratio=2)
            ),
            "dinov2.layernorm",
            "token_mean",
            32,
        ),
        (
            ResNetForImageClassification(
                ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1])
            ),
            "resnet.encoder.stages.1",
            "mean",
            16,
        ),
    ],
    ids=["vit", "dinov2", "resnet"],
)
def test_an_image_classifier_of_transformers_is_read_from_its_folder(
    tmp_path, network, layer, reducer, width
):
    save_hugging_face(network, tmp_path / "model")
    maps = "feature_map" if reducer == "mean" else "patch_tokens"
    settings = settings_of(
        f"transformers:{tmp_path / 'model'}", layer, reducer=reducer, maps=maps, width=width
    )

    target, picture, seen = observed(settings)

    assert target.transform.crop_px == 64
    frames = input_frames([picture], target.transform, device="cpu")
    with torch.inference_mode():
        output = network(frames, output_hidden_states=True).hidden_states[-1]
        if reducer != "mean":
            output = network.get_submodule(layer)(output)
    expected = {
        "mean": lambda: output.mean((2, 3)),
        "class_token": lambda: output[:, 0],
        "token_mean": lambda: output[:, 1:].mean(1),
    }[reducer]()
    torch.testing.assert_close(seen.activations, expected, rtol=1e-4, atol=1e-4)
    side = {"mean": 16, "class_token": 8, "token_mean": 8}[reducer]
    assert seen.maps.shape[1:] == (width, side, side) or reducer == "mean"


def test_a_name_on_the_hub_is_found_in_its_cache_and_its_folder_does_not_count(cache, tmp_path):
    network = ViTForImageClassification(ViTConfig(**SMALL, **SIZES))
    save_hugging_face(network, in_cache(cache, "someone/a-vit"))
    save_hugging_face(network, tmp_path / "elsewhere")
    more = {"reducer": "class_token", "maps": "patch_tokens", "width": 32}
    on_hub, in_folder = (
        settings_of(f"transformers:{name}", "vit.layernorm", **more)
        for name in ("someone/a-vit", tmp_path / "elsewhere")
    )

    assert load_target("x", on_hub, device="cpu", batch_size=1).width == 32
    assert target_hash(on_hub) == target_hash(in_folder)
    with pytest.raises(LookupError, match="someone/another"):
        origin_of(settings_of("transformers:someone/another", "vit.layernorm", **more))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"size": {"height": 48, "width": 48}, "do_center_crop": False}, (48, 48)),
        ({"size": {"shortest_edge": 48}, "crop_size": {"height": 32, "width": 32}}, (48, 32)),
        ({"size": 48, "crop_size": 32}, (48, 32)),
    ],
)
def test_an_image_processors_words_become_a_transform(said, expected):
    plain = {"do_center_crop": True, "resample": 3, "image_mean": [0.5] * 3, "image_std": [0.2] * 3}

    found = origins._processors_transform({**plain, **said})

    assert (found.resize_px, found.crop_px) == expected
    assert found.interpolation == "bicubic"


def test_a_resampling_that_is_not_ours_is_refused():
    said = {"size": 48, "resample": 0, "image_mean": [0.5] * 3, "image_std": [0.2] * 3}

    with pytest.raises(ValueError, match=r"bilinear or bicubic.*Write a transform"):
        origins._processors_transform(said)


def test_frames_are_cut_from_the_middle_of_what_a_processor_would_squeeze():
    transform = origins._processors_transform(
        {"size": {"height": 8, "width": 8}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    )
    picture = Image.fromarray(np.repeat(np.arange(24, dtype=np.uint8)[None] * 10, 8, 0))

    assert np.array_equal(np.asarray(cut_frame(picture, transform))[0, :, 0], np.arange(8, 16) * 10)


def test_a_transform_that_nobody_says_is_asked_for(tmp_path):
    network = ViTForImageClassification(ViTConfig(**SMALL, **SIZES))
    network.save_pretrained(tmp_path / "model")
    settings = settings_of(f"transformers:{tmp_path / 'model'}", "vit.layernorm")

    with pytest.raises(LookupError, match="Write a transform into the study file"):
        transform_of(settings)
