"""The `sieve` command. What takes long to import is imported late."""

import json
from pathlib import Path

import click

from sieve_assets.cluster_command import cluster_demo
from sieve_assets.compare_check import tell_comparison
from sieve_assets.compare_command import compare
from sieve_assets.export_command import export
from sieve_assets.generator_families import settings_to_write
from sieve_assets.look_commands import atlas, ui
from sieve_assets.migrate_command import migrate
from sieve_assets.study import Study, Target
from sieve_assets.study_file import load_study, study_of, study_path
from sieve_assets.study_problems import StudyError
from sieve_assets.study_template import Answers, study_text


class _Commands(click.Group):
    """Commands that say in a line what keeps any of them from its work."""

    def invoke(self, ctx: click.Context) -> object:
        from sieve_assets.stores.connections import (  # noqa: PLC0415 (it loads duckdb)
            LakeLostError,
            OtherSchemaError,
            WarehouseBusyError,
        )

        try:
            return super().invoke(ctx)
        except (StudyError, OtherSchemaError, WarehouseBusyError, LakeLostError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands)
def main() -> None:
    """Name what a network's neurons respond to, and test each name by experiment."""


def _images(context: click.Context, option: click.Parameter, given: str) -> str:
    """Where the images are: a folder must be there, addresses and tar files are not looked at."""
    if "://" in given or given.endswith(".tar"):
        return given
    return str(click.Path(exists=True, file_okay=False).convert(given, option, context))


@main.command()
@click.option("--network", prompt=True, help='Such as "timm:resnet50.a1_in1k" (docs/targets.md).')
@click.option("--network-args", help='Its arguments as JSON, such as {"img_size": 384}.')
@click.option("--weights", type=click.Path(exists=True, dir_okay=False), help="A state dict.")
@click.option("--classes", type=int, help="Outputs of a network whose weights are a file.")
@click.option("--layer", help="Path of the module; found if absent.")
@click.option("--name", help="Of the target; the network's if absent.")
@click.option(
    "--images",
    prompt="Folder of images",
    callback=_images,
    help="Folder, address such as s3://bucket/photos, or tar files such as photos-{000..012}.tar.",
)
@click.option("--concepts", prompt="File of words", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--vision-language",
    prompt="Vision-language model",
    default="ViT-B-16:openai",
    show_default=True,
    help="open_clip's folder or name.",
)
@click.option(
    "--generator",
    prompt="Text-to-image model",
    default="stabilityai/sd-turbo",
    show_default=True,
    help="diffusers' folder or name.",
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("sieve.toml"))
def init(out: Path, **answers: str | None) -> None:
    """Write a study file for your own network and images; finds layer, width and transform."""
    from sieve_assets.models.new_target import describe_target  # noqa: PLC0415 (it loads torch)

    if out.exists():
        raise click.ClickException(f"expected a new file, got {out}, which is there. Use --out.")
    try:
        described = describe_target(
            str(answers["network"]),
            arguments=json.loads(answers["network_args"] or "{}"),
            weights=answers["weights"],
            n_classes=answers["classes"],
            layer=answers["layer"],
        )
    except (LookupError, ValueError, TypeError) as error:
        raise click.ClickException(str(error)) from error
    text = study_text(
        Answers(
            name=answers["name"] or described.name,
            target=described.target,
            transform=described.transform,
            **{key: str(answers[key]) for key in _GIVEN},
            drawing=settings_to_write(str(answers["generator"])),
        ).in_folder(out.resolve().parent)
    )
    study_of(text, out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    click.echo(f"{out}: {described.target['width']} neurons in {described.target['layer']!r}")


@main.command()
@click.option(
    "--study",
    "file",
    type=click.Path(path_type=Path),
    help="The study file; $SIEVE_STUDY or ./sieve.toml by default.",
)
def check(file: Path | None) -> None:
    """Load targets, concepts and what is compared, and say what is refused: a line each."""
    study = load_study(file or study_path())
    refused = [_refusal(name, target) for name, target in study.targets.items()]
    for (name, target), reason in zip(study.targets.items(), refused, strict=True):
        click.echo(reason or f"target {name}: ok, {target.width} neurons in {target.layer!r}")
    is_right = [_tell_concepts(study), tell_comparison(study)]
    if any(refused) or not all(is_right):
        raise SystemExit(1)


@main.command()
@click.argument("target")
@click.argument("neuron", type=int)
@click.option("--out", type=click.Path(path_type=Path), default=Path("evidence.png"))
def evidence(target: str, neuron: int, out: Path) -> None:
    """Draw what the names of TARGET's NEURON rest on: samples, patches, pictures, rates."""
    from sieve_assets.assets.resources import Workbench  # noqa: PLC0415 (seconds to import)
    from sieve_assets.image_sets.listing import open_image  # noqa: PLC0415 (as above)
    from sieve_assets.reports.evidence import draw_evidence, verdict_lines  # noqa: PLC0415 (as above)

    bench = Workbench()
    try:
        figure = draw_evidence(
            bench.warehouse,
            model=target,
            neuron=neuron,
            open_probe_image=lambda uri: open_image(bench.images_of(target), uri),
            open_stored_image=bench.images.open,
        )
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    figure.savefig(out)
    click.echo(f"{out}: the evidence for neuron {neuron} of {target}")
    for line in verdict_lines(bench.warehouse, model=target, neuron=neuron):
        click.echo(line)


@main.command()
@click.argument("targets", nargs=-1)
@click.option("--check", "is_check", is_flag=True, help="End with status 1 if something is stale.")
def stale(targets: tuple[str, ...], *, is_check: bool) -> None:
    """Say what is not as it would be made now, and why: of TARGETS, or of all."""
    from rich.console import Console  # noqa: PLC0415 (with its neighbours)
    from rich.table import Table  # noqa: PLC0415

    from sieve_assets.assets.resources import Workbench  # noqa: PLC0415 (seconds to import)
    from sieve_assets.assets.staleness import find_stale, stale_table  # noqa: PLC0415 (as above)

    bench = Workbench()
    _require_targets(targets, load_study(bench.study_path))
    try:
        findings = stale_table(find_stale(bench, targets))
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if findings.empty:
        click.echo("Nothing is stale.")
        return
    table = Table(*findings.columns)
    for row in findings.astype(str).itertuples(index=False):
        table.add_row(*row)
    Console().print(table)
    click.echo("The job recompute_stale, or `make demo`, brings it up to date.")
    if is_check:
        raise SystemExit(1)


@main.command()
@click.argument("targets", nargs=-1)
@click.option("--compare", is_flag=True, help="Only the last plan, and what has happened since.")
def plan(targets: tuple[str, ...], *, compare: bool) -> None:
    """Say what a run would do before it does it, for TARGETS or all: neurons, pictures, time."""
    from rich.console import Console  # noqa: PLC0415 (with its neighbours)

    from sieve_assets.assets.plan_outcome import outcomes  # noqa: PLC0415 (seconds to import)
    from sieve_assets.assets.plans import make_plans, planned_table  # noqa: PLC0415 (as above)
    from sieve_assets.assets.resources import Workbench  # noqa: PLC0415 (as above)
    from sieve_assets.reports.plan_tables import print_outcome, print_plan  # noqa: PLC0415

    bench, console = Workbench(), Console()
    _require_targets(targets, load_study(bench.study_path))
    try:
        plans = [] if compare else make_plans(bench, targets)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    for one in plans:
        print_plan(console, one.model, planned_table(one), one.notes, one.problem)
    if not any(one.work for one in plans):
        for model, happened in outcomes(bench, targets).items():
            print_outcome(console, model, happened)
    if any(one.problem for one in plans):
        raise SystemExit(1)


@main.command()
def mend() -> None:
    """Check every stored file, and forget what was made of damaged ones: runs make it again."""
    from sieve_assets.assets.resources import Workbench  # noqa: PLC0415 (seconds to import)

    found = Workbench().mend()
    click.echo(f"checked {found.n_files} files: {len(found.damaged)} damaged or gone")
    for name in [*found.damaged, *found.leftovers]:
        click.echo(f"  removed {name}")
    if found.damaged:
        click.echo("Materialize again what they were made by; `make demo` does so by itself.")


@main.command()
def run() -> None:
    """Interpret and verify the neurons of the study's targets, through Dagster."""
    from sieve_assets import demo as run_of_everything  # noqa: PLC0415 (seconds to import)

    run_of_everything.run()


main.add_command(run, "demo")
main.add_command(compare)
main.add_command(cluster_demo)
main.add_command(migrate)
main.add_command(atlas)
main.add_command(ui)
main.add_command(export)


_GIVEN = ("images", "concepts", "vision_language", "generator")
"""What `init` asks for and writes as it is."""


def _require_targets(names: tuple[str, ...], study: Study) -> None:
    unknown = sorted(set(names) - set(study.targets))
    if unknown:
        known = ", ".join(sorted(study.targets))
        raise click.ClickException(f"expected names of targets, got {unknown}. They are {known}.")


def _refusal(name: str, target: Target) -> str:
    """Why the target cannot be studied, in one line; empty if it can."""
    from sieve_assets.models.target import load_target  # noqa: PLC0415 (seconds to import)

    try:
        load_target(name, target, device="cpu", batch_size=1)
    except Exception as error:  # noqa: BLE001 (whatever one target raises must not hide the others)
        kind = "" if isinstance(error, ValueError | LookupError) else f"{type(error).__name__}: "
        reason = " ".join(str(error).split()).removeprefix(f"target {name}: ")
        return f"target {name}: {kind}{reason}"
    return ""


def _tell_concepts(study: Study) -> bool:
    """Say what the concept set is, or why it cannot be had; whether it can."""
    from sieve_assets.assets.hypothesize import concept_listings  # noqa: PLC0415 (as above)
    from sieve_assets.reports.concept_facts import concept_facts  # noqa: PLC0415 (as above)

    try:
        facts = concept_facts(study.concepts, concept_listings(study))
    except (ValueError, LookupError, OSError) as error:
        click.echo(f"concepts: {str(error).removeprefix('concepts: ')}")
        return False
    click.echo(f"concepts: ok, {facts.pop('concepts')}")
    for name, fact in facts.items():
        click.echo(f"  {name}: {fact}")
    return True
