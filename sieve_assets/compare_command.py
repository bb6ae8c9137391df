"""The command `sieve compare`: other methods' names beside SIEVE's, in tables and figures."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

LEAST_WIDTH = 132
"""Columns that the tables are printed in at least: in fewer the methods' names would be cut off."""

if TYPE_CHECKING:  # seconds to import
    from sieve_assets.assets.resources import Workbench


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
    from sieve_assets.reports.comparison_tables import print_comparison  # noqa: PLC0415 (as above)

    bench, failed = Workbench(), None
    _require_comparison(bench.study_path)
    try:
        demo.run()
    except SystemExit as error:  # what was stored of other targets is told all the same
        failed = error
    console = Console()
    console.width = max(console.width, LEAST_WIDTH)
    print_comparison(console, bench.warehouse, bench.study)
    for model in bench.study.targets:
        for file in _saved(bench, model, out):
            click.echo(f"{file}")
    if failed:
        raise failed


def _saved(bench: "Workbench", model: str, out: Path) -> list[Path]:
    """Figures of a target that there is something to show in."""
    from sieve_assets.assets.domain_shift import shifted_probe  # noqa: PLC0415 (as above)
    from sieve_assets.image_sets.listing import open_image  # noqa: PLC0415 (as above)
    from sieve_assets.reports.comparison_figures import save_figures  # noqa: PLC0415 (as above)
    from sieve_assets.reports.neuron_ablation_figures import save_neuron_ablation  # noqa: PLC0415
    from sieve_assets.reports.shift_figures import save_shift  # noqa: PLC0415 (as above)
    from sieve_assets.reports.step_figures import save_step_figures  # noqa: PLC0415 (as above)

    warehouse, images = bench.warehouse, bench.images_of(model)
    shifted = bench.image_set(shifted_probe(bench, model) or bench.study.targets[model].probe)
    return [
        *save_figures(warehouse, model, out),
        *save_step_figures(warehouse, model, out),
        *save_neuron_ablation(warehouse, model, out, bench.images.open),
        *save_shift(
            warehouse,
            model,
            out,
            open_probe_image=lambda uri: open_image(images, uri),
            open_shifted_image=lambda uri: open_image(shifted, uri),
            open_stored_image=bench.images.open,
        ),
    ]


def _require_comparison(file: Path) -> None:
    from sieve_assets.study_file import load_study  # noqa: PLC0415 (with its neighbours)

    if load_study(file).compare is None:
        raise click.ClickException(
            f"{file}: expected a section [compare], got none. Add one (docs/explainers.md), or "
            "name a study that has one, such as compare.toml, in $SIEVE_STUDY."
        )
