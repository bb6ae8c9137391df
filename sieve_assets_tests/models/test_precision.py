"""Arithmetic settings hold inside and are put back."""

import pytest
import torch

from sieve_assets.models.precision import full_precision


def settings():
    cudnn = torch.backends.cudnn
    return torch.is_inference_mode_enabled(), cudnn.allow_tf32, cudnn.deterministic


def fail_inside():
    with full_precision():
        assert settings() == (True, False, True)
        raise RuntimeError("inside")


def test_settings_hold_inside_and_are_put_back_after_an_error():
    before = settings()

    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()

    assert settings() == before == (False, True, False)
