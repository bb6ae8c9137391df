"""Plans: what a run will do for each target, made before it is done and kept to be compared.

Not here: how much work there is (see `planner`), and what happened (see `plan_outcome`).
"""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sieve_assets.assets.outlook import Outlook
from sieve_assets.assets.plan_outcome import scenes_so_far
from sieve_assets.assets.planner import Planned, Planner
from sieve_assets.assets.quantities import Shared
from sieve_assets.assets.rehearsal import Rehearsal, scratch_bench
from sieve_assets.assets.resources import Workbench
from sieve_assets.stores.warehouse import Replacement


class TargetPlan(NamedTuple):
    """What is planned for a target."""

    model: str
    work: list[Planned]
    """Empty if there is nothing to do."""
    notes: list[str]
    """Where estimates come from."""
    problem: str = ""
    """Why it cannot be planned; empty if it could."""


def make_plans(bench: Workbench, models: Sequence[str] = ()) -> list[TargetPlan]:
    """Plan what is not up to date, after a short try of what is to run, and store the plan.

    Args:
        bench: The study and its stores.
        models: Targets; all if none is named.

    Returns:
        A plan for each; one that cannot be planned does not keep the others from it.
    """
    plans, shared = [], Shared()
    with tempfile.TemporaryDirectory(prefix="sieve-plan-") as scratch:
        tried = scratch_bench(bench, Path(scratch))
        for model in models or sorted(bench.study.targets):
            one = Planner(Outlook(bench, model), Rehearsal(tried, bench, model), shared)
            try:
                plans.append(TargetPlan(model, list(one.plan()), one.expected.notes))
            except (LookupError, ValueError, OSError) as error:
                plans.append(TargetPlan(model, [], [], " ".join(str(error).split())))
    _store(bench, [plan for plan in plans if plan.work])
    return plans


def planned_table(plan: TargetPlan) -> pd.DataFrame:
    """A plan's rows: stage, quantity, expected, most, basis."""
    rows = [
        {"stage": one.stage, "quantity": one.quantity, **one.amount._asdict()} for one in plan.work
    ]
    return pd.DataFrame(rows, columns=["stage", "quantity", "expected", "most", "basis"])


def _store(bench: Workbench, plans: Sequence[TargetPlan]) -> None:
    if not plans:
        return
    made_at = datetime.now(UTC).replace(tzinfo=None)
    heads = [
        {
            "model": plan.model,
            "made_at": made_at,
            "n_scenes_before": scenes_so_far(bench, plan.model),
        }
        for plan in plans
    ]
    tables = [planned_table(plan) for plan in plans]
    rows = pd.concat(
        [
            table.assign(model=plan.model, made_at=made_at, place=np.arange(len(table)))
            for plan, table in zip(plans, tables, strict=True)
        ]
    )
    scope = pd.DataFrame({"model": [plan.model for plan in plans], "made_at": made_at})
    bench.warehouse.replace(
        Replacement("plans", pd.DataFrame(heads), scope),
        Replacement("planned_work", rows, scope),
    )
