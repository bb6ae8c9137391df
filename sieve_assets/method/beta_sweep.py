"""What another threshold β would have left of SIEVE's names, and how these fare."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int

from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_between,
    require_same_length,
)
from sieve_assets.method.coverage import Bootstrapped
from sieve_assets.method.method_comparison import MethodFigures, Names, figures_of, one_a_neuron
from sieve_assets.method.verified_concepts import verify

NAN = float("nan")


class SomeNames(NamedTuple):
    """Names of which a neuron may have several."""

    n_names: int
    mean: Bootstrapped
    """Mean AR; the interval is over neurons, which are drawn with all their names."""
    true_share: float
    """Share of true ones; nan without names, and where the truth is not known."""


class AtBeta(NamedTuple):
    """The neurons that a threshold selects, and their names."""

    n_selected: int
    coverage: float
    """Their share of the target's neurons."""
    names: SomeNames
    """All of theirs."""
    kept: SomeNames
    """Those that the paper's filter keeps: its mean is over the selected neurons' names."""
    figures: MethodFigures | None
    """As methods are compared, with one name a neuron; None without a name."""
    true_verified: float
    """Share of true ones among the chosen verified names."""


def at_beta(
    names: Names,
    is_true: Float64[np.ndarray, " name"],
    ratio: Float64[np.ndarray, " neuron"],
    *,
    beta: float,
    confidence: float,
    n_resamples: int,
    generator: np.random.Generator,
) -> AtBeta:
    """How SIEVE fares with a threshold, of what is known of every neuron's names.

    Args:
        names: Of all neurons that have names, selected or not.
        is_true: 1 for a true name, 0 for another, nan where the truth is not known.
        ratio: Every neuron's contrast by its rule; nan for one that is never selected.
        beta: A neuron is selected if its contrast exceeds it.
        confidence: Of the intervals, between 0 and 1.
        n_resamples: Draws of each bootstrap over neurons, at least 1.
        generator: Of the draws.

    Returns:
        0 and nan where nothing is selected, or no name is left.

    Raises:
        ValueError: Sizes that differ, a name of a neuron that is none, and as `figures_of`.

    Source: SIEVE, Sec. 4.4 and Table 5; docs/method.md, decisions 2 to 4 and 17.
    """
    _require_names("at_beta", names, is_true, n_neurons=len(ratio))
    is_selected = ratio > beta
    order = np.lexsort((names.place, names.neuron))
    order = order[is_selected[names.neuron[order]]]
    names, is_true = Names(*(part[order] for part in names)), is_true[order]
    n_selected = int(is_selected.sum())
    coverage = n_selected / max(len(ratio), 1)

    def some_names(is_one: Bool[np.ndarray, " name"]) -> SomeNames:
        mean = mean_over_neurons(
            names.rate[is_one],
            names.neuron[is_one],
            confidence=confidence,
            n_resamples=n_resamples,
            generator=generator,
        )
        return SomeNames(int(is_one.sum()), mean, _share(is_true[is_one]))

    everything = np.ones(len(order), dtype=bool)
    if len(order) == 0:
        nothing = some_names(everything)
        return AtBeta(n_selected, coverage, nothing, nothing, None, NAN)
    figures = figures_of(
        names,
        n_neurons=len(ratio),
        confidence=confidence,
        n_resamples=n_resamples,
        generator=generator,
    )
    chosen = one_a_neuron(names.neuron, names.decided, names.is_verified)
    return AtBeta(
        n_selected,
        coverage,
        some_names(everything),
        some_names(verify(names.rate).paper_kept),
        figures,
        _share(is_true[chosen]),
    )


def mean_over_neurons(
    values: Float64[np.ndarray, " name"],
    neuron: Int[np.ndarray, " name"],
    *,
    confidence: float,
    n_resamples: int,
    generator: np.random.Generator,
) -> Bootstrapped:
    """The mean over names, with the percentile interval of a bootstrap over neurons.

    Args:
        values: One a name.
        neuron: Whose name it is; drawn with all its names, which are not independent.
        confidence: Of the interval, between 0 and 1.
        n_resamples: Draws, at least 1.
        generator: Of the draws.

    Returns:
        All the same for a single neuron; nan without names.

    Raises:
        ValueError: Sizes that differ, no draw, or a confidence outside 0 to 1.

    Source: the bootstrap over clusters, Efron 1979.
    """
    where = "mean_over_neurons"
    require_same_length(where, values=len(values), neuron=len(neuron))
    require_at_least(where, "n_resamples", n_resamples, 1)
    require_between(where, "confidence", confidence, 0.0, 1.0)
    if len(values) == 0:
        return Bootstrapped(NAN, NAN, NAN)
    numbers, member_of = np.unique(neuron, return_inverse=True)
    count = len(numbers)
    sizes = np.bincount(member_of, minlength=count)
    sums = np.bincount(member_of, weights=values, minlength=count)
    means = np.empty(n_resamples)
    for draw in range(n_resamples):
        times = np.bincount(generator.integers(count, size=count), minlength=count)
        means[draw] = (times @ sums) / (times @ sizes)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Bootstrapped(float(values.mean()), float(low), float(high))


def _require_names(
    where: str, names: Names, is_true: Float64[np.ndarray, " name"], *, n_neurons: int
) -> None:
    lengths = {key: len(part) for key, part in names._asdict().items()}
    require_same_length(where, **lengths, is_true=len(is_true))
    is_none = _is_outside(names.neuron, n_neurons)
    if is_none.any():
        got = f"a name of neuron {names.neuron[np.argmax(is_none)]}"
        remedy = "Pass one ratio for every neuron of the target."
        raise ValueError(refusal(where, f"neurons below {n_neurons}", got, remedy))


def _is_outside(neuron: Int[np.ndarray, " name"], n_neurons: int) -> Bool[np.ndarray, " name"]:
    return (neuron < 0) | (neuron >= n_neurons)


def _share(is_true: Float64[np.ndarray, " name"]) -> float:
    return float(is_true.mean()) if len(is_true) else NAN
