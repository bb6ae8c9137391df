"""The results' tables in one DuckDB file: read, replaced in one transaction, or added to.

Not here: computation, pictures and large arrays (files, named by their content), what a stage writes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from sieve_assets.stores.connections import open_warehouse, transaction
from sieve_assets.stores.frames import frame_of, rows_for, scope_for
from sieve_assets.stores.schema import nearest, table_named, tables


@dataclass(frozen=True)
class Replacement:
    """What takes the place of some rows of a table.

    Attributes:
        table: A table of schema.sql.
        rows: The new rows, with all of the table's columns in any order; may be empty.
        scope: Values of some key columns, e.g. `model` and `neuron`: all rows that have them go. The new rows
            lie inside.
    """

    table: str
    rows: pd.DataFrame
    scope: pd.DataFrame


@dataclass(frozen=True)
class Warehouse:
    """A DuckDB file with the tables of schema.sql, created on first use.

    Each call opens the file for one transaction and closes it, and waits while another process holds it.

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
            params: Their values; a list may stand for several, as in `neuron IN (SELECT unnest($neurons))`.

        Raises:
            LookupError: The query names a table that does not exist.
            WarehouseBusyError: Another process held the file for too long.
            ValueError: Two columns have the same name, or the file is not such a warehouse.
        """
        with open_warehouse(self.path, is_read_only=True, patience_s=self.patience_s) as connection:
            try:
                result = connection.execute(sql, params).to_arrow_table()
            except duckdb.CatalogException as error:
                _refuse_unknown_table(error)
                raise
        return frame_of(result)

    def replace(self, *replacements: Replacement) -> None:
        """Put new rows in the place of old ones, in several tables at once: all of it happens, or nothing.

        Raises:
            LookupError: There is no such table.
            ValueError: Rows do not fit the table or the scope, or one table comes twice. Nothing was written.
            TypeError: A column's values are of another kind. Nothing was written.
            WarehouseBusyError: Another process held the file for too long. Nothing was written.
        """
        names = [replacement.table for replacement in replacements]
        if len(set(names)) < len(names):
            raise ValueError(
                f"Warehouse.replace: expected each table once, got {names}. Join their rows and scopes."
            )
        fitted = [_fitted(replacement) for replacement in replacements]
        with open_warehouse(
            self.path, is_read_only=False, patience_s=self.patience_s
        ) as connection:
            with transaction(connection):
                for name, rows, scope in fitted:
                    _delete(connection, name, scope)
                    _insert(connection, name, rows)

    def add_missing(self, table: str, rows: pd.DataFrame) -> int:
        """Add the rows whose keys are not there yet, leave the others as they are; how many were added.

        Raises:
            LookupError: There is no such table.
            ValueError: Rows do not fit the table. Nothing was written.
            TypeError: A column's values are of another kind. Nothing was written.
            WarehouseBusyError: Another process held the file for too long. Nothing was written.
        """
        fitted = rows_for(table_named(table), rows)
        with open_warehouse(
            self.path, is_read_only=False, patience_s=self.patience_s
        ) as connection:
            with transaction(connection):
                return _insert(connection, table, fitted, on_conflict="ON CONFLICT DO NOTHING")


def _fitted(replacement: Replacement) -> tuple[str, pa.Table, pa.Table]:
    table = table_named(replacement.table)
    rows = rows_for(table, replacement.rows)
    return table.name, rows, scope_for(table, replacement.scope, rows)


def _delete(connection: duckdb.DuckDBPyConnection, table: str, scope: pa.Table) -> None:
    connection.register("scope_of_replacement", scope)
    matches = " AND ".join(f'old."{name}" = scope."{name}"' for name in scope.column_names)
    connection.execute(
        f'DELETE FROM "{table}" AS old USING scope_of_replacement AS scope WHERE {matches}'
    )


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table, on_conflict: str = ""
) -> int:
    connection.register("rows_to_insert", rows)
    try:
        inserted = connection.execute(
            f'INSERT INTO "{table}" BY NAME SELECT * FROM rows_to_insert {on_conflict}'
        )
    except duckdb.ConstraintException as error:
        message = f"{table}: expected rows that keep the constraints of schema.sql, got {error}."
        raise ValueError(f"{message} Nothing was written.") from error
    return inserted.fetchall()[0][0]


def _refuse_unknown_table(error: duckdb.CatalogException) -> None:
    """Name the nearest tables; DuckDB itself also suggests its internal ones."""
    unknown = re.search(r"Table with name (\S+) does not exist", str(error))
    if unknown:
        message = f"Warehouse.read: expected a table or view, got {unknown[1]!r}."
        raise LookupError(f"{message} Did you mean {nearest(unknown[1], tables())}?") from error
