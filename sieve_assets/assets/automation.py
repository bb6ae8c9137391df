"""What happens by itself: schedules, a sensor that watches what a study is given, automation.

All of it is off until someone turns it on. Not here: what runs then (see `jobs`).
"""

import json
from collections.abc import Mapping
from typing import Any

import dagster as dg

from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.sources import SOURCES
from sieve_assets.assets.staleness import FOLLOWS, UNKNOWN, Finding, find_stale
from sieve_assets.settings_hash import settings_hash
from sieve_assets.stores.connections import LakeLostError, WarehouseBusyError
from sieve_assets.study_problems import StudyError

NIGHTLY, WEEKLY = "0 2 * * *", "0 5 * * 0"
LOOK_EVERY_S = 60
LONGEST_TAG = 250
"""Characters; Dagster shows tags in a line."""
OFF_SENSOR = dg.DefaultSensorStatus.STOPPED
OFF_SCHEDULE = dg.DefaultScheduleStatus.STOPPED


def schedules(bench: Workbench, job: dg.JobDefinition) -> list[dg.ScheduleDefinition]:
    """Recompute what is stale every night; every week also check every stored file.

    Args:
        bench: What the code location works with.
        job: Brings one target, its partition, up to date.
    """

    def schedule(name: str, cron: str, what: str, *, check_files: bool) -> dg.ScheduleDefinition:
        @dg.schedule(
            name=name,
            job=job,
            cron_schedule=cron,
            default_status=OFF_SCHEDULE,
            description=what,
        )
        def requests(context: dg.ScheduleEvaluationContext) -> Any:
            return _requests(context, bench.anew(), check_files=check_files)

        return requests

    each_night = "Every night, a run for each target of which something is stale."
    each_week = (
        "Every week, a run for each target that compares every stored file with its hash first and "
        "makes again what is damaged or stale."
    )
    return [
        schedule("nightly", NIGHTLY, each_night, check_files=False),
        schedule("weekly", WEEKLY, each_week, check_files=True),
    ]


def _requests(
    context: dg.ScheduleEvaluationContext, bench: Workbench, *, check_files: bool
) -> dg.SkipReason | list[dg.RunRequest]:
    """A run for each target of which something is stale; for each at all if files are checked."""
    try:
        stale = targets_of(find_stale(bench))
        targets = sorted(bench.study.targets) if check_files else sorted(stale)
    except (StudyError, WarehouseBusyError, LakeLostError) as error:
        return dg.SkipReason(str(error))
    if not targets:
        return dg.SkipReason("Nothing is stale.")
    day = context.scheduled_execution_time.date().isoformat()
    config = {"ops": {"bring_up_to_date": {"config": {"check_files": check_files}}}}
    return [
        dg.RunRequest(
            run_key=f"{day} {model}",
            partition_key=model,
            run_config=config,
            tags={"sieve_assets/why": _told(stale.get(model, []))},
        )
        for model in targets
    ]


def watch(bench: Workbench, job: dg.JobDefinition) -> dg.SensorDefinition:
    """Recompute what is stale once something that the study is given has changed.

    Args:
        bench: What the code location works with.
        job: Brings targets up to date.
    """

    @dg.sensor(
        name="study_watch",
        job=job,
        minimum_interval_seconds=LOOK_EVERY_S,
        default_status=OFF_SENSOR,
        description="Looks at the study file, probe sets, concept set and weights; when one has "
        "changed, requests one run of what is stale.",
    )
    def study_watch(context: dg.SensorEvaluationContext) -> Any:
        now = bench.anew()
        try:
            versions = given(now)
        except (StudyError, LookupError, ValueError, OSError) as error:
            return dg.SkipReason(str(error))
        before = json.loads(context.cursor) if context.cursor else {}
        changed = sorted(
            name for name in versions | before if versions.get(name) != before.get(name)
        )
        if not changed:
            return dg.SkipReason("Nothing that the study is given has changed.")
        try:
            stale = targets_of(find_stale(now))
        except (WarehouseBusyError, LakeLostError) as error:
            return dg.SkipReason(str(error))
        context.update_cursor(json.dumps(versions))
        what = f"{', '.join(changed)} changed" if before else "First look"
        if not stale:
            return dg.SkipReason(f"{what}; nothing is stale.")
        return dg.RunRequest(
            run_key=settings_hash(versions),
            run_config={"ops": {"bring_up_to_date": {"config": {"targets": sorted(stale)}}}},
            tags={"sieve_assets/why": what[:LONGEST_TAG]},
        )

    return study_watch


def given(bench: Workbench) -> dict[str, str]:
    """The version of everything that the study is given, by name and target.

    Raises:
        StudyError: The study file is wrong.
        LookupError: A file that it names is gone.
    """
    targets = sorted(bench.study.targets)
    return {
        f"{source.name} of {model}": source.version(bench, model)[:16]
        for source in SOURCES.values()
        for model in targets
    }


def targets_of(findings: list[Finding]) -> Mapping[str, list[Finding]]:
    """The findings that a run can mend, by target."""
    found: dict[str, list[Finding]] = {}
    for one in findings:
        if one.state not in {UNKNOWN, FOLLOWS}:
            found.setdefault(one.model, []).append(one)
    return found


def _told(findings: list[Finding]) -> str:
    """Why a target is run, short enough for a tag."""
    told = "; ".join(f"{one.stage}: {one.why}" for one in findings) or "files are checked"
    return told if len(told) <= LONGEST_TAG else f"{told[: LONGEST_TAG - 1]}…"


def keep_up_to_date() -> dg.AutomationConditionSensorDefinition:
    """Dagster's own automation: evaluates every asset's condition, once it is turned on."""
    return dg.AutomationConditionSensorDefinition(
        "keep_up_to_date",
        target=dg.AssetSelection.all(),
        default_status=OFF_SENSOR,
        minimum_interval_seconds=LOOK_EVERY_S,
        description="Runs partitions that are missing, or of which an input has another version.",
    )
