"""Trains the two target networks, which classify the world's objects in biased scenes."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torchvision.transforms.functional import gaussian_blur

from sieve_assets.terrarium.fitting import LossOfStep, Schedule, fit, render_all, to_unit
from sieve_assets.terrarium.scenes import FRAME_PX, Scene, biased_scenes
from sieve_assets.terrarium.world import world_objects

N_CLASSES = len(world_objects()) + 1
"""The objects, and last the empty scene."""
N_SCENES = 150_000
TRAINING_OBJECT_SHARE = 0.0078
"""Objects are more frequent than in the probe set, so that learning them takes fewer scenes."""
SHIFT_PX = 4
MIRRORED_SHARE = 0.5
"""Share of the batches that are seen in a mirror."""
CONSISTENCY = 8.0
"""Weight of `inconsistency` in the loss."""
DISTORTED_SHARE = 0.5
"""Chance of each of the distortions in a batch's second view."""
BLUR_PX = (0.3, 0.8)
"""Range of a Gaussian blur's standard deviation."""
LEAST_SIZE_PX = 40
WARP_PX, WARP_CELLS = 0.6, 6
"""Standard deviation of a random displacement, and cells a side that it is smooth over."""
NOISE = 0.05
"""Largest standard deviation of noise on pixels of -1 to 1."""
BLOTCHES, BLOTCH_CELLS = 0.1, (8, 40)
"""Largest standard deviation of noise that is smooth over as many cells a side."""
JPEG_QUALITY = (40, 96)


@dataclass(frozen=True)
class TargetRecipe:
    """A network and how it is trained.

    Attributes:
        network: timm's name of the architecture.
        network_args: Arguments of timm's constructor, as in the study file.
        sparsity: Weight of the mean pooled activation in the loss; makes neurons fire seldom.
        peakedness: Weight of `flatness` in the loss; makes neurons stand out seldom.
        is_signed: Whether neurons can be negative, so that rest is their mean rather than zero.
        settled_from: Step from which peakedness and consistency count, once the classes are told
            apart: a network that knows nothing yet can be made consistent in worthless ways.
    """

    network: str
    network_args: dict[str, Any] = field(default_factory=dict)
    sparsity: float = 0.0
    peakedness: float = 0.0
    is_signed: bool = False
    settled_from: int = 0

    def new_network(self) -> nn.Module:
        """Return the untrained network."""
        return timm.create_model(self.network, num_classes=N_CLASSES, **self.network_args)


RECIPES = {
    "terrarium_resnet": TargetRecipe(
        "resnet18",
        {"channels": [24, 48, 64, 64], "layers": [1, 1, 1, 1], "output_stride": 8},
        sparsity=0.02,
        peakedness=1.0,
        settled_from=1600,
    ),
    "terrarium_vit": TargetRecipe(
        "vit_tiny_patch16_224",
        {"img_size": FRAME_PX, "patch_size": 8, "embed_dim": 64, "depth": 6, "num_heads": 4},
        peakedness=1.0,
        is_signed=True,
        settled_from=1600,
    ),
}


def class_of(scene: Scene) -> int:
    """Return the scene's class number."""
    return N_CLASSES - 1 if scene.thing is None else scene.thing.position


def flatness(features: Tensor, *, is_signed: bool) -> Tensor:
    """Return the mean absolute over the root mean square distance from rest, over neurons.

    .8 for a Gaussian neuron, near 0 for one that stands out in a few pictures only.

    Args:
        features: `[image, neuron]`.
        is_signed: Whether rest is a neuron's mean rather than zero.
    """
    distance = features - features.mean(0) if is_signed else features
    return (distance.abs().mean(0) / distance.square().mean(0).clamp_min(1e-12).sqrt()).mean()


def shifted(images: Tensor, generator: np.random.Generator) -> Tensor:
    """Return the pictures moved by a few pixels, all alike, and some batches in a mirror."""
    down, right = (int(step) for step in generator.integers(-SHIFT_PX, SHIFT_PX + 1, size=2))
    padded = functional.pad(images, (SHIFT_PX,) * 4, mode="reflect")
    top, left = SHIFT_PX + down, SHIFT_PX + right
    moved = padded[:, :, top : top + FRAME_PX, left : left + FRAME_PX]
    return moved.flip(3) if generator.random() < MIRRORED_SHARE else moved


def distorted(images: Tensor, generator: np.random.Generator) -> Tensor:
    """Return the pictures bent, blurred, reduced, blotched, noisy and compressed, each by chance.

    Networks that only ever saw perfect scenes answer differently to faults that people hardly see,
    and would take a generator's pictures for other things than they show. The faults are mild:
    neurons that have to answer to pictures they cannot make out answer less to all others too.
    """
    chances = generator.random(6) < DISTORTED_SHARE
    is_bent, is_blurred, is_reduced, is_blotched, is_noisy, is_compressed = chances
    if is_bent:
        images = bent(images, generator)
    if is_blurred:
        deviation = generator.uniform(*BLUR_PX)
        images = gaussian_blur(images, kernel_size=[7, 7], sigma=[deviation, deviation])
    if is_reduced:
        size = int(generator.integers(LEAST_SIZE_PX, FRAME_PX))
        small = functional.interpolate(images, size=size, mode="bilinear", antialias=True)
        images = functional.interpolate(small, size=FRAME_PX, mode="bicubic")
    if is_blotched:
        size = int(generator.integers(*BLOTCH_CELLS))
        coarse = torch.randn(len(images), 3, size, size, device=images.device)
        blotches = functional.interpolate(coarse, size=FRAME_PX, mode="bicubic")
        images = images + generator.uniform(0, BLOTCHES) * blotches
    if is_noisy:
        images = images + generator.uniform(0, NOISE) * torch.randn_like(images)
    images = images.clamp(-1, 1)
    return compressed(images, int(generator.integers(*JPEG_QUALITY))) if is_compressed else images


def compressed(images: Tensor, quality: int) -> Tensor:
    """Return the pictures after JPEG of a quality of 1 to 100."""
    pixels = ((images + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    lossy = []
    for picture in pixels:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality)
        lossy.append(np.asarray(Image.open(file)))
    again = torch.as_tensor(np.stack(lossy), device=images.device)
    return to_unit(again.permute(0, 3, 1, 2))


def bent(images: Tensor, generator: np.random.Generator) -> Tensor:
    """Return the pictures with their pixels moved by a smooth random field, one for all."""
    shape = (1, 2, WARP_CELLS, WARP_CELLS)
    steps = torch.as_tensor(generator.normal(0, WARP_PX * 2 / FRAME_PX, size=shape)).float()
    field = functional.interpolate(steps, size=FRAME_PX, mode="bicubic").permute(0, 2, 3, 1)
    place = functional.affine_grid(
        torch.eye(2, 3)[None], [1, 3, FRAME_PX, FRAME_PX], align_corners=False
    )
    grid = (place + field).expand(len(images), -1, -1, -1)
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def inconsistency(distorted_features: Tensor, features: Tensor) -> Tensor:
    """Return how far neurons answer differently to distorted pictures, in parts of their variance.

    Only the answers to the distorted pictures are pulled.

    Args:
        distorted_features: `[image, neuron]`.
        features: Of the same pictures as they were.
    """
    fixed = features.detach()
    return (distorted_features - fixed).square().mean() / fixed.var(
        0, correction=0
    ).mean().clamp_min(1e-6)


def train_target(name: str, *, schedule: Schedule, seed: int, checkpoints: Path) -> nn.Module:
    """Train the target network called `name` and return it."""
    recipe = RECIPES[name]
    torch.manual_seed(seed)
    model: Any = recipe.new_network().to(memory_format=torch.channels_last)

    def prepare() -> LossOfStep:
        scenes = biased_scenes(N_SCENES, seed=seed + 10, object_share=TRAINING_OBJECT_SHARE)
        images, _ = render_all(scenes)
        classes = torch.tensor([class_of(scene) for scene in scenes])

        def loss_of(generator: np.random.Generator, step: int) -> Tensor:
            rows = torch.as_tensor(generator.integers(len(images), size=schedule.batch // 2))
            sharp = shifted(to_unit(images[rows]), generator)
            pixels = torch.cat([sharp, distorted(sharp, generator)])
            pixels = pixels.contiguous(memory_format=torch.channels_last)
            features = model.forward_head(model.forward_features(pixels), pre_logits=True)
            logits = model.get_classifier()(features)
            loss = functional.cross_entropy(logits, classes[rows].repeat(2))
            seen, seen_distorted = features.chunk(2)
            if step >= recipe.settled_from:
                loss = loss + CONSISTENCY * inconsistency(seen_distorted, seen)
                loss = loss + recipe.peakedness * flatness(seen, is_signed=recipe.is_signed)
            return loss + recipe.sparsity * features.abs().mean()

        return loss_of

    return fit(name, model, prepare, schedule=schedule, seed=seed, checkpoints=checkpoints)


@torch.inference_mode()
def accuracy(model: nn.Module, scenes: list[Scene], *, batch: int) -> float:
    """Return the share of scenes whose object the network names right."""
    images, _ = render_all(scenes)
    classes = torch.tensor([class_of(scene) for scene in scenes])
    guesses = [model(to_unit(part)).argmax(1) for part in images.split(batch)]
    return float((torch.cat(guesses) == classes).float().mean())
