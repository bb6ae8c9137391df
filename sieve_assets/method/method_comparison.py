"""How well a method's names for a target hold, beside the same figures of any other method.

Not in the SIEVE paper but for the mean AR before and after its filter: docs/method.md, section 3.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int

from sieve_assets.method.checked_inputs import (
    require_at_least,
    require_between,
    require_finite,
    require_same_length,
    require_some,
)
from sieve_assets.method.coverage import (
    Bootstrapped,
    CoverageCurve,
    bootstrapped_mean,
    coverage_curve,
    mean_at,
)
from sieve_assets.method.verified_concepts import verify


class Names(NamedTuple):
    """A method's names for some of a target's neurons, as they were judged."""

    neuron: Int[np.ndarray, " name"]
    place: Int[np.ndarray, " name"]
    """The method's own order, 0 for its first."""
    rate: Float64[np.ndarray, " name"]
    """AR."""
    decided: Float64[np.ndarray, " name"]
    """AR over the pictures that decide."""
    reported: Float64[np.ndarray, " name"]
    """AR over the others."""
    is_verified: Bool[np.ndarray, " name"]


class Chosen(NamedTuple):
    """One name for each neuron that has one, by position: as given, and after either filter."""

    first: Int[np.ndarray, " neuron"]
    """The first in the method's own order."""
    kept: Int[np.ndarray, " kept"]
    """Those of the first that the paper's filter keeps."""
    verified: Int[np.ndarray, " verified"]
    """The chosen one among the verified."""


class Rates(NamedTuple):
    """Mean AR over a method's names, of which each neuron has one."""

    n_named: int
    """Neurons that have one."""
    coverage: float
    """Their share."""
    mean: Bootstrapped
    """Over neurons."""


class MethodFigures(NamedTuple):
    """What one method gives on a target."""

    first: Rates
    """Of its first name for each neuron."""
    kept: Rates
    """Of those that the paper's filter keeps."""
    verified: Rates
    """Of each neuron's chosen name among its verified ones, on the reporting pictures."""
    curve: CoverageCurve
    """Of each neuron's chosen name, on the reporting pictures, by its rate on the others."""


class AtEqualCoverage(NamedTuple):
    """Two methods' mean AR when both name the same share of the neurons."""

    coverage: float
    """The smaller of what the two reach."""
    mean: float
    other: float


def figures_of(
    names: Names,
    *,
    n_neurons: int,
    confidence: float,
    n_resamples: int,
    generator: np.random.Generator,
) -> MethodFigures:
    """A method's figures on one target.

    The same filters are put to every method: the paper's, that AR is not below the mean of the
    method's own first names, and the verdict. A neuron's chosen name is the one with the highest AR
    on the deciding pictures, of equal ones the first in the method's own order; what is reported of
    it comes from the others.

    Args:
        names: At least one; their order makes no difference, but between names of equal place.
        n_neurons: Neurons of the target, at least as many as have a name.
        confidence: Of the intervals, between 0 and 1.
        n_resamples: Draws of the bootstrap over neurons, at least 1.
        generator: Of the draws.

    Returns:
        Means, intervals and the curve; nan and 0 where no name is verified.

    Raises:
        ValueError: No name, sizes that differ, a rate that is not finite, an AR of a first name
            outside 0 to 1, fewer neurons than have a name, a confidence outside 0 to 1, or no draw.

    Source: SIEVE, Sec. 4.1 for the filter; docs/method.md, section 3 for coverage.
    """
    where = "figures_of"
    require_some(where, "names", names.neuron, axis=0)
    _require_names(where, names, n_neurons)
    require_between(where, "confidence", confidence, 0.0, 1.0)
    names = _in_order(names)

    def rates(places: Int[np.ndarray, " place"], values: Float64[np.ndarray, " name"]) -> Rates:
        mean = bootstrapped_mean(
            values[places], confidence=confidence, n_resamples=n_resamples, generator=generator
        )
        return Rates(len(places), len(places) / n_neurons, mean)

    chosen = chosen_names(names)
    everything = np.ones(len(names.neuron), dtype=bool)
    return MethodFigures(
        rates(chosen.first, names.rate),
        rates(chosen.kept, names.rate),
        rates(chosen.verified, names.reported),
        _curve(names, everything, n_neurons),
    )


def chosen_names(names: Names) -> Chosen:
    """Which of a method's names count: its first ones, and those that either filter leaves.

    Args:
        names: At least one; of equal ones the first counts.

    Raises:
        ValueError: No name, or an AR of a first name outside 0 to 1.

    Source: SIEVE, Sec. 4.1; docs/method.md, section 3.
    """
    everything = np.ones(len(names.neuron), dtype=bool)
    first = one_a_neuron(names.neuron, -names.place.astype(np.float64), everything)
    kept = first[verify(names.rate[first]).paper_kept]
    return Chosen(first, kept, one_a_neuron(names.neuron, names.decided, names.is_verified))


def verified_curve(names: Names, *, n_neurons: int) -> CoverageCurve:
    """The curve of verified names alone, each neuron's chosen one.

    Args:
        names: A method's; their order makes no difference, but between names of equal place.
        n_neurons: Neurons of the target, at least as many as have a name.

    Returns:
        Empty without a verified name.

    Raises:
        ValueError: Sizes that differ, a rate that is not finite, or fewer neurons than have a name.

    Source: docs/method.md, section 3.
    """
    _require_names("verified_curve", names, n_neurons)
    names = _in_order(names)
    return _curve(names, names.is_verified, n_neurons)


def one_a_neuron(
    neuron: Int[np.ndarray, " name"],
    preference: Float64[np.ndarray, " name"],
    is_allowed: Bool[np.ndarray, " name"],
) -> Int[np.ndarray, " chosen"]:
    """Each neuron's most preferred name, by position; the first of equal ones.

    Args:
        neuron: Whose name it is.
        preference: The higher, the better; nan is the least of all.
        is_allowed: Names that may be chosen; a neuron without any has none.

    Returns:
        Positions, in the order of the neurons' numbers.

    Raises:
        ValueError: Sizes that differ.
    """
    require_same_length(
        "one_a_neuron",
        neuron=len(neuron),
        preference=len(preference),
        is_allowed=len(is_allowed),
    )
    allowed = np.flatnonzero(is_allowed)
    order = allowed[np.lexsort((allowed, -preference[allowed], neuron[allowed]))]
    _, first = np.unique(neuron[order], return_index=True)
    return order[first]


def at_equal_coverage(one: CoverageCurve, other: CoverageCurve) -> AtEqualCoverage:
    """Two methods when both keep as many neurons, each those that it does best on.

    Args:
        one: A method's curve.
        other: Another's, on the same target.

    Returns:
        Coverage 0 and nan for both means if either names no neuron.

    Source: docs/method.md, section 3.
    """
    reached = min(one.coverage.max(initial=0.0), other.coverage.max(initial=0.0))
    if reached == 0:
        return AtEqualCoverage(0.0, float("nan"), float("nan"))
    return AtEqualCoverage(
        float(reached), mean_at(one, float(reached)), mean_at(other, float(reached))
    )


def _require_names(where: str, names: Names, n_neurons: int) -> None:
    require_same_length(where, **{key: len(part) for key, part in names._asdict().items()})
    remedy = "Leave out names without pictures."
    for what in ("rate", "decided", "reported"):
        require_finite(where, f"values of {what}", getattr(names, what), row="name", remedy=remedy)
    require_at_least(where, "n_neurons", n_neurons, len(np.unique(names.neuron)))


def _in_order(names: Names) -> Names:
    """By neuron and place, so that of equal names the method's first comes first."""
    order = np.lexsort((names.place, names.neuron))
    return Names(*(part[order] for part in names))


def _curve(names: Names, is_allowed: Bool[np.ndarray, " name"], n_neurons: int) -> CoverageCurve:
    chosen = one_a_neuron(names.neuron, names.decided, is_allowed)
    return coverage_curve(names.reported[chosen], names.decided[chosen], n_neurons=n_neurons)
