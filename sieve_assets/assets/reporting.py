"""What Dagster is told of each partition: its facts and pictures, and the outcome of its checks.

Not here: what is computed and stored.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.lineage import Lineage
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import LINEAGE, OF_A_MODEL, Check, Share, Stage
from sieve_assets.stores.warehouse import Replacement

Facts = Mapping[str, Any]
STATUS = {
    "selected": "selected: a clear preference",
    "low_contrast": "not selected: no clear preference",
    "dead": "not selected: constant on the probe images",
}
"""What `neuron_ratios` says, in words; which names survive is only known by target."""
DIGITS = 4
"""Significant digits of a number that is told; the tables have all."""


@dataclass(frozen=True)
class _Report:
    context: dg.AssetExecutionContext
    bench: Workbench
    stage: Stage
    share: Share


def report(
    context: dg.AssetExecutionContext,
    bench: Workbench,
    stage: Stage,
    share: Share,
    *,
    left_out: Mapping[int, str],
    failed: Mapping[int, str],
) -> None:
    """Tell Dagster what is stored of a share, check it, and note what cannot be relied on.

    Args:
        context: Of the run.
        bench: The stores.
        stage: The stage that has run.
        share: What it was to do for a target.
        left_out: Neurons that it left out since a stage before had failed, with the reason.
        failed: Neurons for which it failed itself, with the reason.
    """
    told = _Report(context, bench, stage, share)
    lineage = Lineage(bench, stage, share)
    problems = {LINEAGE.name: {**_not_as_noted(told, lineage), **left_out, **failed}}
    problems |= {check.name: dict(check.find(bench, share)) for check in stage.checks}
    facts = _facts(told, lineage)
    for neuron, key in zip(share.neurons, share.keys, strict=True):
        reason = failed.get(neuron) or left_out.get(neuron)
        state = {"status": "failed" if neuron in failed else "left out", "reason": reason}
        context.add_asset_metadata(state if reason else facts[neuron], partition_key=key)
        for check in (LINEAGE, *stage.checks):
            context.log_event(_evaluation(stage, check, key, problems[check.name].get(neuron)))  # pyright: ignore[reportArgumentType] (it takes any event)
    blocking = [problems[one.name] for one in stage.checks if one.is_blocking]
    _note_failures(told, {**_joined(blocking), **failed}, set(left_out))
    for neuron, reason in failed.items():
        context.log.error("%s, neuron %d: %s", share.model, neuron, reason)


def _facts(told: _Report, lineage: Lineage) -> dict[int, Facts]:
    """Metadata of every partition of the share, by neuron."""
    stage, share = told.stage, told.share
    found = _asked(told) if stage.facts else pd.DataFrame()
    facts = {int(row["neuron"]): _readable(row) for row in found.to_dict("records")}
    pictures = {} if stage.pictures is None else stage.pictures(told.bench, share)
    status = stage.recipe(told.bench, share.model).status
    return {
        neuron: {
            **_of_note(lineage, stage, neuron),
            **facts.get(neuron, {}),
            **({"status": status} if status else {}),
            **{name: dg.MetadataValue.md(md) for name, md in pictures.get(neuron, {}).items()},
        }
        for neuron in share.neurons
    }


def _asked(told: _Report) -> pd.DataFrame:
    """The answer to the stage's question for facts, which need not name every parameter."""
    share = told.share
    probe = told.bench.study.targets[share.model].probe
    known = {"model": share.model, "neurons": share.neurons, "probe": probe}
    named = {name: value for name, value in known.items() if f"${name}" in told.stage.facts}
    return told.bench.warehouse.read(told.stage.facts, named)


def _of_note(lineage: Lineage, stage: Stage, neuron: int) -> Facts:
    note = lineage.notes.get((stage.name, neuron))
    if note is None:
        return {}
    return {"dagster/partition_row_count": note.n_rows, "output_hash": note.output_hash[:12]}


def _readable(row: Mapping[Any, Any]) -> Facts:
    """A row of facts without what is missing, names and values as people read them."""
    return {
        str(name).replace("_", " "): STATUS.get(value, value) if name == "status" else _plain(value)
        for name, value in row.items()
        if name != "neuron" and not _is_missing(value)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | list):
        return ", ".join(str(one) for one in value)
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float):
        return float(f"{plain:.{DIGITS}g}") if math.isfinite(plain) else "infinite"
    return plain


def _is_missing(value: Any) -> bool:
    return not isinstance(value, np.ndarray | list) and bool(pd.isna(value))


def _evaluation(
    stage: Stage, check: Check, key: str, problem: str | None
) -> dg.AssetCheckEvaluation:
    severity = dg.AssetCheckSeverity.ERROR if check.is_blocking else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(stage.name),
        check_name=check.name,
        passed=not problem,
        description=problem,
        severity=severity,
        partition=str(key),
    )


def _not_as_noted(told: _Report, lineage: Lineage) -> dict[int, str]:
    """Neurons whose rows are not those that provenance notes, or not what would be made now."""
    stage, share = told.stage, told.share
    counts = _row_counts(told)
    problems = {}
    for neuron in share.neurons:
        note, change = (
            lineage.notes.get((stage.name, neuron)),
            lineage.change(stage, neuron),
        )
        n_rows = counts.get(neuron, 0)
        if change:
            problems[neuron] = f"expected rows as they would be made now, {change.got}."
        elif note and note.n_rows != n_rows:
            problems[neuron] = (
                f"expected {note.n_rows} rows, got {n_rows}. Something else changed the table: put "
                "it back, or delete the neuron's note in provenance and materialize this again."
            )
    return problems


def _row_counts(told: _Report) -> dict[int, int]:
    stage, share = told.stage, told.share
    by_neuron = "neuron" if stage.is_by_neuron else str(OF_A_MODEL)
    target = told.bench.study.targets[share.model]
    key, value = (
        ("probe", target.probe) if stage.table == "probe_images" else ("model", share.model)
    )
    rows = told.bench.warehouse.read(
        f"SELECT {by_neuron} AS neuron, count(*) AS n FROM {stage.table}"  # noqa: S608 (our names)
        f" WHERE {key} = $value GROUP BY 1",
        {"value": value},
    )
    return dict(zip(rows["neuron"].astype(int), rows["n"].astype(int), strict=True))


def _joined(problems: Iterable[Mapping[int, str]]) -> dict[int, str]:
    return {neuron: reason for some in problems for neuron, reason in some.items()}


def _note_failures(told: _Report, reasons: Mapping[int, str], left_out: set[int]) -> None:
    """Note the neurons that what follows must leave out, and forget those that are well again."""
    stage, share = told.stage, told.share
    tried = [neuron for neuron in share.neurons if neuron not in left_out]
    reasons = {neuron: reasons[neuron] for neuron in tried if neuron in reasons}
    known = told.bench.warehouse.read(
        "SELECT neuron FROM failures WHERE stage = $stage AND model = $model",
        {"stage": stage.name, "model": share.model},
    )
    if not reasons and not set(known["neuron"]) & set(tried):
        return
    now = datetime.now(UTC).replace(tzinfo=None)
    place = {"stage": stage.name, "model": share.model}
    rows = [
        {
            **place,
            "neuron": neuron,
            "run_id": told.context.run.run_id,
            "reason": reason,
            "failed_at": now,
        }
        for neuron, reason in sorted(reasons.items())
    ]
    scope = pd.DataFrame({**place, "neuron": tried})
    told.bench.warehouse.replace(Replacement("failures", pd.DataFrame(rows), scope))
