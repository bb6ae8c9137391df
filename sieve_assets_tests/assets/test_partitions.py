"""Which partitions there are, and which of them a run is to do."""

from types import SimpleNamespace

import dagster as dg
import pytest

from sieve_assets.assets.partitions import (
    OF_A_MODEL,
    Share,
    backfill_policy,
    by_model,
    by_neuron,
    neuron_key,
    place_of,
    shares,
)


def of_width(study, **widths):
    targets = {
        name: target.model_copy(update={"width": widths[name]})
        for name, target in study.targets.items()
    }
    return study.model_copy(update={"targets": targets})


def context_of(keys):
    marks = {}
    return SimpleNamespace(
        partition_keys=keys,
        marks=marks,
        add_asset_metadata=lambda values, partition_key: marks.update({partition_key: values}),
    )


def key_of(model, neuron):
    return dg.MultiPartitionKey({"model": model, "neuron": neuron})


@pytest.mark.parametrize(("width", "last"), [(1, "0000"), (2048, "2047"), (10001, "10000")])
def test_keys_are_as_long_as_the_last_and_sort_as_numbers(finished, width, last):
    study = of_width(finished.bench().study, cnn=1, vit=width)
    keys = [neuron_key(neuron, study) for neuron in range(width)]

    assert keys == sorted(keys)
    assert keys[-1] == last
    assert {len(key) for key in keys} == {len(last)}


def test_there_is_a_partition_for_each_target_and_neuron_of_the_widest(finished):
    study = finished.bench().study

    assert by_model(study).get_partition_keys() == ["cnn", "vit"]
    assert by_neuron(study).get_partition_keys() == [
        f"{model}|000{neuron}" for model in ("cnn", "vit") for neuron in range(8)
    ]


def test_keys_in_any_order_become_shares_in_order(finished):
    study = finished.bench().study
    keys = [key_of("vit", "3"), key_of("cnn", "5"), key_of("vit", "0"), key_of("cnn", "1")]

    found = list(shares(context_of(keys), study))

    assert found == [
        Share("cnn", [1, 5], [keys[3], keys[1]]),
        Share("vit", [0, 3], [keys[2], keys[0]]),
    ]


def test_a_stage_by_model_has_one_share_a_target(finished):
    context = context_of(["vit", "cnn"])

    assert list(shares(context, finished.bench().study)) == [
        Share("cnn", [OF_A_MODEL], ["cnn"]),
        Share("vit", [OF_A_MODEL], ["vit"]),
    ]


def test_neurons_beyond_the_width_are_marked_absent(finished):
    context = context_of([key_of("cnn", "0007"), key_of("cnn", "0005"), key_of("cnn", "0006")])

    found = list(shares(context, finished.bench().study))

    assert found == [Share("cnn", [5], [key_of("cnn", "0005")])]
    assert context.marks == {"cnn|0006": {"status": "absent"}, "cnn|0007": {"status": "absent"}}


def test_a_range_has_the_keys_that_dagster_would_give_it(finished):
    partitions = by_neuron(finished.bench().study)
    plain = dg.MultiPartitionsDefinition(
        {one.name: one.partitions_def for one in partitions.partitions_defs}
    )
    asked = dg.PartitionKeyRange("cnn|0002", "vit|0003")

    for _ in range(2):
        found = partitions.get_partition_keys_in_range(asked)
        assert found == plain.get_partition_keys_in_range(asked)
        assert found == ["cnn|0002", "cnn|0003", "vit|0002", "vit|0003"]


def test_a_backfill_is_one_run_unless_neurons_are_divided(monkeypatch):
    monkeypatch.delenv("SIEVE_NEURONS_A_RUN", raising=False)
    assert backfill_policy(is_by_neuron=True) == dg.BackfillPolicy.single_run()
    assert backfill_policy(is_by_neuron=False) == dg.BackfillPolicy.single_run()

    monkeypatch.setenv("SIEVE_NEURONS_A_RUN", "32")
    assert backfill_policy(is_by_neuron=True) == dg.BackfillPolicy.multi_run(32)
    assert backfill_policy(is_by_neuron=False) == dg.BackfillPolicy.multi_run(1)


@pytest.mark.parametrize("said", ["0", "-3", "many", "3.5", "\u0663"])
def test_what_is_no_number_of_neurons_a_run_is_refused(monkeypatch, said):
    monkeypatch.setenv("SIEVE_NEURONS_A_RUN", said)
    with pytest.raises(ValueError, match=r"^SIEVE_NEURONS_A_RUN: expected a number of neurons"):
        backfill_policy(is_by_neuron=True)


@pytest.mark.parametrize(
    ("model", "neurons", "place"),
    [("cnn", [0, 1], 0.0), ("cnn", [3], 0.25), ("vit", [0], 0.5), ("vit", [7], 0.9375)],
)
def test_each_part_of_a_study_has_a_place_of_its_own(finished, model, neurons, place):
    assert place_of(Share(model, neurons, []), finished.bench().study) == place
    by_model = Share(model, [OF_A_MODEL], [])
    assert place_of(by_model, finished.bench().study) == {"cnn": 0.0, "vit": 0.5}[model]
