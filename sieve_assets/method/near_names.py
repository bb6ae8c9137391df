"""The names that mean most nearly what a word says, so that a search finds more than its letters.

Not in the SIEVE paper: for the neuron atlas.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

from sieve_assets.method.checked_inputs import (
    require_at_least,
    require_same_length,
    require_unit_norm,
)

_BLOCK_WORDS = 256
"""Words multiplied together, always as many: no cosine depends on what else is asked."""


class NearNames(NamedTuple):
    """The nearest names of each word, best first."""

    names: Int[np.ndarray, "word near"]
    """Positions among the names."""
    cosines: Float64[np.ndarray, "word near"]


def near_names(
    words: Float[np.ndarray, "word feature"],
    names: Float[np.ndarray, "name feature"],
    *,
    count: int,
) -> NearNames:
    """The names with the highest cosine to each word.

    Args:
        words: L2-normalised embeddings of what may be searched for.
        names: L2-normalised embeddings of the neurons' names, by the same text encoder.
        count: Names a word, at least 1.

    Returns:
        min(count, names) names a word, best first; ties by lower position.

    Raises:
        ValueError: An embedding is not of norm 1, features that differ, or count < 1.
    """
    where = "near_names"
    require_at_least(where, "count", count, 1)
    require_same_length(where, word_features=words.shape[1], name_features=names.shape[1])
    require_unit_norm(where, "words", words)
    require_unit_norm(where, "names", names)
    shape = len(words), min(count, len(names))
    found = NearNames(np.empty(shape, np.int64), np.empty(shape))
    columns = names.astype(np.float64).T
    block = np.zeros((_BLOCK_WORDS, words.shape[1]))
    for start in range(0, len(words), _BLOCK_WORDS):
        some = words[start : start + _BLOCK_WORDS]
        block[: len(some)] = some
        rows = slice(start, start + len(some))
        _take_best((block @ columns)[: len(some)], found.names[rows], found.cosines[rows])
    return found


def _take_best(
    scores: Float64[np.ndarray, "some name"],
    best: Int[np.ndarray, "some near"],
    values: Float64[np.ndarray, "some near"],
) -> None:
    """Write each row's best into the last two arguments; for a few of many faster than to sort."""
    rows = np.arange(len(scores))
    for place in range(best.shape[1]):
        best[:, place] = scores.argmax(axis=1)
        values[:, place] = scores[rows, best[:, place]]
        scores[rows, best[:, place]] = -np.inf
