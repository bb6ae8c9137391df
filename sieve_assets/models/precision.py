"""Arithmetic in which a result does not depend on the batch it was computed in."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def full_precision() -> Iterator[None]:
    """Inference with float32 convolutions in full and by fixed algorithms.

    By default cuDNN rounds float32 convolutions to TF32 (10 bits) and may choose another algorithm
    for another batch size, so that an image's activations would depend on its neighbours.
    """
    exact = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    with torch.inference_mode(), exact:
        yield
