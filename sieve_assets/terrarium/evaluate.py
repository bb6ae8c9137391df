"""Measures the shipped models: `python -m sieve_assets.terrarium.evaluate [--quick] [model ...]`.

Models are loaded as the pipeline loads them, with the study file's settings. The figures go to the
models' cards, and the generator's contact sheet to docs/images/.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import torch

from sieve_assets.method.generated_image_sets import prompt_for
from sieve_assets.models.generator import DiffusersGenerator, load_generator
from sieve_assets.models.networks import load_network
from sieve_assets.models.origins import origin_of, transform_of
from sieve_assets.models.vision_language import load_vision_language
from sieve_assets.study import Study
from sieve_assets.study_file import load_study, study_path
from sieve_assets.terrarium.card_files import figure_text, write_card
from sieve_assets.terrarium.cards import CARDS
from sieve_assets.terrarium.judge import BATCH, Judge, fit_background_judge
from sieve_assets.terrarium.measures import (
    SEED,
    Figure,
    generator_figures,
    target_figures,
    vision_language_figures,
)
from sieve_assets.terrarium.sheet import picture_sheet
from sieve_assets.terrarium.world import drawn_objects

SHEET = Path("docs/images/generator-sheet.png")
"""Below the study file's folder."""
JUDGE = "terrarium_resnet"
"""The target that says which object a drawn picture shows."""


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        n_scenes: Rendered scenes a measurement, and to fit the judge of backgrounds.
        n_rounds: Times that the concepts are drawn.
    """

    n_scenes: int
    n_rounds: int


FULL, QUICK = Effort(n_scenes=4000, n_rounds=8), Effort(n_scenes=300, n_rounds=1)


def figures_of(name: str, study: Study, effort: Effort, *, device: str) -> list[Figure]:
    """Measure one model of the study.

    Args:
        name: A target, `vision_language` or `generator`.
        study: Where the models are and how they are used.
        effort: How much to measure.
        device: torch's name of what runs the models.
    """
    if name == "vision_language":
        settings = study.vision_language
        model = load_vision_language(settings, device=device, batch_size=BATCH)
        return vision_language_figures(model, study.concepts.template, n_scenes=effort.n_scenes)
    if name == "generator":
        judge = _judge(study, effort, device)
        generator = _generator(study, device)
        return generator_figures(generator, study.generator.prompt, judge, n_rounds=effort.n_rounds)
    network = load_network(study.targets[name], where="evaluate").to(device)
    return target_figures(network, transform_of(study.targets[name]), n_scenes=effort.n_scenes)


def folder_of(name: str, study: Study) -> Path:
    """Return the folder that a model ships in."""
    if name == "vision_language":
        return Path(study.vision_language.model)
    if name == "generator":
        return Path(study.generator.pipeline)
    return origin_of(study.targets[name]).weights.parent


def _judge(study: Study, effort: Effort, device: str) -> Judge:
    settings = study.targets[JUDGE]
    network = load_network(settings, where="evaluate").to(device)
    backgrounds = fit_background_judge(effort.n_scenes, seed=SEED + 1)
    return Judge(network, transform_of(settings), backgrounds)


def _generator(study: Study, device: str) -> DiffusersGenerator:
    return load_generator(study.generator, device=device, batch_size=BATCH)


def _draw_sheet(study: Study, device: str, path: Path) -> None:
    names = [thing.name for thing in drawn_objects()]
    prompts = [prompt_for(name, study.generator.prompt) for name in names]
    sheet = picture_sheet(_generator(study, device), names, prompts=prompts, seed=SEED)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, optimize=True)


def _print(name: str, figures: list[Figure], say: Callable[[str], None]) -> None:
    say(name)
    for figure in figures:
        reference = "" if figure.reference is None else f"(rendered: {figure.reference:.1%})"
        say(f"  {figure.name:<58} {figure_text(figure):>8} of {figure.count:>5,} {reference}")


@click.command()
@click.argument("models", nargs=-1, type=click.Choice(list(CARDS)))
@click.option("--quick", is_flag=True, help="Measure little, and write neither cards nor sheet.")
@click.option("--study", "file", type=click.Path(path_type=Path), help="The study file.")
@click.option("--device", default="cpu", show_default=True, help="What runs the models.")
def main(models: tuple[str, ...], *, quick: bool, file: Path | None, device: str) -> None:
    """Measure MODELS, or all of them, and write their cards."""
    path = file or study_path()
    study = load_study(path)
    where = f"{torch.get_num_threads()} CPU cores" if device == "cpu" else device
    measured_on = f"{dt.datetime.now(tz=dt.UTC).date()}, {where}"
    for name in models or CARDS:
        figures = figures_of(name, study, QUICK if quick else FULL, device=device)
        _print(name, figures, click.echo)
        if not quick:
            click.echo(
                write_card(folder_of(name, study), CARDS[name], figures, measured_on=measured_on)
            )
        if name == "generator" and not quick:
            _draw_sheet(study, device, path.resolve().parent / SHEET)


if __name__ == "__main__":
    main()
