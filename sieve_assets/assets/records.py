"""Rows with their provenance: what a stage wrote for each neuron, from which inputs, in which run.

Not here: what the rows mean. Rows and provenance go into the warehouse in one transaction.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import dagster as dg
import numpy as np
import pandas as pd
from tqdm import tqdm

from sieve_assets.assets.lineage import Lineage, input_hash
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import OF_A_MODEL, Share, Stage, shares
from sieve_assets.stores.warehouse import Read, Replacement


@dataclass
class Recorder:
    """Writes what a stage has to do for one target in a run.

    Attributes:
        context: Of the run.
        bench: Stores.
        stage: The stage that runs.
        share: The target and neurons that are written.
        lineage: What the stage reads, as it was before anything was computed.
    """

    context: dg.AssetExecutionContext
    bench: Workbench
    stage: Stage
    share: Share
    lineage: Lineage
    started: float = field(default_factory=time.monotonic, init=False)

    def write(
        self,
        rows: pd.DataFrame,
        *,
        table: str,
        scope: pd.DataFrame | None = None,
        shared_by: Collection[str] = (),
    ) -> None:
        """Replace the share's rows of `table` and note where they come from.

        Args:
            rows: With a column `neuron` in a stage by neuron.
            table: Table of the warehouse.
            scope: Key values whose old rows go; the share's model and neurons by default.
            shared_by: Other models whose rows these are too, in a stage by model.

        Raises:
            InputsReplacedError: What the rows were made from is no longer what is stored; nothing
                was written.
        """
        parts = split_by_neuron(rows) if self.stage.is_by_neuron else {}
        records = []
        for neuron in self.share.neurons:
            part = rows if neuron == OF_A_MODEL else parts.get(neuron, rows.head(0))
            records.append(self._record(neuron, part))
        others = [record | {"model": model} for record in records for model in shared_by]
        notes = pd.DataFrame(records + others)
        place = self._place() if scope is None else scope
        self.bench.warehouse.replace(
            Replacement(table, rows, place),
            Replacement("provenance", notes, notes.filter(["stage", "model", "neuron"])),
            unless=self._refuse_replaced_inputs,
        )
        for model in shared_by:
            self.context.log_event(dg.AssetMaterialization(self.stage.name, partition=model))
        for key, record in zip(self.share.keys, records, strict=True):
            report(self.context, key, n_rows=record["n_rows"], output_hash=record["output_hash"])

    def write_each(
        self,
        attempts: "Attempts",
        compute: Callable[[int], pd.DataFrame],
        *,
        table: str,
    ) -> None:
        """Compute and write neuron by neuron; those that fail keep what was stored of them."""
        rows, self.share = attempts.each(self.share, compute, stage=self.stage.name)
        if self.share.neurons:
            self.write(rows, table=table)

    def _place(self) -> pd.DataFrame:
        model = {"model": [self.share.model]}
        if not self.stage.is_by_neuron:
            return pd.DataFrame(model)
        return pd.DataFrame({"model": self.share.model, "neuron": self.share.neurons})

    def _record(self, neuron: int, rows: pd.DataFrame) -> dict[str, object]:
        settings, weights = self.lineage.made_with(self.stage)
        return {
            "stage": self.stage.name,
            "model": self.share.model,
            "neuron": neuron,
            "run_id": self.context.run.run_id,
            "settings_hash": settings,
            "weights_hash": weights or None,
            "input_hash": input_hash(self.stage, neuron, self.lineage.outputs),
            "output_hash": rows_hash(rows),
            "n_rows": len(rows),
            "recorded_at": datetime.now(UTC).replace(tzinfo=None),
            "seconds": (time.monotonic() - self.started) / len(self.share.neurons),
        }

    def _refuse_replaced_inputs(self, read: Read) -> None:
        """See, in the transaction that writes, that the inputs are still those that were read."""
        now = Lineage(self.bench, self.stage, self.share, read)
        for neuron in self.share.neurons:
            before, after = (
                input_hash(self.stage, neuron, one.outputs) for one in (self.lineage, now)
            )
            if before != after:
                raise InputsReplacedError(
                    f"{self.stage.name}: expected what it read of {self.share.model} to stay until "
                    "its rows were written, got other rows from another run. Nothing was written; "
                    "run it again."
                )


class InputsReplacedError(Exception):
    """Another run replaced what a stage had read before its rows were written."""


def work(context: dg.AssetExecutionContext, bench: Workbench, stage: Stage) -> Iterator[Recorder]:
    """What a run of a stage has to do: a recorder a target, for the neurons that are not fresh.

    A neuron is fresh if its rows were made from the inputs, settings and models that there are
    now; it is only reported.

    Raises:
        LookupError: Something before the stage is absent or out of date for a share's neurons.
    """
    for share in shares(context, bench.study):
        lineage = Lineage(bench, stage, share)
        lineage.refuse_stale_inputs()
        stale = set(lineage.stale_neurons())
        for neuron, key in zip(share.neurons, share.keys, strict=True):
            if neuron not in stale:
                note = lineage.notes[stage.name, neuron]
                report(context, key, n_rows=note.n_rows, output_hash=note.output_hash)
        if stale:
            yield Recorder(context, bench, stage, share.of_neurons(stale), lineage)


def report(
    context: dg.AssetExecutionContext, key: str, *, n_rows: object, output_hash: object
) -> None:
    """Tell Dagster what is stored of a partition."""
    context.add_asset_metadata(
        {"dagster/partition_row_count": n_rows, "output_hash": str(output_hash)[:12]},
        partition_key=key,
    )


def rows_hash(rows: pd.DataFrame) -> str:
    """SHA-256 of a table's values, whatever the order of its columns; without rows, of nothing.

    Where files lie is left out if the hash of their content is beside it: a study may move. So is
    `beta`, which is a setting: a neuron whose status another beta leaves alone has the same result.
    """
    digest = hashlib.sha256()
    names = set(rows.columns) - ({"uri", "beta"} if "sha256" in rows.columns else {"beta"})
    for name in sorted(names) if len(rows) else ():
        digest.update(name.encode())
        values = rows[name]
        if len(values) and isinstance(values.iloc[0], np.ndarray):
            for array in values:
                digest.update(np.ascontiguousarray(array, dtype=np.float32).tobytes())
        else:
            digest.update(str(values.to_json(orient="values", double_precision=15)).encode())
    return digest.hexdigest()


class NeuronFailuresError(Exception):
    """Some neurons of a run failed; the rows of the others are written."""


@dataclass
class Attempts:
    """Computes neuron by neuron; one that fails does not stop the others (method.md, 22)."""

    failures: dict[str, Exception] = field(default_factory=dict)

    def each(
        self, share: Share, compute: Callable[[int], pd.DataFrame], *, stage: str
    ) -> tuple[pd.DataFrame, Share]:
        """Return the rows of the neurons that succeeded, and the share that is left of `share`."""
        parts: dict[int, pd.DataFrame] = {}
        shown = tqdm(share.neurons, desc=f"{share.model} {stage}")
        for neuron, key in zip(shown, share.keys, strict=True):
            try:
                parts[neuron] = compute(neuron)
            except (ValueError, LookupError, ArithmeticError, OSError) as error:
                self.failures[key] = error
        return concatenated(parts.values()), share.of_neurons(parts)

    def finish(self, stage: str) -> None:
        """Fail the run if a neuron failed, naming each.

        Raises:
            NeuronFailuresError: At least one neuron failed.
        """
        if self.failures:
            reasons = "; ".join(f"{key}: {error}" for key, error in self.failures.items())
            message = (
                f"{stage}: expected rows for every neuron, got {len(self.failures)} failures "
                f"({reasons}). The others are stored; run these again once the cause is mended."
            )
            raise NeuronFailuresError(message) from next(iter(self.failures.values()))


def split_by_neuron(rows: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """The rows of each neuron that has some."""
    return cast("dict[int, pd.DataFrame]", dict(tuple(rows.groupby("neuron")))) if len(rows) else {}


def concatenated(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join tables of the same columns; no table gives an empty one."""
    frames = [part for part in parts if len(part)]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
