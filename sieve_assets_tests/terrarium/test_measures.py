"""Figures: of a perfect and of a stubborn generator, and of the models that ship."""

import tomllib
from collections import Counter

import numpy as np
import pytest

from sieve_assets import study, study_targets
from sieve_assets.models.networks import load_network
from sieve_assets.models.vision_language import load_vision_language
from sieve_assets.terrarium.captions import concept_named, concept_set, scene_of
from sieve_assets.terrarium.judge import Judge, draw_images, fit_background_judge
from sieve_assets.terrarium.measures import (
    SEED,
    cut_object,
    generator_figures,
    kind_of,
    square_around,
    target_figures,
    vision_language_figures,
)
from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.scenes import NARROW, WIDE, unbiased_scenes
from sieve_assets.terrarium.world import DATA

TARGETS = tomllib.loads((DATA.parents[1] / "sieve.toml").read_text(encoding="utf-8"))["targets"]


def target(name):
    weights = DATA / name / "model.safetensors"
    settings = study_targets.Target.model_validate(TARGETS[name] | {"weights": weights})
    return load_network(settings, where="test"), settings.transform


class Renderer:
    """A generator that draws what it is asked for, or one concept whatever it is asked."""

    def __init__(self, always=None):
        self.identity = {}
        self.always = always
        self.seeds = []

    def draw(self, prompts, seeds):
        self.seeds += seeds
        concepts = [concept_named(self.always or prompt) for prompt in prompts]
        numbers = [np.random.default_rng(seed) for seed in seeds]
        return draw_images(
            [
                scene_of(concept, pose=NARROW, generator=number)
                for concept, number in zip(concepts, numbers, strict=True)
            ]
        )


@pytest.fixture(scope="module")
def judge():
    return Judge(*target("terrarium_resnet"), fit_background_judge(200, seed=5))


@pytest.fixture(scope="module")
def clip():
    settings = study.VisionLanguage(model=DATA / "clip")
    return load_vision_language(settings, device="cpu", batch_size=64)


def test_concepts_have_their_kinds():
    kinds = Counter(kind_of(concept) for concept in concept_set())

    assert kinds["object"] == 60
    assert kinds["background"] == 8
    assert kinds["object on background"] == 480
    assert kinds["everyday word"] >= 300
    assert kind_of(concept_named("fruit")) == "family"


def test_a_generator_that_draws_what_is_asked_for_is_judged_as_the_renderer(judge):
    generator = Renderer()
    *figures, seconds = generator_figures(generator, "{}", judge, n_rounds=1)

    assert all(figure.value >= 0.9 for figure in figures)
    assert all(abs(figure.value - figure.reference) <= 0.1 for figure in figures)
    assert [figure.count for figure in figures] == [40, 5, 8, 40, 40, 40]
    assert seconds.value > 0
    assert len(set(generator.seeds)) == seconds.count == 93


def test_a_generator_that_always_draws_a_dog_on_grass_is_found_out(judge):
    # Three rounds of 40 ask for each of the 60 objects twice.
    figures = generator_figures(Renderer("dog on grass"), "{}", judge, n_rounds=3)

    shares = {figure.name: figure.value for figure in figures}
    assert shares["object right, asked for an object"] == pytest.approx(1 / 60)
    assert shares["family right, asked for a family"] == pytest.approx(1 / 5)
    assert shares["background right, asked for a background"] == pytest.approx(1 / 8)
    assert shares["background right, asked for a pair"] < 0.4
    assert shares["both right, asked for a pair"] < 0.1


def test_the_prompt_s_template_is_the_study_s(judge):
    prompts = []

    class Listener(Renderer):
        def draw(self, texts, seeds):
            prompts.extend(texts)
            return super().draw(["dog"] * len(texts), seeds)

    generator_figures(Listener(), "a photo of a {}", judge, n_rounds=1)

    assert all(prompt.startswith("a photo of a ") for prompt in prompts)


@pytest.mark.parametrize("name", ["terrarium_resnet", "terrarium_vit"])
def test_shipped_targets_know_nine_held_out_scenes_in_ten(name):
    biased, unbiased, away = target_figures(*target(name), n_scenes=200)

    assert biased.value >= 0.9
    assert biased.count == unbiased.count == 200
    assert 0 < away.count < 200


def test_zero_shot_figures_are_those_of_loops(clip):
    figures = vision_language_figures(clip, "{}", n_scenes=30)

    concepts = concept_set()
    scenes = unbiased_scenes(30, seed=SEED, empty_share=0.1, pose=WIDE, only_drawn=True)
    seen = clip.embed_images(draw_images(scenes))
    read = clip.embed_texts([concept.text for concept in concepts])

    def share(kind, *, with_object):
        hits = []
        for image, scene in zip(seen, scenes, strict=True):
            if scene.thing is None and with_object:
                continue
            rows = [row for row, concept in enumerate(concepts) if kind in (kind_of(concept), None)]
            best = max(rows, key=lambda row: float(image @ read[row]))
            hits.append(concepts[best].is_true_of(scene))
        return sum(hits) / len(hits)

    values = {figure.name: figure.value for figure in figures}
    assert values["object right, among objects"] == share("object", with_object=True)
    assert values["background right, among backgrounds"] == share("background", with_object=False)
    assert values["pair right, among pairs"] == share("object on background", with_object=True)
    assert values["best of the whole concept set is true"] == share(None, with_object=False)
    assert values["scenes won by an everyday word"] <= 0.1


def test_naming_the_object_s_family_is_not_naming_the_object():
    texts = [concept.text for concept in concept_set()]

    class OneWord:
        """Finds a word in every picture."""

        weights_hash = ""

        def __init__(self, word):
            self.word = word

        def embed_images(self, images):
            return np.ones((len(images), 1), np.float32)

        def embed_texts(self, given):
            assert given == texts
            return np.array([[text == self.word] for text in given], np.float32)

    def shares(word):
        figures = vision_language_figures(OneWord(word), "{}", n_scenes=100)
        return {figure.name: figure.value for figure in figures}

    named = "best of the whole concept set names the object, in a crop around it"
    is_true = "best of the whole concept set is true"
    assert shares("animal")[named] == 0 < shares("animal")[is_true]
    assert shares("dog")[named] > 0
    assert shares("ability")["scenes won by an everyday word"] == 1


def test_the_square_around_an_object_holds_all_of_it():
    for scene in unbiased_scenes(40, seed=1, empty_share=0, pose=WIDE, only_drawn=False):
        mask = draw_scene(scene).mask
        left, top, right, bottom = square_around(mask)

        assert mask[top:bottom, left:right].sum() == mask.sum()
        assert 0 <= min(left, top) < max(right, bottom) <= 64
        assert abs((right - left) - (bottom - top)) <= 1
        assert cut_object(scene).size == (right - left, bottom - top)


def test_a_square_one_can_check_in_the_head():
    mask = np.zeros((64, 64), bool)
    mask[20:30, 30:50] = True

    assert square_around(mask) == (28, 13, 52, 37)
    assert square_around(~mask) == square_around(mask & ~mask) == (0, 0, 64, 64)
