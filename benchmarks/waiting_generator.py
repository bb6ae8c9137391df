"""The code location with a generator that waits as long as a GPU would draw, for `workers`."""

import os
import time
from collections.abc import Sequence

import numpy as np
from PIL import Image

from benchmarks.workers import PICTURE_S
from sieve_assets.definitions import defs
from sieve_assets.models.generator import DiffusersGenerator

SHAPE = (64, 64, 3)

__all__ = ["defs"]


def _wait(
    _generator: DiffusersGenerator, prompts: Sequence[str], seeds: Sequence[int]
) -> list[Image.Image]:
    """Noise of each prompt and seed, after a while."""
    time.sleep(len(prompts) * float(os.environ[PICTURE_S]))
    pairs = zip(prompts, seeds, strict=True)
    draws = [np.random.default_rng([seed, *prompt.encode()]) for prompt, seed in pairs]
    return [Image.fromarray(one.integers(0, 256, SHAPE, np.uint8)) for one in draws]


setattr(DiffusersGenerator, "draw", _wait)  # noqa: B010 (what it takes is narrower)
