"""The code location: stages and what they are given, jobs, schedules, sensors. No logic."""

import dagster as dg

from sieve_assets.assets.automation import keep_up_to_date, schedules, watch
from sieve_assets.assets.jobs import jobs
from sieve_assets.assets.pipeline import stages_of
from sieve_assets.assets.plan_report import PLAN_JOB, plan_report
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.sources import SOURCES
from sieve_assets.assets.stale_report import stale_report


def definitions_of(bench: Workbench) -> dg.Definitions:
    """The definitions of one study.

    Raises:
        StudyError: The study file is missing or wrong.
    """
    offered = {job.name: job for job in jobs(bench.study)}
    return dg.Definitions(
        assets=[
            *(stage.asset(bench.study) for stage in stages_of(bench.study)),
            *(source.asset(bench.study) for source in SOURCES.values()),
            stale_report(bench.study),
            plan_report(bench.study),
        ],
        jobs=[*offered.values(), PLAN_JOB],
        schedules=schedules(bench, offered["everything_for_a_target"]),
        sensors=[watch(bench, offered["recompute_stale"]), keep_up_to_date()],
        resources={"bench": bench},
        executor=dg.in_process_executor,
    )


defs = definitions_of(Workbench())
