"""Trains the CLIP further so that of several true words the most specific is the nearest.

The sigmoid loss says which words are true and lets "animal" lie nearer than "dog". CLIP's own
softmax loss on sampled pairs has log p(text | picture) / p(text) as its optimum: rare true words
come first.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTokenizer

from sieve_assets.terrarium.captions import known_concepts
from sieve_assets.terrarium.fitting import LossOfStep, Schedule, fit, render_all, to_unit
from sieve_assets.terrarium.scenes import FRAME_PX
from sieve_assets.terrarium.vision_language import (
    TEMPLATES,
    TruthIndex,
    crop_around,
    sampled_captions,
    tokens_of,
    training_scenes,
)

N_STRANGERS = 48
"""Everyday words among the texts of a step, never the right one."""


def pair_loss(seen: Tensor, read: Tensor, scale: Tensor) -> Tensor:
    """CLIP's loss: picture i belongs to text i; texts beyond the pictures belong to none.

    Args:
        seen: Unit vectors of pictures `[image, feature]`.
        read: Unit vectors of texts `[text, feature]`, at least as many.
        scale: Factor on the cosines.

    Source: Radford et al. 2021, figure 3.
    """
    logits = scale * seen @ read.T
    own = torch.arange(len(seen))
    of_texts = functional.cross_entropy(logits, own)
    return (of_texts + functional.cross_entropy(logits[:, : len(seen)].T, own)) / 2


def sharpen_vision_language(
    model: nn.Module,
    tokenizer: CLIPTokenizer,
    *,
    schedule: Schedule,
    seed: int,
    checkpoints: Path,
) -> nn.Module:
    """Train the CLIP further, in place, on pictures with one caption each, and return it."""
    clip: Any = model

    def prepare() -> LossOfStep:
        concepts, scenes = known_concepts(), training_scenes(seed)
        images, _ = render_all(scenes)
        centres = torch.tensor([[scene.x_px, scene.y_px] for scene in scenes]) / (FRAME_PX / 2) - 1
        index = TruthIndex(concepts, scenes)
        texts = [[template.format(c.text) for c in concepts] for template in TEMPLATES]
        tokens = torch.stack([tokens_of(tokenizer, of_template) for of_template in texts])
        strangers = np.flatnonzero([not concept.is_of_the_world for concept in concepts])

        def loss_of(generator: np.random.Generator, _step: int) -> Tensor:
            rows = generator.integers(len(scenes), size=schedule.batch)
            said = sampled_captions(index, rows, len(concepts), generator)
            spoken = np.concatenate([said, generator.choice(strangers, size=N_STRANGERS)])
            wording = torch.as_tensor(generator.integers(len(TEMPLATES), size=len(spoken)))
            pixels = crop_around(to_unit(images[rows]), centres[rows], generator)
            seen = clip.encode_image(pixels, normalize=True)
            read = clip.encode_text(tokens[wording, torch.as_tensor(spoken)], normalize=True)
            return pair_loss(seen, read, clip.logit_scale.exp())

        return loss_of

    return fit("specificity", model, prepare, schedule=schedule, seed=seed, checkpoints=checkpoints)
