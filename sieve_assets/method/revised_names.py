"""Each neuron's best name among all concepts that were drawn for its target.

Not in the SIEVE paper: docs/method.md, section 3.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int

from sieve_assets.method.checked_inputs import require_same_length, require_some
from sieve_assets.method.seen import Seen, Settings, scores_of, shown_in


class Revised(NamedTuple):
    """Of each studied neuron."""

    concept: Int[np.ndarray, " studied"]
    """Position among the concepts; -1 if none has a score above 0."""
    score: Float64[np.ndarray, " studied"]
    """Among all concepts; 0 for none."""
    natural_ap: Float64[np.ndarray, " studied"]
    """Of it, as the next; nan for none."""
    drawn_ap: Float64[np.ndarray, " studied"]
    runner_up: Int[np.ndarray, " studied"]
    """The concept that comes next; -1 if no other has a score above 0."""
    runner_up_score: Float64[np.ndarray, " studied"]


def revised_names(seen: Seen, settings: Settings) -> Revised:
    """The concept that says best when each studied neuron fires, by the score of `evidence`.

    There a neuron's own hypotheses are held against the references; here every concept that has
    pictures is a candidate, whichever neuron it was proposed for. It costs no picture.

    Args:
        seen: Activations and cosines; all concepts are of the concept set, each once.
        settings: Which concepts count as shown.

    Returns:
        Of equal scores the concept that comes first.

    Raises:
        ValueError: No concept, or sizes that differ.

    Source: docs/method.md, section 3.
    """
    where = "revised_names"
    require_some(where, "concepts", seen.words, axis=0)
    require_same_length(where, pictures=len(seen.pictures), drawn_for=len(seen.drawn_for))
    neurons = np.arange(len(seen.studied))
    everything = np.ones((len(neurons), len(seen.words)), dtype=bool)
    found = scores_of(neurons, everything, seen, shown_in(seen, settings))
    best, best_score = _best(found.score)
    others = found.score.copy()
    others[neurons, best] = 0.0
    runner_up, runner_up_score = _best(others)
    return Revised(
        best,
        best_score,
        np.where(best < 0, np.nan, found.natural_ap[neurons, best]),
        np.where(best < 0, np.nan, found.drawn_ap[neurons, best]),
        runner_up,
        runner_up_score,
    )


def _best(
    scores: Float64[np.ndarray, "studied concept"],
) -> tuple[Int[np.ndarray, " studied"], Float64[np.ndarray, " studied"]]:
    """Each neuron's best concept, -1 where all scores are 0, and its score."""
    highest = scores.max(axis=1)
    return np.where(highest > 0, scores.argmax(axis=1), -1), highest
