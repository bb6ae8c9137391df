"""The jobs of the code location, by what people want. Not here: what they run (see `conductor`)."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from sieve_assets.assets.conductor import Conductor, close_abandoned_runs
from sieve_assets.assets.partitions import by_model
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import GPU_POOL
from sieve_assets.study import Study
from sieve_assets.study_edits import edit_study

REQUESTED_BY = "sieve_assets/requested_by"
"""Tag of the runs that a job launches: the job's run."""


class Update(dg.Config):
    """What is brought up to date."""

    targets: list[str] = Field(default=[], description="Targets; all if none is named.")
    neurons: list[int] = Field(
        default=[], description="Channels of these targets, scattered or not; all if none is named."
    )
    check_files: bool = Field(
        default=False,
        description="Compare every stored file with its hash first; what is damaged is made again.",
    )


class MorePictures(dg.Config):
    """What is verified again."""

    n_images: int = Field(description="Pictures a concept; written into the study file.")
    targets: list[str] = Field(default=[], description="Targets; all if none is named.")


class OtherConcepts(dg.Config):
    """What is hypothesized again."""

    file: str = Field(
        description="The concept set, relative to the study file; written into the study file."
    )
    targets: list[str] = Field(default=[], description="Targets; all if none is named.")


@dg.op(description="Finds what is stale and runs it, stage by stage; nothing else.", pool=GPU_POOL)
def bring_up_to_date(context: dg.OpExecutionContext, bench: Workbench, config: Update) -> None:
    """Recompute what is stale of the targets and neurons that are named, or of the partition's.

    Raises:
        Failure: A stage failed for a target; the others have run.
    """
    models = [context.partition_key] if context.has_partition_key else config.targets
    if config.check_files:
        context.log.info("%d stored files were damaged or gone", len(bench.mend().damaged))
    _conduct(context, bench, models, config.neurons)


@dg.op(
    description="Writes the number of pictures into the study file, then verifies again.",
    pool=GPU_POOL,
)
def verify_with_more_pictures(
    context: dg.OpExecutionContext, bench: Workbench, config: MorePictures
) -> None:
    """Draw only the pictures that are new, and judge every name by all of them."""
    bench = _with_edited_study(context, bench, {"generator.n_images": config.n_images})
    _conduct(context, bench, config.targets)


@dg.op(
    description="Writes the concept set into the study file, then names the clusters again.",
    pool=GPU_POOL,
)
def name_from_other_concepts(
    context: dg.OpExecutionContext, bench: Workbench, config: OtherConcepts
) -> None:
    """Name the clusters that there are from another concept set, and verify the new names."""
    bench = _with_edited_study(context, bench, {"concepts.file": config.file})
    _conduct(context, bench, config.targets)


def jobs(study: Study) -> list[dg.JobDefinition]:
    """Everything the code location offers to launch by name."""
    return [
        dg.GraphDefinition(name="recompute_stale", node_defs=[bring_up_to_date]).to_job(
            description="Recomputes what is stale, of all targets or of those named; or a list of "
            "scattered neurons. What is up to date is left alone.",
        ),
        dg.GraphDefinition(name="everything_for_a_target", node_defs=[bring_up_to_date]).to_job(
            description="Brings every stage of a target (the partition) up to date.",
            partitions_def=by_model(study),
        ),
        dg.GraphDefinition(name="verify_again", node_defs=[verify_with_more_pictures]).to_job(
            description="Verifies again with more pictures a concept; only the new ones are drawn.",
        ),
        dg.GraphDefinition(name="hypothesize_again", node_defs=[name_from_other_concepts]).to_job(
            description="Names the clusters again from another concept set; crops and clusters "
            "stay as they are.",
        ),
    ]


def _with_edited_study(
    context: dg.OpExecutionContext, bench: Workbench, values: dict[str, Any]
) -> Workbench:
    """Write values into the study file; the workbench that has read them."""
    edit_study(bench.study_path, values)
    context.log.info("%s now says %s", bench.study_path, values)
    return bench.anew()


def _conduct(
    context: dg.OpExecutionContext,
    bench: Workbench,
    models: Sequence[str],
    neurons: Sequence[int] = (),
) -> None:
    unknown = sorted(set(models) - set(bench.study.targets))
    if unknown:
        raise dg.Failure(
            f"expected names of targets, got {unknown}. They are {sorted(bench.study.targets)}.",
            allow_retries=False,
        )
    close_abandoned_runs(context.instance)
    conductor = Conductor(
        bench,
        context.instance,
        lambda heading, is_fresh: context.log.info(
            "%s%s", heading, ": up to date" if is_fresh else ""
        ),
        tags={REQUESTED_BY: context.run_id},
    )
    failed = conductor.run(models, neurons)
    if failed:
        told = "; ".join(f"{model}: {error}" for model, error in failed.items())
        raise dg.Failure(f"{told}. What was stored remains.", allow_retries=False)
