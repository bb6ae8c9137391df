"""The plan as Dagster shows it."""

import dagster as dg
import pytest

from sieve_assets.definitions import definitions_of
from sieve_assets_tests.studies import LAST, QUIET


def launched(study, **config):
    """What the job `plan` says of its asset."""
    job = definitions_of(study.bench()).get_job_def("plan")
    run_config = {"ops": {"plan_report": {"config": config}}, **QUIET}
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, run_config=run_config)
    [event] = result.asset_materializations_for_node("plan_report")
    return event.metadata


def test_the_job_shows_the_plan_and_then_what_has_happened(copied):
    study = copied.edited({"n_images = 3": "n_images = 4"})
    before = len(study.table("pictures"))

    first = launched(study, targets=["cnn"])

    assert first["the last plan and what has happened since"].value == "There was no plan."
    assert "**cnn**" in first["plan"].value
    assert "**vit**" not in first["plan"].value
    assert "| generated_image_sets | 6 |" in first["plan"].value
    study.of_model("cnn", "reference_pictures")
    n_of_references = len(study.table("pictures")) - before
    study.of_model("cnn", "generated_image_sets", "activation_rates", "evidence")
    n_drawn = len(study.table("pictures")) - before
    study.of_model("cnn", *LAST)
    n_of_all = len(study.table("pictures")) - before
    assert first["pictures to draw"].value == n_of_all > n_drawn > n_of_references > 0
    last = launched(study, targets=["cnn"])
    others = n_drawn - n_of_references
    row = f"| generated_image_sets | pictures to draw | {others} | {others} |"
    assert row in last["the last plan and what has happened since"].value
    assert last["plan"].value == "**cnn**: nothing to do"
    assert last["pictures to draw"].value == 0


def test_a_target_that_cannot_be_planned_is_told(empty):
    study = empty.edited({'layer = "layer4"': 'layer = "layer9"'})

    assert (
        "**cnn** cannot be planned: target cnn:" in launched(study, targets=["cnn"])["plan"].value
    )


def test_an_unknown_target_is_refused_by_name(copied):
    with pytest.raises(dg.Failure, match=r"got \['cmm'\]\. They are \['cnn', 'vit'\]"):
        launched(copied, targets=["cmm"])
