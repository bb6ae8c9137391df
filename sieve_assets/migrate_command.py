"""The command `sieve migrate`: tables to this version, or all results to another place."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # seconds to import
    from sieve_assets.assets.resources import Workbench


@click.command()
@click.option(
    "--to",
    metavar="ADDRESS",
    default="",
    help="Copy the tables there: a file, or ducklake:postgres:dbname=… host=… user=…",
)
@click.option(
    "--files", metavar="ADDRESS", default="", help="Of a DuckLake's rows: a folder, or s3://…"
)
@click.option(
    "--store",
    metavar="ADDRESS",
    default="",
    help="Copy pictures and arrays there: a folder, s3://… or gs://…",
)
def migrate(to: str, files: str, store: str) -> None:
    """Take the tables of an older version of sieve_assets to this one; nothing stored is lost.

    With --to or --store: copy the results to another place instead, compare rows and files with
    what was sent, and say how to use them from there. What is here stays.
    """
    from sieve_assets.assets.resources import Workbench  # noqa: PLC0415 (seconds to import)
    from sieve_assets.stores.migration import migrate as migrate_tables  # noqa: PLC0415 (as above)
    from sieve_assets.stores.schema import schema_version  # noqa: PLC0415 (as above)

    bench = Workbench()
    try:
        if to or files or store:
            _move(bench, to, files, store)
            return
        at = bench.warehouse.at
        found = migrate_tables(at)
    except (ValueError, LookupError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{at}: version {found} is now version {schema_version()}")


def _move(bench: "Workbench", to: str, files: str, store: str) -> None:
    """Files first: a row never names one that is not there."""
    from sieve_assets.stores import addresses  # noqa: PLC0415 (as above)
    from sieve_assets.stores.moving import move_files, move_tables  # noqa: PLC0415 (as above)

    other = bench.anew(warehouse_address=to, warehouse_files=files, store_address=store)
    target = other.warehouse if to or files else None
    if store:
        for name, pair in {
            "pictures": (bench.images.root, other.images.root),
            "arrays": (bench.arrays.root, other.arrays.root),
        }.items():
            click.echo(f"{pair[1]}: {move_files(*pair)} {name}, compared with their hashes")
    if target:
        moved = move_tables(bench.warehouse, target)
        n_rows = sum(one.n_rows for one in moved.values())
        click.echo(f"{target.at}: {n_rows} rows of {len(moved)} tables, counts and hashes compared")
    click.echo("What was copied is still where it was. To use it from there, set:")
    told = {addresses.WAREHOUSE: to, addresses.WAREHOUSE_FILES: files, addresses.STORE: store}
    for name, value in told.items():
        if value:
            click.echo(f'  export {name}="{value}"')
    if to and bench.warehouse_files and not files:
        click.echo(f"  unset {addresses.WAREHOUSE_FILES}")
