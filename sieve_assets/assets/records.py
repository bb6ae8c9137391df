"""Rows with their provenance: what a stage wrote for each neuron, from which inputs, in which run.

Not here: what the rows mean. Rows and provenance go into the warehouse in one transaction.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.errands import Errand
from sieve_assets.assets.lineage import Lineage, input_hash
from sieve_assets.assets.notes import stored_of
from sieve_assets.assets.partitions import OF_A_MODEL, Share, place_of, shares
from sieve_assets.assets.progress import tracked
from sieve_assets.assets.reporting import report, tell_checks
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.retries import InputsReplacedError
from sieve_assets.assets.stages import Stage
from sieve_assets.stores.connections import WarehouseBusyError
from sieve_assets.stores.warehouse import Read, Replacement

WRITTEN_EVERY_S = 60.0
"""Between two writes of what is computed neuron by neuron (s)."""


@dataclass
class Recorder:
    """Writes what a stage has to do for one target in a run.

    Attributes:
        context: Of the run.
        bench: Stores.
        stage: The stage that runs.
        share: The target and neurons that are written.
        lineage: What the stage reads, as it was before anything was computed.
        failed: Neurons that could not be computed, with the reason.
    """

    context: dg.AssetExecutionContext
    bench: Workbench
    stage: Stage
    share: Share
    lineage: Lineage
    failed: dict[int, str] = field(default_factory=dict, init=False)
    started: float = field(default_factory=time.monotonic, init=False)

    @property
    def errand(self) -> Errand:
        """For whom the stage adds something to the picture bank."""
        share, run_id = self.share, self.context.run.run_id
        place = place_of(share, self.bench.study)
        return Errand(self.bench, self.stage.name, share.model, run_id, self.context.log, place)

    def write(
        self,
        rows: pd.DataFrame,
        *,
        scope: pd.DataFrame | None = None,
        shared_by: Collection[str] = (),
    ) -> None:
        """Replace the share's rows of the stage's table and note where they come from.

        Args:
            rows: With a column `neuron` in a stage by neuron.
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
        recipe = pd.DataFrame([self._recipe()])
        self.bench.warehouse.replace(
            Replacement(self.stage.table, rows, place),
            Replacement("provenance", notes, notes.filter(["stage", "model", "neuron"])),
            Replacement("recipes", recipe, recipe.drop(columns="said")),
            unless=self._refuse_replaced_inputs,
        )
        for model in shared_by:
            self.context.log_event(dg.AssetMaterialization(self.stage.name, partition=model))

    def write_each(self, compute: Callable[[int], pd.DataFrame]) -> None:
        """Compute neuron by neuron and write; those that fail keep what was stored of them.

        What has been computed is written once a minute, so that a run that is killed loses no more.
        What fails for one neuron is told with it (method.md, 22); what would fail for all, such as
        a full disk, ends the run.
        """
        whole, parts = self.share, {}
        name = f"{self.share.model} {self.stage.name}"
        for [neuron] in tracked(self.share.neurons, name, self.context.log, unit="neuron", size=1):
            try:
                parts[neuron] = compute(neuron)
            except WarehouseBusyError:
                raise
            except (ValueError, LookupError, ArithmeticError, FileNotFoundError) as error:
                self.failed[neuron] = str(error)
            if time.monotonic() - self.started > WRITTEN_EVERY_S:
                self._write_parts(parts)
                parts, self.started = {}, time.monotonic()
                self.share = whole
        self._write_parts(parts)

    def _write_parts(self, parts: Mapping[int, pd.DataFrame]) -> None:
        self.share = self.share.of_neurons(parts)
        if self.share.neurons:
            self.write(concatenated(parts.values()))

    def _place(self) -> pd.DataFrame:
        model = {"model": [self.share.model]}
        if not self.stage.is_by_neuron:
            return pd.DataFrame(model)
        return pd.DataFrame({"model": self.share.model, "neuron": self.share.neurons})

    def _recipe(self) -> dict[str, str]:
        return {"stage": self.stage.name, **self.lineage.made_with(self.stage)._asdict()}

    def _record(self, neuron: int, rows: pd.DataFrame) -> dict[str, object]:
        made = self.lineage.made_with(self.stage)
        return {
            "stage": self.stage.name,
            "model": self.share.model,
            "neuron": neuron,
            "run_id": self.context.run.run_id,
            "settings_hash": made.settings_hash,
            "weights_hash": made.weights_hash or None,
            "input_hash": input_hash(self.stage, neuron, self.lineage.outputs),
            "output_hash": rows_hash(rows),
            "n_rows": len(rows),
            "recorded_at": datetime.now(UTC).replace(tzinfo=None),
            "seconds": (time.monotonic() - self.started) / len(self.share.neurons),
        }

    def _refuse_replaced_inputs(self, read: Read) -> None:
        """See, in the transaction that writes, that the inputs are still those that were read."""
        stored = stored_of(self.stage, self.share, read)
        now = Lineage(self.bench, self.stage, self.share, stored)
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


class LeftOutError(LookupError):
    """A stage before failed for every neuron of a target in a run."""


class NeuronFailuresError(Exception):
    """Every neuron of a run failed."""


def work(context: dg.AssetExecutionContext, bench: Workbench, stage: Stage) -> Iterator[Recorder]:
    """What a run of a stage has to do: a recorder a target, for the neurons that are not fresh.

    A neuron is fresh if its rows were made from the inputs, settings and models that there are
    now; it is only reported. One for which an earlier stage failed is left out, and the others go
    on.

    Raises:
        LookupError: Something before the stage is absent or out of date for a share's neurons.
        LeftOutError: A stage before failed for all of them.
        NeuronFailuresError: Every neuron of the run failed.
    """
    n_good, failed, told = 0, {}, []
    for share in shares(context, bench.study):
        lineage = Lineage(bench, stage, share)
        left_out = lineage.left_out()
        if len(left_out) == len(share.neurons):
            reason = next(iter(left_out.values()))
            raise LeftOutError(
                f"{stage.name}: expected what it reads of {share.model}, got nothing that can be "
                f"relied on, since {reason}"
            )
        rest = share.of_neurons(set(share.neurons) - set(left_out))
        if left_out:
            lineage = Lineage(bench, stage, rest, made=lineage.made)
        lineage.refuse_stale_inputs()
        recorder = None
        stale = set(lineage.stale_neurons())
        if stale:
            recorder = Recorder(context, bench, stage, rest.of_neurons(stale), lineage)
            yield recorder
        here = {} if recorder is None else recorder.failed
        n_good += len(rest.neurons) - len(here)
        failed |= {share.keys[share.neurons.index(neuron)]: here[neuron] for neuron in here}
        problems = report(context, bench, stage, share, left_out=left_out, failed=here)
        told.append((share, problems))
    tell_checks(context, bench, stage, told)
    if failed and not n_good:
        reasons = "; ".join(f"{key}: {reason}" for key, reason in failed.items())
        raise NeuronFailuresError(
            f"{stage.name}: expected rows of at least one neuron, got {len(failed)} failures "
            f"({reasons}). What was stored is as it was; run this again once the cause is mended."
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


def split_by_neuron(rows: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """The rows of each neuron that has some."""
    return cast("dict[int, pd.DataFrame]", dict(tuple(rows.groupby("neuron")))) if len(rows) else {}


def concatenated(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join tables of the same columns; no table gives an empty one."""
    frames = [part for part in parts if len(part)]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
