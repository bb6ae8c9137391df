"""A neuron's activations in bins, as a histogram shows them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from sieve_assets.method.checked_inputs import require_at_least, require_finite, require_some


class ActivationBins(NamedTuple):
    """How many activations lie where."""

    edges: Float[np.ndarray, " edge"]
    """From the smallest to the largest activation, equally spaced (arbitrary units)."""
    counts: Int[np.ndarray, " bin"]
    """Activations from an edge to the next, itself excluded but for the last."""


def activation_bins(activations: Float[np.ndarray, " image"], *, count: int) -> ActivationBins:
    """The activations in equal bins from the smallest to the largest.

    A neuron that never changes has one bin, of no width.

    Args:
        activations: Of one neuron on the probe images (arbitrary units), at least one.
        count: Bins, at least 1.

    Raises:
        ValueError: There is no activation, one is not finite, or count is below 1.

    Source: SIEVE, Fig. 3.
    """
    require_at_least("activation_bins", "count", count, 1)
    require_some("activation_bins", "activations", activations, axis=0)
    require_finite(
        "activation_bins", "activations", activations, row="image", remedy="Check the probe pass."
    )
    values = activations.astype(np.float64)
    if values.min() == values.max():
        return ActivationBins(np.repeat(values[:1], 2), np.array([values.size]))
    counts, edges = np.histogram(values, bins=count)
    return ActivationBins(edges, counts.astype(np.int64))
