"""Addresses of warehouses: what they mean, and that a secret in one is neither taken nor told."""

import builtins

import pytest

from sieve_assets.stores.addresses import warehouse_at
from sieve_assets.stores.connections import DuckDBFile
from sieve_assets.stores.lake import DuckLake
from sieve_assets_tests.conftest import SECRET


def test_no_address_is_the_file_in_the_folder_of_results(tmp_path):
    assert warehouse_at("", "", tmp_path, 3.0).at == DuckDBFile(tmp_path / "sieve.duckdb", 3.0)


def test_a_path_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert warehouse_at("a/b.duckdb", "", tmp_path, 1).at.path == tmp_path / "a" / "b.duckdb"


@pytest.mark.parametrize("files", ["s3://bucket/rows", "/shared/rows"])
def test_a_lake_has_a_database_and_files(tmp_path, files):
    found = warehouse_at("ducklake:postgres:dbname=sieve host=db", files, tmp_path, 9.0).at
    assert found == DuckLake("dbname=sieve host=db", files, 9.0)
    assert str(found) == f"ducklake:postgres:dbname=sieve host=db (files in {files})"


def test_an_address_of_a_database_is_taken_too(tmp_path):
    found = warehouse_at("ducklake:postgres:postgresql://me@db:5433/sieve", "/f", tmp_path, 9.0).at
    assert found.catalogue == "postgresql://me@db:5433/sieve"


@pytest.mark.parametrize(
    "words", ["host=db password=geheim", "postgresql://me:geheim@db/sieve", "password='geheim"]
)
def test_a_password_in_an_address_is_refused_and_not_told(tmp_path, words):
    with pytest.raises(ValueError, match="SIEVE_WAREHOUSE: expected") as refused:
        warehouse_at(f"ducklake:postgres:{words}", "/files", tmp_path, 9.0)
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "files", "said"),
    [
        ("ducklake:postgres:", "/files", "got what libpq cannot read"),
        ("ducklake:postgres:dbname=a", "", "expected a folder that all machines share"),
        ("ducklake:postgres:dbname=a", "gs://bucket/rows", "or s3://bucket/folder, got 'gs:"),
        ("ducklake:sqlite:a.db", "/files", "expected none beside a file"),
        ("ducklake:sqlite:a.db", "", "got an address of kind 'ducklake'"),
        ("postgresql://db/sieve", "", "got an address of kind 'postgresql'"),
        ("a.duckdb", "/files", "expected none beside a file of DuckDB"),
    ],
)
def test_other_addresses_are_refused(tmp_path, address, files, said):
    with pytest.raises(ValueError, match=said):
        warehouse_at(address, files, tmp_path, 1.0)


def test_without_the_packages_it_is_said_how_to_install_them(tmp_path, monkeypatch):
    taken = builtins.__import__

    def without_psycopg2(name, *arguments, **options):
        if name.startswith("psycopg2"):
            raise ImportError("No module named 'psycopg2'")
        return taken(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_psycopg2)
    with pytest.raises(LookupError, match=r"Install sieve_assets\[cluster\]"):
        warehouse_at("ducklake:postgres:dbname=a", "/files", tmp_path, 1.0)


@pytest.mark.cluster
def test_no_secret_of_the_environment_is_told(lake):
    assert SECRET not in f"{lake} {lake!r}"
