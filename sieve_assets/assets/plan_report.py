"""The plan as an asset with tables, and the job that makes it; `plans` makes the plan."""

from collections.abc import Sequence

import dagster as dg
import pandas as pd
from pydantic import Field

from sieve_assets.assets.plan_outcome import outcomes
from sieve_assets.assets.plans import TargetPlan, make_plans, planned_table
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import GPU_POOL
from sieve_assets.study import Study

TOLD = ("partitions", "forward passes", "pictures to draw", "bytes", "seconds")
"""Quantities of which the sum is told as a figure, which Dagster plots over time."""
PLAN_JOB = dg.define_asset_job(
    "plan",
    selection=["plan_report"],
    description="Says what a run would do before it does it: the plan is on the page of the asset "
    "plan_report. Nothing else is materialized.",
)


class PlannedTargets(dg.Config):
    """What is planned."""

    targets: list[str] = Field(default=[], description="Targets; all if none is named.")


def plan_report(study: Study) -> dg.AssetsDefinition:
    """The asset that says what a run would do."""

    @dg.asset(group_name="evaluate", kinds={"duckdb", "report"}, owners=study.owners, pool=GPU_POOL)
    def plan_report(bench: Workbench, config: PlannedTargets) -> dg.MaterializeResult:
        """What a run will do before it does it: neurons, pictures, passes, bytes, time.

        From what is stored and a short try on this machine; with what has happened since the last
        plan. `sieve plan` prints the same (docs/operating.md).
        """
        anew = bench.anew()
        unknown = sorted(set(config.targets) - set(anew.study.targets))
        if unknown:
            raise dg.Failure(
                f"expected names of targets, got {unknown}. They are {sorted(anew.study.targets)}.",
                allow_retries=False,
            )
        before = outcomes(anew, config.targets)
        plans = make_plans(anew, config.targets)
        return dg.MaterializeResult(
            metadata={
                "plan": dg.MetadataValue.md("\n\n".join(_planned(plan) for plan in plans)),
                "the last plan and what has happened since": dg.MetadataValue.md(_happened(before)),
                **_sums(plans),
            }
        )

    return plan_report


def _planned(plan: TargetPlan) -> str:
    from sieve_assets.reports.plan_tables import (  # noqa: PLC0415 (rich is slow to import)
        dagster_note,
        markdown_table,
        plan_table,
    )

    if plan.problem:
        return f"**{plan.model}** cannot be planned: {plan.problem}"
    if not plan.work:
        return f"**{plan.model}**: nothing to do"
    planned = planned_table(plan)
    notes = "\n".join(f"- {note}" for note in [*plan.notes, dagster_note(planned)])
    return f"**{plan.model}**\n\n{markdown_table(plan_table(planned))}\n\n{notes}"


def _happened(found: dict[str, pd.DataFrame]) -> str:
    from sieve_assets.reports.plan_tables import (  # noqa: PLC0415 (as above)
        markdown_table,
        outcome_table,
    )

    tables = [
        f"**{model}**\n\n{markdown_table(outcome_table(one))}" for model, one in found.items()
    ]
    return "\n\n".join(tables) or "There was no plan."


def _sums(plans: Sequence[TargetPlan]) -> dict[str, float]:
    """Totals over targets and stages, as far as they are to be expected."""
    planned = [one for plan in plans for one in plan.work]
    return {
        name: sum(one.amount.expected for one in planned if one.quantity == name) for name in TOLD
    }
