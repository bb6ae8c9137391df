"""What one does in the browser, from the first click to the rows in the store."""

from pathlib import Path

import pytest

from sieve_assets.assets.staleness import find_stale
from sieve_assets_tests.dagster_client import GOOD, until
from sieve_assets_tests.killing import assert_nothing_is_half_written
from sieve_assets_tests.server import cut_short
from sieve_assets_tests.studies import BY_NEURON

pytestmark = pytest.mark.browser


def test_a_target_is_materialized_from_the_lineage_page(server, ui):
    server.wipe("probe_images")
    ui.open_lineage("probe_images")
    ui.shot("lineage_before")
    run = ui.materialize(["cnn"])
    ui.sees("Success")
    ui.shot("run_of_a_target")
    assert server.run(run)["status"] == "SUCCESS"

    ui.open_partition("probe_images", "cnn")
    ui.sees("Materialized (1)")
    ui.sees("Missing (1)")
    ui.shot("materialized_target")
    assert server.statuses("probe_images") == {"cnn": "materialized", "vit": "unmaterialized"}


def test_a_range_of_neurons_is_backfilled_from_the_lineage_page(server, ui):
    server.ended_backfill(server.backfill(dict.fromkeys(["probe_images", "probe_pass"], ("cnn",))))
    stages = ["probe_activations", "neuron_ratios", "selected_samples"]
    server.study.forget("cnn", *stages, neurons=[2, 3, 4])

    ui.choose_stages(*stages)
    backfill = ui.materialize(["cnn"], ["0002", "0003", "0004"])
    ended = server.ended_backfill(backfill)
    for stage in stages:
        ui.sees(stage)
    ui.sees("100% completed", times=len(stages))
    ui.shot("backfill")

    ui.open_partition("neuron_ratios", "cnn", "0003")
    ui.shot("backfilled_partition")
    notes = server.study.table("provenance", model="cnn")
    redone = notes[notes["run_id"].isin(ended.run_ids)]
    assert sorted(set(redone["stage"])) == sorted(stages)
    assert sorted(set(redone["neuron"])) == [2, 3, 4]


def test_a_partition_shows_its_metadata_and_what_is_before_and_after_it(server, ui):
    server.ended_backfill(server.backfill({"selected_samples": ["vit|0004"]}))
    told = server.latest("selected_samples", "vit|0004")

    ui.open_partition("selected_samples", "vit", "0004")
    ui.sees(told["output_hash"])
    ui.sees(told["runId"][:8])
    ui.shot("partition")

    ui.go("assets/selected_samples?view=lineage")
    for stage in ("probe_images", "probe_pass", "neuron_ratios", "patch_embeddings"):
        ui.sees(stage)
    ui.shot("asset_lineage")


def test_a_run_that_is_terminated_from_its_page_leaves_nothing_half_written(server, ui):
    stages = BY_NEURON[BY_NEURON.index("selected_samples") :]
    server.study.forget("vit", *stages)
    for stage in stages:
        rows = server.study.table(stage, model="vit")
        server.study.delete(stage, rows[["model", "neuron"]].drop_duplicates())
    asked = dict.fromkeys(stages, tuple(f"vit|{neuron:04d}" for neuron in range(8)))
    backfill = server.backfill(asked)
    [run] = until(lambda: server.backfill_state(backfill).run_ids, "the backfill's run")

    ui.open_run(run)
    until(lambda: server.run(run)["status"] == "STARTED", "the run to be at work")
    ui.terminate()
    ui.sees("Canceled")
    ui.shot("terminated_run")
    server.ended_backfill(backfill)
    assert server.run(run)["status"] == "CANCELED"
    assert_nothing_is_half_written(server.study)
    assert server.ended_backfill(server.backfill(asked)).status in GOOD
    assert not {one.stage for one in find_stale(server.study.bench(), ["vit"])} & {*stages}


def test_a_failed_run_is_run_again_from_where_it_failed(server, ui):
    stages = ["selected_samples", "patch_embeddings"]
    server.study.forget("cnn", *stages, neurons=[1])
    with cut_short(Path(server.study.bench().study.vision_language.model)):
        failed = server.ended_backfill(server.backfill(dict.fromkeys(stages, ("cnn|0001",))))
    [run] = failed.run_ids

    ui.open_run(run)
    ui.sees("Failure")
    ui.shot("failed_run")
    again = ui.run_again_from_failure()
    ui.sees("Success")
    ui.shot("run_again")

    notes = server.study.table("provenance", model="cnn", neuron=1).set_index("stage")["run_id"]
    assert dict(notes[stages]) == {"selected_samples": run, "patch_embeddings": again}


def test_the_page_of_the_atlas_leads_to_it(server, ui):
    server.ended_backfill(server.backfill({"neuron_atlas": ["cnn"]}))
    ui.open_partition("neuron_atlas", "cnn")
    link = ui.page.locator("a[href$='/cnn/index.html']").first
    link.wait_for()
    ui.shot("atlas_link")
    address = server.study.bench().atlas_url
    assert link.get_attribute("href") == f"{address}/cnn/index.html"
