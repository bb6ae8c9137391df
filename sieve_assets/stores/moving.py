"""All tables from one warehouse to another, and all files of a store, and whether they arrived.

Not here: what is in them.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import NamedTuple

import duckdb
from rich.progress import track

from sieve_assets.stores.content_files import Place, put_content, read_content, uris_in
from sieve_assets.stores.schema import Table, tables
from sieve_assets.stores.warehouse import Warehouse

ROWS_AT_ONCE = 10_000
"""Kept in memory while they are moved: an embedding has a few kB."""


class Content(NamedTuple):
    """What is in a table, whatever the order of its rows."""

    n_rows: int
    """Its rows."""
    digest: str
    """Sum of DuckDB's 64-bit hashes of them."""


def move_tables(source: Warehouse, target: Warehouse) -> Mapping[str, Content]:
    """Copy the rows of all tables, in one transaction; the source stays as it is.

    Returns:
        What is in each table, in both.

    Raises:
        FileNotFoundError: There is no source.
        ValueError: The target has rows, or other rows arrived than were sent.
        WarehouseBusyError, LakeLostError, OtherSchemaError: As for `Warehouse.read`.
    """
    if not source.at.exists():
        raise FileNotFoundError(f"move: expected a warehouse at {source.at}, got none.")
    filled = [name for name, found in contents(target).items() if found.n_rows]
    if filled:
        raise ValueError(
            f"move: expected an empty warehouse at {target.at}, got rows in {', '.join(filled)}. "
            "Name another one: nothing is overwritten."
        )

    def act(connection: duckdb.DuckDBPyConnection) -> None:
        source.at.read(lambda other: _send(other, connection))

    target.at.write(act)
    sent, arrived = contents(source), contents(target)
    others = [name for name in sent if sent[name] != arrived[name]]
    if others:
        raise ValueError(
            f"move: expected in {target.at} what is in {source.at}, got other rows in "
            f"{', '.join(others)}. If a run wrote meanwhile, let it end; then move to another one."
        )
    return arrived


def move_files(source: Place, target: Place) -> int:
    """Copy the files of a store that are named after their content; the source stays as it is.

    Each is compared with its name as it is read, and is whole in the target or not there. What is
    there is not written again.

    Returns:
        How many there are, in both.

    Raises:
        ValueError: A file is damaged.
        OSError: One could not be read or written, or is not there in the end.
    """
    uris = uris_in(source)

    def copy(uri: str) -> str:
        suffix = PurePosixPath(uri).suffix
        return put_content(target, read_content(source, uri, suffix, verify=True), suffix)

    with ThreadPoolExecutor() as pool:
        copied = pool.map(copy, uris)
        for _ in track(copied, f"copy {source.name}", total=len(uris), transient=True):
            pass
    missing = sorted(uris - uris_in(target))
    if missing:
        raise FileNotFoundError(
            f"move: expected {len(uris)} files of {source} in {target}, {len(missing)} are "
            f"missing, such as {missing[0]}. Do it again: what is there is not copied again."
        )
    return len(uris)


def contents(warehouse: Warehouse) -> Mapping[str, Content]:
    """What is in each table, by one state of them."""

    def ask(connection: duckdb.DuckDBPyConnection) -> Mapping[str, Content]:
        return {table.name: _content(connection, table) for table in _with_rows()}

    return warehouse.at.read(ask)


def _send(source: duckdb.DuckDBPyConnection, target: duckdb.DuckDBPyConnection) -> None:
    """All rows, by one state of the source; what it may have sent before counts for nothing."""
    for table in _with_rows():
        target.execute(f"DELETE FROM {table.name}")  # noqa: S608 (names of the schema)
        rows = source.execute(f"FROM {table.name}").to_arrow_reader(ROWS_AT_ONCE)
        target.register("moved", rows)
        target.execute(f"INSERT INTO {table.name} BY NAME FROM moved")
        target.unregister("moved")


def _content(connection: duckdb.DuckDBPyConnection, table: Table) -> Content:
    columns = ", ".join(f'"{name}"' for name in table.columns.names)
    [found] = connection.execute(
        f"SELECT count(*), coalesce(sum(hash({columns})), 0)::VARCHAR FROM {table.name}"  # noqa: S608 (names of the schema)
    ).fetchall()
    return Content(*found)


def _with_rows() -> list[Table]:
    return [table for table in tables().values() if table.key and table.name != "schema_version"]
