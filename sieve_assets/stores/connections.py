"""Connections to the warehouse file: opened with patience, checked, always closed.

DuckDB lets one process write a file and no other read it meanwhile, so a connection lives for
one transaction. Not here: what is read or written.
"""

import contextlib
import os
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from sieve_assets.stores.schema import DDL, schema_version, statements

_FIRST_WAIT_S = 0.02  # about as long as a small transaction holds the file
_LONGEST_WAIT_S = 0.5  # so that a waiting process soon sees that the file is free
_DENIED = ("Read-only file system", "Permission denied")
_T = TypeVar("_T")
_ONE_AT_A_TIME = threading.RLock()  # DuckDB refuses to read and write from one process at once


class WarehouseBusyError(TimeoutError):
    """Another process held the warehouse for longer than the patience."""


class LakeLostError(ConnectionError):
    """The catalogue or the files of a DuckLake cannot be reached."""


class OtherSchemaError(RuntimeError):
    """The warehouse has the tables of another version of sieve_assets."""


@dataclass(frozen=True)
class DuckDBFile:
    """The warehouse as a file, made on first use: open for one call, and meanwhile to no other.

    Attributes:
        path: The file.
        patience_s: How long a call waits for other processes (s).
    """

    path: Path
    patience_s: float

    has_constraints = True
    """Keys and conditions on rows are looked after by DuckDB."""

    def __str__(self) -> str:
        return str(self.path)

    @property
    def statements(self) -> Sequence[str]:
        """What makes the tables and views of schema.sql there."""
        return statements()

    def exists(self) -> bool:
        """Whether there is something; to read it would make it."""
        return self.path.is_file()

    def read(self, ask: Callable[[duckdb.DuckDBPyConnection], _T]) -> _T:
        """What is answered. Errors: as `open_warehouse`."""
        with open_warehouse(self.path, is_read_only=True, patience_s=self.patience_s) as connection:
            return ask(connection)

    def write(
        self, act: Callable[[duckdb.DuckDBPyConnection], _T], *, oldest: int | None = None
    ) -> _T:
        """The same for what changes tables: all of it or nothing. Errors: as `open_warehouse`.

        Args:
            act: Changes them.
            oldest: The oldest version of the schema to take; this code's own if None.
        """
        opened = open_warehouse(
            self.path, is_read_only=False, patience_s=self.patience_s, oldest=oldest
        )
        with opened as connection, transaction(connection):
            # Long lists lie in one row group: a second thread only waits, at four times the cost.
            connection.execute("SET threads = 1")
            return act(connection)


@contextlib.contextmanager
def open_warehouse(
    path: Path, *, is_read_only: bool, patience_s: float, oldest: int | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a warehouse, which is made if there is no file; closed whatever happens.

    Args:
        path: The warehouse's file.
        is_read_only: Several processes may read at once; one may write, alone.
        patience_s: How long to wait for other processes (s). Other threads of this process are
            waited for first, each with its own patience.
        oldest: The oldest version of the schema to take; this code's own if None.

    Raises:
        WarehouseBusyError: The file was not free within the patience.
        OtherSchemaError: The warehouse is one of another schema version.
        ValueError: The file is not a warehouse.
    """
    with _ONE_AT_A_TIME:
        if not path.exists():
            _create(path)
        connection = _connect(path, is_read_only=is_read_only, patience_s=patience_s)
        try:
            # So that a missing table's name never stands for a variable of the program.
            connection.execute("SET python_enable_replacements = false")
            with contextlib.suppress(duckdb.InvalidInputException):  # notebooks without ipywidgets
                connection.execute("SET enable_progress_bar = false")  # it would fill logs
            check_version(path, connection, oldest)
            yield connection
        finally:
            connection.close()


@contextlib.contextmanager
def transaction(
    connection: duckdb.DuckDBPyConnection, *, is_read_only: bool = False
) -> Iterator[None]:
    """All statements inside take effect or, on any exception, none."""
    connection.execute("BEGIN TRANSACTION READ ONLY" if is_read_only else "BEGIN TRANSACTION")
    try:
        yield
        connection.commit()
    except BaseException:
        with contextlib.suppress(duckdb.Error):  # a failed commit has rolled back by itself
            connection.rollback()
        raise


def _connect(path: Path, *, is_read_only: bool, patience_s: float) -> duckdb.DuckDBPyConnection:
    retrying = Retrying(
        retry=retry_if_exception(_is_locked),
        wait=wait_random_exponential(multiplier=_FIRST_WAIT_S, max=_LONGEST_WAIT_S),
        stop=stop_after_delay(patience_s),
        reraise=True,
    )
    try:
        return retrying(duckdb.connect, path, read_only=is_read_only)
    except duckdb.Error as error:
        if _is_locked(error):
            raise WarehouseBusyError(
                f"Warehouse: expected {path} to be free within {patience_s:g} s, got "
                f"{_holder(error)} still using it. Let it finish or end it, or wait longer."
            ) from error
        is_denied = any(one in str(error) for one in _DENIED)
        remedy = "grant access there" if is_denied else "move the file away to start anew"
        raise ValueError(
            f"Warehouse: expected a DuckDB file that can be opened at {path}, got {error}. "
            f"Check the path, or {remedy}."
        ) from error


def _is_locked(error: BaseException) -> bool:
    phrases = ("Could not set lock on file", "being used by another process")  # POSIX, Windows
    return isinstance(error, duckdb.IOException) and any(one in str(error) for one in phrases)


def _holder(error: duckdb.Error) -> str:
    held = re.search(r"held in (?P<program>.+?) \(PID (?P<pid>\d+)\)", str(error))
    return f"process {held['pid']} ({held['program']})" if held else "another process"


def _create(path: Path) -> None:
    """Make an empty warehouse beside `path`, then give it the name: nobody meets half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unnamed = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with duckdb.connect(unnamed) as connection, transaction(connection):
            connection.execute(DDL)
        _name_unless_taken(unnamed, path)
    finally:
        unnamed.unlink(missing_ok=True)
        unnamed.with_name(f"{unnamed.name}.wal").unlink(missing_ok=True)


def _name_unless_taken(unnamed: Path, path: Path) -> None:
    try:
        os.link(unnamed, path)
    except FileExistsError:
        return  # another process was first, and its warehouse is as good
    except OSError:  # a file system without hard links
        if not path.exists():
            unnamed.replace(path)


def stored_version(place: object, connection: duckdb.DuckDBPyConnection) -> int | None:
    """The version of the schema that a database has; None if it has lost it.

    Args:
        place: What it is called in an error.
        connection: To it.

    Raises:
        ValueError: It is not a warehouse.
    """
    try:
        return connection.execute("SELECT max(version) FROM schema_version").fetchall()[0][0]
    except duckdb.CatalogException as error:
        raise ValueError(
            f"Warehouse: expected a warehouse of sieve_assets at {place}, got a database without "
            "schema_version. Name another one."
        ) from error


def check_version(
    place: object, connection: duckdb.DuckDBPyConnection, oldest: int | None = None
) -> None:
    """Refuse a database with tables of another version.

    Args:
        place: What it is called in an error.
        connection: To it.
        oldest: The oldest version to take; this code's own if None.

    Raises:
        OtherSchemaError: It is one.
        ValueError: It is not a warehouse.
    """
    found = stored_version(place, connection)
    if found is None or not (oldest or schema_version()) <= found <= schema_version():
        remedy = "Run `sieve migrate`"
        if found is None:
            remedy = "Move it away and materialize again"
        elif found > schema_version():
            remedy = "Update sieve_assets"
        raise OtherSchemaError(
            f"Warehouse: expected schema version {schema_version()} in {place}, got {found}. "
            f"{remedy}, or name another one."
        )
