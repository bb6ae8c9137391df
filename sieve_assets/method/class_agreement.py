"""How near the names of a classifier's neurons are to what their classes are called.

The final-layer scores of SIEVE's Tables 1 to 3 and 6; as in CLIP-Dissect, ICLR 2023, Sec. 4.2.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_finite,
    require_same_length,
    require_some,
)
from sieve_assets.method.coverage import Bootstrapped, bootstrapped_mean


class ClassCosines(NamedTuple):
    """How near names are to classes, in one space of texts."""

    own: Float64[np.ndarray, " name"]
    """Cosine of the name and that of the neuron's own class."""
    others: Float64[np.ndarray, " name"]
    """Mean cosine of the name and those of all other classes: what no knowledge gives; nan if there
    are none."""


class Agreement(NamedTuple):
    """Of one name a neuron; nan where there is none, or no cosine."""

    n_named: int
    """Neurons that have one."""
    coverage: float
    """Their share."""
    own: Bootstrapped
    """Mean cosine with the neuron's own class, over neurons."""
    others: float
    """Mean cosine with the other classes."""


def class_cosines(
    names: Float[np.ndarray, "name feature"],
    classes: Float[np.ndarray, "class feature"],
    neuron: Int[np.ndarray, " name"],
) -> ClassCosines:
    """Each name against the class that its neuron stands for, and against the other classes.

    Args:
        names: Unit vectors of the names' texts.
        classes: Unit vectors of the classes' texts; a class is the neuron of the same number.
        neuron: Whose name it is.

    Returns:
        In float64.

    Raises:
        ValueError: No class, a vector that is not finite, sizes that differ, or a neuron without a
            class.

    Source: SIEVE, Tables 1 to 3, "CLIP cos" and "mpnet cos".
    """
    where = "class_cosines"
    require_some(where, "classes", classes, axis=0)
    require_same_length(where, names=len(names), neuron=len(neuron))
    require_same_length(where, names=names.shape[1], classes=classes.shape[1])
    remedy = "Check the model of texts."
    require_finite(where, "vectors of names", names, row="name", remedy=remedy)
    require_finite(where, "vectors of classes", classes, row="class", remedy=remedy)
    is_without = (neuron < 0) | (neuron >= len(classes))
    if is_without.any():
        got = neuron[np.argmax(is_without)]
        remedy = "Name every class."
        raise ValueError(refusal(where, f"neurons below {len(classes)}", got, remedy))
    vectors, named = classes.astype(np.float64), names.astype(np.float64)
    own = np.einsum("nf,nf->n", named, vectors[neuron])
    n_others = len(classes) - 1
    if not n_others:
        return ClassCosines(own, np.full(len(own), np.nan))
    return ClassCosines(own, (named @ vectors.sum(axis=0) - own) / n_others)


def is_class_name(name: str, class_name: str) -> bool:
    """Whether a name is the class's own, or one of those that it lists ("tench, Tinca tinca").

    Case makes no difference.
    """
    said = {class_name.strip().casefold()}
    said |= {one.strip().casefold() for one in class_name.split(",")}
    return name.strip().casefold() in said


def agreement(
    cosines: ClassCosines,
    *,
    n_neurons: int,
    confidence: float,
    n_resamples: int,
    generator: np.random.Generator,
) -> Agreement:
    """The mean over neurons, each with one name, and how many have one.

    Args:
        cosines: Of each neuron's one name; nan for all if they were not compared in this space.
        n_neurons: Of the target, at least as many as have a name.
        confidence: Of the interval, between 0 and 1.
        n_resamples: Draws of the bootstrap over neurons, at least 1.
        generator: Of the draws.

    Raises:
        ValueError: Fewer neurons than names, or cosines of which some are nan.

    Source: SIEVE, Tables 1 to 3; intervals are not in the paper.
    """
    n_named = len(cosines.own)
    require_at_least("agreement", "n_neurons", n_neurons, max(n_named, 1))
    is_absent = n_named > 0 and bool(np.isnan(cosines.own).all())
    own = bootstrapped_mean(
        cosines.own[:0] if is_absent else cosines.own,
        confidence=confidence,
        n_resamples=n_resamples,
        generator=generator,
    )
    others = float(cosines.others.mean()) if n_named else float("nan")
    return Agreement(n_named, n_named / n_neurons, own, others)


def share_of(is_so: Bool[np.ndarray, " name"]) -> float:
    """The share for which something holds; nan without any."""
    return float(is_so.mean()) if len(is_so) else float("nan")
