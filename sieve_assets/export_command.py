"""The command `sieve export`: verified names as files for other programs, and for good."""

from pathlib import Path

import click


@click.command()
@click.argument("targets", nargs=-1)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("export"),
    show_default=True,
    help="Folder of the files, one below it for each target.",
)
def export(targets: tuple[str, ...], out: Path) -> None:
    """Write the verified names of TARGETS, or of all, as CSV, Parquet and JSON with a README."""
    from sieve_assets.reports.atlas.exports import export_files  # noqa: PLC0415 (it loads pandas)
    from sieve_assets.results import open_results  # noqa: PLC0415 (as above)
    from sieve_assets.stores.content_files import write_atomically  # noqa: PLC0415 (as above)

    try:
        results = open_results()
        for target in targets:  # before anything is written
            results.verified(target)
        for target in targets or results.targets()["model"]:
            for name, content in export_files(results.study.warehouse, target).items():
                write_atomically(out / target / name, content)
            click.echo(f"{out / target}: {len(results.verified(target))} verified names")
    except (LookupError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
