"""Every hypothesis has its evidence, whatever runs with it."""

import numpy as np

from sieve_assets.assets.reference_pictures import references
from sieve_assets_tests.studies import BY_NEURON, FIRST, assert_same_rows

KEY = ["model", "neuron", "concept"]


def test_every_neuron_and_concept_has_one_row_with_the_rate_that_is_stored(finished):
    rates = finished.table("activation_rates").drop_duplicates(KEY).set_index(KEY)
    found = finished.table("evidence").set_index(KEY)
    assert set(found.index) == set(rates.index)
    for column in ("activation_rate", "ci_low", "ci_high"):
        np.testing.assert_allclose(found[column], rates.loc[found.index, column])
    assert set(found["n_pictures"]) == {3}


def test_null_rates_are_those_of_the_reference_pictures(finished):
    bench = finished.bench()
    weights = {model: bench.target_hash(model) for model in ("cnn", "vit")}
    seen = finished.table("picture_activations").set_index(["model", "picture_id"])["activation"]
    links = finished.table("reference_pictures")
    thresholds = finished.table("neuron_ratios").set_index(["model", "neuron"])["p99"]
    assert weights["cnn"] != weights["vit"]
    for row in finished.table("evidence").itertuples():
        rates = {}
        for concept, pictures in links[links["model"] == row.model].groupby("concept"):
            values = [seen[row.model, one][row.neuron] for one in pictures["picture_id"]]
            rates[concept] = np.mean(np.array(values) > thresholds[row.model, row.neuron])
        assert row.n_reference <= len(rates) == 4
        if row.n_reference == 4:
            assert abs(row.null_ar - np.mean(list(rates.values()))) < 1e-9
            assert rates[row.best_reference] == row.best_reference_ar == max(rates.values())


def test_names_are_references_or_the_neurons_own(finished):
    rows, names = finished.table("evidence"), set(references(finished.bench()))
    own = rows.groupby(["model", "neuron"])["concept"].agg(set)
    for row in rows.itertuples():
        assert row.best_name is None or row.best_name in names | own[row.model, row.neuron]
    assert (rows["score"].between(0, 1)).all()


def test_a_neuron_run_alone_gives_the_same_rows(finished, copied):
    neuron = int(finished.table("evidence", model="cnn")["neuron"].iloc[0])
    copied.forget("cnn", "evidence", neurons=[neuron])
    copied.of_model("cnn", "evidence", neurons=[neuron], batch_size=2)
    assert_same_rows(copied.table("evidence"), finished.table("evidence"), tolerance=1e-5)


def test_halves_of_a_target_in_runs_of_their_own_give_the_same_rows(finished, empty):
    """The first half knows nothing of the second, but its neurons are ranked among all."""
    empty.of_model("cnn", *FIRST)
    for half in (range(3), range(3, 6)):
        empty.of_model("cnn", *BY_NEURON, neurons=half)
    expected = finished.table("evidence", model="cnn")
    assert expected["neuron_rank"].max() > 0
    found = empty.table("evidence")
    assert found["neuron_rank"].tolist() == expected["neuron_rank"].tolist()
    assert_same_rows(found, expected, tolerance=1e-2)  # batches of other sizes round otherwise
