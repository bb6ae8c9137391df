"""Everything that is stored of some neurons, by neuron: what their pages are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sieve_assets.reports.atlas import questions
from sieve_assets.stores.warehouse import Read, Warehouse

Row = Mapping[str, Any]


@dataclass
class NeuronFacts:
    """Rows of one neuron, each a mapping from column to value; None for what is missing.

    Attributes:
        neuron: Channel of the target's layer.
        ratio: Of `neuron_ratios`.
        activation: On all probe images, `[image]`.
        samples: Strongest images, strongest first, with crop and cluster where there are some.
        hypotheses: By cluster and place.
        evidence: By score, with verdict and reason.
        revised: The revised name, if there is one.
        oracle: What the known truth says, by concept.
        provenance: Of the stages by neuron.
        failure: Why a stage failed for it at the last try; None if none did.
    """

    neuron: int
    ratio: Row
    activation: np.ndarray
    samples: list[Row] = field(default_factory=list)
    hypotheses: list[Row] = field(default_factory=list)
    evidence: list[Row] = field(default_factory=list)
    revised: Row | None = None
    oracle: dict[str, Row] = field(default_factory=dict)
    provenance: list[Row] = field(default_factory=list)
    failure: Row | None = None

    @property
    def concepts(self) -> list[str]:
        """Its names: tested ones by score, then untested ones, then the revised one if another."""
        revised = [] if self.revised is None else [self.revised]
        rows = [*self.evidence, *self.hypotheses, *revised]
        return list(dict.fromkeys(str(row["concept"]) for row in rows))


def facts_of(
    warehouse: Warehouse, model: str, neurons: Sequence[int], stages: Sequence[str]
) -> list[NeuronFacts]:
    """The facts of some neurons, those that have been observed.

    Args:
        warehouse: The study's results.
        model: Target.
        neurons: Channels of its layer.
        stages: Stages by neuron whose provenance is told.
    """
    return warehouse.together(lambda read: _facts(read, model, neurons, stages))


def _facts(
    read: Read, model: str, neurons: Sequence[int], stages: Sequence[str]
) -> list[NeuronFacts]:
    asked = {"model": model, "neurons": list(neurons)}

    def ask(sql: str, **more: object) -> dict[int, list[Row]]:
        return rows_by_neuron(read(sql, {**asked, **more}))

    ratios, activations = ask(questions.RATIOS), ask(questions.ACTIVATIONS)
    samples, hypotheses = ask(questions.SAMPLES), ask(questions.HYPOTHESES)
    evidence, revised = ask(questions.EVIDENCE), ask(questions.REVISED)
    failures = ask(questions.FAILURES)
    oracle, notes = ask(questions.ORACLE), ask(questions.PROVENANCE, stages=list(stages))
    return [
        NeuronFacts(
            neuron,
            ratios[neuron][0],
            activations[neuron][0]["activation"],
            samples.get(neuron, []),
            hypotheses.get(neuron, []),
            evidence.get(neuron, []),
            next(iter(revised.get(neuron, [])), None),
            {str(row["concept"]): row for row in oracle.get(neuron, [])},
            notes.get(neuron, []),
            next(iter(failures.get(neuron, [])), None),
        )
        for neuron in neurons
        if neuron in ratios and neuron in activations
    ]


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """A frame's rows in plain Python values; None for NULL."""
    columns = {str(name): _values(column) for name, column in frame.items()}
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def rows_by_neuron(frame: pd.DataFrame) -> dict[int, list[Row]]:
    """`rows_of` a frame for each of its neurons, in the frame's order."""
    found: dict[int, list[Row]] = {}
    for row in rows_of(frame):
        found.setdefault(row["neuron"], []).append(row)
    return found


def _values(column: pd.Series) -> list[Any]:
    if column.dtype == object:
        return [plain(value) for value in column]
    pairs = zip(column.tolist(), column.isna().tolist(), strict=True)
    return [None if is_missing else value for value, is_missing in pairs]


def plain(value: Any) -> Any:
    """A value without NumPy and Pandas; None for NULL and what is no number."""
    if isinstance(value, np.ndarray | list | str):
        return value
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def share(value: float | None) -> float | None:
    """A share with three decimals; None for NULL and what is no number."""
    value = plain(value)
    return None if value is None else round(float(value), 3)
