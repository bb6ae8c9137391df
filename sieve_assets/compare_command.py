"""The command `sieve compare`: other methods' names beside SIEVE's, in tables and figures."""

from pathlib import Path

import click

from sieve_assets.study_problems import StudyError


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("comparison"),
    show_default=True,
    help="Folder of the figures.",
)
def compare(out: Path) -> None:
    """Bring the study up to date, and say how SIEVE's names fare beside other methods'."""
    from rich.console import Console  # noqa: PLC0415 (with its neighbours)

    from sieve_assets import demo  # noqa: PLC0415 (seconds to import)
    from sieve_assets.assets.resources import Workbench  # noqa: PLC0415 (as above)
    from sieve_assets.reports.comparison_figures import save_figures  # noqa: PLC0415 (as above)
    from sieve_assets.reports.comparison_tables import print_comparison  # noqa: PLC0415 (as above)
    from sieve_assets.reports.step_figures import save_step_figures  # noqa: PLC0415 (as above)

    bench, failed = Workbench(), None
    _require_comparison(bench.study_path)
    try:
        demo.run()
    except SystemExit as error:  # what was stored of other targets is told all the same
        failed = error
    print_comparison(Console(), bench.warehouse, bench.study)
    for model in bench.study.targets:
        for save in (save_figures, save_step_figures):
            for file in save(bench.warehouse, model, out):
                click.echo(f"{file}")
    if failed:
        raise failed


def _require_comparison(file: Path) -> None:
    from sieve_assets.study_file import load_study  # noqa: PLC0415 (with its neighbours)

    try:
        study = load_study(file)
    except StudyError as error:
        raise click.ClickException(str(error)) from error
    if study.compare is None:
        raise click.ClickException(
            f"{file}: expected a section [compare], got none. Add one (docs/explainers.md), or "
            "name a study that has one, such as compare.toml, in $SIEVE_STUDY."
        )
