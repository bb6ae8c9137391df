"""The whole study in one command, through Dagster: every stage of every target, then a summary.

Runs are recorded in the instance of $DAGSTER_HOME, where the UI finds them with their lineage.
"""

import os
import socket
import time
from collections import defaultdict
from dataclasses import dataclass, field

import dagster as dg
from rich.console import Console

from sieve_assets.assets.lineage import stale_by_stage
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import OF_A_MODEL, Share, Stage, neuron_key
from sieve_assets.definitions import definitions_of, stages_of
from sieve_assets.reports.summary import print_summary
from sieve_assets.study import Study

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
PROCESS = "sieve_assets/process"
QUIET = {"loggers": {"console": {"config": {"log_level": "WARNING"}}}}


UNFINISHED = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
"""Where a run of ours can be when its process is killed: it is recorded before it starts."""


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


def tags_of(leg: list[Stage], model: str, neurons: list[int], study: Study) -> dict[str, str]:
    """The tags that make one run of a leg cover a target's neurons, from the first to the last."""
    if not leg[0].is_by_neuron:
        return {RANGE_START: model, RANGE_END: model}
    first, last = (f"{model}|{neuron_key(neurons[end], study)}" for end in (0, -1))
    return {RANGE_START: first, RANGE_END: last}


@dataclass
class Conductor:
    """Runs what is stale, through Dagster.

    Attributes:
        bench: The study and its stores.
        instance: Where runs are recorded.
        console: What is told.
        seconds: Time by stage so far (s).
    """

    bench: Workbench
    instance: dg.DagsterInstance
    console: Console
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def run_leg(self, leg: list[Stage], model: str) -> None:
        """Run what is stale of one leg of a target; nothing if nothing is.

        Raises:
            StageError: A stage failed; those after it did not run.
        """
        stages, neurons = self.stale_part(leg, model)
        self.console.rule(f"{model}: {', '.join(one.name for one in stages or leg)}", align="left")
        if not stages:
            self.console.print("up to date")
            return
        job = definitions_of(self.bench).resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(stage.name) for stage in stages],
            tags=tags_of(leg, model, neurons, self.bench.study) | {PROCESS: this_process()},
            run_config=QUIET,
            raise_on_error=False,
        )
        for stats in self.instance.get_run_step_stats(result.run_id):
            self.seconds[stats.step_key] += (stats.end_time or 0) - (stats.start_time or 0)
        for failure in result.get_step_failure_events()[:1]:
            error = failure.step_failure_data.error
            cause = (error and error.cause) or error
            raise StageError(f"{failure.step_key}: {cause.message.strip() if cause else 'failed'}")

    def stale_part(self, leg: list[Stage], model: str) -> tuple[list[Stage], list[int]]:
        """The stages of a leg that must run for a target, and the neurons that need one of them.

        Raises:
            StageError: The study names something that is not there.
        """
        width = self.bench.study.targets[model].width
        neurons = list(range(width)) if leg[0].is_by_neuron else [OF_A_MODEL]
        try:
            stale = stale_by_stage(self.bench, leg, Share(model, neurons, []))
        except (LookupError, ValueError, OSError) as error:
            raise StageError(f"{leg[0].name}: {error}") from error
        stages = [stage for stage in leg if stale[stage.name]]
        return stages, sorted({neuron for some in stale.values() for neuron in some})


def run() -> None:
    """Bring every stage of every target of the study up to date, then print what came out.

    Nothing is launched for what is as it would be made now. A target that fails does not keep the
    others from being studied.

    Raises:
        SystemExit: A target failed; what was stored for it remains.
    """
    console, bench, started = Console(), Workbench(), time.monotonic()
    failed: dict[str, StageError] = {}
    with dg.DagsterInstance.get() as instance:
        close_abandoned_runs(instance)
        if bench.mend().damaged:
            console.print("Damaged files were found; they are made again.", style="yellow")
        conductor = Conductor(bench, instance, console)
        for model in sorted(bench.study.targets):
            try:
                for leg in legs(bench.study):
                    conductor.run_leg(leg, model)
            except StageError as error:
                failed[model] = error
    total_s = time.monotonic() - started
    print_summary(console, bench.warehouse, bench.study, conductor.seconds, total_s)
    for model, error in failed.items():
        console.print(f"{model} failed: {error}", style="red", markup=False)
    if failed:
        raise SystemExit(1)


def this_process() -> str:
    """The machine and process that runs: what tells a run at work from one that was killed."""
    return f"{socket.gethostname()}:{os.getpid()}"


def close_abandoned_runs(instance: dg.DagsterInstance) -> None:
    """Mark as failed the runs of earlier commands on this machine whose process is gone."""
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=UNFINISHED)):
        host, _, process = run.tags.get(PROCESS, "").rpartition(":")
        if host == socket.gethostname() and not _is_alive(int(process)):
            instance.report_run_failed(run, "Its process ended without a word: it was killed.")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        return True
    return True
