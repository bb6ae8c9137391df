"""State dicts: what changes their hash, what does not, and how they are refused."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sieve_assets.models.weights import load_weights, read_state_dict, state_hash


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def test_the_state_hash_changes_with_one_weight_only():
    first, same, other = network(), network(), network()
    with torch.no_grad():
        next(other.parameters())[1, 2, 0, 0] += 1e-6

    assert state_hash(first) == state_hash(same) != state_hash(other)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": {f"module.{name}": state[name] for name in state}},
    ],
)
def test_wrapped_state_dicts_are_unwrapped(tmp_path, wrap):
    state = network().state_dict()
    torch.save(wrap(state), tmp_path / "weights.pth")

    found = read_state_dict(tmp_path / "weights.pth")

    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)


def test_both_formats_give_the_same_network(tmp_path):
    source = network(seed=1)
    save_file(source.state_dict(), tmp_path / "weights.safetensors")
    torch.save(source.state_dict(), tmp_path / "weights.pth")
    first, second = network(), network()

    load_weights(first, tmp_path / "weights.safetensors", where="test")
    load_weights(second, tmp_path / "weights.pth", where="test")

    assert state_hash(first) == state_hash(second) == state_hash(source)


def test_weights_from_before_batch_counts_load(tmp_path):
    state = {name: value for name, value in network().state_dict().items() if "tracked" not in name}
    save_file(state, tmp_path / "weights.safetensors")

    load_weights(network(seed=1), tmp_path / "weights.safetensors", where="test")


def test_missing_and_unknown_names_are_told(tmp_path):
    state = network().state_dict()
    state["head.weight"] = state.pop("0.weight")
    save_file(state, tmp_path / "weights.safetensors")

    with pytest.raises(ValueError, match=r"here: .*missing: 0\.weight; unknown: head\.weight\."):
        load_weights(network(), tmp_path / "weights.safetensors", where="here")


def test_only_the_first_few_names_are_told(tmp_path):
    save_file({"other": torch.zeros(1)}, tmp_path / "weights.safetensors")

    with pytest.raises(ValueError, match=r"missing: 0\.weight, 0\.bias, 1\.weight and 3 more"):
        load_weights(network(), tmp_path / "weights.safetensors", where="here")


def test_other_shapes_are_told_and_nothing_is_loaded(tmp_path):
    save_file(nn.Sequential(nn.Conv2d(3, 4, 5)).state_dict(), tmp_path / "weights.safetensors")
    target = network()
    before = state_hash(target)

    with pytest.raises(ValueError, match=r"0\.weight \(4, 3, 5, 5\) for \(4, 3, 3, 3\)"):
        load_weights(target, tmp_path / "weights.safetensors", where="here")
    assert state_hash(target) == before


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
@pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
def test_a_broken_file_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ValueError, match=f"expected a state dict in .*{name}"):
        read_state_dict(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(LookupError, match=r"expected a file of weights, got .*weights\.pth"):
        read_state_dict(tmp_path / "weights.pth")


def test_a_file_of_something_else_is_named(tmp_path):
    torch.save({"epoch": 3, "lr": 0.1}, tmp_path / "weights.pth")
    torch.save(torch.zeros(2), tmp_path / "tensor.pth")

    with pytest.raises(ValueError, match="no tensors: epoch, lr"):
        read_state_dict(tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="got a Tensor"):
        read_state_dict(tmp_path / "tensor.pth")
