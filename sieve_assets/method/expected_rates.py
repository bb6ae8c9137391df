"""What activation rate a right name can reach at all, given how common its concept is.

Not in the SIEVE paper: docs/method.md, section 3.
"""

import numpy as np
from jaxtyping import Float, Float64

from sieve_assets.method.checked_inputs import refusal, require_between, require_same_length


def expected_rates(
    shares: Float[np.ndarray, " hypothesis"], *, percentile: float
) -> Float64[np.ndarray, " hypothesis"]:
    """The most that AR can be if pictures are like the probe set's own instances of the concept.

    Above its 99th percentile a neuron is on 1 % of the probe images only. If 12 % of them show a
    concept, it can be so on a twelfth of these at most, however well it knows them.

    Args:
        shares: Share of the probe images that show each concept.
        percentile: Of the threshold, 99 in the paper.

    Returns:
        min(1, (1 - percentile / 100) / share); 1 for a concept that no image shows.

    Raises:
        ValueError: A share outside 0 to 1, or a percentile outside 0 to 100.

    Source: docs/method.md, section 3.
    """
    _require_shares("expected_rates", shares)
    tail = _tail("expected_rates", percentile)
    return np.minimum(1.0, np.divide(tail, shares, out=np.ones(len(shares)), where=shares > 0))


def matched_thresholds(
    activations: Float[np.ndarray, "hypothesis image"],
    shares: Float[np.ndarray, " hypothesis"],
    *,
    percentile: float,
) -> Float64[np.ndarray, " hypothesis"]:
    """The threshold above which a neuron is on as many probe images as show the concept.

    At this threshold a neuron that knows a common concept can fire on every picture of it. For
    concepts in fewer images than the percentile admits it is the usual threshold.

    Args:
        activations: Of the hypothesis's neuron on the probe images (arbitrary units).
        shares: Share of the probe images that show each concept.
        percentile: Of the usual threshold, 99 in the paper.

    Returns:
        The quantile 1 - max(1 - percentile / 100, share), linear, in float64 of float32 values.

    Raises:
        ValueError: A share outside 0 to 1, a percentile outside 0 to 100, or sizes that differ.

    Source: docs/method.md, section 3, and decision 20 for the percentile.
    """
    where = "matched_thresholds"
    require_same_length(where, activations=len(activations), shares=len(shares))
    _require_shares(where, shares)
    admitted = np.maximum(_tail(where, percentile), shares)
    pairs = zip(activations.astype(np.float32), 100 * (1 - admitted), strict=True)
    return np.array([np.percentile(row.astype(np.float64), at) for row, at in pairs], np.float64)


def _tail(where: str, percentile: float) -> float:
    """The share of the probe images above the percentile."""
    require_between(where, "percentile", percentile, 0.0, 100.0)
    return (100 - percentile) / 100


def _require_shares(where: str, shares: Float[np.ndarray, " hypothesis"]) -> None:
    is_bad = ~((shares >= 0) & (shares <= 1))
    if is_bad.any():
        row = int(np.argmax(is_bad))
        got = f"{shares[row]} for hypothesis {row}"
        remedy = "Divide the images that show the concept by all of them."
        raise ValueError(refusal(where, "shares between 0 and 1", got, remedy))
