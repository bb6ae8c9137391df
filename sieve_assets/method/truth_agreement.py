"""How far a target's verdicts agree with the known truth.

Not in the SIEVE paper: docs/method.md, section 5.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from sieve_assets.method.checked_inputs import require_same_length
from sieve_assets.method.verified_concepts import verify

GRADED = (0.1, 0.9)
"""Oracle ARs strictly between are graded: neither nearly never nor nearly always."""


class TruthAgreement(NamedTuple):
    """How far a target's verdicts are right; nan where there is nothing to take a share of."""

    n_neurons: int
    """Neurons with a hypothesis."""
    n_hypotheses: int
    n_nameless: int
    """Hypotheses whose word names nothing in the world."""
    mean_ar: float
    """Of the generated pictures, over all hypotheses."""
    mean_oracle_ar: float
    """Of the rendered scenes, over all hypotheses; a word that names nothing counts as 0."""
    mean_abs_ar_error: float
    """Mean |AR − oracle AR| over the hypotheses that name something."""
    constant_error: float
    """The same for the best constant instead of AR: the median of the oracle AR."""
    n_graded: int
    """Hypotheses whose oracle AR is strictly between .1 and .9."""
    mean_abs_ar_error_graded: float
    """Mean |AR − oracle AR| over these."""
    constant_error_graded: float
    """The same for their own best constant."""
    verified_precision: float
    """Share of the kept hypotheses that the oracle's AR would have kept."""
    verified_recall: float
    """Share of the hypotheses that the oracle's AR would have kept that were kept."""
    top1_precision: float
    """Share of the neurons' first names, given without Verify, that are true."""
    kept_precision: float
    """Share of the kept hypotheses that are true."""
    hypotheses_precision: float
    """Share of all hypotheses that are true."""


def is_first_name(
    neurons: Int[np.ndarray, " hypothesis"],
    clusters: Int[np.ndarray, " hypothesis"],
    cluster_sizes: Int[np.ndarray, " hypothesis"],
    places: Int[np.ndarray, " hypothesis"],
) -> Bool[np.ndarray, " hypothesis"]:
    """The one hypothesis of each neuron that it would be named by without Verify.

    The best concept of its largest cluster, of equal ones the first.

    Args:
        neurons: Whose hypothesis it is.
        clusters: Cluster that it was made for.
        cluster_sizes: Patches of that cluster.
        places: 0 is the best concept of the cluster.

    Source: docs/method.md, section 5: the baseline that Verify is to improve on.
    """
    order = np.lexsort((places, clusters, -cluster_sizes, neurons))
    _, first = np.unique(neurons[order], return_index=True)
    is_first = np.zeros(len(neurons), dtype=bool)
    is_first[order[first]] = True
    return is_first


def truth_agreement(
    neurons: Int[np.ndarray, " hypothesis"],
    *,
    rates: Float[np.ndarray, " hypothesis"],
    oracle_rates: Float[np.ndarray, " hypothesis"],
    paper_kept: Bool[np.ndarray, " hypothesis"],
    oracle_true: Bool[np.ndarray, " hypothesis"],
    is_first: Bool[np.ndarray, " hypothesis"],
) -> TruthAgreement:
    """A target's verdicts against the truth.

    Args:
        neurons: Whose hypothesis it is.
        rates: AR on generated pictures.
        oracle_rates: AR on rendered scenes; nan for a word that names nothing in the world.
        paper_kept: Whether the paper's rule kept it by `rates`.
        oracle_true: Whether the name is true.
        is_first: Whether the neuron would be named by it without Verify.

    Returns:
        Counts, errors and shares.

    Raises:
        ValueError: An oracle's rate outside 0 to 1, or sizes that differ.

    Source: docs/method.md, section 5.
    """
    require_same_length(
        "truth_agreement",
        neurons=len(neurons),
        rates=len(rates),
        oracle_rates=len(oracle_rates),
        paper_kept=len(paper_kept),
        oracle_true=len(oracle_true),
        is_first=len(is_first),
    )
    is_named = ~np.isnan(oracle_rates)
    low, high = GRADED
    is_graded = is_named & (oracle_rates > low) & (oracle_rates < high)
    as_counted = np.where(is_named, oracle_rates, 0)
    oracle_kept = kept_by_oracle(oracle_rates)
    error = np.abs(rates - oracle_rates)
    return TruthAgreement(
        n_neurons=len(np.unique(neurons)),
        n_hypotheses=len(rates),
        n_nameless=int((~is_named).sum()),
        mean_ar=_mean(rates),
        mean_oracle_ar=_mean(as_counted),
        mean_abs_ar_error=_mean(error[is_named]),
        constant_error=_constant_error(oracle_rates[is_named]),
        n_graded=int(is_graded.sum()),
        mean_abs_ar_error_graded=_mean(error[is_graded]),
        constant_error_graded=_constant_error(oracle_rates[is_graded]),
        verified_precision=_mean(oracle_kept[paper_kept]),
        verified_recall=_mean(paper_kept[oracle_kept]),
        top1_precision=_mean(oracle_true[is_first]),
        kept_precision=_mean(oracle_true[paper_kept]),
        hypotheses_precision=_mean(oracle_true),
    )


def kept_by_oracle(
    oracle_rates: Float[np.ndarray, " hypothesis"],
) -> Bool[np.ndarray, " hypothesis"]:
    """The paper's rule on the oracle's rates.

    A word that names nothing (nan) counts as 0 in the mean, and is never kept.

    Source: docs/method.md, section 5: `oracle_kept`; SIEVE, Sec. 3.4.
    """
    is_named = ~np.isnan(oracle_rates)
    if not len(oracle_rates):
        return is_named
    return verify(np.where(is_named, oracle_rates, 0.0)).paper_kept & is_named


def _mean(values: Float[np.ndarray, " value"] | Bool[np.ndarray, " value"]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _constant_error(rates: Float[np.ndarray, " value"]) -> float:
    """Mean distance to the median, the constant that has the least."""
    return _mean(np.abs(rates - np.median(rates))) if len(rates) else float("nan")
