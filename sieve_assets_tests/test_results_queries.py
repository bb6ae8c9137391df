"""Every query is one that a study can be asked before anything of it has run."""

import pytest

from sieve_assets import results_queries
from sieve_assets.stores.connections import DuckDBFile
from sieve_assets.stores.warehouse import Warehouse

QUERIES = {name: query for name, query in vars(results_queries).items() if name.isupper()}
ASKED = {"model": "cnn", "neuron": 0, "concept": "dog"}


@pytest.mark.parametrize("name", sorted(set(QUERIES) - {"_OF_TARGET"}))
def test_a_study_without_results_has_no_rows(name, tmp_path):
    query = QUERIES[name]
    params = {key: value for key, value in ASKED.items() if f"${key}" in query}

    found = Warehouse(DuckDBFile(tmp_path / "sieve.duckdb", 1.0)).read(query, params)

    assert found.empty == (name != "SCHEMA")
    assert len(found.columns) > 1
