"""Studies to measure, and their stages run without Dagster."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
import pandas as pd

from sieve_assets.assets.lineage import Lineage, input_hash
from sieve_assets.assets.partitions import OF_A_MODEL, Share, neuron_key
from sieve_assets.assets.records import rows_hash, split_by_neuron
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Stage
from sieve_assets.stores.warehouse import Replacement

ROOT = Path(__file__).resolve().parents[1]


def shipped_study(
    folder: Path, changes: Mapping[str, str] | None = None, **options: Any
) -> Workbench:
    """The shipped study with some of its text replaced, in a folder of its own.

    Args:
        folder: Where the study file and its results go; made if need be.
        changes: Old pieces of the study file, each with the new one.
        **options: Of the workbench.

    Raises:
        LookupError: An old piece is not in the study file.
    """
    text = (ROOT / "sieve.toml").read_text(encoding="utf-8")
    for old, new in (changes or {}).items():
        if old not in text:
            raise LookupError(
                f"shipped_study: expected {old!r} in sieve.toml, got none. "
                "Change what the benchmark replaces."
            )
        text = text.replace(old, new)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    if not (folder / "data" / "terrarium").exists():
        (folder / "data" / "terrarium").symlink_to(ROOT / "data" / "terrarium")
    file = folder / "sieve.toml"
    file.write_text(text, encoding="utf-8")
    return Workbench(study_file=str(file), data=str(folder / "data"), **options)


def pretend(bench: Workbench, stage: Stage, model: str, rows: pd.DataFrame) -> None:
    """Store made-up rows of a stage for a target, with the notes that they would get now."""
    width = bench.study.targets[model].width
    neurons = list(range(width)) if stage.is_by_neuron else [OF_A_MODEL]
    lineage = Lineage(bench, stage, Share(model, neurons, []))
    made = lineage.made_with(stage)
    parts = split_by_neuron(rows) if stage.is_by_neuron else {OF_A_MODEL: rows}
    notes = pd.DataFrame(
        {
            "stage": stage.name,
            "model": model,
            "neuron": neurons,
            "run_id": "bench",
            "settings_hash": made.settings_hash,
            "weights_hash": made.weights_hash or None,
            "input_hash": [input_hash(stage, n, lineage.outputs) for n in neurons],
            "output_hash": [rows_hash(parts.get(n, rows.head(0))) for n in neurons],
            "n_rows": [len(parts.get(n, ())) for n in neurons],
            "recorded_at": pd.Timestamp("2026-01-01"),
            "seconds": 0.0,
        }
    )
    replacements = [Replacement("provenance", notes, notes.filter(["stage", "model", "neuron"]))]
    if len(rows):
        key = ["probe"] if stage.table == "probe_images" else ["model", "neuron"]
        replacements.append(
            Replacement(stage.table, rows, rows.filter(key).drop_duplicates(ignore_index=True))
        )
    bench.warehouse.replace(*replacements)


class WithoutDagster:
    """What a stage needs of a run's context, and nothing that records it."""

    def __init__(self, keys: Sequence[str | dg.MultiPartitionKey]) -> None:
        """Stand for a run over these partitions."""
        self.partition_keys = keys
        self.log = logging.getLogger("benchmarks")
        self.run = SimpleNamespace(run_id="bench")

    def add_asset_metadata(self, *_arguments: Any, **_options: Any) -> None:
        """Drop what Dagster would be told of a partition."""

    def log_event(self, _event: Any) -> None:
        """Drop what Dagster would be told of the run."""


def seconds_of_stage(bench: Workbench, stage: Stage, model: str) -> float:
    """Run a stage for all of a target, without Dagster; how long that takes (s)."""
    width = bench.study.targets[model].width
    keys = (
        [
            dg.MultiPartitionKey({"model": model, "neuron": neuron_key(neuron, bench.study)})
            for neuron in range(width)
        ]
        if stage.is_by_neuron
        else [model]
    )
    started = time.monotonic()
    stage.function(cast("dg.AssetExecutionContext", WithoutDagster(keys)), bench)
    return time.monotonic() - started
