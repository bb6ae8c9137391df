"""Few pictures first, more where they leave open on which side of a line a rate is.

Not in the SIEVE paper: docs/method.md, section 3.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from sieve_assets.method.activation_rates import Interval
from sieve_assets.method.checked_inputs import refusal, require_at_least

Look = Callable[[Int[np.ndarray, " hypothesis"], int], Interval]
"""Intervals around the rates of some hypotheses, by position, on so many pictures of each."""


def shared_confidence(confidence: float, *, n_looks: int) -> float:
    """The confidence of each interval if all looks together are to have `confidence`.

    Who looks several times and stops when an interval is clear of the line errs more often than who
    looks once. Bonferroni's share holds whatever the looks have to do with each other, also where
    the threshold that is counted above moves with the pictures; Pocock's boundary is slightly
    wider open, but needs independent increments.

    Args:
        confidence: Of all looks together, above 0 and below 1.
        n_looks: How often it is looked at most.

    Returns:
        1 - (1 - confidence) / n_looks; `confidence` itself for one look.

    Raises:
        ValueError: A confidence out of range, or no look.

    Source: Dunn 1961 (Bonferroni's inequality); Pocock 1977 for looks at the same level.
    """
    require_at_least("shared_confidence", "n_looks", n_looks, 1)
    if not 0 < confidence < 1:
        remedy = "A usual choice is 0.95."
        expected = "confidence between 0 and 1"
        raise ValueError(refusal("shared_confidence", expected, confidence, remedy))
    return confidence if n_looks == 1 else 1 - (1 - confidence) / n_looks


def is_undecided(
    low: Float[np.ndarray, " hypothesis"],
    high: Float[np.ndarray, " hypothesis"],
    *,
    line: float,
) -> Bool[np.ndarray, " hypothesis"]:
    """Whether an interval is on both sides of the line, which itself belongs to what is above it.

    Args:
        low: Lower ends.
        high: Upper ends.
        line: The rate that a right name reaches.

    Returns:
        What the verdict calls ambiguous.
    """
    return (low < line) & (line <= high)


def pictures_needed(
    look: Look, n_hypotheses: int, *, looks: Sequence[int], line: float
) -> Int[np.ndarray, " hypothesis"]:
    """At how many pictures each hypothesis is clear, or can be looked at no more.

    A hypothesis is looked at on its own pictures alone: which others there are makes no difference.

    Args:
        look: Called with the hypotheses that are still open; not for the last look, after which
            none goes on whatever it says.
        n_hypotheses: How many there are.
        looks: Rising numbers of pictures, at least one.
        line: The rate that a right name reaches.

    Returns:
        One of `looks` for each.

    Raises:
        ValueError: No look, or numbers that do not rise.

    Source: docs/method.md, section 3.
    """
    if not looks or any(np.diff(looks) <= 0) or looks[0] < 1:
        remedy = "For example 8, 16 and 24."
        expected = "rising numbers of pictures"
        raise ValueError(refusal("pictures_needed", expected, list(looks), remedy))
    needed = np.full(n_hypotheses, looks[-1])
    still_open = np.arange(n_hypotheses)
    for number in looks[:-1]:
        if not len(still_open):
            break
        undecided = is_undecided(*look(still_open, number), line=line)
        needed[still_open[~undecided]] = number
        still_open = still_open[undecided]
    return needed
