"""The results' tables: read, replaced in one transaction, or added to.

Not here: computation, what a stage writes, and what is kept in files (pictures, large arrays).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import duckdb
import pandas as pd
import pyarrow as pa

from sieve_assets.stores.frames import frame_of, rows_for, scope_for
from sieve_assets.stores.schema import Table, nearest, table_named, tables

if TYPE_CHECKING:
    from sieve_assets.stores.connections import DuckDBFile
    from sieve_assets.stores.lake import DuckLake

Place: TypeAlias = "DuckDBFile | DuckLake"
Params: TypeAlias = Sequence[Any] | Mapping[str, Any] | None
Read = Callable[[str, Params], pd.DataFrame]
"""Asks a question within a transaction, as `Warehouse.read` does in one of its own."""
_T = TypeVar("_T")


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
    """A database with the tables of schema.sql, made on first use.

    Each call is one transaction, and waits while another process is in its way.

    Attributes:
        at: Where it is.
    """

    at: "Place"

    def read(self, sql: str, params: Params = None) -> pd.DataFrame:
        """The result of a query; FLOAT[] columns hold read-only float32 arrays.

        Args:
            sql: One SELECT, with `?` or `$name` for parameters.
            params: Their values. A list can stand for several values, as in
                `neuron IN (SELECT unnest($neurons))`.

        Raises:
            LookupError: The query names a table that does not exist.
            WarehouseBusyError: Another process held the file for too long.
            LakeLostError: A server did not answer for too long.
            OtherSchemaError: The warehouse is one of another version.
            ValueError: Two columns have the same name, or the file is no warehouse.
        """
        return self.together(lambda read: read(sql, params))

    def together(self, ask: Callable[[Read], _T]) -> _T:
        """What is made of several answers, all by one state of the tables.

        Args:
            ask: Asks, as `read` is asked; it may be asked again. The warehouse must not be asked
                or changed otherwise meanwhile.

        Raises:
            The same as `read`.
        """
        return self.at.read(lambda connection: ask(partial(_answer, connection)))

    def replace(
        self, *replacements: Replacement, unless: Callable[[Read], None] | None = None
    ) -> None:
        """Put new rows in the place of old ones, in all the tables named or in none.

        Args:
            *replacements: For each table, its rows.
            unless: Looks at what is stored, in the same transaction and before anything is
                replaced; if it raises, nothing is. It may be asked again.

        Raises:
            LookupError: There is no such table.
            ValueError: Rows do not fit the table or the scope, or one table comes twice.
            TypeError: A column's values are of another kind.
            WarehouseBusyError, LakeLostError: As for `read`.
        """
        names = [replacement.table for replacement in replacements]
        if len(set(names)) < len(names):
            raise ValueError(
                f"Warehouse.replace: expected each table once, got {names}. "
                "Join the rows and scopes of one table."
            )
        fitted = [_fitted(replacement) for replacement in replacements]

        def act(connection: duckdb.DuckDBPyConnection) -> None:
            if unless is not None:
                unless(partial(_answer, connection))
            for table, rows, scope in fitted:
                _delete(connection, table.name, scope)
                self._insert(connection, table, rows)

        self.at.write(act)

    def add_missing(self, table: str, rows: pd.DataFrame) -> int:
        """Add the rows whose keys are not there yet, and leave the others as they are.

        Returns:
            How many were added.

        Raises:
            LookupError: There is no such table.
            ValueError: Rows do not fit the table.
            TypeError: A column's values are of another kind.
            WarehouseBusyError, LakeLostError: As for `read`.
        """
        named = table_named(table)
        fitted = rows_for(named, rows)
        missing = f"ANTI JOIN {named.name} USING ({', '.join(named.key)})"
        return self.at.write(lambda connection: self._insert(connection, named, fitted, missing))

    def _insert(
        self, connection: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table, which: str = ""
    ) -> int:
        connection.register("given", rows)
        added = f"(SELECT * FROM given {which})"  # noqa: S608 (names of the schema)
        if not self.at.has_constraints:
            _check(connection, table, added)
        try:
            inserted = connection.execute(f"INSERT INTO {table.name} BY NAME FROM {added}")
        except duckdb.ConstraintException as error:
            raise _unfit(table, error) from error
        return inserted.fetchall()[0][0]


def _answer(connection: duckdb.DuckDBPyConnection, sql: str, params: Params = None) -> pd.DataFrame:
    try:
        return frame_of(connection.execute(sql, params).to_arrow_table())
    except duckdb.CatalogException as error:
        _refuse_unknown_table(error)
        raise


def _fitted(replacement: Replacement) -> tuple[Table, pa.Table, pa.Table]:
    table = table_named(replacement.table)
    rows = rows_for(table, replacement.rows)
    return table, rows, scope_for(table, replacement.scope, rows)


def _delete(connection: duckdb.DuckDBPyConnection, table: str, scope: pa.Table) -> None:
    connection.register("replaced", scope)
    matches = " AND ".join(f"old.{name} = replaced.{name}" for name in scope.column_names)
    connection.execute(f"DELETE FROM {table} AS old USING replaced WHERE {matches}")  # noqa: S608 (names of the schema)


def _check(connection: duckdb.DuckDBPyConnection, table: Table, added: str) -> None:
    """Hold the rows that are to be added against the schema, where the database does not.

    Their key is known to be new: they lie in a scope that is empty now, or were looked for.

    Raises:
        ValueError: One does not fit it.
    """
    for condition in table.checks:
        _refuse(connection, table, f"FROM {added} WHERE NOT ({condition})", f"not {condition}")
    for columns in table.unique:
        names = ", ".join(columns)
        both = f"SELECT {names} FROM {added} UNION ALL SELECT {names} FROM {table.name}"  # noqa: S608 (of the schema)
        twice = f"FROM ({both}) GROUP BY ALL HAVING count(*) > 1"
        _refuse(connection, table, twice, f"twice there by {names}")


def _refuse(connection: duckdb.DuckDBPyConnection, table: Table, unfit: str, why: str) -> None:
    found = connection.execute(f"{unfit} LIMIT 1")
    names = [column[0] for column in found.description or ()]
    for row in found.fetchall():
        raise _unfit(table, f"{dict(zip(names, row, strict=True))}, which is {why}")


def _unfit(table: Table, found: object) -> ValueError:
    return ValueError(
        f"{table.name}: expected rows within the constraints of schema.sql, got {found}. "
        "Nothing was written."
    )


def _refuse_unknown_table(error: duckdb.CatalogException) -> None:
    """Name the nearest tables of ours; DuckDB would also suggest its own internal ones."""
    unknown = re.search(r"Table with name (\S+) does not exist", str(error))
    if unknown:
        raise LookupError(
            f"Warehouse.read: expected a table or view, got {unknown[1]!r}. "
            f"Did you mean {nearest(unknown[1], tables())}?"
        ) from error
