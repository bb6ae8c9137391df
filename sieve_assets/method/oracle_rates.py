"""Whether a neuron answers to a concept, where it is known which concept is in which scene.

Not in the SIEVE paper: docs/method.md, section 5.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from sieve_assets.method.checked_inputs import (
    require_at_least,
    require_finite,
    require_same_length,
    require_some,
)


class OracleScores(NamedTuple):
    """How well each neuron tells each concept's scenes from the others."""

    f1: Float64[np.ndarray, "neuron concept"]
    """nan for a concept that is in no scene."""
    shuffled_f1: Float64[np.ndarray, "neuron concept"]
    """The largest of shuffled scenes; nan for a concept that is in no scene."""
    best_concept: Int[np.ndarray, " neuron"]
    """Position of the neuron's best concept, of equals the first; -1 if none is in a scene."""
    best_f1: Float64[np.ndarray, " neuron"]
    """Its F1; nan if there is none."""
    is_true: Bool[np.ndarray, "neuron concept"]
    """Whether the concept is a true name of the neuron."""


def oracle_scores(
    activations: Float[np.ndarray, "neuron scene"],
    is_present: Bool[np.ndarray, "scene concept"],
    *,
    n_shuffles: int,
    generator: np.random.Generator,
) -> OracleScores:
    """F1 of every neuron and concept, the same by chance, and which concepts are true names.

    A name is true if its F1 is at least half of the neuron's best over the concept set, and above
    what shuffled scenes give.

    Args:
        activations: On scenes without bias (arbitrary units).
        is_present: Which concept is present in which scene.
        n_shuffles: Permutations of the scenes, at least 1; the largest value of them counts.
        generator: Of the permutations, which all neurons share: one that runs alone has the same.

    Returns:
        Scores of every neuron and concept.

    Raises:
        ValueError: No scene or no concept, an activation that is not finite, sizes that differ, or
            no permutation.

    Source: docs/method.md, section 5.
    """
    where = "oracle_scores"
    require_some(where, "concepts", is_present, axis=1)
    require_at_least(where, "n_shuffles", n_shuffles, 1)
    require_same_length(where, activations=activations.shape[1], is_present=len(is_present))
    ranks = scene_ranks(activations)
    f1 = f1_scores(ranks, is_present)
    shuffled = f1_scores(ranks, generator.permutation(is_present))
    for _ in range(n_shuffles - 1):
        np.fmax(shuffled, f1_scores(ranks, generator.permutation(is_present)), out=shuffled)
    best, best_f1 = best_concepts(f1)
    return OracleScores(f1, shuffled, best, best_f1, is_true(f1, best_f1, shuffled))


def scene_ranks(
    activations: Float[np.ndarray, "neuron scene"],
) -> Int[np.ndarray, "neuron scene"]:
    """Each scene's rank for each neuron: 0 is the strongest, ties by position.

    Args:
        activations: Of any scale.

    Returns:
        A permutation of 0 … scenes − 1 in every row.

    Raises:
        ValueError: No scene, or an activation that is not finite.

    Source: docs/method.md, section 5, and decision 5 for the order.
    """
    require_some("scene_ranks", "scenes", activations, axis=1)
    remedy = "Check the target's transform and precision."
    require_finite("scene_ranks", "activations", activations, row="neuron", remedy=remedy)
    order = np.argsort(-activations, axis=1, kind="stable")
    ranks = np.empty(order.shape, np.int32)
    np.put_along_axis(ranks, order, np.arange(order.shape[1], dtype=np.int32)[None], axis=1)
    return ranks


def f1_scores(
    ranks: Int[np.ndarray, "neuron scene"], is_present: Bool[np.ndarray, "scene concept"]
) -> Float64[np.ndarray, "neuron concept"]:
    """F1 of "the scene is among the neuron's k strongest" against "the concept is present".

    k is the number of scenes with the concept, so that precision, recall and F1 are one number:
    hits / k. Only a concept's own scenes are looked at.

    Args:
        ranks: Of `scene_ranks`.
        is_present: Which concept is present in which scene.

    Returns:
        Between 0 and 1; nan for a concept that is in no scene.

    Source: docs/method.md, section 5: `oracle_f1`.
    """
    scores = np.full((len(ranks), is_present.shape[1]), np.nan)
    for concept in range(is_present.shape[1]):
        members = np.flatnonzero(is_present[:, concept])
        if len(members):
            scores[:, concept] = (ranks[:, members] < len(members)).mean(axis=1)
    return scores


def best_concepts(
    f1: Float64[np.ndarray, "neuron concept"],
) -> tuple[Int[np.ndarray, " neuron"], Float64[np.ndarray, " neuron"]]:
    """Each neuron's best concept and its F1; -1 and nan where no concept has one."""
    comparable = np.where(np.isnan(f1), -1, f1)
    best, score = comparable.argmax(axis=1), comparable.max(axis=1)
    return np.where(score < 0, -1, best), np.where(score < 0, np.nan, score)


def is_true(
    f1: Float64[np.ndarray, "neuron concept"],
    best_f1: Float64[np.ndarray, " neuron"],
    shuffled_f1: Float64[np.ndarray, "neuron concept"],
) -> Bool[np.ndarray, "neuron concept"]:
    """Whether a concept is a true name: at least half of the best F1, and above chance.

    A concept without F1 is none.

    Source: docs/method.md, section 5: `oracle_true`.
    """
    return (f1 >= best_f1[:, None] / 2) & (f1 > shuffled_f1)
