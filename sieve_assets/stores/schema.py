"""What schema.sql declares, as Python sees it: tables, columns, keys.

Not here: a second statement of any of it.
"""

import difflib
import re
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
        kinds: What DuckDB calls the type of each column.
        checks: Conditions on a row, as SQL.
        unique: Columns beside the key of which no two rows have the same values.
    """

    name: str
    columns: pa.Schema
    key: tuple[str, ...]
    required: frozenset[str]
    comments: Mapping[str, str]
    kinds: Mapping[str, str]
    checks: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]


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


@cache
def statements() -> tuple[str, ...]:
    """The schema, statement by statement, without the comments before them."""
    found = [one.query for one in duckdb.extract_statements(DDL)]
    return tuple(re.sub(r"\A(\s|--.*\n)+", "", one) for one in found)


@cache
def statements_without_constraints() -> tuple[str, ...]:
    """The schema for DuckLake: no keys, conditions, indexes and comments on a view's columns."""
    found = []
    for statement in statements():
        about = re.match(r"(CREATE TABLE|CREATE INDEX|COMMENT ON COLUMN) (\w+)", statement)
        kind, name = about.groups() if about else ("", "")
        if kind == "CREATE TABLE":
            found.append(_plain_table(tables()[name]))
        elif not kind or (kind == "COMMENT ON COLUMN" and tables()[name].key):
            found.append(statement)
    return tuple(found)


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


def _plain_table(table: Table) -> str:
    columns = [
        f'"{name}" {kind}{" NOT NULL" if name in table.required else ""}'
        for name, kind in table.kinds.items()
    ]
    return f"CREATE TABLE {table.name} ({', '.join(columns)})"


def _described(connection: duckdb.DuckDBPyConnection, name: str) -> Table:
    columns = connection.execute(
        """
        SELECT column_name, is_nullable, comment, data_type FROM duckdb_columns()
        WHERE table_name = ? ORDER BY column_index
        """,
        [name],
    ).fetchall()
    constraints = connection.execute(
        """
        SELECT constraint_type, constraint_column_names, expression FROM duckdb_constraints()
        WHERE table_name = ?
        """,
        [name],
    ).fetchall()
    [key] = [tuple(names) for kind, names, _ in constraints if kind == "PRIMARY KEY"] or [()]
    return Table(
        name=name,
        columns=connection.table(name).limit(0).to_arrow_table().schema,
        key=key,
        required=frozenset(column for column, is_nullable, *_ in columns if not is_nullable),
        comments={column: comment or "" for column, _, comment, _ in columns},
        kinds={column: kind for column, *_, kind in columns},
        checks=tuple(condition for kind, _, condition in constraints if kind == "CHECK"),
        unique=tuple(tuple(names) for kind, names, _ in constraints if kind == "UNIQUE"),
    )
