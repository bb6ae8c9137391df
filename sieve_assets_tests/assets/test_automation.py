"""Schedules, the sensor and the conditions: what they request, and that nothing is asked twice."""

import datetime as dt

import dagster as dg
import pytest

from sieve_assets.assets.pipeline import stages_of
from sieve_assets.assets.sources import SOURCES
from sieve_assets.definitions import definitions_of
from sieve_assets.stores.connections import DuckDBFile, LakeLostError, WarehouseBusyError
from sieve_assets_tests.changes import touch, with_own
from sieve_assets_tests.studies import OF_CNN, QUIET

NIGHT = dt.datetime(2026, 11, 26, 2, 0, tzinfo=dt.UTC)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as one:
        yield one


def tick(study, instance, name):
    """What a schedule requests in a night, or why it skips."""
    return evaluated(definitions_of(study.bench()), instance, name)


def evaluated(definitions, instance, name):
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=NIGHT,
        repository_def=definitions.get_repository_def(),
    )
    with context:
        data = definitions.get_schedule_def(name).evaluate_tick(context)
    return data.run_requests, data.skip_message


def looked(study, instance, cursor=None):
    """What the sensor requests, why it skips, and its next cursor."""
    sensor = definitions_of(study.bench()).get_sensor_def("study_watch")
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        data = sensor.evaluate_tick(context)
    return data.run_requests, data.skip_message, data.cursor or cursor


def test_everything_is_off_until_someone_turns_it_on(finished):
    definitions = definitions_of(finished.bench())

    for name in ("nightly", "weekly"):
        assert definitions.get_schedule_def(name).default_status == dg.DefaultScheduleStatus.STOPPED
    for name in ("study_watch", "keep_up_to_date"):
        assert definitions.get_sensor_def(name).default_status == dg.DefaultSensorStatus.STOPPED


def test_a_night_with_nothing_stale_is_skipped_with_a_reason(finished, instance):
    assert tick(finished, instance, "nightly") == ([], "Nothing is stale.")


def test_a_night_runs_the_stale_targets_and_says_why(copied, instance):
    study = copied.edited({OF_CNN: f"{OF_CNN}\nbeta = 1.9"})

    [request], _ = tick(study, instance, "nightly")

    assert request.partition_key == "cnn"
    assert request.run_key == "2026-11-26 cnn"
    assert request.tags["sieve_assets/why"] == "neuron_ratios: beta: 1.12 → 1.9"


def test_a_week_checks_the_files_of_every_target(finished, instance):
    requests, _ = tick(finished, instance, "weekly")

    assert [one.partition_key for one in requests] == ["cnn", "vit"]
    for request in requests:
        assert request.run_config["ops"]["bring_up_to_date"]["config"] == {"check_files": True}


@pytest.mark.parametrize("name", ["nightly", "weekly"])
def test_a_request_is_one_that_its_job_can_run(copied, instance, name):
    study = copied.edited({OF_CNN: f"{OF_CNN}\nbeta = 1.1200001"})
    definitions = definitions_of(study.bench())
    request = tick(study, instance, name)[0][0]

    result = definitions.get_job_def("everything_for_a_target").execute_in_process(
        instance=instance,
        partition_key=request.partition_key,
        run_config={**request.run_config, **QUIET},
    )

    assert result.success
    assert tick(study, instance, "nightly")[1] == "Nothing is stale."


def test_a_study_file_that_is_wrong_is_the_reason_to_skip(copied, instance):
    definitions = definitions_of(copied.bench())
    copied.edited({"beta = 1.12": "bete = 1.12"})

    requests, reason = evaluated(definitions, instance, "nightly")

    assert requests == []
    assert "select.bete" in reason


@pytest.mark.parametrize("error", [WarehouseBusyError("held"), LakeLostError("away")], ids=str)
def test_a_warehouse_that_cannot_be_asked_is_the_reason_to_skip(
    finished, instance, monkeypatch, error
):
    def refuse(*_):
        raise error

    monkeypatch.setattr(DuckDBFile, "read", refuse)

    assert tick(finished, instance, "nightly") == ([], str(error))
    assert looked(finished, instance)[:2] == ([], str(error))


def test_the_first_look_requests_what_is_stale_and_the_second_nothing(copied, instance):
    study = copied.edited({OF_CNN: f"{OF_CNN}\nbeta = 1.9"})

    [request], _, cursor = looked(study, instance)
    requests, reason, _ = looked(study, instance, cursor)

    assert request.run_config["ops"]["bring_up_to_date"]["config"] == {"targets": ["cnn"]}
    assert requests == []
    assert reason == "Nothing that the study is given has changed."


def test_an_edited_study_file_is_seen_without_a_reload(copied, instance):
    sensor = definitions_of(copied.bench()).get_sensor_def("study_watch")
    with dg.build_sensor_context(instance=instance) as context:
        first = sensor.evaluate_tick(context)
    copied.edited({"beta = 1.12": "beta = 1.9"})

    with dg.build_sensor_context(instance=instance, cursor=first.cursor) as context:
        [request] = sensor.evaluate_tick(context).run_requests

    assert first.skip_message == "First look; nothing is stale."
    assert request.tags["sieve_assets/why"] == (
        "report_settings of cnn, report_settings of vit, select_settings of cnn changed"
    )


def test_changed_images_are_seen(copied, tmp_path, instance):
    study = with_own("scenes", lambda _: None)(copied, tmp_path)
    _, _, cursor = looked(study, instance)
    touch(tmp_path / "scenes")

    [request], _, _ = looked(study, instance, cursor)

    assert request.tags["sieve_assets/why"] == "probe_set of cnn, probe_set of vit changed"


def test_a_change_that_makes_nothing_stale_requests_nothing(copied, instance):
    _, _, cursor = looked(copied, instance)
    copied.edited({"[targets.cnn]": 'owners = ["team:vision"]\n[targets.cnn]'})

    requests, reason, _ = looked(copied, instance, cursor)

    assert (requests, reason) == ([], "Nothing that the study is given has changed.")


def run_everything(study, instance):
    """Materialize all of the study's partitions, and observe what it is given, in an instance."""
    job = definitions_of(study.bench()).resolve_implicit_global_asset_job_def()
    job.execute_in_process(
        instance=instance, asset_selection=[dg.AssetKey(n) for n in SOURCES], run_config=QUIET
    )
    for stage in stages_of(study.bench().study):
        first, last = ("cnn|0000", "vit|0007") if stage.is_by_neuron else ("cnn", "vit")
        tags = {
            "dagster/asset_partition_range_start": first,
            "dagster/asset_partition_range_end": last,
        }
        job.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(stage.name)],
            tags=tags,
            run_config=QUIET,
        )


def test_conditions_request_what_follows_from_one_targets_beta_once(copied, instance):
    run_everything(copied, instance)
    assets = definitions_of(copied.bench())
    settled = dg.evaluate_automation_conditions(assets, instance)
    again = dg.evaluate_automation_conditions(assets, instance, cursor=settled.cursor)
    assert again.total_requested == 0

    study = copied.edited({OF_CNN: f"{OF_CNN}\nbeta = 1.9"})
    changed = definitions_of(study.bench())
    changed.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, asset_selection=[dg.AssetKey("select_settings")], run_config=QUIET
    )
    first = dg.evaluate_automation_conditions(changed, instance, cursor=again.cursor)
    second = dg.evaluate_automation_conditions(changed, instance, cursor=first.cursor)

    assert first.get_num_requested(dg.AssetKey("neuron_ratios")) == 8
    assert first.get_num_requested(dg.AssetKey("probe_activations")) == 0
    assert second.total_requested == 0


def test_what_the_study_is_given_is_observed_once_an_hour(finished, instance):
    assets = definitions_of(finished.bench())
    at = dt.datetime(2026, 1, 1, 12, 59, tzinfo=dt.UTC)
    cursor, requested = None, []

    for minutes in (0, 1, 2, 58, 61, 62):
        result = dg.evaluate_automation_conditions(
            assets, instance, cursor=cursor, evaluation_time=at + dt.timedelta(minutes=minutes)
        )
        cursor = result.cursor
        requested.append({name: result.get_num_requested(dg.AssetKey(name)) for name in SOURCES})

    none, both = dict.fromkeys(SOURCES, 0), dict.fromkeys(SOURCES, 2)
    assert requested == [none, both, none, none, both, none]
