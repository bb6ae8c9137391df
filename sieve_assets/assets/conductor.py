"""Brings a study up to date through Dagster: launches what is stale, leg by leg, and nothing else.

Used by `sieve demo` and by the jobs of the code location.
"""

import os
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import dagster as dg

from sieve_assets.assets.lineage import lineages
from sieve_assets.assets.partitions import OF_A_MODEL, Share, neuron_key, stretches
from sieve_assets.assets.pipeline import stages_of
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.sources import SOURCES
from sieve_assets.assets.stages import Stage
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


OF_SOME_NEURONS = {"NeuronFailuresError", "LeftOutError"}
"""Failures of single neurons, which what follows leaves out."""


class StageError(Exception):
    """A stage failed for one target."""


class SomeNeuronsError(StageError):
    """A stage failed for some of a target's neurons; the others can go on."""


def legs(study: Study) -> list[list[Stage]]:
    """The stages in order, cut where partitions change between model and (model, neuron)."""
    cut: list[list[Stage]] = []
    for stage in stages_of(study):
        if cut and cut[-1][0].is_by_neuron == stage.is_by_neuron:
            cut[-1].append(stage)
        else:
            cut.append([stage])
    return cut


def tags_of(
    leg: Sequence[Stage], model: str, neurons: Sequence[int], study: Study
) -> dict[str, str]:
    """The tags that make one run of a leg cover a target's neurons, from the first to the last."""
    if not leg[0].is_by_neuron:
        return {RANGE_START: model, RANGE_END: model}
    first, last = (f"{model}|{neuron_key(neurons[end], study)}" for end in (0, -1))
    return {RANGE_START: first, RANGE_END: last}


def asset_job(bench: Workbench) -> dg.JobDefinition:
    """The job of all assets of the study, for runs in this process."""
    return dg.Definitions(
        assets=[
            *(stage.asset(bench.study) for stage in stages_of(bench.study)),
            *(source.asset(bench.study) for source in SOURCES.values()),
        ],
        # As it is: its models stay loaded from run to run, and the study is that of the first.
        resources={"bench": dg.ResourceDefinition.hardcoded_resource(bench)},
        executor=dg.in_process_executor,
    ).resolve_implicit_global_asset_job_def()


def stale_by_stage(bench: Workbench, stages: Iterable[Stage], share: Share) -> dict[str, list[int]]:
    """For which of the share's neurons each stage must run, if the stages before these need not.

    Args:
        bench: The stores, and what the study says now.
        stages: In order; all by neuron, or all by model.
        share: A target and neurons of it.
    """
    redone: dict[str, list[int]] = {}
    for lineage in lineages(bench, [(stage, share) for stage in stages]):
        stage = lineage.stage
        before = {neuron for one in stage.ancestors() for neuron in redone.get(one.name, [])}
        failed = {neuron for name, neuron in lineage.failures if name == stage.name}
        redone[stage.name] = [
            n for n in share.neurons if n in before | failed or lineage.change(stage, n)
        ]
    return redone


@dataclass
class Conductor:
    """Runs what is stale, through Dagster.

    Attributes:
        bench: The study and its stores.
        instance: Where runs are recorded.
        say: What is told of each leg: its heading, and whether it is up to date.
        tags: More tags of the runs.
        seconds: Time by stage so far (s).
    """

    bench: Workbench
    instance: dg.DagsterInstance
    say: Callable[[str, bool], None]
    tags: Mapping[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def run(self, models: Sequence[str] = (), neurons: Sequence[int] = ()) -> dict[str, StageError]:
        """Bring targets up to date; one that fails does not keep the others from it.

        Args:
            models: Targets; all if none is named.
            neurons: Channels of these targets; all if none is named.

        Returns:
            What failed, by target.
        """
        failed: dict[str, StageError] = {}
        for model in models or sorted(self.bench.study.targets):
            for leg in legs(self.bench.study):
                try:
                    self.run_leg(leg, model, neurons)
                except SomeNeuronsError as error:
                    failed.setdefault(model, error)
                except StageError as error:
                    failed[model] = error
                    break
        return failed

    def run_leg(self, leg: Sequence[Stage], model: str, neurons: Sequence[int] = ()) -> None:
        """Run what is stale of one leg of a target; nothing if nothing is.

        Raises:
            SomeNeuronsError: A stage failed for some neurons; the others have run.
            StageError: A stage failed; those after it did not run.
        """
        stages, stale = self.stale_part(leg, model, neurons)
        self.say(f"{model}: {', '.join(one.name for one in stages or leg)}", not stages)
        first, n_lost = None, 0
        for stretch in stretches(stale) if stages else []:
            error = self._run(stages, model, stretch)
            if error and not isinstance(error, SomeNeuronsError):
                raise error
            first, n_lost = first or error, n_lost + len(stretch) * bool(error)
        if first:
            are_others = leg[0].is_by_neuron and n_lost < self.bench.study.targets[model].width
            raise first if are_others else StageError(str(first))

    def _run(
        self, stages: Sequence[Stage], model: str, neurons: Sequence[int]
    ) -> StageError | None:
        """One run of stages over neurons that follow each other; how it failed, if it did."""
        result = self._job.execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(stage.name) for stage in stages],
            tags={
                **tags_of(stages, model, neurons, self.bench.study),
                PROCESS: this_process(),
                **self.tags,
            },
            run_config=QUIET,
            raise_on_error=False,
        )
        for stats in self.instance.get_run_step_stats(result.run_id):
            self.seconds[stats.step_key] += (stats.end_time or 0) - (stats.start_time or 0)
        for failure in result.get_step_failure_events()[:1]:
            error = failure.step_failure_data.error
            while error and error.cause:
                error = error.cause
            message = error.message.strip() if error else "failed"
            kind = SomeNeuronsError if error and error.cls_name in OF_SOME_NEURONS else StageError
            return kind(f"{failure.step_key}: {message}")
        return None

    @cached_property
    def _job(self) -> dg.JobDefinition:
        return asset_job(self.bench)

    def stale_part(
        self, leg: Sequence[Stage], model: str, neurons: Sequence[int] = ()
    ) -> tuple[list[Stage], list[int]]:
        """The stages of a leg that must run for a target, and the neurons that need one of them.

        Raises:
            StageError: The study names something that is not there.
        """
        every = range(self.bench.study.targets[model].width)
        wanted = [neuron for neuron in every if not neurons or neuron in neurons]
        share = Share(model, wanted if leg[0].is_by_neuron else [OF_A_MODEL], [])
        try:
            stale = stale_by_stage(self.bench, leg, share)
        except (LookupError, ValueError, OSError) as error:
            raise StageError(f"{leg[0].name}: {error}") from error
        stages = [stage for stage in leg if stale[stage.name]]
        return stages, sorted({neuron for some in stale.values() for neuron in some})


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
