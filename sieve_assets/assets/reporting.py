"""What Dagster is told of each partition: its facts and pictures, and the outcome of its checks.

Not here: what is computed and stored.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.lineage import Lineage
from sieve_assets.assets.notes import stored_of
from sieve_assets.assets.partitions import OF_A_MODEL, Share
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import LINEAGE, Check, Stage
from sieve_assets.stores.warehouse import Read, Replacement

Facts = Mapping[str, Any]
STATUS = {
    "selected": "selected: a clear preference",
    "low_contrast": "not selected: no clear preference",
    "dead": "not selected: constant on the probe images",
}
"""What `neuron_ratios` says, in words; which names survive is only known by target."""
DIGITS = 4
"""Significant digits of a number that is told; the tables have all."""
_MOST_NAMED = 20


@dataclass(frozen=True)
class _Report:
    context: dg.AssetExecutionContext
    bench: Workbench
    stage: Stage
    share: Share


Problems = Mapping[str, Mapping[str, str]]
"""By check, the partitions that fail it, with what was expected and found."""
Told = tuple[Share, Problems]
"""What a run was to do for a target, and what its checks found."""


def report(
    context: dg.AssetExecutionContext,
    bench: Workbench,
    stage: Stage,
    share: Share,
    *,
    left_out: Mapping[int, str],
    failed: Mapping[int, str],
) -> Problems:
    """Tell Dagster what is stored of a share, check it, and note what cannot be relied on.

    Args:
        context: Of the run.
        bench: The stores.
        stage: The stage that has run.
        share: What it was to do for a target.
        left_out: Neurons that it left out since a stage before had failed, with the reason.
        failed: Neurons for which it failed itself, with the reason.

    Returns:
        What the checks found, for `tell_checks`.
    """
    told = _Report(context, bench, stage, share)
    stored, n_rows, asked = bench.warehouse.together(
        lambda read: (stored_of(stage, share, read), _row_counts(told, read), _asked(told, read))
    )
    lineage = Lineage(bench, stage, share, stored)
    problems = {LINEAGE.name: {**_not_as_noted(told, lineage, n_rows), **left_out, **failed}}
    problems |= {check.name: dict(check.find(bench, share)) for check in stage.checks}
    facts = _facts(told, lineage, asked)
    for neuron, key in zip(share.neurons, share.keys, strict=True):
        reason = failed.get(neuron) or left_out.get(neuron)
        state = {"status": "failed" if neuron in failed else "left out", "reason": reason}
        checks = {name: found[neuron] for name, found in problems.items() if neuron in found}
        context.add_asset_metadata(
            {**(state if reason else facts[neuron]), "checks": _in_words(checks, problems)},
            partition_key=key,
        )
    blocking = [problems[one.name] for one in stage.checks if one.is_blocking]
    _note_failures(told, lineage, {**_joined(blocking), **failed}, set(left_out))
    for neuron, reason in failed.items():
        context.log.error("%s, neuron %d: %s", share.model, neuron, reason)
    keys = dict(zip(share.neurons, share.keys, strict=True))
    return {
        name: {str(keys[neuron]): problem for neuron, problem in sorted(found.items())}
        for name, found in problems.items()
    }


def tell_checks(
    context: dg.AssetExecutionContext, bench: Workbench, stage: Stage, told: Sequence[Told]
) -> None:
    """Tell Dagster each check's outcome over a run, and that of every partition that fails it.

    One that passes says so in its metadata: an event for each would more than double what Dagster
    itself costs, and its plans for checks by partition grow with the square of their number.

    Args:
        context: Of the run.
        bench: The stores.
        stage: The stage that has run.
        told: What was reported of each target.
    """
    n_partitions = sum(len(share.keys) for share, _ in told)
    for check in (LINEAGE, *stage.checks):
        failing = {key: why for _, found in told for key, why in found[check.name].items()}
        figures = _figures(bench, check, [share for share, _ in told])
        evaluations = [_of_run(stage, check, failing, n_partitions, figures)]
        evaluations += [_of_partition(stage, check, key, why) for key, why in failing.items()]
        for evaluation in evaluations:
            context.log_event(evaluation)  # pyright: ignore[reportArgumentType] (it takes any event)


def _figures(bench: Workbench, check: Check, shares: Sequence[Share]) -> Mapping[str, str]:
    """What a check tells beside its outcome; by target if there are several."""
    if check.figures is None:
        return {}
    found = {share.model: check.figures(bench, share) for share in shares}
    return {
        name if len(found) == 1 else f"{model}: {name}": value
        for model, figures in found.items()
        for name, value in figures.items()
    }


def _in_words(failing: Mapping[str, str], asked: Iterable[str]) -> str:
    """The checks of one partition: those it fails with the reason, or those it passes."""
    if failing:
        return "failed: " + "; ".join(f"{name}: {why}" for name, why in failing.items())
    return "passed: " + ", ".join(asked)


def _facts(told: _Report, lineage: Lineage, asked: pd.DataFrame) -> dict[int, Facts]:
    """Metadata of every partition of the share, by neuron."""
    stage, share = told.stage, told.share
    facts = {int(row["neuron"]): _readable(row) for row in asked.to_dict("records")}
    pictures = {} if stage.pictures is None else stage.pictures(told.bench, share)
    links = {} if stage.links is None else stage.links(told.bench, share.model)
    status = stage.recipe(told.bench, share.model).status
    return {
        neuron: {
            **_of_note(lineage, stage, neuron),
            **facts.get(neuron, {}),
            **({"status": status} if status else {}),
            **links,
            **{name: dg.MetadataValue.md(md) for name, md in pictures.get(neuron, {}).items()},
        }
        for neuron in share.neurons
    }


def _asked(told: _Report, read: Read) -> pd.DataFrame:
    """The answer to the stage's question for facts, which need not name every parameter."""
    if not told.stage.facts:
        return pd.DataFrame()
    share = told.share
    probe = told.bench.study.targets[share.model].probe
    n_images = told.bench.study.generator.n_images
    known = {
        "model": share.model,
        "neurons": share.neurons,
        "probe": probe,
        "n_images": n_images,
    }
    named = {name: value for name, value in known.items() if f"${name}" in told.stage.facts}
    return read(told.stage.facts, named)


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


def _of_run(
    stage: Stage,
    check: Check,
    failing: Mapping[str, str],
    n_partitions: int,
    figures: Mapping[str, str],
) -> dg.AssetCheckEvaluation:
    """The outcome over all partitions of a run."""
    some = ", ".join([*failing][:_MOST_NAMED]) + ", …" * (len(failing) > _MOST_NAMED)
    told = f"It fails for {len(failing)} of {n_partitions} partitions: {some}." if failing else ""
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(stage.name),
        check_name=check.name,
        passed=not failing,
        description=told or f"It holds for {n_partitions} of {n_partitions} partitions.",
        severity=_severity(check),
        metadata={"partitions": n_partitions, "failing partitions": len(failing), **figures},
    )


def _of_partition(stage: Stage, check: Check, key: str, problem: str) -> dg.AssetCheckEvaluation:
    """The failure of one partition."""
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(stage.name),
        check_name=check.name,
        passed=False,
        description=f"{key}: {problem}",
        severity=_severity(check),
        partition=key,
    )


def _severity(check: Check) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if check.is_blocking else dg.AssetCheckSeverity.WARN


def _not_as_noted(told: _Report, lineage: Lineage, counts: Mapping[int, int]) -> dict[int, str]:
    """Neurons whose rows are not those that provenance notes, or not what would be made now."""
    stage, share = told.stage, told.share
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


def _row_counts(told: _Report, read: Read) -> dict[int, int]:
    stage, share = told.stage, told.share
    by_neuron = "neuron" if stage.is_by_neuron else str(OF_A_MODEL)
    target = told.bench.study.targets[share.model]
    key, value = (
        ("probe", target.probe) if stage.table == "probe_images" else ("model", share.model)
    )
    rows = read(
        f"SELECT {by_neuron} AS neuron, count(*) AS n FROM {stage.table}"  # noqa: S608 (our names)
        f" WHERE {key} = $value GROUP BY 1",
        {"value": value},
    )
    return dict(zip(rows["neuron"].astype(int), rows["n"].astype(int), strict=True))


def _joined(problems: Iterable[Mapping[int, str]]) -> dict[int, str]:
    return {neuron: reason for some in problems for neuron, reason in some.items()}


def _note_failures(
    told: _Report, lineage: Lineage, reasons: Mapping[int, str], left_out: set[int]
) -> None:
    """Note the neurons that what follows must leave out, and forget those that are well again."""
    stage, share = told.stage, told.share
    tried = [neuron for neuron in share.neurons if neuron not in left_out]
    reasons = {neuron: reasons[neuron] for neuron in tried if neuron in reasons}
    known = {neuron for name, neuron in lineage.failures if name == stage.name}
    if not reasons and not known & set(tried):
        return
    now = datetime.now(UTC).replace(tzinfo=None)
    place = {"stage": stage.name, "model": share.model}
    tried_by = {**place, "run_id": told.context.run.run_id, "failed_at": now}
    rows = [
        {**tried_by, "neuron": neuron, "reason": reason}
        for neuron, reason in sorted(reasons.items())
    ]
    scope = pd.DataFrame({**place, "neuron": tried})
    told.bench.warehouse.replace(Replacement("failures", pd.DataFrame(rows), scope))
