"""What schema.sql declares, as Python sees it: tables, columns, keys.

Not here: a second statement of any of it.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

DDL = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Table:
    """A table or view of the warehouse.

    Attributes:
        name: Its name.
        columns: Names and types, in the order of the schema file.
        key: The columns that name a row; empty for a view.
        required: The columns that are never NULL; empty for a view.
        comments: What each column means.
    """

    name: str
    columns: pa.Schema
    key: tuple[str, ...]
    required: frozenset[str]
    comments: Mapping[str, str]


@cache
def schema_version() -> int:
    """The version of the schema that this code reads and writes."""
    with _empty_warehouse() as connection:
        return connection.execute("SELECT version FROM schema_version").fetchall()[0][0]


@cache
def tables() -> Mapping[str, Table]:
    """Every table and view by name, in the order of the schema file."""
    with _empty_warehouse() as connection:
        return {name: _described(connection, name) for name in _names(connection)}


def table_named(name: str) -> Table:
    """The table of that name.

    Raises:
        LookupError: There is no such table, or it is a view and so has no rows of its own.
    """
    names = [table.name for table in tables().values() if table.key]
    if name not in names:
        raise LookupError(
            f"Warehouse: expected a table, got {name!r}. Did you mean {nearest(name, names)}?"
        )
    return tables()[name]


def nearest(name: str, names: Iterable[str]) -> str:
    """The names most like `name`, to be shown in an error; all of them if none is like it."""
    names = list(names)
    return ", ".join(difflib.get_close_matches(name, names) or names)


def _empty_warehouse() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute(DDL)
    return connection


def _names(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute("""
        SELECT table_name AS name, table_oid AS oid FROM duckdb_tables() WHERE NOT internal
        UNION ALL SELECT view_name, view_oid FROM duckdb_views() WHERE NOT internal
        ORDER BY oid
    """)
    return [name for name, _ in found.fetchall()]


def _described(connection: duckdb.DuckDBPyConnection, name: str) -> Table:
    key = connection.execute(
        """
        SELECT unnest(constraint_column_names) FROM duckdb_constraints()
        WHERE table_name = ? AND constraint_type = 'PRIMARY KEY'
        """,
        [name],
    ).fetchall()
    columns = connection.execute(
        "SELECT column_name, is_nullable, comment FROM duckdb_columns() WHERE table_name = ?",
        [name],
    ).fetchall()
    return Table(
        name=name,
        columns=connection.table(name).limit(0).to_arrow_table().schema,
        key=tuple(column for (column,) in key),
        required=frozenset(column for column, is_nullable, _ in columns if not is_nullable),
        comments={column: comment or "" for column, _, comment in columns},
    )
