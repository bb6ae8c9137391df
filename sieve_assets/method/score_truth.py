"""How well scores tell true names from others, where the truth is known.

Not in the SIEVE paper: docs/statistics.md.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_between,
    require_same_length,
)


class Auroc(NamedTuple):
    """An area under the ROC curve with its interval; nan if all names are true, or none is."""

    value: float
    low: float
    """nan also if all names are true, or none is, in every draw."""
    high: float
    """nan with `low`."""


class Truth(NamedTuple):
    """Of a method's names, one a neuron: how many are true."""

    precision: float
    """Share of true ones; nan without names."""
    recall: float
    """Share of the neurons that have some true name which are given one; nan if none has."""


def auroc(
    scores: Float[np.ndarray, " name"],
    is_true: Bool[np.ndarray, " name"],
    neuron: Int[np.ndarray, " name"],
    *,
    confidence: float,
    n_resamples: int,
    generator: np.random.Generator,
) -> Auroc:
    """The chance that a true name has a higher score than another one; a tie counts half.

    Args:
        scores: Of any scale; nan counts as the lowest of all.
        is_true: Whether each name is true.
        neuron: Whose name it is; resampled as a whole, since a neuron's names are not independent.
        confidence: Of the percentile interval, between 0 and 1.
        n_resamples: Draws, at least 1; one whose names are all true, or none of them, is left out.
        generator: Of the draws.

    Returns:
        The area over all names, and the interval of the areas over the draws.

    Raises:
        ValueError: Sizes that differ, no draw, or a confidence outside 0 to 1.

    Source: Hanley and McNeil 1982; the bootstrap over clusters, Efron 1979.
    """
    where = "auroc"
    require_same_length(where, scores=len(scores), is_true=len(is_true), neuron=len(neuron))
    require_at_least(where, "n_resamples", n_resamples, 1)
    require_between(where, "confidence", confidence, 0.0, 1.0)
    ranks = _ranked(scores)
    neurons, member_of = np.unique(neuron, return_inverse=True)
    value = _area(ranks, is_true, np.ones(len(ranks)))
    if np.isnan(value):
        return Auroc(value, value, value)
    draws = np.array(
        [
            _area(ranks, is_true, _times_drawn(len(neurons), generator)[member_of])
            for _ in range(n_resamples)
        ]
    )
    low, high = _interval(draws[~np.isnan(draws)], confidence)
    return Auroc(value, low, high)


def truth_of(
    named: Int[np.ndarray, " name"],
    is_true: Bool[np.ndarray, " name"],
    nameable: Int[np.ndarray, " neuron"],
) -> Truth:
    """Precision and recall of a method's names, one a neuron.

    Args:
        named: The neuron of each name.
        is_true: Whether the name is true.
        nameable: Neurons that some name is true of.

    Returns:
        Shares between 0 and 1, or nan.

    Raises:
        ValueError: Sizes that differ, or a neuron with two names.

    Source: docs/statistics.md, "Precision and recall of true names".
    """
    require_same_length("truth_of", named=len(named), is_true=len(is_true))
    numbers, counts = np.unique(named, return_counts=True)
    if (counts > 1).any():
        got = f"{counts.max()} for neuron {numbers[counts.argmax()]}"
        remedy = "Choose one, for instance with one_a_neuron."
        raise ValueError(refusal("truth_of", "one name a neuron", got, remedy))
    nameable = np.unique(nameable)
    n_right = int(np.isin(nameable, named[is_true]).sum())
    precision = float(is_true.mean()) if len(is_true) else float("nan")
    return Truth(precision, n_right / len(nameable) if len(nameable) else float("nan"))


def _ranked(scores: Float[np.ndarray, " name"]) -> Int[np.ndarray, " name"]:
    """Scores by their order, equal ones alike; nan below all."""
    known = ~np.isnan(scores)
    ranks = np.zeros(len(scores), dtype=np.int64)
    ranks[known] = 1 + np.unique(scores[known], return_inverse=True)[1]
    return ranks


def _times_drawn(n_neurons: int, generator: np.random.Generator) -> Float64[np.ndarray, " neuron"]:
    """How often each neuron is among as many as there are, drawn with replacement."""
    drawn = generator.integers(n_neurons, size=n_neurons)
    return np.bincount(drawn, minlength=n_neurons).astype(np.float64)


def _area(
    ranks: Int[np.ndarray, " name"],
    is_true: Bool[np.ndarray, " name"],
    times: Float64[np.ndarray, " name"],
) -> float:
    """The area if each name stood there so many times; nan without a true or without another.

    By counts for each rank and not name by name: the draws of an interval need it thousands of
    times. Counts are whole numbers, so that the order of the names makes no difference.
    """
    n_true = np.bincount(ranks, weights=times * is_true)
    n_false = np.bincount(ranks, weights=times * ~is_true)
    n_pairs = n_true.sum() * n_false.sum()
    if n_pairs == 0:
        return float("nan")
    n_below = np.cumsum(n_false) - n_false / 2
    return float(n_true @ n_below / n_pairs)


def _interval(draws: Float64[np.ndarray, " draw"], confidence: float) -> tuple[float, float]:
    if len(draws) == 0:
        return float("nan"), float("nan")
    tail = 50 * (1 - confidence)
    low, high = np.percentile(draws, [tail, 100 - tail])
    return float(low), float(high)
