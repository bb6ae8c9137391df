"""Arithmetic in which a result does not depend on the batch it was computed in."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from sieve_assets.study_values import Precision

_settings = ExitStack()  # puts cuDNN's back, which all threads share
_inside: list[int] = []  # a thread for each time that full precision was entered and not left
_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def full_precision() -> Iterator[None]:
    """Inference with float32 convolutions in full and by fixed algorithms.

    By default cuDNN rounds float32 convolutions to TF32 (10 bits) and may choose another algorithm
    for another batch size, so that an image's activations would depend on its neighbours. Its
    settings are the whole process's: the last thread to leave puts them back.
    """
    with _ONE_AT_A_TIME:
        if not _inside:
            _settings.enter_context(
                torch.backends.cudnn.flags(
                    enabled=True, benchmark=False, deterministic=True, allow_tf32=False
                )
            )
        _inside.append(threading.get_ident())
    try:
        with torch.inference_mode():
            yield
    finally:
        with _ONE_AT_A_TIME:
            _inside.pop()
            if not _inside:
                _settings.close()


@contextmanager
def arithmetic(precision: Precision, device: torch.device) -> Iterator[None]:
    """Inference in full precision, or with matrix products and convolutions in a lower one.

    Weights stay float32, and so does what needs it, such as softmax and normalisation by layers:
    torch's autocast.

    Args:
        precision: "float32", or the type that matrix products and convolutions are rounded to.
        device: Where the model is.
    """
    lower = torch.autocast(
        device.type, dtype=getattr(torch, precision), enabled=precision != "float32"
    )
    with full_precision(), lower:
        yield
