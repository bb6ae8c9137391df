"""What Dagster is told of each partition: counts, status in words, rates, pictures, checks."""

import dagster as dg
import pytest

from sieve_assets.assets.pipeline import stages_of
from sieve_assets.assets.reporting import STATUS
from sieve_assets.assets.shown import FIGURE_BYTES, SHEET_BYTES
from sieve_assets_tests.checks import failing_checks
from sieve_assets_tests.studies import BY_MODEL, DEAD, NEGATIVE, SPARSE

MOST_BYTES = 4096
"""Of what is added to an event, which Dagster stores twice."""


@pytest.fixture(scope="module")
def told(finished):
    """Metadata and checks of every partition of every stage, from runs that compute nothing."""
    metadata, checks = {}, {}
    for stage in stages_of(finished.bench().study):
        for model in ("cnn", "vit"):
            result = finished.of_model(model, stage.name)
            for event in result.asset_materializations_for_node(stage.name):
                metadata[stage.name, event.partition] = event.metadata
            for one in result.get_asset_check_evaluations():
                checks[stage.name, one.check_name, one.partition] = one
    return metadata, checks


def test_every_partition_says_how_many_rows_it_has(finished, told):
    metadata, _ = told
    notes = finished.table("provenance")

    for note in notes.itertuples():
        key = note.model if note.stage in BY_MODEL else f"{note.model}|{note.neuron:04d}"
        assert metadata[note.stage, key]["dagster/partition_row_count"].value == note.n_rows
    assert len(metadata) == len(notes)


def test_status_is_told_in_words_from_selection_on(finished, told):
    metadata, _ = told
    states = finished.table("neuron_ratios").set_index(["model", "neuron"])["status"]

    for (model, neuron), state in states.items():
        for stage in ("neuron_ratios", "clusters", "activation_rates"):
            key = f"{model}|{neuron:04d}"
            assert metadata[stage, key]["status"].value == STATUS[state]
    assert states["cnn", DEAD] == "dead"


def test_a_ratio_is_a_number_that_plots_and_infinity_a_word(finished, told):
    metadata, _ = told
    rows = finished.table("neuron_ratios").set_index(["model", "neuron"])

    assert metadata["neuron_ratios", f"cnn|{SPARSE:04d}"]["ratio"].value == "infinite"
    assert "ratio" not in metadata["neuron_ratios", f"cnn|{DEAD:04d}"]
    ratio = metadata["neuron_ratios", f"vit|{NEGATIVE:04d}"]["ratio"]
    assert isinstance(ratio, dg.FloatMetadataValue)
    assert ratio.value == pytest.approx(rows.loc[("vit", NEGATIVE), "ratio"], rel=1e-3)


def test_the_best_rate_is_told_with_its_concept_and_interval(finished, told):
    metadata, _ = told
    rates = finished.table("activation_rates")

    for (model, neuron), rows in rates.groupby(["model", "neuron"]):
        found = metadata["activation_rates", f"{model}|{neuron:04d}"]
        best = rows[rows["activation_rate"] == rows["activation_rate"].max()]
        assert found["best AR"].value == pytest.approx(best["activation_rate"].iloc[0], rel=1e-3)
        assert found["best concept"].value in set(best["concept"])
        ends = f"({best['ci_low'].iloc[0]:.3f} to {best['ci_high'].iloc[0]:.3f})"
        assert found["best AR with its interval"].value.endswith(ends)


def test_the_concepts_of_a_neuron_are_told(finished, told):
    metadata, _ = told
    names = finished.table("concept_hypotheses").groupby(["model", "neuron"])["concept"]

    for (model, neuron), concepts in names:
        found = metadata["concept_hypotheses", f"{model}|{neuron:04d}"]["concepts"].value
        assert found == ", ".join(sorted(set(concepts)))


def test_neurons_with_hypotheses_have_pictures_and_others_none(finished, told):
    metadata, _ = told
    has_some = set(finished.table("concept_hypotheses").groupby(["model", "neuron"]).groups)

    for stage in ("concept_hypotheses", "activation_rates"):
        shown = {
            key
            for (name, key), values in metadata.items()
            if name == stage
            and any("data:image/webp;base64," in str(one.value) for one in values.values())
        }
        assert shown == {f"{model}|{neuron:04d}" for model, neuron in has_some}


def test_a_targets_figures_are_shown(told):
    metadata, _ = told

    for model in ("cnn", "vit"):
        values = metadata["verified_concepts", model]
        figures = [one for one in values.values() if "data:image/png;base64," in str(one.value)]
        assert len(figures) == 2
        assert all(len(one.value) < 4 / 3 * FIGURE_BYTES + 200 for one in figures)


def test_what_is_told_of_a_neuron_does_not_bloat_the_event_log(told):
    metadata, _ = told

    for (stage, key), values in metadata.items():
        if stage not in BY_MODEL:
            size = sum(len(name) + len(str(one)) for name, one in values.items())
            assert size < MOST_BYTES, (stage, key)
    assert SHEET_BYTES * 4 / 3 < MOST_BYTES


def test_every_check_is_told_of_every_run_and_of_every_partition_in_its_metadata(finished, told):
    metadata, checks = told
    stages = stages_of(finished.bench().study)
    names = {one.name: ["lineage", *(check.name for check in one.checks)] for one in stages}

    controls = {"controls_fail", "controls_pass"}  # random networks are no match for these
    others = {key: one for key, one in checks.items() if key[1] not in controls}
    everywhere = {(stage, name, None) for stage in names for name in names[stage]}
    assert everywhere <= set(checks)
    assert set(others) == {key for key in everywhere if key[1] not in controls}
    assert all(one.passed for one in others.values())
    assert checks["clusters", "lineage", None].description == "It holds for 8 of 8 partitions."
    for (stage, _), values in metadata.items():
        if "output_hash" in values and stage != "verdict_controls":  # not beyond a target's width
            assert values["checks"].value == "passed: " + ", ".join(names[stage])


@pytest.mark.usefixtures("unlucky_three")
def test_a_neuron_that_fails_says_so_in_its_place(copied):
    copied.forget("cnn", "clusters", neurons=[1, 3])

    result = copied.of_model("cnn", "clusters", "concept_hypotheses")

    states = {
        (event.asset_key.path[-1], event.partition): event.materialization.metadata
        for event in result.get_asset_materialization_events()
    }
    assert states["clusters", "cnn|0003"]["status"].value == "failed"
    assert states["clusters", "cnn|0003"]["reason"].value == "clusters: expected luck, got none."
    assert states["concept_hypotheses", "cnn|0003"]["status"].value == "left out"
    assert "n_clusters" not in states["clusters", "cnn|0003"]
    assert set(failing_checks(result)) == {
        ("clusters", "lineage", "cnn|0003"),
        ("concept_hypotheses", "lineage", "cnn|0003"),
    }
    assert states["clusters", "cnn|0003"]["checks"].value == (
        "failed: lineage: clusters: expected luck, got none."
    )
    assert states["clusters", "cnn|0001"]["dagster/partition_row_count"].value > 0


def test_rows_that_went_missing_are_seen(copied):
    rows = copied.table("clusters", model="cnn", neuron=3)
    copied.delete("clusters", rows.head(2)[["model", "neuron", "rank"]])

    result = copied.of_model("cnn", "clusters")

    [(key, bad)] = failing_checks(result).items()
    assert key == ("clusters", "lineage", "cnn|0003")
    assert bad.description.startswith(f"cnn|0003: expected {len(rows)} rows, got {len(rows) - 2}.")
