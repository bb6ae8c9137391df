"""Arithmetic settings hold inside and are put back."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
import torch

from sieve_assets import study
from sieve_assets.models.precision import arithmetic, full_precision
from sieve_assets.models.target import load_target
from sieve_assets.models.vision_language import load_vision_language

LOWER = [("bfloat16", 0.05), ("float16", 0.01)]
"""With the largest error that its digits explain, relative to the largest value."""


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


def test_settings_hold_until_the_last_thread_has_left():
    first, second = ExitStack(), ExitStack()
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        one.submit(first.enter_context, full_precision()).result()
        other.submit(second.enter_context, full_precision()).result()
        one.submit(first.close).result()
        assert other.submit(settings).result() == (True, False, True)
        other.submit(second.close).result()
        assert other.submit(settings).result() == (False, True, False)

    assert settings() == (False, True, False)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_products_are_rounded_as_asked_and_inputs_are_not(precision):
    exact = torch.full((2, 3), 1 + 2**-12)

    with arithmetic(precision, torch.device("cpu")):
        assert settings() == (True, False, True)
        product = exact @ torch.eye(3)

    assert product.dtype == getattr(torch, precision)
    assert bool((product.float() == exact).all()) == (precision == "float32")
    assert exact.dtype == torch.float32


@pytest.mark.parametrize("kind", ["resnet_settings", "vit_settings"])
@pytest.mark.parametrize(("precision", "most"), LOWER)
def test_a_target_in_lower_precision_observes_nearly_the_same(
    request, images, kind, precision, most
):
    exact = request.getfixturevalue(kind)
    lower = exact.model_copy(update={"precision": precision})
    first, second = (load_target("x", one, device="cpu", batch_size=4) for one in (exact, lower))

    before, after = first.observe(images), second.observe(images)

    assert first.weights_hash != second.weights_hash
    for name in ("activations", "maps"):
        one, other = getattr(before, name), getattr(after, name)
        assert other.dtype == torch.float32
        assert 0 < (one - other).abs().max() < most * one.abs().max()
    np.testing.assert_allclose(
        second.activations(images), after.activations, atol=most * float(after.activations.max())
    )


@pytest.mark.parametrize(("precision", "most"), LOWER)
def test_embeddings_in_lower_precision_point_nearly_the_same_way(
    clip_folder, images, precision, most
):
    exact, lower = (
        load_vision_language(
            study.VisionLanguage(model=clip_folder, precision=one), device="cpu", batch_size=4
        )
        for one in ("float32", precision)
    )

    assert exact.weights_hash != lower.weights_hash
    for name, inputs in (("embed_images", images), ("embed_texts", ["red circle", "zebra"])):
        one, other = getattr(exact, name)(inputs), getattr(lower, name)(inputs)
        assert other.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(other, axis=1), 1, atol=1e-5)
        assert 0 < np.abs(one - other).max() < most
