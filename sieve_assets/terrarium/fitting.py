"""The training loop that every model of the world shares: seeded, checkpointed, resumable, with progress."""

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.scenes import Scene

CHECKPOINT_EVERY_STEPS = 100
AVERAGE_DECAY = 0.998
"""Decay a step of the averaged weights, which are the ones that ship."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        n_steps: Optimizer steps.
        batch: Pictures a step.
        peak_rate: Highest learning rate; a short warm-up leads to it, a cosine to zero follows.
        weight_decay: AdamW's weight decay.
    """

    n_steps: int
    batch: int
    peak_rate: float
    weight_decay: float

    def rate(self, step: int) -> float:
        """Return the learning rate at `step`."""
        warm_up = max(1, self.n_steps // 25)
        if step < warm_up:
            return self.peak_rate * (step + 1) / warm_up
        progress = (step - warm_up) / max(1, self.n_steps - warm_up)
        return self.peak_rate * 0.5 * (1 + math.cos(math.pi * progress))


def batch_generator(seed: int, step: int) -> np.random.Generator:
    """Return the randomness of one step, the same after a resume."""
    return np.random.default_rng([seed, step])


def render_all(scenes: Iterable[Scene]) -> tuple[Tensor, Tensor]:
    """Return the scenes' pixels (uint8, `[image, 3, row, column]`) and masks (bool)."""
    pictures = [draw_scene(scene) for scene in tqdm(scenes, desc="render", leave=False)]
    pixels = torch.from_numpy(np.stack([picture.image for picture in pictures]))
    masks = torch.from_numpy(np.stack([picture.mask for picture in pictures]))
    return pixels.permute(0, 3, 1, 2).contiguous(), masks


def to_unit(pixels: Tensor) -> Tensor:
    """Return pixels of 0 to 255 as float32 from -1 to 1, channels last."""
    return pixels.float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)


def _save(path: Path, state: dict[str, object]) -> None:
    temporary = path.with_suffix(".writing")
    torch.save(state, temporary)
    os.replace(temporary, path)


def fit(
    name: str,
    model: nn.Module,
    loss_of: Callable[[np.random.Generator, int], Tensor],
    *,
    schedule: Schedule,
    seed: int,
    checkpoints: Path,
) -> nn.Module:
    """Train `model` in place and return it with its averaged weights, ready to evaluate.

    Args:
        name: Name of the part, also of its checkpoint file.
        model: What to train.
        loss_of: Loss of one step, from that step's randomness and its number.
        schedule: Steps, batch and rates.
        seed: Seed of everything random in the steps.
        checkpoints: Folder of checkpoints; training goes on from what it holds.
    """
    checkpoints.mkdir(parents=True, exist_ok=True)
    path = checkpoints / f"{name}.pt"
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=schedule.peak_rate, weight_decay=schedule.weight_decay
    )
    average = {key: value.clone() for key, value in model.state_dict().items()}
    first = 0
    if path.exists():
        state = torch.load(path, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average, first = state["average"], state["step"]
    model.train()
    with tqdm(
        range(first, schedule.n_steps), initial=first, total=schedule.n_steps, desc=name
    ) as bar:
        for step in bar:
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate(step)
            torch.manual_seed(seed * 1_000_003 + step)
            loss = loss_of(batch_generator(seed, step), step)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            _update_average(average, model, decay=min(AVERAGE_DECAY, (step + 1) / (step + 10)))
            if step % 20 == 0:
                bar.set_postfix(loss=f"{loss.item():.4f}")
            is_last = step + 1 == schedule.n_steps
            if is_last or (step + 1) % CHECKPOINT_EVERY_STEPS == 0:
                _save(
                    path,
                    {
                        "model": model.state_dict(),
                        "optimizer": optimizer.state_dict(),
                        "average": average,
                        "step": step + 1,
                    },
                )
    model.load_state_dict(average)
    return model.eval()


@torch.no_grad()
def _update_average(average: dict[str, Tensor], model: nn.Module, *, decay: float) -> None:
    for key, value in model.state_dict().items():
        if value.is_floating_point():
            average[key].lerp_(value, 1 - decay)
        else:
            average[key].copy_(value)
