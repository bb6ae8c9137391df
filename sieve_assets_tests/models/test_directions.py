"""Directions of a layer: what they make of channels, and files that hold none."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sieve_assets import study_targets
from sieve_assets.models.directions import load_directions
from sieve_assets.models.target import NeuronTarget

N_CHANNELS, N_DIRECTIONS = 16, 40


@pytest.fixture
def file(tmp_path):
    torch.manual_seed(0)
    tensors = {"weight": torch.randn(N_DIRECTIONS, N_CHANNELS), "bias": torch.randn(N_DIRECTIONS)}
    save_file(tensors, tmp_path / "dictionary.safetensors")
    return tmp_path / "dictionary.safetensors"


def settings_of(file, **more):
    return study_targets.Directions(file=file, **more)


@pytest.mark.parametrize("activation", ["linear", "relu", "top_k"])
def test_a_targets_activations_are_those_of_its_directions(
    resnet, resnet_settings, images, file, activation
):
    k = 3 if activation == "top_k" else None
    plain = NeuronTarget("x", resnet_settings, resnet, batch_size=4).observe(images)
    settings = resnet_settings.model_copy(
        update={"width": N_DIRECTIONS, "directions": settings_of(file, activation=activation, k=k)}
    )

    seen = NeuronTarget("x", settings, resnet, batch_size=4).observe(images)

    directions = load_directions(settings_of(file), device="cpu")
    for row, channels in zip(seen.activations.numpy(), plain.activations.numpy(), strict=True):
        expected = directions.weight.numpy() @ channels + directions.bias.numpy()
        if activation != "linear":
            expected = np.maximum(expected, 0)
        if activation == "top_k":
            expected[np.argsort(expected)[:-3]] = 0
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-4)
    place = directions.weight @ plain.maps[0, :, 1, 2]
    torch.testing.assert_close(seen.maps[0, :, 1, 2], place, rtol=1e-4, atol=1e-4)


def test_a_bias_may_be_left_away(tmp_path):
    save_file({"weight": torch.ones(2, 3)}, tmp_path / "probes.safetensors")

    directions = load_directions(settings_of(tmp_path / "probes.safetensors"), device="cpu")

    assert directions.activations(torch.tensor([[1.0, 2, 3]])).tolist() == [[6, 6]]
    assert (directions.n_directions, directions.n_channels) == (2, 3)


@pytest.mark.parametrize(
    ("tensors", "found"),
    [
        ({"encoder": torch.ones(2, 3)}, "encoder"),
        ({"weight": torch.ones(3)}, r"weight of shape \(3,\)"),
        ({"weight": torch.ones(2, 3), "bias": torch.ones(3)}, r"bias of shape \(3,\)"),
        ({"weight": torch.ones(2, 3), "scale": torch.ones(3)}, "scale"),
    ],
)
def test_a_file_without_directions_says_what_it_holds(tmp_path, tensors, found):
    save_file(tensors, tmp_path / "wrong.safetensors")

    with pytest.raises(ValueError, match=rf"got .*{found}.*directions × channels"):
        load_directions(settings_of(tmp_path / "wrong.safetensors"), device="cpu")


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "wrong.safetensors").write_bytes(b"no")

    with pytest.raises(ValueError, match="expected a matrix of directions"):
        load_directions(settings_of(tmp_path / "wrong.safetensors"), device="cpu")


def test_more_than_there_are_cannot_be_kept(file):
    with pytest.raises(ValueError, match="at most 40 directions, got 41"):
        load_directions(settings_of(file, activation="top_k", k=41), device="cpu")


@pytest.mark.parametrize("change", [{"width": 7}, {"layer": "layer2"}])
def test_directions_of_another_layer_or_width_are_refused(resnet, resnet_settings, file, change):
    update = {"width": N_DIRECTIONS, "directions": settings_of(file)} | change

    with pytest.raises(ValueError, match="expected width"):
        NeuronTarget("x", resnet_settings.model_copy(update=update), resnet, batch_size=4)
