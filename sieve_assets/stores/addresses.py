"""Which warehouse and which store an address means, and that no secret is in it.

Not here: what is in them.
"""

from pathlib import Path
from posixpath import normpath
from urllib.parse import urlparse

from upath import UPath

from sieve_assets.stores.connections import DuckDBFile
from sieve_assets.stores.content_files import Place as FileOrAddress
from sieve_assets.stores.warehouse import Place, Warehouse

FILE_NAME = "sieve.duckdb"
"""Of the warehouse in the folder of results, if no address is given."""
WAREHOUSE, WAREHOUSE_FILES = "SIEVE_WAREHOUSE", "SIEVE_WAREHOUSE_FILES"
"""Variables of the environment that give the addresses."""
LAKE = "ducklake:postgres:"
"""What the address of a DuckLake starts with."""
STORE = "SIEVE_STORE"
"""Variable that gives the address of pictures and arrays."""
_KINDS = f"a path, or {LAKE}dbname=… host=…"


def warehouse_at(address: str, files: str, folder: Path, patience_s: float) -> Warehouse:
    """The warehouse at an address; nothing is opened yet.

    Args:
        address: A file, or `ducklake:postgres:` and libpq's words for a database; if empty,
            `FILE_NAME` in the folder.
        files: For a DuckLake: the folder of its Parquet files, or its address `s3://bucket/folder`.
        folder: Of the study's results.
        patience_s: How long a call waits for others, and for servers that do not answer (s).

    Raises:
        ValueError: It is no such address, or there is a password in it.
        LookupError: The packages for a DuckLake are not installed.
    """
    return Warehouse(_place(address, files, folder, patience_s))


def store_at(address: str, folder: Path) -> FileOrAddress:
    """The folder of pictures and arrays.

    Args:
        address: A folder, or one that fsspec knows: `s3://bucket/folder`; `folder` if empty.
        folder: Of this study.

    Raises:
        ValueError: There is a secret in it, or it is of no known kind.
        LookupError: The package that reaches it is not installed.
    """
    kind = urlparse(address).scheme
    if len(kind) <= 1:  # one letter is a drive of Windows
        return Path(address).absolute() if address else folder
    if urlparse(address).username is not None:
        raise ValueError(
            f"{STORE}: expected an address without user and password, got one with them: they "
            "would be told in logs and errors. Set them in the environment."
        )
    before, _, after = address.partition("://")
    try:
        store = UPath(f"{before}://{normpath(after)}")  # `a//b` would be another place than `a/b`
        store.fs  # noqa: B018 (imports the package)
    except ImportError as error:
        raise LookupError(
            f"{STORE}: expected the package that reaches {address}, got none ({error}). Install "
            "sieve_assets[cluster], or that package."
        ) from error
    except ValueError as error:
        raise ValueError(
            f"{STORE}: expected a folder, or an address such as s3://bucket/folder, got {address}."
        ) from error
    return store


def _place(address: str, files: str, folder: Path, patience_s: float) -> Place:
    if address.startswith(LAKE):
        return _lake(address.removeprefix(LAKE), files, patience_s)
    if files:
        raise ValueError(
            f"SIEVE_WAREHOUSE_FILES: expected none beside a file of DuckDB, got {files!r}. "
            f"It goes with SIEVE_WAREHOUSE={LAKE}…"
        )
    kind = urlparse(address).scheme
    if len(kind) > 1:  # one letter is a drive of Windows
        raise ValueError(f"SIEVE_WAREHOUSE: expected {_KINDS}, got an address of kind {kind!r}.")
    path = Path(address) if address else folder / FILE_NAME
    return DuckDBFile(path.absolute(), patience_s)


def _lake(catalogue: str, files: str, patience_s: float) -> Place:
    try:
        import psycopg2  # noqa: PLC0415 (of the extra `cluster`)
        from psycopg2.extensions import parse_dsn  # noqa: PLC0415 (as above)

        from sieve_assets.stores.lake import DuckLake  # noqa: PLC0415 (as above)
    except ImportError as error:
        raise LookupError(
            f"SIEVE_WAREHOUSE: expected the packages that a DuckLake needs, got {error}. "
            "Install sieve_assets[cluster]."
        ) from error
    try:
        words = parse_dsn(catalogue)
    except psycopg2.ProgrammingError:
        words = {}
    if "password" in words:
        raise ValueError(
            "SIEVE_WAREHOUSE: expected an address without a password, got one with it: it would "
            "be told in logs and errors. Set PGPASSWORD, or write it to ~/.pgpass."
        )
    if not words:  # not told: it may have a secret in it
        raise ValueError(
            f"SIEVE_WAREHOUSE: expected {LAKE} and libpq's words, such as dbname=sieve host=db, "
            "got what libpq cannot read."
        )
    return DuckLake(catalogue, _files(files), patience_s)


def _files(files: str) -> str:
    kind = urlparse(files).scheme
    if not files or (len(kind) > 1 and kind != "s3"):
        raise ValueError(
            "SIEVE_WAREHOUSE_FILES: expected a folder that all machines share, or "
            f"s3://bucket/folder, got {files!r}."
        )
    return files if kind == "s3" else str(Path(files).absolute())
