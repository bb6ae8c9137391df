"""What other methods call the neurons reaches the index as it is stored."""

import json

import numpy as np
import pandas as pd
import pytest

from sieve_assets.reports.atlas.others import others_data


@pytest.fixture(scope="module")
def data(methods):
    return others_data(methods.bench().warehouse, "cnn", 6, {"owl": "owl-1"}.get)


def test_every_first_name_is_there_with_its_rates(methods, data):
    names = methods.table("explanations", model="cnn").query("place == 0")
    evidence = methods.table("compared_evidence", model="cnn").set_index(["neuron", "concept"])
    truth = methods.table("compared_truth", model="cnn").set_index(["neuron", "concept"])
    n_told = sum(one is not None for of in data["names"].values() for one in of)
    assert n_told == len(names) > 0
    for row in names.itertuples():
        concept, slug, ar, low, high, verdict, is_true = data["names"][row.explainer][row.neuron]
        rates = evidence.loc[(row.neuron, row.concept)]
        assert (concept, slug) == (row.concept, {"owl": "owl-1"}.get(row.concept))
        expected = rates[["activation_rate", "ci_low", "ci_high"]].to_numpy(float)
        np.testing.assert_allclose([ar, low, high], expected, atol=5e-4)
        assert verdict == rates["verdict"]
        assert is_true == truth.loc[(row.neuron, row.concept), "oracle_true"]


def test_methods_are_in_the_order_of_reports_and_have_a_place_a_neuron(data):
    ids = [one["id"] for one in data["explainers"]]
    assert ids[0] == "sieve"
    assert ids[-3:] == ["at random", "oracle", "oracle, narrower"]
    assert list(data["names"]) == ids
    assert {len(one) for one in data["names"].values()} == {6}
    assert {one["called"] for one in data["explainers"]} >= {"SIEVE revised", "WWW"}


def test_without_known_truth_or_evidence_there_are_blanks(finished, methods):
    vit = others_data(methods.bench().warehouse, "vit", 8, lambda _: None)
    assert {one[6] for of in vit["names"].values() for one in of if one} == {None}
    alone = others_data(finished.bench().warehouse, "cnn", 6, lambda _: None)
    assert list(alone["names"]) == ["sieve", "sieve_revised"]
    assert {tuple(one[2:]) for of in alone["names"].values() for one in of if one} == {(None,) * 5}


def test_data_can_be_written_as_json(data):
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert not pd.isna(data["explainers"][0]["called"])
