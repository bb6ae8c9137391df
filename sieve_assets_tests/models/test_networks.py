"""Networks of both libraries: what is built, and how wrong names and arguments are refused."""

import pytest
import timm
import torch
from safetensors.torch import save_file

from sieve_assets.models.networks import load_network, module_at


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_torchvision_checkpoint_gives_its_network(
    tmp_path, torchvision_resnet, torchvision_settings, suffix
):
    settings = torchvision_settings
    if suffix == ".safetensors":
        save_file(torchvision_resnet.state_dict(), tmp_path / "resnet18.safetensors")
        settings = settings.model_copy(update={"weights": tmp_path / "resnet18.safetensors"})

    network = load_network(settings, where="test")

    frames = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(network(frames), torchvision_resnet(frames))


def test_a_network_is_ready_for_inference(resnet_settings):
    network = load_network(resnet_settings, where="test")

    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_timms_names_may_carry_a_tag(resnet_settings):
    settings = resnet_settings.model_copy(update={"network": "timm:resnet18.a1_in1k"})

    assert isinstance(load_network(settings, where="test"), timm.models.ResNet)


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_an_unknown_network_lists_the_nearest_names(resnet_settings, library):
    settings = resnet_settings.model_copy(update={"network": f"{library}:resnet8"})

    with pytest.raises(LookupError, match=rf"target x: .*{library}, got 'resnet8'.*resnet18"):
        load_network(settings, where="target x")


@pytest.mark.parametrize("wrong", [{"chanels": [8, 8, 16, 16]}, {"output_stride": 7}])
def test_wrong_arguments_are_named(resnet_settings, wrong):
    settings = resnet_settings.model_copy(update={"network_args": wrong})

    with pytest.raises(ValueError, match=rf"got .*{next(iter(wrong))}.*Change network_args"):
        load_network(settings, where="target x")


def test_weights_of_another_network_are_refused(resnet_settings):
    settings = resnet_settings.model_copy(update={"n_classes": 7})

    with pytest.raises(ValueError, match=r"target x: .*fc\.weight \(5, 16\) for \(7, 16\)"):
        load_network(settings, where="target x")


def test_a_missing_layer_lists_the_nearest_names(resnet):
    with pytest.raises(LookupError, match=r"got layer = 'layer4\.conv2'.*mean layer4\.0\.conv2"):
        module_at(resnet, "layer4.conv2", where="target x")


def test_a_module_is_found_by_its_path(resnet):
    assert module_at(resnet, "layer4.0.conv2", where="target x") is resnet.layer4[0].conv2
