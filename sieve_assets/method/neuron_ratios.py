"""How selective each neuron is over the probe set, and whether that is enough to select it."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from sieve_assets.method.checked_inputs import (
    refusal,
    require_between,
    require_finite,
    require_same_length,
    require_some,
)

Rule = Literal["ratio", "signed"]
Normalise = Literal["none", "minmax"]
Gate = Literal["neuron", "sample"]

GAUSSIAN_MAD = 1.4826
"""Standard deviation of a Gaussian over its median absolute deviation."""


class NeuronRatios(NamedTuple):
    """One entry a neuron."""

    median: Float32[np.ndarray, " neuron"]
    p99: Float32[np.ndarray, " neuron"]
    """The percentile asked for, 99 unless the study says otherwise; also the threshold of Eq. 4."""
    ratio: Float64[np.ndarray, " neuron"]
    """+inf for a sparse neuron, nan for a dead one."""
    status: list[str]
    """`selected`, `low_contrast` or `dead`."""
    is_sparse: Bool[np.ndarray, " neuron"]
    """The scale that the ratio divides by is 0: at least half of the images give one value."""


class _Contrast(NamedTuple):
    """What turns activations into ratios: (activation - origin) / scale, one entry a neuron."""

    origin: Float64[np.ndarray, " neuron"]
    scale: Float64[np.ndarray, " neuron"]


def neuron_ratios(
    activations: Float[np.ndarray, "neuron image"],
    *,
    rule: Rule,
    beta: float,
    percentile: float,
    normalise: Normalise,
    gate: Gate,
) -> NeuronRatios:
    """Each neuron's median, high percentile, their ratio, and whether the ratio exceeds beta.

    Percentiles are linear, in float64 from float32 values, then rounded to float32; the ratio is
    made of the rounded ones, so that it can be recomputed from them. Nothing is added to a
    denominator: a median of 0 under a positive maximum gives +inf. `minmax` rescales each neuron to
    0..1 for the ratio alone; median and p99 stay in the neuron's own units.

    Args:
        activations: Activations over the probe set (arbitrary units), read as float32.
        rule: `ratio`: p99 / median, as the paper; `signed`: (p99 - median) / (1.4826 MAD), for
            targets with negative outputs.
        beta: The neuron is selected above it, strictly.
        percentile: 99 in the paper; 50 to 100.
        normalise: `none`, or `minmax` (changes the ratio rule only: the signed rule cancels it).
        gate: `neuron`: the ratio decides; `sample`: selected if any one image's own ratio exceeds
            beta (`activation_ratios`).

    Returns:
        One entry a neuron.

    Raises:
        ValueError: No image, a value that is not finite, a percentile out of range, or a negative
            activation under the ratio rule without `minmax`.

    Source: SIEVE, Sec. 3.2 and 4.4; docs/method.md, decisions 2 to 4 and 20.
    """
    require_between("neuron_ratios", "percentile", percentile, 50.0, 100.0)
    activations = _checked(activations, rule, normalise, "neuron_ratios")
    median, p99 = _percentiles(activations, [50.0, percentile])
    maximum = activations.max(axis=1)
    contrast = _contrast(activations, median, rule, normalise)
    is_dead = activations.min(axis=1) == maximum
    is_above = maximum > contrast.origin if rule == "ratio" else p99 > contrast.origin
    ratio = _divided(p99 - contrast.origin, contrast.scale, is_above)
    ratio[is_dead] = np.nan
    strongest = _divided(maximum - contrast.origin, contrast.scale, maximum > contrast.origin)
    passes = (ratio if gate == "neuron" else strongest) > beta
    status = np.where(is_dead, "dead", np.where(passes, "selected", "low_contrast"))
    return NeuronRatios(median, p99, ratio, [str(name) for name in status], np.isinf(ratio))


def activation_thresholds(
    activations: Float[np.ndarray, "neuron image"], *, percentile: float
) -> Float32[np.ndarray, " neuron"]:
    """T of Eq. 4: each neuron's high percentile, the same as `neuron_ratios` finds.

    Args:
        activations: Activations over the probe set.
        percentile: As in `neuron_ratios`.

    Raises:
        ValueError: No image, a value that is not finite, or a percentile out of range.

    Source: SIEVE, Sec. 3.2 and 3.4; docs/method.md, decision 20.
    """
    where = "activation_thresholds"
    require_between(where, "percentile", percentile, 50.0, 100.0)
    activations = _checked(activations, "signed", "none", where)
    return _percentiles(activations, [percentile])[0]


def activation_ratios(
    samples: Float[np.ndarray, "neuron place"],
    activations: Float[np.ndarray, "neuron image"],
    *,
    rule: Rule,
    normalise: Normalise,
) -> Float64[np.ndarray, "neuron place"]:
    """Each sample's own ratio: what the neuron's ratio is when the sample stands for the p99.

    Args:
        samples: Activations of some images (the neuron's units).
        activations: Activations over the probe set.
        rule: As in `neuron_ratios`.
        normalise: As in `neuron_ratios`.

    Returns:
        Ratios; +inf where the scale is 0 and the sample is above the origin, 0 where it is not,
        nan for a dead neuron.

    Raises:
        ValueError: As in `neuron_ratios`; or samples and activations of different neurons.

    Source: SIEVE, Sec. 4.4 (the gate on samples); docs/method.md, decision 2.
    """
    where = "activation_ratios"
    require_same_length(where, samples=len(samples), activations=len(activations))
    activations = _checked(activations, rule, normalise, where)
    [median] = _percentiles(activations, [50.0])
    contrast = _contrast(activations, median, rule, normalise)
    origin, scale = contrast.origin[:, None], contrast.scale[:, None]
    above = samples.astype(np.float32) - origin
    ratios = _divided(above, scale, above > 0)
    ratios[activations.min(axis=1) == activations.max(axis=1)] = np.nan
    return ratios


def _checked(
    activations: np.ndarray, rule: Rule, normalise: Normalise, where: str
) -> Float32[np.ndarray, "neuron image"]:
    require_some(where, "probe images", activations, axis=1)
    activations = activations.astype(np.float32, copy=False)
    remedy = "Check the target's transform and precision."
    require_finite(where, "activations", activations, row="neuron", remedy=remedy)
    is_negative = (activations < 0).any(axis=1)
    if rule == "ratio" and normalise == "none" and is_negative.any():
        neuron = int(np.argmax(is_negative))
        got = f"{activations[neuron].min():.4g} for neuron {neuron}"
        remedy = 'Set rule = "signed" for this target.'
        expected = "activations of at least 0 under the ratio rule"
        raise ValueError(refusal(where, expected, got, remedy))
    return activations


def _percentiles(
    activations: Float32[np.ndarray, "neuron image"], percentiles: list[float]
) -> Float32[np.ndarray, "percentile neuron"]:
    """By neuron, so that only one row at a time is held in float64."""
    found = np.empty((len(percentiles), len(activations)), np.float32)
    for neuron, row in enumerate(activations):
        found[:, neuron] = np.percentile(row.astype(np.float64), percentiles)
    return found


def _contrast(
    activations: Float32[np.ndarray, "neuron image"],
    median: Float32[np.ndarray, " neuron"],
    rule: Rule,
    normalise: Normalise,
) -> _Contrast:
    centre = median.astype(np.float64)
    if rule == "signed":
        pairs = zip(activations, centre, strict=True)
        deviations = (np.median(np.abs(row - middle)) for row, middle in pairs)
        mad = np.fromiter(deviations, dtype=np.float64, count=len(centre))
        return _Contrast(centre, GAUSSIAN_MAD * mad)
    lowest = activations.min(axis=1).astype(np.float64)
    origin = lowest if normalise == "minmax" else np.zeros_like(centre)
    return _Contrast(origin, centre - origin)


def _divided(numerator: np.ndarray, scale: np.ndarray, is_above: np.ndarray) -> np.ndarray:
    """The numerator over the scale; where the scale is 0, +inf above the origin and 0 elsewhere."""
    scale = np.broadcast_to(scale, numerator.shape)
    at_zero = np.where(is_above, np.inf, 0.0)
    return np.divide(numerator, scale, out=at_zero, where=scale > 0)
