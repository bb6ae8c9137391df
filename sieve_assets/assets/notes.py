"""What is stored about stages of a target: notes of what was made, and of what failed.

Not here: what follows from it (see `lineage`), and what writes it (`records`, `reporting`).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd

from sieve_assets.assets.partitions import OF_A_MODEL, Share
from sieve_assets.assets.stages import Stage
from sieve_assets.stores.warehouse import Read

_NOTES = """
SELECT stage, neuron, settings_hash, coalesce(weights_hash, '') AS weights_hash,
    input_hash, output_hash, n_rows
FROM provenance
WHERE model = $model AND stage IN (SELECT unnest($stages))
AND ($is_whole OR neuron IN (SELECT unnest($neurons)))
"""
_FAILURES = """
SELECT stage, neuron, reason FROM failures
WHERE model = $model AND stage IN (SELECT unnest($stages))
AND ($is_whole OR neuron IN (SELECT unnest($neurons)))
"""


class Note(NamedTuple):
    """What provenance says of a stage and a neuron."""

    settings_hash: str
    weights_hash: str
    """Empty if the stage ran no model."""
    input_hash: str
    output_hash: str
    n_rows: int


class Stored(NamedTuple):
    """Notes and failures of stages, as they were at one moment."""

    notes: pd.DataFrame
    """stage, neuron and the fields of a `Note`."""
    failures: pd.DataFrame
    """stage, neuron, reason: those whose last try failed."""

    def up_to(self, stage: Stage) -> "Stored":
        """Those of a stage and of all before it."""
        return Stored(*(rows.loc[rows["stage"].isin(_up_to(stage))] for rows in self))


def stored_of(stage: Stage, share: Share, read: Read) -> Stored:
    """What is stored of a stage and of all before it, for a share."""
    neurons = [*share.neurons, OF_A_MODEL] if stage.is_by_neuron else None
    return _stored(_up_to(stage), share.model, neurons, read)


def stored_of_target(stages: Iterable[Stage], model: str, read: Read) -> Stored:
    """What is stored of stages and of all before them, for a target."""
    return _stored({name for one in stages for name in _up_to(one)}, model, None, read)


def _stored(stages: Iterable[str], model: str, neurons: Sequence[int] | None, read: Read) -> Stored:
    asked = {
        "model": model,
        "stages": list(stages),
        "is_whole": neurons is None,
        "neurons": neurons or [],
    }
    return Stored(read(_NOTES, asked), read(_FAILURES, asked))


def _up_to(stage: Stage) -> list[str]:
    return [one.name for one in (*stage.ancestors(), stage)]
