"""The graph between stages, and what a run of a range of partitions does."""

import inspect

import dagster as dg
import pytest

from sieve_assets.assets.pipeline import STAGES
from sieve_assets.assets.stages import stage, without_settings
from sieve_assets.definitions import definitions_of


@pytest.fixture(scope="module")
def graph(finished):
    return definitions_of(finished.bench()).resolve_asset_graph()


def test_a_stage_is_an_asset_of_its_name_with_its_docstring_and_one_run_for_a_range(finished):
    def whiskers(context: dg.AssetExecutionContext) -> None:
        """How many there are."""

    make = stage(
        group="faces", by="model", recipe=without_settings, version="7", table="probe_images"
    )
    made = make(whiskers)
    asset = made.asset(finished.bench().study)

    [spec] = asset.specs
    assert (made.name, made.reads, made.is_by_neuron) == ("whiskers", (), False)
    assert spec.key == dg.AssetKey("whiskers")
    assert (spec.group_name, spec.code_version) == ("faces", "7")
    assert spec.metadata["dagster/table_name"] == "probe_images"
    assert spec.description == "How many there are."
    assert asset.backfill_policy == dg.BackfillPolicy.single_run()


def test_every_asset_says_what_it_is_and_runs_ranges_in_one_run(graph):
    for each in STAGES:
        node = graph.get(dg.AssetKey(each.name))
        assert node.description == inspect.getdoc(each.function)
        assert node.backfill_policy == dg.BackfillPolicy.single_run()
        assert node.group_name in {"select", "hypothesize", "verify"}


def test_the_graph_is_what_the_stages_read(graph):
    for each in STAGES:
        parents = graph.get(dg.AssetKey(each.name)).parent_keys
        assert parents == {dg.AssetKey(one.name) for one in each.reads} | set(
            map(dg.AssetKey, each.given)
        )


def mapped(graph, stage_name, parent_name):
    """The partition mapping of an edge and its two ends."""
    child, parent = (graph.get(dg.AssetKey(name)) for name in (stage_name, parent_name))
    mapping = graph.get_partition_mapping(child.key, parent.key)
    return mapping, child.partitions_def, parent.partitions_def


@pytest.mark.parametrize(
    ("stage_name", "key", "parent_name", "expected"),
    [
        ("probe_activations", "vit|0003", "probe_pass", ["vit"]),
        ("neuron_ratios", "vit|0003", "probe_activations", ["vit|0003"]),
        ("probe_pass", "cnn", "probe_images", ["cnn"]),
        ("verified_concepts", "cnn", "activation_rates", [f"cnn|000{n}" for n in range(8)]),
    ],
)
def test_a_neuron_is_made_from_the_same_neuron_or_its_target(
    graph, stage_name, key, parent_name, expected
):
    mapping, child, parent = mapped(graph, stage_name, parent_name)
    result = mapping.get_upstream_mapped_partitions_result_for_partitions(
        child.subset_with_partition_keys([key]), child, parent
    )
    assert sorted(result.partitions_subset.get_partition_keys()) == expected


def test_a_run_of_absent_neurons_only_ends_well_and_writes_nothing(copied):
    before = copied.table("provenance")

    result = copied.run("probe_activations", "neuron_ratios", first="cnn|0006", last="cnn|0007")

    marks = {
        (event.asset_key.path[-1], event.partition): event.materialization.metadata["status"].value
        for event in result.get_asset_materialization_events()
    }
    assert result.success
    assert marks == {
        (name, key): "absent"
        for name in ("probe_activations", "neuron_ratios")
        for key in ("cnn|0006", "cnn|0007")
    }
    assert copied.table("provenance").equals(before)


def test_a_run_may_span_targets(copied):
    for model in ("cnn", "vit"):
        copied.forget(model, "neuron_ratios", "selected_samples")

    result = copied.run("neuron_ratios", "selected_samples", first="cnn|0000", last="vit|0007")

    events = result.get_asset_materialization_events()
    keys = {event.partition for event in events if event.asset_key.path == ["neuron_ratios"]}
    absent = {
        event.partition
        for event in events
        if event.materialization.metadata["status"].value == "absent"
    }
    assert keys == {f"{model}|000{neuron}" for model in ("cnn", "vit") for neuron in range(8)}
    assert absent == {"cnn|0006", "cnn|0007"}
    notes = copied.table("provenance", stage="selected_samples")
    assert list(notes["neuron"]) == [*range(6), *range(8)]
    assert set(notes["run_id"]) == {result.run_id}


def test_each_partition_reports_its_rows(copied):
    result = copied.of_model("vit", "selected_samples")

    counts = {
        event.partition: event.materialization.metadata["dagster/partition_row_count"].value
        for event in result.get_asset_materialization_events()
    }
    stored = copied.table("selected_samples", model="vit").groupby("neuron").size()
    assert counts == {f"vit|000{neuron}": stored.get(neuron, 0) for neuron in range(8)}
