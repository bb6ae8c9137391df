"""What `sieve migrate` does and says: to this version, or to another place."""

import pytest
from click.testing import CliRunner

from sieve_assets.cli import main
from sieve_assets.stores.addresses import LAKE
from sieve_assets.stores.moving import contents
from sieve_assets.stores.schema import schema_version
from sieve_assets_tests.studies import StudyRun


@pytest.fixture(autouse=True)
def here(finished, monkeypatch):
    """The environment leads to the tiny study."""
    monkeypatch.setenv("SIEVE_STUDY", str(finished.file))
    monkeypatch.setenv("SIEVE_DATA", str(finished.data))


def migrate(*options):
    return CliRunner().invoke(main, ["migrate", *map(str, options)])


def files_of(store):
    return sorted(f"{one.parent.name}/{one.name}" for one in store.root.glob("??/*"))


def test_it_says_the_versions_and_what_is_not_there(monkeypatch, tmp_path):
    now = schema_version()
    assert f"version {now} is now version {now}" in migrate().output

    monkeypatch.setenv("SIEVE_DATA", str(tmp_path / "nowhere"))
    result = migrate()
    assert result.exit_code == 1
    assert "Error: migrate: expected a warehouse at" in result.output


def test_all_results_are_copied_and_compared_and_the_way_to_them_is_told(finished, tmp_path):
    file, store = tmp_path / "other.duckdb", tmp_path / "store"
    result = migrate("--to", file, "--store", store)

    assert result.exit_code == 0, result.output
    addresses = {"warehouse_address": str(file), "store_address": str(store)}
    here, there = (StudyRun(finished.file, finished.data, to).bench() for to in ({}, addresses))
    assert contents(there.warehouse) == contents(here.warehouse)
    n_rows = sum(one.n_rows for one in contents(here.warehouse).values())
    assert f"{n_rows} rows of" in result.output
    for name in ("images", "arrays"):
        pair = [getattr(bench, name) for bench in (here, there)]
        assert files_of(pair[0]) == files_of(pair[1])
        assert all(map(pair[1].is_whole, files_of(pair[1])))
    assert f'export SIEVE_WAREHOUSE="{file}"' in result.output
    assert f'export SIEVE_STORE="{store}"' in result.output

    again = migrate("--to", file, "--store", store)
    assert again.exit_code == 1
    assert "expected an empty warehouse" in again.output


def test_a_damaged_file_is_not_copied(finished, monkeypatch, tmp_path):
    study = finished.changed(tmp_path)
    monkeypatch.setenv("SIEVE_DATA", str(study.data))
    [uri, *_] = files_of(study.bench().images)
    (study.bench().images.root / uri).write_bytes(b"something else")
    result = migrate("--to", tmp_path / "other.duckdb", "--store", tmp_path / "store")
    assert result.exit_code == 1
    assert "Run `sieve mend`" in result.output
    assert not (tmp_path / "other.duckdb").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "mysql://host"], "expected a path, or ducklake:postgres:"),
        (["--to", "x.duckdb", "--files", "rows"], "expected none beside a file of DuckDB"),
        (["--store", "s3://user:secret@host/store"], "expected an address without user"),
        (["--to", "ducklake:postgres:dbname=x password=secret"], "without a password"),
    ],
)
def test_a_wrong_address_is_refused(options, message):
    result = migrate(*options)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert message in result.output
    assert "secret" not in result.output


@pytest.mark.cluster
def test_a_study_goes_to_a_lake_and_comes_back(finished, lake, bucket, monkeypatch, tmp_path):
    catalogue = f"{LAKE}{lake.catalogue}"
    sent = migrate("--to", catalogue, "--files", f"{bucket}/rows", "--store", f"{bucket}/store")
    assert sent.exit_code == 0, sent.output

    monkeypatch.setenv("SIEVE_WAREHOUSE", catalogue)
    monkeypatch.setenv("SIEVE_WAREHOUSE_FILES", f"{bucket}/rows")
    monkeypatch.setenv("SIEVE_STORE", f"{bucket}/store")
    back = migrate("--to", tmp_path / "back.duckdb", "--store", tmp_path / "store")
    assert back.exit_code == 0, back.output

    assert "unset SIEVE_WAREHOUSE_FILES" in back.output

    monkeypatch.delenv("SIEVE_WAREHOUSE_FILES")
    here, there = finished.data, tmp_path
    local, returned = (
        finished.bench(warehouse_address=str(folder / name), store_address=str(folder / "store"))
        for folder, name in ((here, "sieve.duckdb"), (there, "back.duckdb"))
    )
    assert contents(returned.warehouse) == contents(local.warehouse)
    assert files_of(returned.images) == files_of(local.images)
    assert files_of(returned.arrays) == files_of(local.arrays)
