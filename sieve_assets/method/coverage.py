"""How high activation rates are when every method may name the same share of the neurons.

Not in the SIEVE paper: docs/method.md, section 3.
"""

# scipy ships no types: what comes from it is annotated where it is used.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from typing import Any, NamedTuple, cast

import numpy as np
from jaxtyping import Float, Float64
from scipy import stats

from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_between,
    require_finite,
)


class CoverageCurve(NamedTuple):
    """From one named neuron to all that are named, the most trusted first."""

    coverage: Float64[np.ndarray, " place"]
    """Share of the target's neurons that are named."""
    mean_ar: Float64[np.ndarray, " place"]
    """Mean AR of their names."""


class Bootstrapped(NamedTuple):
    """A mean with its confidence interval; nan where there is nothing to take a mean of."""

    mean: float
    low: float
    high: float


def coverage_curve(
    rates: Float[np.ndarray, " named"], trust: Float[np.ndarray, " named"], *, n_neurons: int
) -> CoverageCurve:
    """Mean AR by the share of neurons that are named, one name a neuron.

    A method that names few neurons has an easy game; only at the same coverage do means compare.
    Neurons of equal trust come in together, with the mean of their rates: their order is nobody's.

    Args:
        rates: AR of each named neuron's one name.
        trust: What the method drops neurons by, least first, without knowing `rates`.
        n_neurons: Neurons of the target that could have been named.

    Returns:
        One entry a named neuron; empty without any.

    Raises:
        ValueError: A value that is not finite, or more names than neurons.

    Source: docs/method.md, section 3.
    """
    where = "coverage_curve"
    remedy = "Pass one name a neuron."
    require_finite(where, "activation rates", rates, row="name", remedy=remedy)
    require_finite(where, "trust", trust, row="name", remedy=remedy)
    if len(rates) > n_neurons:
        raise ValueError(refusal(where, f"at most {n_neurons} names", len(rates), remedy))
    distinct, group = np.unique(-trust, return_inverse=True)
    sizes = np.bincount(group, minlength=len(distinct))
    totals = np.bincount(group, weights=rates, minlength=len(distinct))
    gains = np.repeat(totals / np.maximum(sizes, 1), sizes)
    named = np.arange(1, len(rates) + 1)
    return CoverageCurve(named / max(n_neurons, 1), np.cumsum(gains) / named)


def mean_at(curve: CoverageCurve, coverage: float) -> float:
    """The curve's mean AR at a coverage; nan if the method does not name so many neurons.

    Args:
        curve: From `coverage_curve`.
        coverage: Share of the neurons, above 0 and at most 1.

    Returns:
        At the fewest neurons that reach the coverage.

    Raises:
        ValueError: A coverage outside 0 to 1.
    """
    require_between("mean_at", "coverage", coverage, 0.0, 1.0)
    reached = np.flatnonzero(curve.coverage >= coverage - 1e-12)
    return float(curve.mean_ar[reached[0]]) if len(reached) else float("nan")


def bootstrapped_mean(
    values: Float[np.ndarray, " neuron"],
    *,
    confidence: float,
    n_resamples: int,
    generator: np.random.Generator,
) -> Bootstrapped:
    """A mean over neurons with its percentile bootstrap interval.

    Args:
        values: One a neuron: hypotheses of one neuron are not independent, neurons rather are.
        confidence: Of the interval, above 0 and below 1.
        n_resamples: Draws, at least 1; 10,000 are usual.
        generator: Of the draws.

    Returns:
        Mean, low, high; all the same for a single neuron.

    Raises:
        ValueError: A value that is not finite, or no draw.

    Source: Efron 1979; scipy.stats.bootstrap.
    """
    where = "bootstrapped_mean"
    require_at_least(where, "n_resamples", n_resamples, 1)
    remedy = "Leave out neurons without a value."
    require_finite(where, "values", values, row="neuron", remedy=remedy)
    if len(values) == 0:
        return Bootstrapped(float("nan"), float("nan"), float("nan"))
    mean = float(values.mean())
    if len(values) == 1:
        return Bootstrapped(mean, mean, mean)
    bootstrap = cast("Any", stats.bootstrap)
    found = bootstrap(
        (values,),
        np.mean,
        confidence_level=confidence,
        n_resamples=n_resamples,
        method="percentile",
        rng=generator,
    )
    low, high = found.confidence_interval
    return Bootstrapped(mean, float(low), float(high))
