"""Methods stand in the order that reports promise, with names that people know."""

import pandas as pd
import pytest

from sieve_assets.reports.compared_methods import called, compared_methods, judged_scores
from sieve_assets.stores.connections import DuckDBFile
from sieve_assets.stores.warehouse import Warehouse
from sieve_assets_tests.compared_rows import METHODS, comparison_of, scores_of, store_comparison


@pytest.fixture
def warehouse(tmp_path):
    warehouse = Warehouse(DuckDBFile(tmp_path / "sieve.duckdb", 5.0))
    store_comparison(warehouse, comparison_of("net", METHODS), scores_of("net"))
    return warehouse


def test_sieve_is_first_then_its_ablations_then_others_by_name_and_controls_last(warehouse):
    assert compared_methods(warehouse, "net")["called"].tolist() == [
        *("SIEVE", "SIEVE without crops", "SIEVE without Select"),
        *("CLIP-Dissect WPMI", "FALCON", "imported (milan_b)", "WWW"),
        *("at random", "oracle", "oracle, narrower"),
    ]


def test_rows_are_those_stored(warehouse):
    found = compared_methods(warehouse, "net").set_index("explainer")
    expected = comparison_of("net", METHODS).set_index("explainer").loc[found.index]

    pd.testing.assert_frame_equal(found[expected.columns], expected, check_dtype=False)


def test_kinds_follow_the_controls_that_are_stored(warehouse):
    kinds = compared_methods(warehouse, "net").groupby("kind")["explainer"].agg(sorted)

    assert kinds["own"] == ["sieve", "sieve_without_crops", "sieve_without_select"]
    assert kinds["other"] == ["clip_dissect_wpmi", "falcon", "imported (milan_b)", "www"]
    assert kinds["control"] == ["at random", "oracle", "oracle, narrower"]


def test_a_method_that_nobody_renamed_has_its_own_name_and_an_imported_one_the_studys():
    assert called("linear_explanations") == "linear explanations"
    assert called("imported (my_names)") == "imported (my_names)"
    assert called("words and controls") == "words and controls"


def test_scores_are_of_many_methods_names_and_of_sieves_the_best_first(warehouse):
    found = judged_scores(warehouse, "net")

    assert found["labels"].drop_duplicates().tolist() == ["words and controls", "words", "sieve"]
    for _, some in found.groupby("labels"):
        assert some["called"].tolist() == ["score", "AR", "CoSy's AUC", "verdict"]
        assert some["auroc"].is_monotonic_decreasing


def test_of_a_target_that_was_not_compared_there_is_nothing(warehouse):
    assert compared_methods(warehouse, "other").empty
    assert judged_scores(warehouse, "other").empty
