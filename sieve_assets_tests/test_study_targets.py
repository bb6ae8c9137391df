"""Which settings of a target go together, and which are refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from sieve_assets.study_targets import Directions, Target, Transform

TRANSFORM = Transform(resize_px=8, crop_px=8, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
OWN = {"weights": None, "n_classes": None, "transform": None}


def target(**changes):
    settings = {
        "network": "timm:resnet18",
        "weights": Path("somewhere.safetensors"),
        "n_classes": 2,
        "layer": "layer4",
        "reducer": "mean",
        "width": 8,
        "maps": "feature_map",
        "rule": "ratio",
        "transform": TRANSFORM,
        "probe": "scenes",
    }
    return Target(**(settings | changes))


def test_settings_made_in_code_keep_their_paths_and_need_no_files():
    assert target().weights == Path("somewhere.safetensors")
    assert target(probe="anything").probe == "anything"


@pytest.mark.parametrize(
    ("reducer", "maps"), [("class_token", "feature_map"), ("mean", "class_token_contributions")]
)
def test_maps_that_the_reducer_cannot_have_are_refused(reducer, maps):
    with pytest.raises(ValidationError, match="maps that go with reducer"):
        target(reducer=reducer, maps=maps)


def test_a_crop_larger_than_the_resized_picture_is_refused():
    with pytest.raises(ValidationError, match="at most resize_px = 8"):
        Transform(**(TRANSFORM.model_dump() | {"crop_px": 9}))


@pytest.mark.parametrize(
    "network",
    [
        "timm:vit_base_patch16_224.augreg_in21k_ft_in1k",
        "torchvision:resnet50@IMAGENET1K_V2",
        "transformers:google/vit-base-patch16-224",
    ],
)
def test_a_librarys_own_weights_need_no_file_and_no_transform(network):
    assert target(network=network, **OWN).network == network


@pytest.mark.parametrize("network", ["torchvision:resnet50", "python:my.networks:make"])
def test_a_network_without_weights_of_its_own_needs_a_file(network):
    with pytest.raises(ValidationError, match=f"a file of weights for {network}"):
        target(network=network, weights=None)


@pytest.mark.parametrize(
    "network", ["torchvision:resnet50@IMAGENET1K_V2", "transformers:google/vit-base-patch16-224"]
)
def test_two_kinds_of_weights_are_refused(network):
    with pytest.raises(ValidationError, match="no weights beside those of"):
        target(network=network)


def test_a_file_of_weights_needs_a_transform():
    with pytest.raises(ValidationError, match="a transform"):
        target(transform=None)


def test_classes_of_weights_that_are_not_a_file_are_refused():
    with pytest.raises(ValidationError, match="n_classes beside a file of weights only"):
        target(**OWN | {"network": "timm:resnet18", "n_classes": 5})


@pytest.mark.parametrize(
    "network", ["resnet18", "keras:resnet", "python:make", "torchvision:a@b@c", "timm:a/b"]
)
def test_a_network_of_no_known_form_is_refused(network):
    with pytest.raises(ValidationError, match="timm:<name>, torchvision:<name>"):
        target(network=network)


@pytest.mark.parametrize(("activation", "k"), [("top_k", None), ("relu", 3)])
def test_k_goes_with_top_k(activation, k):
    with pytest.raises(ValidationError, match="k just where activation is top_k"):
        Directions(file=Path("d.safetensors"), activation=activation, k=k)
