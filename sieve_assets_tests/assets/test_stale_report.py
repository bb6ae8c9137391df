"""The report of what is stale, as Dagster shows it."""

import dagster as dg

from sieve_assets.definitions import definitions_of
from sieve_assets_tests.studies import OF_CNN, QUIET


def reported(study):
    job = definitions_of(study.bench()).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey("stale_report")], run_config=QUIET
        )
    [event] = result.asset_materializations_for_node("stale_report")
    [check] = result.get_asset_check_evaluations()
    return event.metadata, check


def test_nothing_stale_is_said_and_passes(finished):
    metadata, check = reported(finished)

    assert metadata["rows in all"].value == 0
    assert metadata["what is stale"].records == []
    assert check.passed


def test_what_is_stale_is_a_table_and_a_warning(copied):
    study = copied.edited({OF_CNN: f"{OF_CNN}\nbeta = 1.9"})

    metadata, check = reported(study)

    first = metadata["what is stale"].records[0].data
    assert first == {
        "target": "cnn",
        "stage": "neuron_ratios",
        "state": "stale",
        "neurons": "0-5",
        "count": 6,
        "why": "beta: 1.12 → 1.9",
    }
    assert metadata["rows in all"].value == 14
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert check.description == "cnn neuron_ratios: beta: 1.12 → 1.9"
