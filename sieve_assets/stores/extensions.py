"""DuckDB's extensions, from the wheels of the extra `cluster` or by DuckDB's own INSTALL."""

import importlib.util
from pathlib import Path

import duckdb


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension; it is fetched if no installed package has the one of this DuckDB.

    Args:
        connection: What needs it.
        name: DuckDB's name of it, such as `ducklake`.

    Raises:
        LookupError: It is not installed and cannot be fetched.
    """
    packaged = _packaged(name)
    try:
        if packaged:
            connection.execute(f"LOAD '{packaged}'")
        else:
            connection.execute(f"INSTALL {name}")
            connection.execute(f"LOAD {name}")
    except duckdb.Error as error:
        raise LookupError(
            f"DuckDB: expected its extension {name} for version {duckdb.__version__}, got {error}. "
            "Install sieve_assets[cluster], or let DuckDB reach its extensions on the internet."
        ) from error


def _packaged(name: str) -> Path | None:
    found = importlib.util.find_spec(f"duckdb_extension_{name}")
    if found is None or found.origin is None:
        return None
    version = Path(found.origin).parent / "extensions" / f"v{duckdb.__version__}"
    file = version / f"{name}.duckdb_extension"
    return file if file.is_file() else None
