"""The verdict on each hypothesis by all the evidence there is, with its reason in words.

Not in the SIEVE paper: docs/method.md, section 3.
"""

# scipy ships no types: what comes from it is annotated where it is used.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int
from scipy import stats

from sieve_assets.method.checked_inputs import require_at_least, require_same_length

Verdict = Literal["verified", "refuted", "untestable", "ambiguous"]


class Evidence(NamedTuple):
    """What a verdict rests on; one entry a hypothesis."""

    concept: Sequence[str]
    n_pictures: Int[np.ndarray, " hypothesis"]
    word_rank: Int[np.ndarray, " hypothesis"]
    """Words that fit these pictures better than the concept does (`word_ranks`)."""
    rate: Float[np.ndarray, " hypothesis"]
    """AR at the matched threshold, with its interval, over all pictures."""
    low: Float[np.ndarray, " hypothesis"]
    high: Float[np.ndarray, " hypothesis"]
    reported_rate: Float[np.ndarray, " hypothesis"]
    """The same over the reporting half of the pictures."""
    q_value: Float[np.ndarray, " hypothesis"]
    """Of "pictures of other concepts fire the neuron as often", among all hypotheses."""
    score: Float[np.ndarray, " hypothesis"]
    """How well the name says when the neuron fires, against the best name (`name_scores`)."""
    best_name: Sequence[str]
    """The neuron's name with the highest score."""


class Verdicts(NamedTuple):
    """One entry a hypothesis."""

    verdict: list[Verdict]
    reason: list[str]


def is_reporting(n_pictures: int) -> Bool[np.ndarray, " picture"]:
    """Which pictures, in the order of their seeds, are kept to report on what others decided.

    Every second one: dropping what is below a line lifts the mean of the rest by chance alone,
    unless that mean is of other pictures.

    Args:
        n_pictures: Pictures of a concept, at least 2.

    Returns:
        False for the first seed, True for the second, and so on.

    Raises:
        ValueError: Fewer than 2 pictures.

    Source: docs/method.md, decision 19.
    """
    require_at_least("is_reporting", "n_images", n_pictures, 2)
    return np.arange(n_pictures) % 2 == 1


def q_values(p_values: Float[np.ndarray, " hypothesis"]) -> Float64[np.ndarray, " hypothesis"]:
    """Benjamini and Hochberg's adjusted p-values over all hypotheses of a target.

    Args:
        p_values: Between 0 and 1.

    Returns:
        The least share of false discoveries at which a hypothesis would count as one.

    Raises:
        ValueError: A value outside 0 to 1.

    Source: Benjamini and Hochberg 1995; scipy.stats.false_discovery_control.
    """
    if len(p_values) == 0:
        return np.zeros(0)
    return np.asarray(stats.false_discovery_control(p_values, method="bh"), np.float64)


def verdicts(
    evidence: Evidence, *, min_rate: float, n_best_words: int, min_score: float, max_q: float
) -> Verdicts:
    """Whether each hypothesis holds, by the first of these that applies.

    `untestable`: its pictures do not show it, so they can tell nothing. `ambiguous`: the interval
    of its rate is on both sides of the line. `verified`: the interval is above it, the rate on the
    reporting half reaches it too, the name is not much worse than the best one at saying when the
    neuron fires, and pictures of other concepts do not do as well. `refuted`: all else.

    Args:
        evidence: What is known of each hypothesis.
        min_rate: Rate that a right name reaches at the matched threshold; .5.
        n_best_words: The concept must be among so many best words for its pictures; 5.
        min_score: Score that a right name reaches; .5.
        max_q: Largest q that is not chance; 1 to leave it out.

    Returns:
        Verdicts, each with its reason.

    Raises:
        ValueError: Sizes that differ.

    Source: docs/method.md, section 3.
    """
    lengths = {name: len(part) for name, part in evidence._asdict().items()}
    require_same_length("verdicts", **lengths)
    lines = _Lines(min_rate, n_best_words, min_score, max_q)
    found = [_judged(_Row(*entries), lines) for entries in zip(*evidence, strict=True)]
    return Verdicts([verdict for verdict, _ in found], [reason for _, reason in found])


class _Lines(NamedTuple):
    rate: float
    n_best_words: int
    score: float
    max_q: float


class _Row(NamedTuple):
    """One hypothesis of the evidence."""

    concept: str
    n_pictures: int
    word_rank: int
    rate: float
    low: float
    high: float
    reported_rate: float
    q_value: float
    score: float
    best_name: str


def _judged(row: _Row, lines: _Lines) -> tuple[Verdict, str]:
    if not 0 <= row.word_rank < lines.n_best_words:
        return "untestable", f"{row.word_rank} words fit its pictures better than {row.concept!r}"
    fires = (
        f"fires on {row.rate:.0%} of {row.n_pictures} pictures ({row.low:.0%} to {row.high:.0%})"
    )
    if row.low < lines.rate <= row.high:
        return "ambiguous", f"{fires}, on both sides of the line at {lines.rate:.0%}: draw more"
    against = _against(row, lines)
    if against:
        return "refuted", "; ".join([fires, *against])
    return "verified", f"{fires}, and says when it fires (score {row.score:.2f})"


def _against(row: _Row, lines: _Lines) -> list[str]:
    """What speaks against a hypothesis that could be tested, in words."""
    found: list[str] = []
    if row.high < lines.rate:
        found.append(f"a right name would reach {lines.rate:.0%}")
    elif row.reported_rate < lines.rate:
        found.append(f"but on {row.reported_rate:.0%} of the half that is reported")
    if row.score < lines.score:
        found.append(f"{row.best_name!r} says better when it fires (score {row.score:.2f})")
    if row.q_value > lines.max_q:
        found.append(f"pictures of other concepts often do as well (q = {row.q_value:.2g})")
    return found
