"""How far a neuron's activations on a concept's pictures lie above those on the probe images.

Not in the SIEVE paper: CoSy's two scores (docs/method.md, section 3).
"""

# scipy ships no types: what comes from it is annotated where it is used.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64
from scipy import stats

from sieve_assets.method.checked_inputs import require_finite, require_same_length, require_some


class Separation(NamedTuple):
    """One entry a hypothesis."""

    auc: Float64[np.ndarray, " hypothesis"]
    """Chance that the neuron prefers a picture of the concept to a probe image; a tie is half."""
    mad: Float64[np.ndarray, " hypothesis"]
    """Difference of means in standard deviations of the probe images; nan for a dead neuron."""


def separation(
    pictures: Float[np.ndarray, "hypothesis picture"],
    probe: Float[np.ndarray, "hypothesis image"],
) -> Separation:
    """CoSy's AUC and MAD of each hypothesis.

    Args:
        pictures: Activations of the hypothesis's neuron on its generated pictures.
        probe: Activations of the same neuron on the probe images.

    Returns:
        AUC of generated (1) against probe (0), and (mean of pictures - mean of probe) / standard
        deviation of probe, in float64.

    Raises:
        ValueError: No picture or no image, a value that is not finite, or sizes that differ.

    Source: Kopf et al., "CoSy: Evaluating Textual Explanations of Neurons", NeurIPS 2024, Eq. 3, 4.
    """
    where, remedy = "separation", "Check the target's transform and precision."
    require_same_length(where, pictures=len(pictures), probe=len(probe))
    for what, values in (("pictures", pictures), ("probe images", probe)):
        require_some(where, what, values, axis=1)
        require_finite(where, f"activations on {what}", values, row="hypothesis", remedy=remedy)
    auc = np.array([_auc(*pair) for pair in zip(pictures, probe, strict=True)], np.float64)
    drawn, seen = pictures.astype(np.float64), probe.astype(np.float64)
    spread = seen.std(axis=1)
    difference = drawn.mean(axis=1) - seen.mean(axis=1)
    mad = np.divide(difference, spread, out=np.full(len(drawn), np.nan), where=spread > 0)
    return Separation(auc, mad)


def _auc(pictures: Float[np.ndarray, " picture"], probe: Float[np.ndarray, " image"]) -> float:
    """The mean share of probe images below a picture, ties counted half: Mann and Whitney's U."""
    below: np.ndarray = np.asarray(stats.percentileofscore(probe, pictures, kind="mean"))
    return float(below.mean() / 100)
