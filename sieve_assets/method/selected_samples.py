"""The strongest probe images of each neuron, and the optional gate on single samples."""

import numpy as np
from jaxtyping import Bool, Float, Int

from sieve_assets.method.checked_inputs import require_at_least, require_finite
from sieve_assets.method.neuron_ratios import Normalise, Rule, activation_ratios


def top_samples(
    activations: Float[np.ndarray, "neuron image"], *, count: int
) -> Int[np.ndarray, "neuron place"]:
    """Positions of each neuron's strongest images.

    The same images as `probe_pass.merge_strongest` keeps, from stored activations.

    Args:
        activations: Activations over the probe set (arbitrary units).
        count: Samples a neuron, at least 1; 20 in the paper.

    Returns:
        min(count, images) positions a neuron, strongest first; ties by lower position.

    Raises:
        ValueError: An activation is not finite, or count < 1.

    Source: SIEVE, Sec. 3.2; docs/method.md, decision 5.
    """
    require_at_least("top_samples", "count", count, 1)
    remedy = "Check the target's transform and precision."
    require_finite("top_samples", "activations", activations, row="neuron", remedy=remedy)
    return np.argsort(-activations, axis=1, kind="stable")[:, :count]


def passes_gate(
    samples: Float[np.ndarray, "neuron place"],
    activations: Float[np.ndarray, "neuron image"],
    *,
    rule: Rule,
    normalise: Normalise,
    beta: float,
) -> Bool[np.ndarray, "neuron place"]:
    """Whether each sample's own ratio to the neuron's distribution exceeds beta.

    The reading of beta in Sec. 4.4 of the paper; Sec. 3.2 gates neurons, which is the default.

    Args:
        samples: Activations of the neuron's strongest images.
        activations: Activations over the probe set.
        rule: As in `neuron_ratios`.
        normalise: As in `neuron_ratios`.
        beta: Samples pass above it, strictly.

    Returns:
        True for a sample to keep; none of a dead neuron.

    Raises:
        ValueError: As in `activation_ratios`.

    Source: SIEVE, Sec. 4.4; docs/method.md, decision 2.
    """
    return activation_ratios(samples, activations, rule=rule, normalise=normalise) > beta
