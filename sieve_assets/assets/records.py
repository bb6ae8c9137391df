"""Rows with their provenance: what a stage wrote for each neuron, from which inputs, in which run.

Not here: what the rows mean. Rows and provenance go into the warehouse in one transaction.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import dagster as dg
import numpy as np
import pandas as pd
from tqdm import tqdm

from sieve_assets.assets.lineage import Place, checked_inputs, input_hash
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import OF_A_MODEL, Share, Stage
from sieve_assets.stores.warehouse import Replacement
from sieve_assets.study import settings_hash


@dataclass
class Recorder:
    """Writes one share of a stage's run.

    Attributes:
        context: Of the run.
        bench: Stores.
        stage: The stage that runs.
        share: The target and neurons that are written.
        settings: Settings that the rows depend on, JSON or pydantic.
        weights_hash: Hash of the models that ran; None if none did.
    """

    context: dg.AssetExecutionContext
    bench: Workbench
    stage: Stage
    share: Share
    settings: tuple[object, ...]
    weights_hash: str | None = None
    inputs: dict[Place, str] = field(default_factory=dict, init=False)
    started: float = field(default_factory=time.monotonic, init=False)

    def write(
        self,
        rows: pd.DataFrame,
        *,
        table: str,
        scope: pd.DataFrame | None = None,
        shared_by: Iterable[str] = (),
    ) -> None:
        """Replace the share's rows of `table` and note where they come from.

        Args:
            rows: With a column `neuron` in a stage by neuron.
            table: Table of the warehouse.
            scope: Key values whose old rows go; the share's model and neurons by default.
            shared_by: Other models whose rows these are too.
        """
        parts = split_by_neuron(rows) if self.stage.is_by_neuron else {}
        records = []
        for neuron, key in zip(self.share.neurons, self.share.keys, strict=True):
            part = rows if neuron == OF_A_MODEL else parts.get(neuron, rows.head(0))
            records.append(self._record(neuron, part))
            self._report(key, records[-1])
        others = [record | {"model": model} for record in records for model in shared_by]
        notes = pd.DataFrame(records + others)
        place = self._place() if scope is None else scope
        self.bench.warehouse.replace(
            Replacement(table, rows, place),
            Replacement("provenance", notes, notes.filter(["stage", "model", "neuron"])),
        )

    def require_inputs(self, made_with: Mapping[str, str] | None = None) -> None:
        """Take note of what the stage reads, before anything is computed.

        Args:
            made_with: Hash of the model that an earlier stage, by name, must have run.

        Raises:
            LookupError: Something before it is absent or out of date for the share's neurons.
        """
        self.inputs = checked_inputs(self.bench, self.stage, self.share, made_with or {})

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
        return {
            "stage": self.stage.name,
            "model": self.share.model,
            "neuron": neuron,
            "run_id": self.context.run.run_id,
            "settings_hash": settings_hash(self.stage.version, *self.settings),
            "weights_hash": self.weights_hash,
            "input_hash": input_hash(self.stage, neuron, self.inputs),
            "output_hash": rows_hash(rows),
            "n_rows": len(rows),
            "recorded_at": datetime.now(UTC).replace(tzinfo=None),
            "seconds": (time.monotonic() - self.started) / len(self.share.neurons),
        }

    def _report(self, key: str, record: dict[str, object]) -> None:
        self.context.add_asset_metadata(
            {
                "dagster/partition_row_count": record["n_rows"],
                "output_hash": str(record["output_hash"])[:12],
            },
            partition_key=key,
        )


def rows_hash(rows: pd.DataFrame) -> str:
    """SHA-256 of a table's values, whatever the order of its columns; without rows, of nothing.

    Where files lie is left out if the hash of their content is beside it: a study may move.
    """
    digest = hashlib.sha256()
    names = set(rows.columns) - ({"uri"} if "sha256" in rows.columns else set())
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
        done = [place for place, neuron in enumerate(share.neurons) if neuron in parts]
        left = Share(
            share.model, [share.neurons[place] for place in done], [share.keys[p] for p in done]
        )
        return concatenated(parts.values()), left

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
