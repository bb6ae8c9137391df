"""Schedules, the sensor, checks, pictures and the stale report, in the browser."""

import pytest

from sieve_assets.assets.staleness import find_stale
from sieve_assets_tests.dagster_client import until
from sieve_assets_tests.studies import OF_CNN

pytestmark = pytest.mark.browser


def test_a_partition_shows_its_rate_its_pictures_and_its_checks(server, ui):
    rates = server.study.table("activation_rates", model="vit")
    neuron = f"{rates['neuron'].iloc[0]:04d}"
    stages = ("concept_hypotheses", "generated_image_sets", "activation_rates")
    server.ended_backfill(server.backfill(dict.fromkeys(stages, (f"vit|{neuron}",))))

    ui.open_partition("activation_rates", "vit", neuron)
    ui.sees("selected: a clear preference")
    ui.sees("best AR with its interval")
    ui.shot("metadata_of_a_neuron")
    ui.text("[Show Markdown]").click()
    sheet = ui.page.locator("img[src^='data:image/webp;base64,']")
    sheet.wait_for()
    assert sheet.evaluate("image => image.complete && image.naturalWidth > 60")
    ui.shot("contact_sheet")

    ui.go("assets/activation_rates?view=checks")
    ui.sees("in_interval")
    ui.sees("Passed")
    ui.shot("checks")


def test_the_checks_of_a_range_name_the_neuron_that_fails(server, ui):
    rows = server.study.table("clusters", model="cnn", neuron=3)
    server.study.delete("clusters", rows.head(2)[["model", "neuron", "rank"]])

    keys = [f"cnn|{neuron:04d}" for neuron in range(1, 6)]
    server.ended_backfill(server.backfill({"clusters": keys}))

    ui.go("assets/clusters?view=checks")
    ui.text("Execution history").click()
    ui.sees("It fails for 1 of 5 partitions: cnn|0003.")
    ui.page.get_by_text(f"cnn|0003: expected {len(rows)} rows").first.wait_for()
    ui.shot("failing_check")
    ui.open_partition("clusters", "cnn", "0003")
    ui.page.get_by_text(f"failed: lineage: expected {len(rows)} rows").first.wait_for()
    ui.shot("failing_partition")
    ui.open_partition("clusters", "cnn", "0004")
    ui.sees("passed: lineage")
    server.study.forget("cnn", "clusters", neurons=[3])
    server.ended_backfill(server.backfill({"clusters": ["cnn|0003"]}))


def test_columns_say_what_they_mean_and_what_they_come_from(ui):
    ui.go("assets/activation_rates?view=overview")
    ui.page.get_by_text("From generated_image_sets.uri, neuron_ratios.p99").first.wait_for()
    ui.page.get_by_text("Lower end of the Wilson interval of AR").first.wait_for()
    ui.shot("columns")


def test_a_schedule_is_turned_on_and_says_why_it_skips(ui):
    ui.turn("schedules/nightly", is_on=True)
    ui.press("Preview tick result")
    ui.press("Continue")
    ui.page.get_by_text("Nothing is stale.").first.wait_for()
    ui.shot("schedule_skips")


def test_the_sensor_sees_one_targets_beta_and_its_run_changes_only_what_follows(server, ui):
    ui.turn("sensors/study_watch", is_on=True)
    ui.sees("0 runs requested")
    ui.page.get_by_text("0 runs requested", exact=True).last.click()
    ui.page.get_by_text("First look; nothing is stale.").first.wait_for()
    ui.shot("sensor_skips")

    before = server.study.table("provenance")
    server.study.edited({OF_CNN: f"{OF_CNN}\nbeta = 1.9"})
    ui.go("locations/sieve_assets.definitions/sensors/study_watch")
    ui.page.get_by_text("1 run requested").first.wait_for(timeout=120_000)
    ui.shot("sensor_requests")
    until(lambda: not find_stale(server.study.bench()), "the sensor's run to end")
    ui.turn("sensors/study_watch", is_on=False)

    after = server.study.table("provenance")
    redone = after[~after["run_id"].isin(before["run_id"])]
    assert set(redone["model"]) == {"cnn"}
    assert "neuron_ratios" in set(redone["stage"])
    assert {"probe_images", "probe_pass", "probe_activations"}.isdisjoint(redone["stage"])


def test_the_report_names_what_an_edit_makes_stale_and_the_job_mends_just_that(server, ui):
    text = server.study.file.read_text()
    own = 'rule = "signed"\n'
    server.study.file.write_text(text.replace(own, f"{own}beta = 1.7\n"))
    before = server.study.table("provenance")

    ui.reload_code()
    n_runs = len(server.runs())
    ui.go("assets/stale_report?view=overview")
    ui.press("Materialize")
    until(lambda: len(server.runs()) > n_runs, "the report's run to begin")
    assert server.ended_run(server.runs()[0]["runId"])["status"] == "SUCCESS"
    ui.go("assets/stale_report?view=overview")
    ui.sees("beta: 1.6 → 1.7")
    ui.shot("stale_report")
    run = ui.launch_job("recompute_stale")
    assert server.ended_run(run)["status"] == "SUCCESS"
    ui.sees("Success")
    ui.shot("recompute_stale")

    assert find_stale(server.study.bench()) == []
    after = server.study.table("provenance")
    redone = after[~after["run_id"].isin(before["run_id"])]
    assert set(redone["model"]) == {"vit"}
    assert "neuron_ratios" in set(redone["stage"])
    assert {"probe_pass", "probe_activations"}.isdisjoint(redone["stage"])
