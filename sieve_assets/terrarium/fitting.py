"""The training loop of every model of the world: seeded, checkpointed, resumable, with progress."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn
from tqdm import tqdm

from sieve_assets.terrarium.renderer import draw_scenes
from sieve_assets.terrarium.scenes import Scene
from sieve_assets.terrarium.workers import in_parts

CHECKPOINT_EVERY_STEPS = 100
SHOW_EVERY_STEPS = 20
"""Steps between two readings of the loss, which make a GPU wait."""
RENDER_TOGETHER = 500
"""Scenes that a worker draws at a time."""
AVERAGE_DECAY = 0.998
"""Decay a step of the averaged weights, which are the ones that ship."""

LossOfStep = Callable[[np.random.Generator, int], Tensor]
Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        n_steps: Optimizer steps.
        batch: Pictures a step.
        peak_rate: Highest learning rate; a short warm-up leads to it, a cosine to zero follows.
        weight_decay: AdamW's weight decay.
        is_mixed: Whether a GPU computes in bfloat16 what may be; processors never do.
    """

    n_steps: int
    batch: int
    peak_rate: float
    weight_decay: float
    is_mixed: bool = False

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
    """Return the scenes' pixels (uint8, `[image, 3, row, column]`) and masks (bool).

    Many scenes are drawn by one process a core. Tensors are on torch's default device.
    """
    every = list(scenes)
    parts = in_parts(draw_scenes, every, size=RENDER_TOGETHER)
    n_parts = math.ceil(len(every) / RENDER_TOGETHER)
    bar = tqdm(parts, total=n_parts, desc="render", leave=False)
    images, masks = zip(*bar, strict=True)
    pixels = torch.as_tensor(np.concatenate(images), device=torch.get_default_device())
    shown = torch.as_tensor(np.concatenate(masks), device=torch.get_default_device())
    return pixels.permute(0, 3, 1, 2).contiguous(), shown


def to_unit(pixels: Tensor) -> Tensor:
    """Return pixels of 0 to 255 as float32 from -1 to 1, channels last."""
    return pixels.float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)


@dataclass
class Training:
    """The state of one training: what a checkpoint holds."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: dict[str, Tensor]
    step: int = 0

    def load(self, path: Path) -> None:
        """Go on from a checkpoint, if there is one."""
        if path.exists():
            state = torch.load(path, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.average, self.step = state["average"], state["step"]

    def save(self, path: Path) -> None:
        """Write a checkpoint; an interrupted write leaves the one before."""
        temporary = path.with_suffix(".writing")
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "step": self.step,
        }
        torch.save(state, temporary)
        temporary.replace(path)

    def take_step(self, loss: Tensor, *, rate: float) -> None:
        """Follow the gradient of one step's loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self._average(decay=min(AVERAGE_DECAY, self.step / (self.step + 9)))

    @torch.no_grad()
    def _average(self, *, decay: float) -> None:
        pairs = [(self.average[key], value) for key, value in self.model.state_dict().items()]
        real = [pair for pair in pairs if pair[1].is_floating_point()]
        averages, values = zip(*real, strict=True)
        get_ema_multi_avg_fn(decay)(list(averages), list(values), self.step)
        for average, value in pairs:
            if not value.is_floating_point():
                average.copy_(value)


def fit(
    name: str,
    model: Model,
    prepare: Callable[[], LossOfStep],
    *,
    schedule: Schedule,
    seed: int,
    checkpoints: Path,
) -> Model:
    """Train `model` in place and return it with its averaged weights, ready to evaluate.

    Args:
        name: Name of the part, also of its checkpoint file.
        model: What to train.
        prepare: Makes what training needs and returns the loss of one step, from that step's
            randomness and its number. Not called when training is finished.
        schedule: Steps, batch and rates.
        seed: Seed of everything random in the steps.
        checkpoints: Folder of checkpoints; training goes on from what it holds.
    """
    checkpoints.mkdir(parents=True, exist_ok=True)
    path = checkpoints / f"{name}.pt"
    device = torch.get_default_device()
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=schedule.peak_rate,
        weight_decay=schedule.weight_decay,
        fused=device.type == "cuda",
    )
    average = {key: value.clone() for key, value in model.state_dict().items()}
    training = Training(model, optimizer, average)
    training.load(path)
    if training.step < schedule.n_steps:
        loss_of = prepare()
        model.train()
        is_mixed = schedule.is_mixed and device.type == "cuda"
        with tqdm(initial=training.step, total=schedule.n_steps, desc=name) as bar:
            while training.step < schedule.n_steps:
                step = training.step
                torch.manual_seed(seed * 1_000_003 + step)
                with torch.autocast(device.type, torch.bfloat16, enabled=is_mixed):
                    loss = loss_of(batch_generator(seed, step), step)
                training.take_step(loss, rate=schedule.rate(step))
                bar.update()
                if step % SHOW_EVERY_STEPS == 0:
                    bar.set_postfix(loss=f"{loss.item():.4f}", refresh=False)
                if training.step % CHECKPOINT_EVERY_STEPS == 0:
                    training.save(path)
        training.save(path)
    model.load_state_dict(training.average)
    return model.eval()
