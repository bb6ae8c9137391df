"""Extensions of DuckDB come from the wheels; without them they are asked for, and that is said."""

import importlib.util

import duckdb
import pytest

from sieve_assets.stores.extensions import load_extension


def is_loaded(connection, name):
    asked = "SELECT loaded FROM duckdb_extensions() WHERE extension_name = $1"
    return connection.execute(asked, [name]).fetchall() == [(True,)]


@pytest.mark.parametrize("name", ["ducklake", "httpfs", "postgres_scanner"])
def test_an_extension_is_loaded_from_its_wheel(name, tmp_path):
    connection = duckdb.connect()
    connection.execute(f"SET extension_directory = '{tmp_path}'")
    load_extension(connection, name)
    assert is_loaded(connection, name)


def test_what_can_be_had_nowhere_is_told(monkeypatch, tmp_path):
    connection = duckdb.connect()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    connection.execute(f"SET extension_directory = '{tmp_path}'")
    connection.execute("SET custom_extension_repository = 'http://127.0.0.1:9'")
    with pytest.raises(
        LookupError, match=r"(?s)its extension ducklake .*Install sieve_assets\[cluster"
    ):
        load_extension(connection, "ducklake")


def test_a_wheel_of_another_version_is_not_loaded(monkeypatch, tmp_path):
    monkeypatch.setattr(duckdb, "__version__", "0.0.1")
    connection = duckdb.connect()
    connection.execute("SET custom_extension_repository = 'http://127.0.0.1:9'")
    connection.execute(f"SET extension_directory = '{tmp_path}'")
    with pytest.raises(LookupError, match=r"for version 0\.0\.1"):
        load_extension(connection, "ducklake")
