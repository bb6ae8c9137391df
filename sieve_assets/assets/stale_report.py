"""The report of what is stale, as an asset with a table and a check; `staleness` makes it."""

import datetime as dt

import dagster as dg

from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.staleness import FOLLOWS, STATES, find_stale, stale_table
from sieve_assets.study import Study

NOTHING_STALE = dg.AssetCheckSpec(
    "nothing_stale",
    asset="stale_report",
    description="Everything stored is as it would be made now.",
)
LOOK_AGAIN = dg.FreshnessPolicy.time_window(fail_window=dt.timedelta(days=8))
"""The report is about a moment, so an old one says little."""
MOST_ROWS = 60
"""Rows of the table in the event log; `sieve stale` prints all."""


def stale_report(study: Study) -> dg.AssetsDefinition:
    """The asset that says what is stale."""

    @dg.asset(
        group_name="evaluate",
        kinds={"duckdb", "report"},
        owners=study.owners,
        check_specs=[NOTHING_STALE],
        freshness_policy=LOOK_AGAIN,
    )
    def stale_report(bench: Workbench) -> dg.MaterializeResult:
        """What is stale now, by target, stage and neuron, and why: from the warehouse.

        Dagster's own marks know less (docs/operating.md). The job `recompute_stale` mends it.
        """
        findings = find_stale(bench.anew())
        table = stale_table(findings)
        counts = {state: sum(one.state == state for one in findings) for state in STATES}
        certain = [one for one in findings if one.state != FOLLOWS]
        return dg.MaterializeResult(
            metadata={
                "what is stale": dg.MetadataValue.table(
                    [dg.TableRecord(row) for row in table.head(MOST_ROWS).to_dict("records")],
                    dg.TableSchema.from_name_type_dict(
                        {"target": "string", "stage": "string", "state": "string"}
                        | {"neurons": "string", "count": "int", "why": "string"}
                    ),
                ),
                "rows in all": len(table),
                **{f"stages: {STATES[state]}": count for state, count in counts.items()},
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=NOTHING_STALE.name,
                    passed=not certain,
                    severity=dg.AssetCheckSeverity.WARN,
                    description="; ".join(
                        f"{one.model} {one.stage}: {one.why}" for one in certain[:3]
                    )
                    or None,
                )
            ],
        )

    return stale_report
