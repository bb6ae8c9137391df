"""Observations against plain forward passes, and the peers' defects, each as a claim."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from sieve_assets.models.attribution import class_token_attention, class_token_contributions
from sieve_assets.models.frames import input_frames
from sieve_assets.models.target import NeuronTarget, load_target


def load(settings, batch_size=3):
    return load_target("small", settings, device="cpu", batch_size=batch_size)


def changed(settings, **update):
    """Settings checked again: a copy made by pydantic alone is not."""
    return type(settings).model_validate(settings.model_dump() | update)


def close(found, expected):
    torch.testing.assert_close(
        torch.as_tensor(found), torch.as_tensor(expected), rtol=1e-5, atol=1e-5
    )


@torch.inference_mode()
def test_a_channels_activation_is_its_maps_mean(resnet, resnet_settings, images):
    observation = load(resnet_settings).observe(images)

    frames = input_frames(images, resnet_settings.transform, device="cpu")
    maps = resnet.forward_features(frames)
    close(observation.maps, maps)
    close(observation.activations, resnet.global_pool(maps))


@torch.inference_mode()
def test_a_dimensions_activation_is_that_of_the_class_token(vit, vit_settings, images):
    frames = input_frames(images, vit_settings.transform, device="cpu")

    activations = load(vit_settings).activations(images)

    close(activations, vit.forward_head(vit.forward_features(frames), pre_logits=True))


@torch.inference_mode()
def test_contribution_maps_are_those_of_the_last_block(vit, vit_settings, images):
    attended = {}
    handle = vit.blocks[-1].norm1.register_forward_hook(lambda *call: attended.update(x=call[2]))
    vit(input_frames(images, vit_settings.transform, device="cpu"))
    handle.remove()
    expected = class_token_contributions(class_token_attention(vit), attended["x"])

    maps = load(vit_settings).observe(images).maps

    assert maps.shape == (7, 32, 8, 8)
    for row, column in [(0, 0), (2, 5), (7, 7)]:
        close(maps[:, :, row, column], expected[:, 1 + 8 * row + column])


@torch.inference_mode()
def test_patch_token_maps_are_the_layers_own_tokens(vit, vit_settings, images):
    tokens = vit.forward_features(input_frames(images, vit_settings.transform, device="cpu"))

    maps = load(changed(vit_settings, maps="patch_tokens")).observe(images).maps

    for row, column in [(0, 0), (2, 5), (7, 7)]:
        close(maps[:, :, row, column], tokens[:, 1 + 8 * row + column])


@torch.inference_mode()
def test_torchvisions_transformer_is_observed_too(torchvision_vit, vit_settings, images):
    settings = changed(vit_settings, layer="encoder.ln")
    seen = {}
    block = torchvision_vit.encoder.layers[-1]
    handles = [
        block.ln_1.register_forward_hook(lambda *call: seen.update(attended=call[2])),
        torchvision_vit.encoder.ln.register_forward_hook(lambda *call: seen.update(x=call[2])),
    ]
    torchvision_vit(input_frames(images, settings.transform, device="cpu"))
    for handle in handles:
        handle.remove()
    attention = class_token_attention(torchvision_vit)
    expected = class_token_contributions(attention, seen["attended"])

    observation = NeuronTarget("small", settings, torchvision_vit, batch_size=3).observe(images)

    close(observation.activations, seen["x"][:, 0])
    close(observation.maps[:, :, 2, 5], expected[:, 1 + 8 * 2 + 5])


@pytest.mark.parametrize("kind", ["resnet_settings", "vit_settings"])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 100])
def test_every_row_is_that_of_a_one_image_forward(request, images, kind, batch_size):
    settings = request.getfixturevalue(kind)
    target = load(settings, batch_size)
    alone = load(settings, 1)

    observation = target.observe(images)

    close(target.activations(images), observation.activations)
    for position, image in enumerate(images):
        single = alone.observe([image])
        close(observation.activations[position], single.activations[0])
        close(observation.maps[position], single.maps[0])


def test_the_order_of_pictures_orders_rows_only(resnet_settings, images):
    target = load(resnet_settings)

    close(target.activations(images[::-1]), target.activations(images)[::-1].copy())


@pytest.mark.parametrize("kind", ["resnet_settings", "vit_settings"])
def test_observing_changes_no_weight_and_no_statistic(request, images, kind):
    target = load(request.getfixturevalue(kind))
    before = {name: value.clone() for name, value in target._network.state_dict().items()}

    target.observe(images)
    target.activations(images)

    after = target._network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert not target._network.training
    assert not target._layer._forward_hooks


def test_no_pictures_give_no_rows(resnet_settings):
    target = load(resnet_settings)

    assert target.activations([]).shape == (0, 16)
    assert target.observe([]).activations.shape == (0, 16)
    assert target.observe([]).maps.shape == (0, 16, 8, 8)


def test_a_layer_that_is_overwritten_later_is_kept_as_it_was(
    torchvision_resnet, torchvision_settings, images
):
    """In torchvision's blocks `out += identity` and ReLU in place follow the second norm."""
    settings = changed(torchvision_settings, layer="layer1.0.bn2", width=64)
    network = torchvision_resnet

    observation = load(settings, 2).observe(images[:2])

    with torch.inference_mode():
        frames = input_frames(images[:2], settings.transform, device="cpu")
        block = network.layer1[0]
        entering = network.maxpool(network.relu(network.bn1(network.conv1(frames))))
        expected = block.bn2(block.conv2(block.relu(block.bn1(block.conv1(entering)))))
    assert (expected < 0).any()
    close(observation.maps, expected)


def test_the_hash_names_the_target_and_not_its_name(resnet_settings):
    first = load(resnet_settings)
    second = load_target("other", resnet_settings, device="cpu", batch_size=1)

    assert first.weights_hash == second.weights_hash
    assert (first.name, second.name, first.width) == ("small", "other", 16)


def test_the_hash_does_not_depend_on_where_the_weights_lie(resnet_settings, tmp_path):
    moved = tmp_path / "moved.safetensors"
    moved.write_bytes(resnet_settings.weights.read_bytes())

    assert load(changed(resnet_settings, weights=moved)).weights_hash == (
        load(resnet_settings).weights_hash
    )


@pytest.mark.parametrize(
    "change",
    [
        {"layer": "layer3"},
        {"layer": "layer4.0.conv2"},
        {"network_args": {"channels": [8, 8, 16, 16], "layers": [1, 1, 1, 1], "output_stride": 16}},
        {"transform": {"std": (0.2, 0.25, 0.31)}},
        {"transform": {"resize_px": 65}},
        {"transform": {"interpolation": "bicubic"}},
    ],
)
def test_the_hash_changes_with_what_an_activation_depends_on(resnet_settings, change):
    if "transform" in change:
        change = {"transform": resnet_settings.transform.model_dump() | change["transform"]}

    assert load(changed(resnet_settings, **change)).weights_hash != (
        load(resnet_settings).weights_hash
    )


def test_the_hash_changes_with_one_weight(resnet_settings, tmp_path):
    state = load_file(resnet_settings.weights)
    state["layer1.0.conv1.weight"][0, 0, 0, 0] += 1e-3
    save_file(state, tmp_path / "changed.safetensors")

    other = changed(resnet_settings, weights=tmp_path / "changed.safetensors")

    assert load(other).weights_hash != load(resnet_settings).weights_hash


def test_the_hash_changes_with_the_maps(vit_settings):
    assert load(vit_settings).weights_hash != (
        load(changed(vit_settings, maps="patch_tokens")).weights_hash
    )


def test_settings_as_read_from_a_file_give_the_same_hash(resnet_settings):
    read = type(resnet_settings).model_validate(json.loads(resnet_settings.model_dump_json()))

    assert load(read).weights_hash == load(resnet_settings).weights_hash


def test_a_wrong_width_says_what_was_found(resnet_settings):
    with pytest.raises(ValueError, match=r"target small: expected width = 12 .*'layer4', got 16"):
        load(changed(resnet_settings, width=12))


def test_a_missing_layer_lists_the_nearest(resnet_settings):
    with pytest.raises(LookupError, match=r"target small: .*'layer5'.*Did you mean.*layer4"):
        load(changed(resnet_settings, layer="layer5"))


@pytest.mark.parametrize("layer", ["fc", "global_pool"])
def test_a_layer_without_maps_is_refused(resnet_settings, layer):
    with pytest.raises(ValueError, match=r"expected axes image, neuron, row, column .* got \(1, "):
        load(changed(resnet_settings, layer=layer))


def test_a_layer_without_tokens_is_refused(vit_settings):
    with pytest.raises(ValueError, match=r"expected axes image, token, neuron .* got \(1, 32\)"):
        load(changed(vit_settings, layer="fc_norm"))


def test_a_layer_the_network_does_not_run_is_refused(vit_settings):
    """Fused attention has no use for the module that drops its weights."""
    with pytest.raises(ValueError, match=r"'blocks\.0\.attn\.attn_drop', got NoneType"):
        load(changed(vit_settings, layer="blocks.0.attn.attn_drop"))


def test_a_class_token_of_a_network_without_one_is_refused(resnet_settings):
    with pytest.raises(ValueError, match="with a class token, got ResNet"):
        load(changed(resnet_settings, reducer="class_token", maps="patch_tokens"))


def test_a_neuron_that_is_not_finite_is_named(resnet_settings, images):
    target = load(resnet_settings, batch_size=2)
    network: Any = target._network
    network.layer4[0].bn2.bias[5] = torch.inf

    for observe in (target.observe, target.activations):
        with pytest.raises(ValueError, match=r"got inf for image 0 .*, neuron 5\. Check"):
            observe(images)


def test_an_image_that_overflows_is_named_by_its_position(resnet_settings):
    transform = resnet_settings.transform.model_dump() | {"mean": (0.0, 0.0, 0.0)}
    target = load(changed(resnet_settings, transform=transform), batch_size=2)
    network: Any = target._network
    network.conv1.weight.mul_(1e38)
    black, white = (Image.new("RGB", (64, 64), colour) for colour in ("black", "white"))

    assert np.isfinite(target.activations([black])).all()
    with pytest.raises(ValueError, match=r"target small: expected finite .* image 4 of those"):
        target.observe([black, black, black, black, white, black])
