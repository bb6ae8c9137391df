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
    n_recognised: Int[np.ndarray, " hypothesis"]
    """Pictures in which the vision-language model sees the concept."""
    rate: Float[np.ndarray, " hypothesis"]
    """AR at the matched threshold, with its interval, over all pictures."""
    low: Float[np.ndarray, " hypothesis"]
    high: Float[np.ndarray, " hypothesis"]
    reported_rate: Float[np.ndarray, " hypothesis"]
    """The same over the reporting half of the pictures."""
    q_value: Float[np.ndarray, " hypothesis"]
    """Of "pictures of other concepts fire the neuron as often", among all hypotheses."""
    usual_high: Float[np.ndarray, " hypothesis"]
    """Upper end of the interval of AR at the usual threshold."""
    best_reference: Sequence[str | None]
    """The reference concept on which the neuron fires most."""
    best_reference_rate: Float[np.ndarray, " hypothesis"]
    """Its AR at the usual threshold; nan without any."""


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


def verdicts(evidence: Evidence, *, line: float, min_recognised: float, max_q: float) -> Verdicts:
    """Whether each hypothesis holds, by the first of these that applies.

    `untestable`: its pictures do not show it, so they can tell nothing. `ambiguous`: the interval
    of its rate is on both sides of the line. `verified`: the rate on the reporting half reaches the
    line, pictures of other concepts do not do as well, and no reference concept fires the neuron
    more often than the interval allows. `refuted`: all else.

    Args:
        evidence: What is known of each hypothesis.
        line: Rate that a right name reaches at the matched threshold; .5.
        min_recognised: Share of the pictures that must show the concept; .5.
        max_q: Largest q that is not chance; .05.

    Returns:
        Verdicts, each with its reason.

    Raises:
        ValueError: Sizes that differ.

    Source: docs/method.md, section 3.
    """
    require_same_length(
        "verdicts", **{name: len(part) for name, part in evidence._asdict().items()}
    )
    found = [
        _judged(_Row(*entries), line=line, min_recognised=min_recognised, max_q=max_q)
        for entries in zip(*evidence, strict=True)
    ]
    return Verdicts([verdict for verdict, _ in found], [reason for _, reason in found])


class _Row(NamedTuple):
    """One hypothesis of the evidence."""

    concept: str
    n_pictures: int
    n_recognised: int
    rate: float
    low: float
    high: float
    reported_rate: float
    q_value: float
    usual_high: float
    best_reference: str | None
    best_reference_rate: float


def _judged(row: _Row, *, line: float, min_recognised: float, max_q: float) -> tuple[Verdict, str]:
    fires = f"fires on {row.rate:.0%} of its pictures ({row.low:.0%} to {row.high:.0%})"
    if row.n_recognised < min_recognised * row.n_pictures:
        seen = f"{row.n_recognised} of {row.n_pictures} pictures of {row.concept!r} show it"
        return "untestable", f"only {seen} to the vision-language model"
    if row.low < line <= row.high:
        return "ambiguous", f"{fires}, on both sides of the line at {line:.0%}: draw more"
    against = _against(row, line=line, max_q=max_q)
    if against:
        return "refuted", f"{fires}; " + "; ".join(against)
    return (
        "verified",
        f"{fires}, other concepts' pictures do not do as well (q = {row.q_value:.2g})",
    )


def _against(row: _Row, *, line: float, max_q: float) -> list[str]:
    """What speaks against a hypothesis that could be tested, in words."""
    found: list[str] = []
    if row.high < line:
        found.append(f"a right name would reach {line:.0%}")
    elif row.reported_rate < line:
        found.append(f"but on {row.reported_rate:.0%} of the half that is reported")
    if row.q_value > max_q:
        found.append(f"pictures of other concepts often do as well (q = {row.q_value:.2g})")
    if row.best_reference_rate > row.usual_high:
        rate = f"{row.best_reference_rate:.0%} against at most {row.usual_high:.0%}"
        found.append(f"it fires more on {row.best_reference!r} ({rate} above the usual threshold)")
    return found
