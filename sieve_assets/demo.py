"""The whole study in one command, through Dagster: every stage of every target, then a summary.

Runs are recorded in the instance of $DAGSTER_HOME, where the UI finds them with their lineage.
"""

import time
from collections import defaultdict

import dagster as dg
from rich.console import Console

from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Stage, neuron_key
from sieve_assets.definitions import definitions_of, stages_of
from sieve_assets.reports.summary import print_summary
from sieve_assets.study import Study

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
QUIET = {"loggers": {"console": {"config": {"log_level": "WARNING"}}}}


class StageError(Exception):
    """A stage failed for one target."""


def legs(study: Study) -> list[list[Stage]]:
    """The stages in order, cut where partitions change between model and (model, neuron)."""
    cut: list[list[Stage]] = []
    for stage in stages_of(study):
        if cut and cut[-1][0].is_by_neuron == stage.is_by_neuron:
            cut[-1].append(stage)
        else:
            cut.append([stage])
    return cut


def tags_of(leg: list[Stage], model: str, study: Study) -> dict[str, str]:
    """The tags that make one run of a leg cover a whole target."""
    if not leg[0].is_by_neuron:
        return {RANGE_START: model, RANGE_END: model}
    last = study.targets[model].width - 1
    return {
        RANGE_START: f"{model}|{neuron_key(0, study)}",
        RANGE_END: f"{model}|{neuron_key(last, study)}",
    }


def run() -> None:
    """Materialize every stage for every target of the study, then print what came out.

    A target that fails does not keep the others from being studied.

    Raises:
        SystemExit: A target failed; what was stored for it remains.
    """
    console, bench, started = Console(), Workbench(), time.monotonic()
    failed: dict[str, StageError] = {}
    seconds: dict[str, float] = defaultdict(float)
    with dg.DagsterInstance.get() as instance:
        for model in sorted(bench.study.targets):
            try:
                for leg in legs(bench.study):
                    console.rule(f"{model}: {', '.join(one.name for one in leg)}", align="left")
                    run_leg(leg, model, bench, instance, seconds)
            except StageError as error:
                failed[model] = error
    print_summary(console, bench.warehouse, bench.study, seconds, time.monotonic() - started)
    for model, error in failed.items():
        console.print(f"{model} failed: {error}", style="red", markup=False)
    if failed:
        raise SystemExit(1)


def run_leg(
    leg: list[Stage],
    model: str,
    bench: Workbench,
    instance: dg.DagsterInstance,
    seconds: dict[str, float],
) -> None:
    """Run one leg of a target, adding up the seconds of each stage.

    Raises:
        StageError: A stage failed; those after it did not run.
    """
    job = definitions_of(bench).resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(stage.name) for stage in leg],
        tags=tags_of(leg, model, bench.study),
        run_config=QUIET,
        raise_on_error=False,
    )
    for stats in instance.get_run_step_stats(result.run_id):
        seconds[stats.step_key] += (stats.end_time or 0) - (stats.start_time or 0)
    for failure in result.get_step_failure_events()[:1]:
        error = failure.step_failure_data.error
        cause = (error and error.cause) or error
        raise StageError(f"{failure.step_key}: {cause.message.strip() if cause else 'failed'}")
