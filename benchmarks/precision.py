"""How far results move in half precision: the embedded world's targets, CLIP and generator.

Prints one line a model and precision, beside float32 on the same scenes, prompts and seeds.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image
from rich.console import Console

from sieve_assets.method.generated_image_sets import prompt_for
from sieve_assets.method.neuron_ratios import neuron_ratios
from sieve_assets.models.generator import load_generator
from sieve_assets.models.target import load_target
from sieve_assets.models.vision_language import load_vision_language
from sieve_assets.stores.concept_lists import listings, names_of
from sieve_assets.study import Study
from sieve_assets.study_file import load_study, study_path
from sieve_assets.study_values import Precision
from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.scenes import OBJECT_SHARE, biased_scenes

N_SCENES = 500
N_SAMPLES = 20
N_PICTURES = 100
N_NAMES = 2
BATCH = 64
LOWER: tuple[Precision, ...] = ("bfloat16", "float16")


def targets_on(images: Sequence[Image.Image], study: Study, model: str) -> dict[str, np.ndarray]:
    """Activations of a target on `images`, by precision (image × neuron)."""
    found = {}
    for precision in ("float32", *LOWER):
        settings = study.targets[model].model_copy(update={"precision": precision})
        target = load_target(model, settings, device="cpu", batch_size=BATCH)
        found[precision] = target.activations(images)
    return found


def compare_target(found: dict[str, np.ndarray], study: Study, model: str) -> list[str]:
    """What a target's lower precisions change."""
    settings, select = study.targets[model], study.select
    usual = select.beta if settings.rule == "ratio" else select.beta_signed

    def selected(activations: np.ndarray) -> np.ndarray:
        ratios = neuron_ratios(
            activations.T,
            rule=settings.rule,
            beta=settings.beta or usual,
            percentile=select.percentile,
            normalise=select.normalise,
            gate=select.gate,
        )
        return ratios.ratio > (settings.beta or usual)

    def strongest(activations: np.ndarray) -> list[set[int]]:
        order = np.argsort(-activations, axis=0, kind="stable")[:N_SAMPLES]
        return [set(column) for column in order.T.tolist()]

    exact = found["float32"]
    lines = []
    for precision in LOWER:
        moved = np.abs(found[precision] - exact) / np.abs(exact).max(axis=0).clip(min=1e-9)
        pairs = zip(strongest(exact), strongest(found[precision]), strict=True)
        kept = np.array([len(one & other) for one, other in pairs])
        lines.append(
            f"{model} {precision}: activations move by {moved.max():.2%} of the neuron's largest "
            f"at most, {np.median(moved):.3%} in the median; selected {selected(exact).sum()}, "
            f"otherwise {(selected(exact) != selected(found[precision])).sum()}; of "
            f"{N_SAMPLES} samples {kept.mean():.2f} stay, all in {(kept == N_SAMPLES).sum()} of "
            f"{len(kept)} neurons, at least {kept.min()}"
        )
    return lines


def compare_vision_language(images: Sequence[Image.Image], study: Study) -> list[str]:
    """What the vision-language model's lower precisions change."""
    names = names_of(listings(study.concepts, lambda _: []))
    texts = [prompt_for(name, study.concepts.template) for name in names]
    vectors, nearest = {}, {}
    for precision in ("float32", *LOWER):
        settings = study.vision_language.model_copy(update={"precision": precision})
        model = load_vision_language(settings, device="cpu", batch_size=BATCH)
        vectors[precision] = model.embed_images(images), model.embed_texts(texts)
        order = np.argsort(-(vectors[precision][0] @ vectors[precision][1].T), axis=1)
        nearest[precision] = [set(row) for row in order[:, :N_NAMES].tolist()]
    lines = []
    for precision in LOWER:
        cosines = [
            (one * other).sum(axis=1).min()
            for one, other in zip(vectors["float32"], vectors[precision], strict=True)
        ]
        pairs = zip(nearest["float32"], nearest[precision], strict=True)
        same = np.mean([one == other for one, other in pairs])
        lines.append(
            f"clip {precision}: cosine with float32 at least {cosines[0]:.5f} for pictures, "
            f"{cosines[1]:.5f} for texts; the {N_NAMES} nearest of {len(names)} concepts are the "
            f"same for {same:.1%} of the pictures"
        )
    return lines


def pictures_of(study: Study) -> dict[str, list[Image.Image]]:
    """Pictures of some concepts, by precision."""
    names = names_of(listings(study.concepts, lambda _: []))
    prompts = [prompt_for(name, study.generator.prompt) for name in names]
    prompts = prompts[:: max(1, len(prompts) // N_PICTURES)]
    drawn = {}
    for precision in ("float32", *LOWER):
        settings = study.generator.model_copy(update={"precision": precision})
        generator = load_generator(settings, device="cpu", batch_size=BATCH)
        drawn[precision] = generator.draw(prompts, range(len(prompts)))
    return drawn


def compare_pictures(drawn: dict[str, list[Image.Image]]) -> list[str]:
    """How far pixels move."""
    pixels = {
        precision: np.stack([np.asarray(one, dtype=np.int16) for one in pictures])
        for precision, pictures in drawn.items()
    }
    moved = {one: np.abs(pixels[one] - pixels["float32"]) for one in LOWER}
    return [
        f"generator {precision}: {len(levels)} pictures move by {levels.mean():.2f} of 255 levels "
        f"in the mean, {np.percentile(levels, 99):.0f} in the 99th percentile"
        for precision, levels in moved.items()
    ]


def compare_verdicts(
    drawn: dict[str, list[Image.Image]], study: Study, model: str, thresholds: np.ndarray
) -> list[str]:
    """How many of a target's neurons fire on one picture and not on the other."""
    target = load_target(model, study.targets[model], device="cpu", batch_size=BATCH)
    fires = {one: target.activations(pictures) > thresholds for one, pictures in drawn.items()}
    return [
        f"{model} on pictures of {one}: {(fires[one] != fires['float32']).sum()} of "
        f"{fires[one].size} verdicts change, where {fires['float32'].sum()} fire"
        for one in LOWER
    ]


def main() -> None:
    """Print every comparison."""
    console, study = Console(width=400), load_study(study_path())
    scenes = biased_scenes(N_SCENES, seed=0, object_share=OBJECT_SHARE)
    images = [Image.fromarray(draw_scene(scene).image) for scene in scenes]
    drawn = pictures_of(study)
    console.print("\n".join(compare_pictures(drawn)))
    for model in study.targets:
        found = targets_on(images, study, model)
        thresholds = np.percentile(found["float32"], study.select.percentile, axis=0)
        console.print("\n".join(compare_target(found, study, model)))
        console.print("\n".join(compare_verdicts(drawn, study, model, thresholds)))
    console.print("\n".join(compare_vision_language(images, study)))


if __name__ == "__main__":
    main()
