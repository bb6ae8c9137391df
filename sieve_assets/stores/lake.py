"""The warehouse as a DuckLake: its catalogue in PostgreSQL, its rows in Parquet files anywhere.

Any number of processes on any machines read and write it at once. Not here: what they do.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import duckdb
import psycopg2
import psycopg2.errors
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from sieve_assets.stores.addresses import LAKE
from sieve_assets.stores.connections import (
    LakeLostError,
    WarehouseBusyError,
    check_version,
    transaction,
)
from sieve_assets.stores.extensions import load_extension
from sieve_assets.stores.object_storage import s3_secret
from sieve_assets.stores.schema import statements_without_constraints

INLINED_ROWS = 64
"""Of one write: fewer stay in the catalogue, since Parquet files of a few rows are all header."""
_NAME = "lake"
_TABLES = "SELECT 1 FROM duckdb_tables() WHERE database_name = $1"
_TURN = 0x51E7E
"""PostgreSQL's number of the lock that writers take turns by: in each database its own."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 2.0
_PASSES = (
    duckdb.IOException,
    duckdb.HTTPException,
    duckdb.TransactionException,
    duckdb.ConnectionException,
    duckdb.FatalException,
    psycopg2.OperationalError,
)
"""What a server that is restarted makes of a question, or a writer beside us."""
_CUT = ("server closed the connection", "terminating connection", "no connection to the server")
"""What libpq says of a connection that ended while it was used."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class DuckLake:
    """A DuckLake, which is made on first use.

    DuckLake itself lets two writers add the same row at once, so that they take turns.

    Attributes:
        catalogue: Its PostgreSQL database in libpq's words, without a password: that is taken from
            `PGPASSWORD` or `~/.pgpass`.
        files: The folder of its Parquet files, or its address: `s3://bucket/folder`.
        patience_s: How long a call waits for a turn, and for servers that do not answer (s).
    """

    catalogue: str
    files: str
    patience_s: float

    has_constraints = False
    """DuckLake knows of none but NOT NULL."""

    def __str__(self) -> str:
        return f"{LAKE}{self.catalogue} (files in {self.files})"

    @property
    def statements(self) -> Sequence[str]:
        """What makes the tables and views of schema.sql there."""
        return statements_without_constraints()

    def exists(self) -> bool:
        """Whether there is one; to read it would make it.

        Raises:
            LakeLostError: PostgreSQL did not answer within the patience.
        """
        return self._again(lambda: _has_catalogue(self))

    def read(self, ask: Callable[[duckdb.DuckDBPyConnection], _T]) -> _T:
        """What is answered, by one state of the tables. Asked again if a server went away.

        Raises:
            LakeLostError: A server did not answer within the patience.
            OtherSchemaError: The tables are those of another version.
        """
        return self._again(lambda: self._asked(ask, is_read_only=True))

    def write(
        self, act: Callable[[duckdb.DuckDBPyConnection], _T], *, oldest: int | None = None
    ) -> _T:
        """The same for what changes tables: all of it or nothing, while no other writes.

        Args:
            act: Changes them; done again after a server went away, it must give the same.
            oldest: The oldest version of the schema to take; this code's own if None.

        Raises:
            WarehouseBusyError: Others wrote all the time.
            LakeLostError: As for `read`.
            OtherSchemaError: As for `read`.
        """

        def acting() -> _T:
            _opened(self)  # which takes a turn of its own if there is no lake yet
            with self.turn():
                return self._asked(act, oldest=oldest)

        return self._again(acting)

    def _asked(
        self,
        ask: Callable[[duckdb.DuckDBPyConnection], _T],
        *,
        is_read_only: bool = False,
        oldest: int | None = None,
    ) -> _T:
        with self._connected() as connection, transaction(connection, is_read_only=is_read_only):
            check_version(self, connection, oldest)
            return ask(connection)

    def _again(self, act: Callable[[], _T]) -> _T:
        """Act, and again while servers do not answer."""
        retrying = Retrying(
            retry=retry_if_exception(_passes),
            wait=wait_random_exponential(multiplier=_FIRST_WAIT_S, max=_LONGEST_WAIT_S),
            stop=stop_after_delay(self.patience_s),
            before_sleep=lambda _: _forget(self),
            reraise=True,
        )
        try:
            return retrying(act)
        except Exception as error:
            if not _passes(error):
                raise
            _forget(self)
            raise LakeLostError(
                f"Warehouse: expected an answer from {self} within {self.patience_s:g} s, got "
                f"{error}. Check that PostgreSQL and the files can be reached, and $PGPASSWORD."
            ) from error

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """While this lasts no other process writes; if this one dies, its turn ends.

        Raises:
            WarehouseBusyError: Others wrote all the time.
        """
        connection = psycopg2.connect(self.catalogue)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = %s", [f"{int(1000 * self.patience_s)}ms"])
                try:
                    cursor.execute("SELECT pg_advisory_lock(%s)", [_TURN])
                except psycopg2.errors.LockNotAvailable as error:
                    raise WarehouseBusyError(
                        f"Warehouse: expected a turn to write {self} within {self.patience_s:g} s, "
                        "got none: others wrote all the time. Wait longer."
                    ) from error
            yield
        finally:
            connection.close()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = _opened(self).cursor()
        try:
            connection.execute(f"USE {_NAME}")
            # So that a missing table's name never stands for a variable of the program.
            connection.execute("SET python_enable_replacements = false")
            yield connection
        finally:
            connection.close()


def _passes(error: BaseException) -> bool:
    """Whether to ask again may help.

    DuckDB has no kind of error for a server that went away: it may be any, with libpq's words.
    """
    if isinstance(error, duckdb.TransactionException) and "read-only" in str(error):
        return False
    is_cut = isinstance(error, duckdb.Error) and any(one in str(error) for one in _CUT)
    return is_cut or isinstance(error, _PASSES)


_OPENED: dict[tuple[DuckLake, int], duckdb.DuckDBPyConnection] = {}
_OPENING = threading.Lock()


def _opened(lake: DuckLake) -> duckdb.DuckDBPyConnection:
    """This process's DuckDB with the lake attached: opening takes a third of a second."""
    with _OPENING:
        key = (lake, os.getpid())
        if key not in _OPENED:
            _OPENED[key] = _attach(lake)
        return _OPENED[key]


def _forget(lake: DuckLake) -> None:
    """Open the lake anew the next time; questions that others are asking end by themselves."""
    with _OPENING:
        _OPENED.pop((lake, os.getpid()), None)


def _attach(lake: DuckLake) -> duckdb.DuckDBPyConnection:
    """DuckDB with the lake attached under `_NAME`, and the tables in it."""
    connection = duckdb.connect(":memory:")
    with contextlib.suppress(duckdb.InvalidInputException):  # notebooks without ipywidgets
        connection.execute("SET enable_progress_bar = false")  # it would fill logs
    for extension in ("postgres_scanner", "ducklake"):
        load_extension(connection, extension)
    secret = s3_secret(lake.files)
    if secret:
        load_extension(connection, "httpfs")
        connection.execute(*secret)
    place = _quoted(f"{LAKE}{lake.catalogue}")
    options = f"DATA_PATH {_quoted(lake.files)}, DATA_INLINING_ROW_LIMIT {INLINED_ROWS}"
    # Two that make the same catalogue at once are in each other's way.
    with contextlib.nullcontext() if _has_catalogue(lake) else lake.turn():
        connection.execute(f"ATTACH {place} AS {_NAME} ({options})")
    if _is_empty(connection):
        with lake.turn():
            _make(connection, lake.statements)
    return connection


def _has_catalogue(lake: DuckLake) -> bool:
    with (
        contextlib.closing(psycopg2.connect(lake.catalogue)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT to_regclass('ducklake_metadata') IS NOT NULL")
        [(is_there,)] = cursor.fetchall()
        return is_there


def _is_empty(connection: duckdb.DuckDBPyConnection) -> bool:
    return not connection.execute(_TABLES, [_NAME]).fetchall()


def _make(connection: duckdb.DuckDBPyConnection, statements: Sequence[str]) -> None:
    """The tables, unless another process has made them before it was our turn."""
    with connection.cursor() as own, transaction(own):
        if _is_empty(own):
            own.execute(f"USE {_NAME}")
            for statement in statements:
                own.execute(statement)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
