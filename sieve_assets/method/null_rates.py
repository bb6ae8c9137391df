"""What a neuron does on pictures of other concepts, which a hypothesis has to beat.

Not in the SIEVE paper: docs/method.md, section 3.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from sieve_assets.method.checked_inputs import (
    require_finite,
    require_same_length,
    require_unit_norm,
)


class NullTests(NamedTuple):
    """One entry a hypothesis; its reference concepts are those that do not mean nearly the same."""

    n_reference: Int[np.ndarray, " hypothesis"]
    null_ar: Float64[np.ndarray, " hypothesis"]
    """Mean AR over the reference concepts; nan without any."""
    lift: Float64[np.ndarray, " hypothesis"]
    """AR minus null AR; nan without any."""
    p_value: Float64[np.ndarray, " hypothesis"]
    """Of "this concept is one like the others"; 1 without any."""
    concept_rank: Int[np.ndarray, " hypothesis"]
    """How many reference concepts have a higher AR."""
    best_reference: Int[np.ndarray, " hypothesis"]
    """Place of the reference concept with the highest AR, of equals the first; -1 without any."""
    best_reference_ar: Float64[np.ndarray, " hypothesis"]
    """Its AR; nan without any."""


def is_near(
    hypotheses: Float[np.ndarray, "hypothesis feature"],
    references: Float[np.ndarray, "reference feature"],
    *,
    most: float,
) -> Bool[np.ndarray, "hypothesis reference"]:
    """Whether a reference concept means nearly what a hypothesis says, and so does not count.

    Args:
        hypotheses: L2-normalised embeddings of the hypotheses' texts.
        references: L2-normalised embeddings of the reference concepts' texts.
        most: Cosine from which on two concepts are near: 0.9.

    Returns:
        True for a pair whose cosine is at least `most`.

    Raises:
        ValueError: An embedding is not of norm 1.

    Source: docs/method.md, section 3.
    """
    require_unit_norm("is_near", "hypotheses", hypotheses)
    require_unit_norm("is_near", "reference concepts", references)
    return hypotheses.astype(np.float64) @ references.astype(np.float64).T >= most


def null_tests(
    rates: Float[np.ndarray, " hypothesis"],
    reference_rates: Float[np.ndarray, "hypothesis reference"],
    is_left_out: Bool[np.ndarray, "hypothesis reference"],
) -> NullTests:
    """Hold each hypothesis's AR against the same neuron's AR on pictures of other concepts.

    By concept and not by picture: pictures of one concept are alike. If the hypothesis was a
    concept like the others, every place among them would be as likely, so that P(p <= a) <= a for
    every a. That needs as many pictures of each.

    Args:
        rates: AR of each hypothesis.
        reference_rates: AR of its neuron on each reference concept.
        is_left_out: Reference concepts that do not count for a hypothesis.

    Returns:
        Counts, means, ranks, and p = (1 + references whose AR is at least as high) /
        (1 + references).

    Raises:
        ValueError: A rate that is not finite, or sizes that differ.

    Source: docs/method.md, section 3; Phipson and Smyth 2010 for the p of drawn permutations.
    """
    where, remedy = "null_tests", "Pass what activation_rates returns."
    require_same_length(
        where, rates=len(rates), references=len(reference_rates), left_out=len(is_left_out)
    )
    require_finite(where, "activation rates", rates, row="hypothesis", remedy=remedy)
    require_finite(where, "reference rates", reference_rates, row="hypothesis", remedy=remedy)
    counts = ~is_left_out
    n_reference = counts.sum(axis=1)
    has_some = n_reference > 0
    total = np.where(counts, reference_rates, 0.0).sum(axis=1)
    null_ar = np.divide(total, n_reference, out=np.full(len(rates), np.nan), where=has_some)
    is_as_high = counts & (reference_rates >= rates[:, None])
    p_value = (1 + is_as_high.sum(axis=1)) / (1 + n_reference)
    comparable = np.where(counts, reference_rates, -np.inf)
    best = comparable.argmax(axis=1) if comparable.shape[1] else np.zeros(len(rates), np.int64)
    best_ar = comparable.max(axis=1, initial=-np.inf)
    return NullTests(
        n_reference,
        null_ar,
        rates - null_ar,
        p_value,
        (counts & (reference_rates > rates[:, None])).sum(axis=1),
        np.where(has_some, best, -1),
        np.where(has_some, best_ar, np.nan),
    )


def neuron_ranks(
    rates: Float[np.ndarray, " hypothesis"],
    all_rates: Float[np.ndarray, "hypothesis neuron"],
) -> Int[np.ndarray, " hypothesis"]:
    """How many neurons of the target fire more often on a hypothesis's pictures than its own.

    Args:
        rates: AR of each hypothesis, of its neuron.
        all_rates: AR of every neuron on the same pictures, each above its own threshold.

    Returns:
        Ranks from 0; neurons with the same AR share one.

    Raises:
        ValueError: Sizes that differ.

    Source: docs/statistics.md, "Other concepts and other neurons".
    """
    require_same_length("neuron_ranks", rates=len(rates), all_rates=len(all_rates))
    return (all_rates > rates[:, None]).sum(axis=1)
