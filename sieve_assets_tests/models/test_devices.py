"""The device that runs the models: the best there is, or the one that is wanted."""

import pytest
import torch

from sieve_assets.models.devices import device_for


@pytest.mark.parametrize(
    ("has_cuda", "has_mps", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_is_the_best_there_is(monkeypatch, has_cuda, has_mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: has_mps)

    assert device_for("auto") == expected


def test_a_device_that_is_there_is_taken():
    assert device_for("cpu") == "cpu"


@pytest.mark.parametrize("wanted", ["gpu", "cuda:99", "CPU please"])
def test_a_device_that_is_not_there_is_refused(wanted):
    with pytest.raises(
        ValueError, match=rf"that this machine has, got '{wanted}' \(.*SIEVE_DEVICE"
    ):
        device_for(wanted)
