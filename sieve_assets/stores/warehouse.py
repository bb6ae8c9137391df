"""The results' tables in one DuckDB file: read, replaced in one transaction, or added to.

Not here: computation, what a stage writes, and what is kept in files (pictures, large arrays).
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from sieve_assets.stores.connections import open_warehouse, transaction
from sieve_assets.stores.frames import frame_of, rows_for, scope_for
from sieve_assets.stores.schema import nearest, table_named, tables

Read = Callable[[str, Mapping[str, Any]], pd.DataFrame]
"""Asks a question within a transaction, as `Warehouse.read` does in one of its own."""


@dataclass(frozen=True)
class Replacement:
    """What takes the place of some rows of a table.

    Attributes:
        table: A table of schema.sql.
        rows: The new rows, with all of the table's columns in any order; may be empty.
        scope: Values of some key columns, e.g. `model` and `neuron`: every row that has them
            goes, and the new rows lie inside.
    """

    table: str
    rows: pd.DataFrame
    scope: pd.DataFrame


@dataclass(frozen=True)
class Warehouse:
    """A DuckDB file with the tables of schema.sql, made on first use.

    Each call opens the file for one transaction, closes it again, and waits while another
    process holds it.

    Attributes:
        path: The file.
        patience_s: How long a call waits for other processes (s).
    """

    path: Path
    patience_s: float

    def read(
        self, sql: str, params: Sequence[Any] | Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """The result of a query; FLOAT[] columns hold read-only float32 arrays.

        Args:
            sql: One SELECT, with `?` or `$name` for parameters.
            params: Their values. A list can stand for several values, as in
                `neuron IN (SELECT unnest($neurons))`.

        Raises:
            LookupError: The query names a table that does not exist.
            WarehouseBusyError: Another process held the file for too long.
            OtherSchemaError: The warehouse is one of another version.
            ValueError: Two columns have the same name, or the file is no warehouse.
        """
        with open_warehouse(self.path, is_read_only=True, patience_s=self.patience_s) as connection:
            try:
                result = connection.execute(sql, params).to_arrow_table()
            except duckdb.CatalogException as error:
                _refuse_unknown_table(error)
                raise
        return frame_of(result)

    def replace(
        self, *replacements: Replacement, unless: Callable[[Read], None] | None = None
    ) -> None:
        """Put new rows in the place of old ones, in all the tables named or in none.

        Args:
            *replacements: For each table, its rows.
            unless: Looks at what is stored, in the same transaction and before anything is
                replaced; if it raises, nothing is.

        Raises:
            LookupError: There is no such table.
            ValueError: Rows do not fit the table or the scope, or one table comes twice.
            TypeError: A column's values are of another kind.
            WarehouseBusyError: Another process held the file for too long.
        """
        names = [replacement.table for replacement in replacements]
        if len(set(names)) < len(names):
            raise ValueError(
                f"Warehouse.replace: expected each table once, got {names}. "
                "Join the rows and scopes of one table."
            )
        fitted = [_fitted(replacement) for replacement in replacements]
        with self._writing() as connection:
            if unless is not None:
                unless(lambda *asked: frame_of(connection.execute(*asked).to_arrow_table()))
            for name, rows, scope in fitted:
                _delete(connection, name, scope)
                _insert(connection, name, rows)

    def add_missing(self, table: str, rows: pd.DataFrame) -> int:
        """Add the rows whose keys are not there yet, and leave the others as they are.

        Returns:
            How many were added.

        Raises:
            LookupError: There is no such table.
            ValueError: Rows do not fit the table.
            TypeError: A column's values are of another kind.
            WarehouseBusyError: Another process held the file for too long.
        """
        fitted = rows_for(table_named(table), rows)
        with self._writing() as connection:
            return _insert(connection, table, fitted, on_conflict="ON CONFLICT DO NOTHING")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with (
            open_warehouse(self.path, is_read_only=False, patience_s=self.patience_s) as connection,
            transaction(connection),
        ):
            # Long lists lie in one row group: a second thread only waits, at four times the cost.
            connection.execute("SET threads = 1")
            yield connection


def _fitted(replacement: Replacement) -> tuple[str, pa.Table, pa.Table]:
    table = table_named(replacement.table)
    rows = rows_for(table, replacement.rows)
    return table.name, rows, scope_for(table, replacement.scope, rows)


def _delete(connection: duckdb.DuckDBPyConnection, table: str, scope: pa.Table) -> None:
    connection.register("replaced", scope)
    matches = " AND ".join(f"old.{name} = replaced.{name}" for name in scope.column_names)
    connection.execute(f"DELETE FROM {table} AS old USING replaced WHERE {matches}")  # noqa: S608 (names of the schema)


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table, on_conflict: str = ""
) -> int:
    connection.register("added", rows)
    try:
        inserted = connection.execute(
            f"INSERT INTO {table} BY NAME SELECT * FROM added {on_conflict}"  # noqa: S608 (a name of the schema)
        )
    except duckdb.ConstraintException as error:
        raise ValueError(
            f"{table}: expected rows within the constraints of schema.sql, got {error}. "
            "Nothing was written."
        ) from error
    return inserted.fetchall()[0][0]


def _refuse_unknown_table(error: duckdb.CatalogException) -> None:
    """Name the nearest tables of ours; DuckDB would also suggest its own internal ones."""
    unknown = re.search(r"Table with name (\S+) does not exist", str(error))
    if unknown:
        raise LookupError(
            f"Warehouse.read: expected a table or view, got {unknown[1]!r}. "
            f"Did you mean {nearest(unknown[1], tables())}?"
        ) from error
