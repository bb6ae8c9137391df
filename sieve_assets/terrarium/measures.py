"""What the shipped models are worth, on scenes whose content is known and on drawn pictures."""

import time
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool
from PIL import Image
from torch import nn

from sieve_assets import study_targets
from sieve_assets.method.generated_image_sets import prompt_for
from sieve_assets.models.generator import Generator
from sieve_assets.models.vision_language import VisionLanguage
from sieve_assets.terrarium.captions import Concept, concept_set, scene_of, truth_table
from sieve_assets.terrarium.judge import Judge, classes_seen, draw_images
from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.scenes import (
    FRAME_PX,
    NARROW,
    WIDE,
    Scene,
    biased_scenes,
    unbiased_scenes,
)
from sieve_assets.terrarium.targets import TRAINING_OBJECT_SHARE, class_of
from sieve_assets.terrarium.world import world_objects

SEED = 1_000
"""Far from the seeds of training (0 to 20 above `train.SEED`) and of the study's probe set."""
CROP_MARGIN = 0.1
"""Around an object, in sides of its box; as the pipeline pads its crops."""
MOST_CONCEPTS = 40
"""Concepts of one kind that are drawn in a round."""


class Figure(NamedTuple):
    """One measured number.

    Attributes:
        name: What was measured.
        value: A share, or seconds where the name says so.
        count: Pictures it was measured on.
        reference: The same for rendered scenes in place of drawn pictures; None if it is neither.
    """

    name: str
    value: float
    count: int
    reference: float | None = None


def kind_of(concept: Concept) -> str:
    """Return whether a concept is an object, a family, a background, a pair or only a word."""
    if concept.family:
        return "family"
    if concept.thing:
        return "object on background" if concept.background else "object"
    return "background" if concept.background else "everyday word"


def target_figures(
    network: nn.Module, transform: study_targets.Transform, *, n_scenes: int
) -> list[Figure]:
    """Return a target network's accuracy on held-out scenes, with and without the bias."""
    share = TRAINING_OBJECT_SHARE
    empty_share = 1 - share * len(world_objects())
    unbiased = unbiased_scenes(
        n_scenes, seed=SEED, empty_share=empty_share, pose=WIDE, only_drawn=False
    )
    sets = {
        "biased scenes, as in training": biased_scenes(n_scenes, seed=SEED, object_share=share),
        "unbiased scenes": unbiased,
        "unbiased scenes, object away from its home": [
            scene
            for scene in unbiased
            if scene.thing and scene.thing.home not in ("", scene.background)
        ],
    }
    figures = []
    for name, scenes in sets.items():
        classes = classes_seen(network, transform, draw_images(scenes))
        is_right = classes == [class_of(scene) for scene in scenes]
        figures.append(Figure(f"object right, {name}", float(np.mean(is_right)), len(scenes)))
    return figures


def vision_language_figures(model: VisionLanguage, template: str, *, n_scenes: int) -> list[Figure]:
    """Return how often the concept nearest to an unbiased scene is true of it."""
    concepts = concept_set()
    scenes = unbiased_scenes(n_scenes, seed=SEED, empty_share=0.1, pose=WIDE, only_drawn=True)
    texts = model.embed_texts([template.replace("{}", concept.text) for concept in concepts])
    truth = truth_table(scenes, concepts)
    kinds = np.array([kind_of(concept) for concept in concepts])
    has_object = np.array([scene.thing is not None for scene in scenes])
    everything = np.ones_like(has_object)

    def figure(name: str, scores: np.ndarray, among: np.ndarray, on: np.ndarray) -> Figure:
        return Figure(name, _share_true(scores[on][:, among], truth[on][:, among]), int(on.sum()))

    whole = model.embed_images(draw_images(scenes)) @ texts.T
    crops = model.embed_images([cut_object(scene) for scene in scenes]) @ texts.T
    is_word = kinds == "everyday word"
    won_by_word = np.mean(is_word[whole.argmax(1)])
    names_object = truth & np.array([concept.thing is not None for concept in concepts])
    return [
        figure("object right, among objects", whole, kinds == "object", has_object),
        figure("object right, in a crop around the object", crops, kinds == "object", has_object),
        figure("background right, among backgrounds", whole, kinds == "background", everything),
        figure("pair right, among pairs", whole, kinds == "object on background", has_object),
        figure("best of the whole concept set is true", whole, kinds != "", everything),
        Figure(
            "best of the whole concept set names the object, in a crop around it",
            _share_true(crops[has_object], names_object[has_object]),
            int(has_object.sum()),
        ),
        Figure("scenes won by an everyday word", float(won_by_word), len(scenes)),
    ]


def cut_object(scene: Scene) -> Image.Image:
    """Return the square around a scene's object; all of an empty scene."""
    picture = draw_scene(scene)
    return Image.fromarray(picture.image).crop(square_around(picture.mask))


def square_around(mask: Bool[np.ndarray, "row column"]) -> tuple[int, int, int, int]:
    """Return a mask's square with a margin, inside the frame; the frame if nothing is masked.

    Returns:
        Left, top, right, bottom (pixels).
    """
    if not mask.any():
        return (0, 0, FRAME_PX, FRAME_PX)
    rows, columns = np.nonzero(mask)
    side = max(np.ptp(rows), np.ptp(columns)) + 1
    half = min(side * (0.5 + CROP_MARGIN), FRAME_PX / 2)
    middle = ((at.min() + at.max() + 1) / 2 for at in (columns, rows))
    x, y = (float(np.clip(at, half, FRAME_PX - half)) for at in middle)
    return (round(x - half), round(y - half), round(x + half), round(y + half))


def generator_figures(
    generator: Generator, template: str, judge: Judge, *, n_rounds: int
) -> list[Figure]:
    """Return how often a judge sees in a generator's pictures what was asked for.

    The same judge on rendered scenes of the same concepts says how far it can be trusted.
    """
    asked = _asked_concepts(n_rounds)
    prompts = [prompt_for(concept.text, template) for concept in asked]
    started = time.perf_counter()
    pictures = generator.draw(prompts, range(SEED, SEED + len(prompts)))
    seconds = (time.perf_counter() - started) / len(prompts)
    numbers = np.random.default_rng(SEED)
    scenes = [scene_of(concept, pose=NARROW, generator=numbers) for concept in asked]

    drawn, rendered = judge.seen_in(pictures), judge.seen_in(draw_images(scenes))
    figures = []
    for name, kind, part in (
        ("object right, asked for an object", "object", "thing"),
        ("family right, asked for a family", "family", "family"),
        ("background right, asked for a background", "background", "background"),
        ("object right, asked for a pair", "object on background", "thing"),
        ("background right, asked for a pair", "object on background", "background"),
        ("both right, asked for a pair", "object on background", None),
    ):
        rows = [row for row, concept in enumerate(asked) if kind_of(concept) == kind]
        wanted = [_part_of(asked[row], part) for row in rows]
        value, reference = (
            float(
                np.mean([one.is_true_of(seen[row]) for one, row in zip(wanted, rows, strict=True)])
            )
            for seen in (drawn, rendered)
        )
        figures.append(Figure(name, value, len(rows), reference))
    return [*figures, Figure("seconds a picture", seconds, len(prompts))]


def _asked_concepts(n_rounds: int) -> list[Concept]:
    """Return concepts of every kind, each kind's in turn, at most `MOST_CONCEPTS` a round."""
    shuffled = np.random.default_rng(SEED)
    asked: list[Concept] = []
    for kind in ("object", "family", "background", "object on background"):
        members = [concept for concept in concept_set() if kind_of(concept) == kind]
        order = shuffled.permutation(len(members))
        positions = range(n_rounds * min(len(members), MOST_CONCEPTS))
        asked += [members[order[position % len(members)]] for position in positions]
    return asked


def _part_of(concept: Concept, part: str | None) -> Concept:
    return concept if part is None else Concept(concept.text, **{part: getattr(concept, part)})


def _share_true(scores: np.ndarray, truth: Bool[np.ndarray, "image concept"]) -> float:
    best = scores.argmax(1)
    return float(np.mean(truth[np.arange(len(best)), best]))
