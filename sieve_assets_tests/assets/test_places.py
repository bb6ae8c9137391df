"""Where a workbench finds and puts things."""

from upath import UPath

from sieve_assets.assets.resources import Workbench


def test_results_lie_beside_the_study_file_unless_said_otherwise(finished, tmp_path, monkeypatch):
    monkeypatch.delenv("SIEVE_DATA", raising=False)
    beside = Workbench(study_file=str(finished.file))
    assert beside.folder == finished.file.parent / "data"

    monkeypatch.setenv("SIEVE_DATA", str(tmp_path / "elsewhere"))
    assert beside.folder == tmp_path / "elsewhere"
    assert finished.bench().folder == finished.data


def test_a_relative_folder_is_made_absolute(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert Workbench(study_file=str(finished.file), data="here").folder == tmp_path / "here"


def test_all_stores_lie_in_the_folder(finished):
    bench = finished.bench(patience_s=3.0)

    assert bench.warehouse.at.path == finished.data / "sieve.duckdb"
    assert bench.warehouse.at.patience_s == 3.0
    assert bench.images.root == finished.data / "store" / "images"
    assert bench.arrays.root == finished.data / "store" / "arrays"


def test_the_study_file_is_the_one_of_the_environment_unless_said_otherwise(finished, monkeypatch):
    monkeypatch.setenv("SIEVE_STUDY", str(finished.file))

    assert Workbench().study == finished.bench().study


def test_addresses_come_from_the_environment_unless_said_otherwise(finished, monkeypatch):
    monkeypatch.setenv("SIEVE_WAREHOUSE", "/shared/one.duckdb")
    monkeypatch.setenv("SIEVE_STORE", "memory://pictures")
    bench = finished.bench()

    assert str(bench.warehouse.at.path) == "/shared/one.duckdb"
    assert bench.images.root == UPath("memory://pictures/images")
    assert bench.arrays.root == UPath("memory://pictures/arrays")
    assert finished.bench(store_address="/shared").images.root.as_posix() == "/shared/images"
