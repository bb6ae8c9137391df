"""A target described by its network's name: the settings load it again."""

import pytest

from sieve_assets.models.new_target import describe_target
from sieve_assets.models.target import load_target
from sieve_assets.study_targets import Target


def test_a_file_of_weights_gives_settings_that_load(resnet_settings):
    found = describe_target(
        "timm:resnet18",
        arguments=resnet_settings.network_args,
        weights=str(resnet_settings.weights),
        n_classes=5,
        layer=None,
    )

    assert found.name == "resnet18"
    assert found.target["layer"] == "layer4"
    assert (found.target["width"], found.target["reducer"]) == (16, "mean")
    values = {**found.target, "weights": resnet_settings.weights, "transform": found.transform}
    settings = Target.model_validate(values | {"probe": "photos"})
    assert load_target("x", settings, device="cpu", batch_size=1).width == 16


def test_a_layer_that_is_named_is_described(vit_settings):
    found = describe_target(
        "timm:vit_base_patch16_224",
        arguments=vit_settings.network_args | {"img_size": 224},
        weights=str(resized(vit_settings)),
        n_classes=5,
        layer="blocks.0",
    )

    assert found.target["layer"] == "blocks.0"
    assert (found.target["reducer"], found.target["rule"]) == ("class_token", "signed")


def resized(settings):
    """The same network for pictures of 224 pixels."""
    import timm  # noqa: PLC0415 (one use)
    from safetensors.torch import save_file  # noqa: PLC0415

    arguments = settings.network_args | {"img_size": 224}
    network = timm.create_model("vit_base_patch16_224", num_classes=5, **arguments)
    file = settings.weights.parent / "vit224.safetensors"
    save_file(network.state_dict(), file)
    return file


def test_an_unknown_network_is_refused():
    with pytest.raises(ValueError, match="timm:<name>"):
        describe_target("resnet18", arguments={}, weights=None, n_classes=None, layer=None)
