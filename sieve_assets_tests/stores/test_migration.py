"""A warehouse of an older schema keeps what it holds and gets what it lacks."""

import duckdb
import pandas as pd
import pytest

from sieve_assets.stores.connections import DuckDBFile, OtherSchemaError
from sieve_assets.stores.migration import ADDED, migrate
from sieve_assets.stores.schema import schema_version, tables
from sieve_assets.stores.warehouse import Warehouse

PICTURE = {
    "picture_id": "p",
    "generator": "g",
    "prompt": "dog",
    "seed": 0,
    "uri": "aa/aa.png",
    "sha256": "aa",
    "drawn_by_run": "r",
    "seconds": 0.5,
}


@pytest.fixture
def old(tmp_path):
    """A warehouse of version 1 with a picture in it."""
    warehouse = Warehouse(DuckDBFile(tmp_path / "sieve.duckdb", 5))
    warehouse.add_missing("pictures", pd.DataFrame([PICTURE]))
    with duckdb.connect(warehouse.at.path) as connection:
        for name in (name for names in ADDED.values() for name in names):
            connection.execute(f"DROP {'TABLE' if tables()[name].key else 'VIEW'} {name}")
        connection.execute("UPDATE schema_version SET version = 1")
    return warehouse


def described(warehouse):
    return warehouse.read(
        "SELECT table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns()"
        " WHERE NOT internal ORDER BY ALL"
    )


def test_an_old_warehouse_is_refused_until_it_is_migrated(old, tmp_path):
    with pytest.raises(OtherSchemaError, match=r"expected schema version .* Run `sieve migrate`"):
        old.read("SELECT * FROM pictures")

    assert migrate(old.at) == 1

    assert old.read("SELECT * FROM pictures").to_dict("records") == [PICTURE]
    assert {name for names in ADDED.values() for name in names} <= set(tables())
    new = Warehouse(DuckDBFile(tmp_path / "new.duckdb", 5))
    pd.testing.assert_frame_equal(described(old), described(new))


def test_migrating_what_is_new_changes_nothing(tmp_path):
    warehouse = Warehouse(DuckDBFile(tmp_path / "sieve.duckdb", 5))
    warehouse.add_missing("pictures", pd.DataFrame([PICTURE]))

    assert migrate(warehouse.at) == schema_version()

    assert len(warehouse.read("SELECT * FROM pictures")) == 1


def test_a_migration_that_fails_leaves_the_warehouse_as_it_was(old, monkeypatch):
    monkeypatch.setitem(ADDED, 1, (*ADDED[1][:1], "pictures"))  # which is there already

    with pytest.raises(duckdb.Error):
        migrate(old.at)

    with duckdb.connect(old.at.path, read_only=True) as connection:
        names = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
        assert connection.execute("SELECT version FROM schema_version").fetchall() == [(1,)]
    assert "pictures" in names
    assert "scene_activations" not in names


def test_no_file_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a warehouse at"):
        migrate(DuckDBFile(tmp_path / "nothing.duckdb", 5))
    assert list(tmp_path.iterdir()) == []
