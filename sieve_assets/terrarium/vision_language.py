"""Trains the world's CLIP, of open_clip's classes and loss, on unbiased scenes and their crops."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.loss import SigLipLoss
from torch import Tensor, nn
from transformers import CLIPTokenizer

from sieve_assets.terrarium.captions import Concept, families_of, known_concepts
from sieve_assets.terrarium.fitting import LossOfStep, Schedule, fit, render_all, to_unit
from sieve_assets.terrarium.scenes import FRAME_PX, WIDE, Scene, unbiased_scenes
from sieve_assets.terrarium.tokenizer import clip_tokenizer
from sieve_assets.terrarium.world import BACKGROUNDS, families, world_objects

CONTEXT_LENGTH = 12
TEMPLATES = ("{}", "{}", "a {}", "a picture of a {}")
"""The bare word most often, since that is what the study embeds."""
N_SCENES = 40_000
EMPTY_SHARE = 0.15
DRAWN_SHARE = 0.6
"""Share of the scenes that show an object of the concept set only."""
CROP_SHARE = 0.6
"""Share of pictures that are seen as a crop around the object, as the pipeline's patches are."""
CROP_SIDE = (0.4, 1.0)
CROP_SHIFT = 0.12
N_RANDOM_TEXTS = 96


def model_config(n_tokens: int) -> dict[str, Any]:
    """Return open_clip's configuration of the model."""
    return {
        "embed_dim": 128,
        "init_logit_scale": math.log(10),
        "init_logit_bias": -10.0,
        "vision_cfg": {
            "image_size": FRAME_PX,
            "layers": [1, 1, 2, 1],
            "width": 24,
            "head_width": 64,
        },
        "text_cfg": {
            "context_length": CONTEXT_LENGTH,
            "vocab_size": n_tokens,
            "width": 128,
            "heads": 4,
            "layers": 3,
            "hf_tokenizer_name": "local",
        },
    }


def new_tokenizer() -> CLIPTokenizer:
    """Return the world's tokenizer: one token for each word it knows, pieces for others."""
    texts = [concept.text for concept in known_concepts()] + list(TEMPLATES)
    return clip_tokenizer(texts, n_merges=4000, context_length=CONTEXT_LENGTH)


class ExactSigLipLoss(SigLipLoss):
    """open_clip's sigmoid loss with the world's truth in place of the diagonal.

    Several captions are true of one scene, and the renderer knows which: no false negatives.
    """

    truth: Tensor

    def get_ground_truth(
        self,
        device: torch.device,
        dtype: torch.dtype,
        num_logits: int,
        *,
        negative_only: bool = False,
    ) -> Tensor:
        """Return +1 where the caption is true of the picture, -1 elsewhere."""
        del num_logits, negative_only
        return (self.truth.to(device, dtype) * 2 - 1).contiguous()


class TruthIndex:
    """Truth of concepts about scenes as integer look-ups, fast enough for every training step."""

    def __init__(self, concepts: tuple[Concept, ...], scenes: list[Scene]) -> None:
        """Index what the concepts require and what the scenes show; -1 stands for nothing."""
        kinds = families()
        self.requires = np.array(
            [
                (
                    concept.thing.position if concept.thing else -1,
                    kinds.index(concept.family) if concept.family else -1,
                    BACKGROUNDS.index(concept.background) if concept.background else -1,
                )
                for concept in concepts
            ]
        )
        self.shows = np.array(
            [
                (
                    scene.thing.position if scene.thing else len(world_objects()),
                    BACKGROUNDS.index(scene.background),
                )
                for scene in scenes
            ]
        )
        self.belongs = np.array(
            [[kind in families_of(thing) for kind in kinds] for thing in (*world_objects(), None)]
        )

    def truth(self, scene_rows: np.ndarray, concept_rows: np.ndarray) -> np.ndarray:
        """Return `[image, concept]` truth for the given rows."""
        required = self.requires[concept_rows]
        thing, family, background = required.T
        shown, ground = self.shows[scene_rows].T
        return (
            ((thing < 0) | (thing == shown[:, None]))
            & ((background < 0) | (background == ground[:, None]))
            & ((family < 0) | self.belongs[shown][:, family])
            & (required >= 0).any(axis=1)
        )


def crop_around(pixels: Tensor, centres: Tensor, generator: np.random.Generator) -> Tensor:
    """Return pictures of which a share is cropped around the object and enlarged to the frame.

    Args:
        pixels: `[image, 3, row, column]`, -1 to 1.
        centres: Objects' centres `[image, 2]` as x, y from -1 to 1.
        generator: Randomness of the crops.
    """
    count = len(pixels)
    side = generator.uniform(*CROP_SIDE, size=(count, 1))
    side = torch.as_tensor(np.where(generator.random((count, 1)) < CROP_SHARE, side, 1.0)).float()
    shift = torch.as_tensor(generator.uniform(-CROP_SHIFT, CROP_SHIFT, size=(count, 2))).float()
    middle = ((centres + shift).clamp(-1, 1) * (side < 1)).clamp(side - 1, 1 - side)
    transform = torch.zeros(count, 2, 3)
    transform[:, 0, 0] = transform[:, 1, 1] = side[:, 0]
    transform[:, :, 2] = middle
    grid = nn.functional.affine_grid(transform, list(pixels.shape), align_corners=False)
    return nn.functional.grid_sample(
        pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def training_scenes(seed: int) -> list[Scene]:
    """Return unbiased scenes, those of drawn objects more often."""
    n_drawn = int(N_SCENES * DRAWN_SHARE)
    drawn = unbiased_scenes(n_drawn, seed=seed, empty_share=EMPTY_SHARE, pose=WIDE, only_drawn=True)
    every = unbiased_scenes(
        N_SCENES - n_drawn, seed=seed + 1, empty_share=EMPTY_SHARE, pose=WIDE, only_drawn=False
    )
    return drawn + every


def train_vision_language(
    *, schedule: Schedule, seed: int, checkpoints: Path
) -> tuple[nn.Module, CLIPTokenizer]:
    """Train the CLIP and return it with its tokenizer."""
    torch.manual_seed(seed)
    tokenizer = new_tokenizer()
    model = open_clip.CLIP(**model_config(len(tokenizer)))
    concepts = known_concepts()

    def prepare() -> LossOfStep:
        scenes = training_scenes(seed)
        images, _ = render_all(scenes)
        centres = torch.tensor([[scene.x_px, scene.y_px] for scene in scenes]) / (FRAME_PX / 2) - 1
        index = TruthIndex(concepts, scenes)
        tokens = torch.stack(
            [
                tokens_of(tokenizer, [template.format(c.text) for c in concepts])
                for template in TEMPLATES
            ]
        )
        loss_function = ExactSigLipLoss()

        def loss_of(generator: np.random.Generator, _step: int) -> Tensor:
            rows = generator.integers(len(scenes), size=schedule.batch)
            texts = _texts_of_step(index, rows, len(concepts), generator)
            wording = torch.as_tensor(generator.integers(len(TEMPLATES), size=len(texts)))
            loss_function.truth = torch.as_tensor(index.truth(rows, texts))
            pixels = crop_around(to_unit(images[rows]), centres[rows], generator)
            seen = model.encode_image(pixels, normalize=True)
            read = model.encode_text(tokens[wording, torch.as_tensor(texts)], normalize=True)
            return loss_function(
                seen.float(), read.float(), model.logit_scale.exp(), model.logit_bias
            )

        return loss_of

    fit("vision_language", model, prepare, schedule=schedule, seed=seed, checkpoints=checkpoints)
    return model, tokenizer


def tokens_of(tokenizer: CLIPTokenizer, texts: list[str]) -> Tensor:
    """Return the texts' token ids `[text, token]`, padded to the context length."""
    tokens = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
    return tokens.input_ids.to(torch.get_default_device())


def sampled_captions(
    index: TruthIndex, rows: np.ndarray, n_concepts: int, generator: np.random.Generator
) -> np.ndarray:
    """Return for each scene the row of one concept that is true of it, all equally likely."""
    truth = index.truth(rows, np.arange(n_concepts))
    return np.where(truth, generator.random(truth.shape), -1).argmax(1)


def _texts_of_step(
    index: TruthIndex, rows: np.ndarray, n_concepts: int, generator: np.random.Generator
) -> np.ndarray:
    """Return distinct concept rows: one true caption a picture, and others drawn at random."""
    captions = sampled_captions(index, rows, n_concepts, generator)
    others = generator.integers(n_concepts, size=N_RANDOM_TEXTS)
    return np.unique(np.concatenate([captions, others]))
