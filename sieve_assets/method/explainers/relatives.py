"""Names made from the truth: the best, its narrower and wider ones, and one at random.

No method to compare with, but labels whose right answer is known, to try scores and verdicts on.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int

from sieve_assets.method.checked_inputs import require_same_length, require_some
from sieve_assets.method.oracle_rates import best_concepts


class Relatives(NamedTuple):
    """Positions of concepts, one a neuron; -1 where there is none."""

    best: Int[np.ndarray, " neuron"]
    """The concept that says best when the neuron fires."""
    narrower: Int[np.ndarray, " neuron"]
    """Of those that are true of fewer scenes, all of them scenes of the best: the best."""
    wider: Int[np.ndarray, " neuron"]
    """Of those that are true of all its scenes and of more: the best."""
    random: Int[np.ndarray, " neuron"]
    """Any concept that is true of some scene."""


def relatives(
    f1: Float64[np.ndarray, "neuron concept"],
    is_present: Bool[np.ndarray, "scene concept"],
    *,
    generator: np.random.Generator,
) -> Relatives:
    """Names that are right, too narrow, too wide and arbitrary.

    Args:
        f1: Of each concept for each neuron, from `f1_scores`; nan for one without scenes.
        is_present: The scenes that each concept is true of.
        generator: Of the random ones, which depend on how many neurons there are and in which
            order, and may be right by chance.

    Returns:
        Of equal concepts the first. Concepts that are true of the same scenes are neither narrower
        nor wider than each other. A neuron without any F1 has a random name only.

    Raises:
        ValueError: No concept, or sizes that differ.

    Source: docs/statistics.md, "Control explanations".
    """
    where = "relatives"
    require_some(where, "concepts", f1, axis=1)
    require_same_length(where, f1=f1.shape[1], is_present=is_present.shape[1])
    # Counts of scenes are exact in float32 up to 16 million, and a product of floats is fast.
    counted = is_present.astype(np.float32)
    shared = counted.T @ counted
    size = np.diag(shared)
    is_within = (shared == size[:, None]) & (size[:, None] < size) & (size[:, None] > 0)
    best, _ = best_concepts(f1)
    # Where the best is -1 these are another concept's, but no F1 is there to choose one by.
    narrower, wider = is_within.T[best], is_within[best]
    shown = np.flatnonzero(size > 0)
    random = generator.choice(shown, size=len(f1)) if len(shown) else np.full(len(f1), -1)
    return Relatives(
        best,
        _best_of(f1, narrower),
        _best_of(f1, wider),
        random.astype(np.int64),
    )


def _best_of(
    f1: Float64[np.ndarray, "neuron concept"], is_allowed: Bool[np.ndarray, "neuron concept"]
) -> Int[np.ndarray, " neuron"]:
    return best_concepts(np.where(is_allowed, f1, np.nan))[0]
