"""The whole study in one command, through Dagster: every stage of every target, then a summary.

Runs are recorded in the instance of $DAGSTER_HOME, or else one beside the results, where the UI
finds them with their lineage.
"""

import os
import shutil
import time
from pathlib import Path

import dagster as dg
from rich.console import Console

from sieve_assets.assets.conductor import Conductor, close_abandoned_runs
from sieve_assets.assets.plan_outcome import outcomes
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.staleness import FAILED, find_stale
from sieve_assets.reports.plan_tables import is_open, print_outcome
from sieve_assets.reports.summary import print_summary

SETTINGS = Path(__file__).with_name("dagster.yaml")


def run() -> None:
    """Bring every stage of every target of the study up to date, then print what came out.

    Nothing is launched for what is as it would be made now. A target that fails does not keep the
    others from being studied, nor a neuron its neighbours.

    Raises:
        SystemExit: Something failed; what was stored remains.
    """
    console, bench, started = Console(), Workbench(), time.monotonic()
    dagster_home(bench)

    def say(heading: str, is_up_to_date: bool) -> None:  # noqa: FBT001 (as the conductor calls it)
        console.rule(heading, align="left")
        if is_up_to_date:
            console.print("up to date")

    with dg.DagsterInstance.get() as instance:
        close_abandoned_runs(instance)
        if bench.mend().damaged:
            console.print("Damaged files were found; they are made again.", style="yellow")
        planned = {model for model, one in outcomes(bench).items() if is_open(one)}
        conductor = Conductor(bench, instance, say)
        failed = conductor.run()
    total_s = time.monotonic() - started
    print_summary(console, bench.warehouse, bench.study, conductor.seconds, total_s)
    console.print(
        "Look at the neurons: make atlas (sieve atlas, for a study of your own). Look at stages "
        "and runs in the Dagster UI, http://127.0.0.1:3000: make ui (sieve ui).",
        soft_wrap=True,
        markup=False,
    )
    for model, happened in outcomes(bench, sorted(planned)).items() if planned else ():
        print_outcome(console, model, happened)
    reasons = [f"{model} failed: {error}" for model, error in failed.items()]
    reasons += [
        f"{one.model}, neuron {neuron} failed in {one.stage}: {one.why}"
        for one in find_stale(bench)
        if one.state == FAILED
        for neuron in one.neurons
    ]
    for reason in reasons:
        console.print(reason, style="red", markup=False)
    if reasons:
        raise SystemExit(1)


def dagster_home(bench: Workbench) -> Path:
    """The folder in which Dagster records runs: made with our settings, and told to Dagster.

    Args:
        bench: Says where the results are, beside which it is unless $DAGSTER_HOME names another.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or bench.folder / "dagster_home").absolute()
    home.mkdir(parents=True, exist_ok=True)
    if not (home / SETTINGS.name).exists():
        shutil.copyfile(SETTINGS, home / SETTINGS.name)
    os.environ["DAGSTER_HOME"] = str(home)
    return home
