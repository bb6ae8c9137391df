"""Activation rates from the concept's side: which neurons fire most often on its pictures.

Not in the SIEVE paper: for the neuron atlas.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

from sieve_assets.method.activation_rates import wilson_interval
from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_finite,
    require_same_length,
)


class ConceptRates(NamedTuple):
    """On how many pictures of each concept each neuron is active."""

    n_active: Int[np.ndarray, "concept neuron"]
    n_pictures: Int[np.ndarray, " concept"]


class StrongestNeurons(NamedTuple):
    """Each concept's neurons with the highest activation rate, best first."""

    neurons: Int[np.ndarray, "concept strongest"]
    n_active: Int[np.ndarray, "concept strongest"]
    activation_rate: Float64[np.ndarray, "concept strongest"]
    """nan for a concept without pictures, as are the ends of its intervals."""
    ci_low: Float64[np.ndarray, "concept strongest"]
    ci_high: Float64[np.ndarray, "concept strongest"]


def concept_rates(
    activations: Float[np.ndarray, "picture neuron"],
    concept_of_picture: Int[np.ndarray, " picture"],
    thresholds: Float[np.ndarray, " neuron"],
    *,
    n_concepts: int,
) -> ConceptRates:
    """Count the pictures of each concept on which each neuron is active.

    As `activation_rates` counts, for every neuron and not only for those that a concept may name.
    Pictures may come in parts: `total_rates` adds them up.

    Args:
        activations: Of every neuron on some generated pictures (arbitrary units).
        concept_of_picture: The concept that each picture was drawn for, from 0.
        thresholds: T_i, the 99th percentile of each neuron over the probe set; nan for a neuron
            that has none and is never active.
        n_concepts: Concepts in all, at least 1, whether or not they have a picture here.

    Returns:
        Counts; 0 for a concept without a picture.

    Raises:
        ValueError: An activation that is not finite, an infinite threshold, a concept out of
            range, sizes that differ, or n_concepts < 1.

    Source: SIEVE, Eq. 4; docs/method.md, decision 16.
    """
    where = "concept_rates"
    require_at_least(where, "n_concepts", n_concepts, 1)
    require_same_length(where, pictures=len(activations), concepts=len(concept_of_picture))
    require_same_length(where, neurons=activations.shape[1], thresholds=len(thresholds))
    remedy = "Check the target's transform and precision."
    require_finite(where, "activations", activations, row="picture", remedy=remedy)
    known = thresholds[~np.isnan(thresholds)]
    require_finite(where, "thresholds", known, row="neuron with one", remedy=remedy)
    is_bad = (concept_of_picture < 0) | (concept_of_picture >= n_concepts)
    if is_bad.any():
        got = f"{concept_of_picture[is_bad][0]} for picture {np.argmax(is_bad)}"
        expected = f"concepts from 0 to {n_concepts - 1}"
        raise ValueError(refusal(where, expected, got, "Number the concepts without a gap."))
    n_pictures = np.bincount(concept_of_picture, minlength=n_concepts)
    n_active = np.zeros((n_concepts, len(thresholds)), np.int64)
    order = np.argsort(concept_of_picture, kind="stable")
    is_active = activations[order].astype(np.float32) > thresholds.astype(np.float32)
    is_here = n_pictures > 0
    starts = (np.cumsum(n_pictures) - n_pictures)[is_here]
    if len(starts):
        n_active[is_here] = np.add.reduceat(is_active, starts, axis=0, dtype=np.int64)
    return ConceptRates(n_active, n_pictures)


def no_rates(n_concepts: int, n_neurons: int) -> ConceptRates:
    """The counts of no picture at all: what those of parts are added to.

    Args:
        n_concepts: Concepts, none of which has a picture.
        n_neurons: Neurons.
    """
    return ConceptRates(np.zeros((n_concepts, n_neurons), np.int64), np.zeros(n_concepts, np.int64))


def total_rates(parts: Iterable[ConceptRates]) -> ConceptRates:
    """The counts of all pictures, from those of parts of them.

    Args:
        parts: From `concept_rates`, at least one, of the same concepts and neurons.

    Returns:
        Their sum.

    Raises:
        ValueError: No part, or parts of other sizes.
    """
    where, total = "total_rates", None
    for part in parts:
        if total is None:
            total = ConceptRates(part.n_active.copy(), part.n_pictures.copy())
            continue
        if part.n_active.shape != total.n_active.shape:
            expected = f"{total.n_active.shape} concepts and neurons in every part"
            remedy = "Count all parts with the same concepts and thresholds."
            raise ValueError(refusal(where, expected, part.n_active.shape, remedy))
        total.n_active[...] += part.n_active
        total.n_pictures[...] += part.n_pictures
    if total is None:
        remedy = "Check the stage before this one: it produced nothing."
        raise ValueError(refusal(where, "at least one part", "none", remedy))
    return total


def strongest_neurons(rates: ConceptRates, *, count: int, confidence: float) -> StrongestNeurons:
    """The neurons with the highest activation rate on each concept's pictures.

    Args:
        rates: From `concept_rates` or `total_rates`.
        count: Neurons a concept, at least 1.
        confidence: Of the Wilson interval, above 0 and below 1.

    Returns:
        min(count, neurons) neurons a concept, best first; ties by lower number.

    Raises:
        ValueError: count < 1, a confidence out of range, or sizes that differ.

    Source: SIEVE, Eq. 4; docs/method.md, decision 15 for the interval.
    """
    where = "strongest_neurons"
    require_at_least(where, "count", count, 1)
    require_same_length(where, n_active=len(rates.n_active), n_pictures=len(rates.n_pictures))
    best = np.argsort(-rates.n_active, axis=1, kind="stable")[:, :count]
    n_active = np.take_along_axis(rates.n_active, best, axis=1)
    share, low, high = (np.full(n_active.shape, np.nan) for _ in range(3))
    for n_pictures in np.unique(rates.n_pictures[rates.n_pictures > 0]).tolist():
        rows = rates.n_pictures == n_pictures
        share[rows] = n_active[rows] / n_pictures
        interval = wilson_interval(n_active[rows].ravel(), n_pictures, confidence=confidence)
        low[rows] = interval.low.reshape(-1, n_active.shape[1])
        high[rows] = interval.high.reshape(-1, n_active.shape[1])
    return StrongestNeurons(best, n_active, share, low, high)
