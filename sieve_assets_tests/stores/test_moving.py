"""A study's tables in another kind of warehouse: the same rows, and nothing overwritten."""

import numpy as np
import pandas as pd
import pytest

from sieve_assets.stores.connections import DuckDBFile
from sieve_assets.stores.moving import contents, move_tables
from sieve_assets.stores.schema import tables
from sieve_assets.stores.warehouse import Warehouse


@pytest.fixture
def other(tmp_path):
    return Warehouse(DuckDBFile(tmp_path / "other.duckdb", 5.0))


def test_all_rows_of_a_study_arrive_and_come_back(finished, warehouse, other):
    source = finished.bench().warehouse
    sent = contents(source)
    assert sum(one.n_rows for one in sent.values()) > 100
    assert move_tables(source, warehouse) == sent
    assert move_tables(warehouse, other) == sent
    for name, table in tables().items():
        if table.key:
            both = [
                one.read(f"FROM {name} ORDER BY {', '.join(table.key)}") for one in (source, other)
            ]
            pd.testing.assert_frame_equal(*both)


def test_a_row_that_is_another_is_another_content(warehouse):
    rows = pd.DataFrame({"model": "m", "neuron": [0, 1], "activation": [np.float32([1, 2])] * 2})
    warehouse.add_missing("neuron_activations", rows)
    before = contents(warehouse)["neuron_activations"]
    assert before.n_rows == 2
    warehouse.at.write(
        lambda connection: connection.execute(
            "UPDATE neuron_activations SET activation = [1.0, 2.5] WHERE neuron = 1"
        )
    )
    after = contents(warehouse)["neuron_activations"]
    assert after.n_rows == 2
    assert after.digest != before.digest


def test_what_is_there_is_not_overwritten(finished, warehouse):
    rows = pd.DataFrame({"model": "m", "neuron": [0], "activation": [np.float32([1])]})
    warehouse.add_missing("neuron_activations", rows)
    with pytest.raises(ValueError, match=r"expected an empty .* got rows in neuron_activations"):
        move_tables(finished.bench().warehouse, warehouse)
    assert len(warehouse.read("FROM neuron_activations")) == 1
    assert contents(warehouse)["pictures"].n_rows == 0


def test_a_move_that_fails_leaves_nothing(finished, warehouse, monkeypatch):
    read, source = DuckDBFile.read, finished.bench().warehouse

    def failing(self, ask):
        found = read(self, ask)
        if self == source.at:
            raise OSError("the disk is gone")
        return found

    warehouse.read("SELECT 1")
    monkeypatch.setattr(DuckDBFile, "read", failing)
    with pytest.raises(OSError, match="the disk is gone"):
        move_tables(source, warehouse)
    monkeypatch.undo()
    assert not any(one.n_rows for one in contents(warehouse).values())


def test_no_source_is_said(other, tmp_path):
    missing = Warehouse(DuckDBFile(tmp_path / "missing.duckdb", 5.0))
    with pytest.raises(FileNotFoundError, match="expected a warehouse at"):
        move_tables(missing, other)
    assert not missing.at.exists()
