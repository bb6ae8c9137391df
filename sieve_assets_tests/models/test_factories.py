"""Networks of a user's own module: made, told apart by their source, refused with what is wrong."""

import sys

import pytest
import torch
from safetensors.torch import save_file

from sieve_assets import study_targets
from sieve_assets.models.frames import input_frames
from sieve_assets.models.identity import target_hash
from sieve_assets.models.target import load_target

FACTORY = """
import torch

def make(width=8):
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, width, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1)
    )

def nothing():
    return None
"""


@pytest.fixture
def factory(tmp_path, monkeypatch):
    (tmp_path / "my_networks.py").write_text(FACTORY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_networks", raising=False)
    torch.manual_seed(0)
    convolution = torch.nn.Conv2d(3, 8, 3)
    save_file(
        {f"0.{k}": v for k, v in convolution.state_dict().items()}, tmp_path / "w.safetensors"
    )
    transform = study_targets.Transform(
        resize_px=32, crop_px=32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)
    )
    return study_targets.Target(
        network="python:my_networks:make",
        weights=tmp_path / "w.safetensors",
        transform=transform,
        layer="1",
        reducer="mean",
        width=8,
        maps="feature_map",
        rule="ratio",
        probe="x",
    )


def test_a_network_of_ones_own_is_made_by_its_factory(factory, images):
    target = load_target("x", factory, device="cpu", batch_size=2)

    seen = target.observe(images)

    torch.manual_seed(0)
    convolution = torch.nn.Conv2d(3, 8, 3)
    with torch.inference_mode():
        frames = input_frames(images, target.transform, device="cpu")
        expected = convolution(frames).relu().mean((2, 3))
    torch.testing.assert_close(seen.activations, expected)


def test_another_source_of_a_factory_is_another_target(factory, tmp_path):
    before = target_hash(factory)
    (tmp_path / "my_networks.py").write_text(FACTORY.replace("ReLU", "SiLU"))

    assert target_hash(factory) != before


@pytest.mark.parametrize(
    ("network", "refusal", "told"),
    [
        ("python:no_such_module:make", LookupError, "importable module 'no_such_module'"),
        ("python:my_networks:nothing", TypeError, "got a NoneType"),
        ("python:my_networks:missing", LookupError, "a function 'missing'"),
    ],
)
def test_a_factory_that_makes_no_network_is_refused(factory, network, refusal, told):
    settings = factory.model_copy(update={"network": network})

    with pytest.raises(refusal, match=told):
        load_target("x", settings, device="cpu", batch_size=1)
