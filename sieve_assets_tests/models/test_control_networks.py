"""A network's logits, and a copy of it that knows nothing."""

import numpy as np
import pytest
import torch
from PIL import Image

from sieve_assets.models.control_networks import load_logits, load_random_copy, randomise
from sieve_assets.models.frames import input_frames
from sieve_assets.models.networks import load_network
from sieve_assets.models.target import load_target

HOW = {"device": "cpu", "batch_size": 4}


@pytest.fixture
def pictures():
    return [Image.effect_noise((64, 64), 20 * (1 + one)).convert("RGB") for one in range(3)]


@pytest.fixture(params=["resnet_settings", "vit_settings", "torchvision_settings"])
def settings(request):
    return request.getfixturevalue(request.param)


def test_logits_are_what_the_network_gives(settings, pictures):
    network = load_network(settings, where="here")
    with torch.no_grad():
        expected = network(input_frames(pictures, settings.transform, device=torch.device("cpu")))

    logits = load_logits("one", settings, **HOW)

    assert logits.width == expected.shape[1]
    np.testing.assert_allclose(logits.activations(pictures), expected.numpy(), atol=1e-5)
    assert logits.weights_hash != load_target("one", settings, **HOW).weights_hash


def test_a_copy_has_the_layer_but_not_the_answers(settings, pictures):
    target = load_target("one", settings, **HOW)

    copy, same, other = (load_random_copy("one", settings, seed=seed, **HOW) for seed in (3, 3, 4))

    seen = copy.activations(pictures)
    assert copy.width == target.width
    assert not np.allclose(seen, target.activations(pictures), atol=1e-3)
    np.testing.assert_array_equal(seen, same.activations(pictures))
    assert not np.array_equal(seen, other.activations(pictures))
    hashes = {target.weights_hash, copy.weights_hash, other.weights_hash}
    assert len(hashes) == 3
    assert same.weights_hash == copy.weights_hash


def test_every_weight_is_new_and_the_randomness_of_others_stays():
    torch.manual_seed(1)
    expected = torch.rand(3)
    network = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.LayerNorm(4))
    network.token = torch.nn.Parameter(torch.arange(64.0).view(8, 8))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network[1].weight.data += 1

    torch.manual_seed(1)
    randomise(network, seed=0)

    assert torch.equal(torch.rand(3), expected)
    after = network.state_dict()
    assert not torch.equal(after["0.weight"], before["0.weight"])
    assert torch.equal(after["1.weight"], torch.ones(4))
    assert not torch.equal(after["token"], before["token"])
    assert torch.equal(after["token"].flatten().sort().values, torch.arange(64.0))
