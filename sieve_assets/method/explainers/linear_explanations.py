"""Linear explanations: a neuron's activation as a weighted sum of a few concepts' activations.

Oikarinen & Weng, Linear Explanations for Individual Neurons, ICML 2024; their code is
Trustworthy-ML-Lab/Linear-Explanations. What they are fitted to is in `linear_moments`.
"""

# scikit-learn ships no types: what comes from it is annotated where it is used.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int
from sklearn.linear_model import enet_path

from sieve_assets.method.checked_inputs import (
    require_at_least,
    require_between,
    require_finite,
    require_same_length,
    require_some,
)
from sieve_assets.method.explainers.linear_moments import (
    Covariances,
    Moments,
    Scales,
    covariances,
    scales,
)

_DUAL_GAP = 1e-6
"""The sparse regression ends when its objective is so close to the best, as a share."""
_MOST_SWEEPS = 10_000
_SMALLEST_EIGENVALUE = 1e-10
"""Below this share of the largest, concepts are copies of each other."""
_SAME_CORRELATION = 1e-12
"""Correlations that differ by less differ by rounding."""


class LinearExplanations(NamedTuple):
    """One entry a neuron: its activation is about bias + sum of weight x concept activation."""

    concepts: Int[np.ndarray, "neuron term"]
    """Positions, the largest weight first; -1 where there are no more terms."""
    weights: Float64[np.ndarray, "neuron term"]
    """In the neuron's units; 0 where there are no more terms."""
    biases: Float64[np.ndarray, " neuron"]
    correlations: Float64[np.ndarray, " neuron"]
    """On the validation images, which chose the terms; 0 without a term."""
    steps: Int[np.ndarray, "neuron term"]
    """When the search found the term, from 0; -1 where there are no more terms."""


class _Fit(NamedTuple):
    """Concepts, weights for their standard scores, and the correlation on validation images."""

    concepts: Int[np.ndarray, " term"]
    """In the order found."""
    weights: Float64[np.ndarray, " term"]
    correlation: float


class _Search(NamedTuple):
    """What the greedy search of one neuron goes by; the ranking is of concepts, best first."""

    ranking: list[int]
    max_terms: int
    min_gain: float
    width: int


class _Splits(NamedTuple):
    """Both sets of images, concepts in the scales of the first."""

    train: Covariances
    validation: Covariances


def fit_explanations(
    train: Moments,
    validation: Moments,
    *,
    is_candidate: Bool[np.ndarray, " concept"],
    penalty: float,
    l1_share: float,
    max_terms: int,
    min_gain: float,
    width: int,
) -> LinearExplanations:
    """Terms and weights of each neuron.

    First a sparse regression (elastic net) of the activation on all concepts, both standardised,
    ranks the concepts by their signed weight. Then a search goes on adding, of the `width` highest
    in that ranking, the concept with which a least-squares fit to the training images correlates
    best on the validation images, ties by lower position, until none adds `min_gain`; one that does
    not is not tried again. The first term need only correlate positively. Weights of these fits are
    free in sign, but concepts that weaken the neuron rank last.

    The authors' code differs: its fits stop early from random weights, where these are exact; it
    leaves concepts of weight 0 in any order, where here their correlation ranks them; its scale of
    a neuron knows the validation and test images; and a search that ends at `max_terms` names the
    last concept tried instead of the last chosen.

    Args:
        train: Sums over the images to fit to, 70 % in the authors' code.
        validation: Sums over others, to choose terms by, 10 % in the authors' code.
        is_candidate: Concepts that may be terms, from `active_concepts`.
        penalty: Of the sparse regression, above 0; 0.05 in the authors' code.
        l1_share: Share of it on absolute weights, the rest on squares; 0.99 in the authors' code.
        max_terms: Terms a neuron, at least 1; 10 in the authors' code.
        min_gain: Correlation that each further term must add; 0.02 in the authors' code.
        width: Concepts tried at each step, at least 1; 10 in the authors' code.

    Returns:
        Explanations, without a term for a neuron that is constant or that nothing explains.

    Raises:
        ValueError: No concept, sizes that differ, or a setting out of range.

    Source: Oikarinen & Weng, ICML 2024; linear_explanation.py of the authors' code.
    """
    where = "fit_explanations"
    require_between(where, "penalty", penalty, 1e-9, np.inf)
    require_between(where, "l1_share", l1_share, 1e-2, 1.0)
    require_between(where, "min_gain", min_gain, 0.0, 1.0)
    require_at_least(where, "max_terms", max_terms, 1)
    require_at_least(where, "width", width, 1)
    _check_sizes(where, train, validation, is_candidate)
    known = scales(train)
    splits = _Splits(*(covariances(sums, known.concept_stds) for sums in (train, validation)))
    candidates = np.flatnonzero(is_candidate & (known.concept_stds > 0))
    products = np.ascontiguousarray(splits.train.concepts[np.ix_(candidates, candidates)])
    best: list[_Fit] = []
    for neuron, pulls in enumerate(splits.train.neurons):
        order = _ranking(products, pulls[candidates], penalty=penalty, l1_share=l1_share)
        search = _Search(candidates[order].tolist(), max_terms, min_gain, width)
        best.append(_searched(search, neuron, splits))
    return _in_own_units(best, known, max_terms)


def held_out_correlations(
    present: Float[np.ndarray, "image concept"],
    activations: Float[np.ndarray, "image neuron"],
    explanations: LinearExplanations,
) -> Float64[np.ndarray, " neuron"]:
    """The correlation of each neuron with what its explanation says, on images that no fit saw.

    Args:
        present: From `concept_activations`. The authors take them from another, larger
            vision-language model than that of the fit.
        activations: Of the same images (arbitrary units).
        explanations: From `fit_explanations`.

    Returns:
        Between -1 and 1; nan for a neuron that is constant here, or whose explanation is.

    Raises:
        ValueError: No image, sizes that differ, or a value that is not finite.

    Source: Oikarinen & Weng, ICML 2024 (simulation, correlation scoring).
    """
    where, terms = "held_out_correlations", explanations.concepts
    require_some(where, "images", activations, axis=0)
    require_same_length(where, present=len(present), activations=len(activations))
    require_same_length(where, activations=activations.shape[1], explanations=len(terms))
    remedy = "Check the models' transforms and precision."
    require_finite(where, "concept activations", present, row="image", remedy=remedy)
    require_finite(where, "activations", activations, row="image", remedy=remedy)
    found = np.full(len(terms), np.nan)
    for neuron, weights in enumerate(explanations.weights):
        is_term = terms[neuron] >= 0
        said = present[:, terms[neuron, is_term]].astype(np.float64) @ weights[is_term]
        found[neuron] = _correlation(said, activations[:, neuron].astype(np.float64))
    return found


def _check_sizes(
    where: str, train: Moments, validation: Moments, is_candidate: Bool[np.ndarray, " concept"]
) -> None:
    require_some(where, "concepts", is_candidate, axis=0)
    concepts = {"train": len(train.concept_sums), "validation": len(validation.concept_sums)}
    require_same_length(where, is_candidate=len(is_candidate), **concepts)
    neurons = {"train": len(train.neuron_sums), "validation": len(validation.neuron_sums)}
    require_same_length(where, **neurons)


def _ranking(
    products: Float64[np.ndarray, "concept concept"],
    pulls: Float64[np.ndarray, " concept"],
    *,
    penalty: float,
    l1_share: float,
) -> Int[np.ndarray, " concept"]:
    """Concepts by their weight in the sparse regression, then by correlation, then by position.

    Minimises ||y - X w||^2 / 2n + penalty (share |w|_1 + (1 - share) |w|_2^2 / 2). It depends on
    X and y by their products alone, which here are divided by n: so to scikit-learn, that wants X
    and y as well, it is one image, of whose X it only reads the shape and of y the norm.
    """
    if not len(pulls):
        return np.zeros(0, np.intp)
    options: dict[str, Any] = {"check_input": False, "tol": _DUAL_GAP, "max_iter": _MOST_SWEEPS}
    options |= {"alphas": [penalty], "l1_ratio": l1_share, "precompute": products, "Xy": pulls}
    one_image = np.zeros((1, len(pulls)), order="F")
    paths: Float64[np.ndarray, "concept penalty"] = enet_path(one_image, np.ones(1), **options)[1]
    return np.lexsort((-pulls, -paths[:, 0]))


def _searched(search: _Search, neuron: int, splits: _Splits) -> _Fit:
    """The greedy search, from no term on."""
    best = _Fit(np.zeros(0, np.intp), np.zeros(0), 0.0)
    rejected: set[int] = set()
    while len(best.concepts) < search.max_terms:
        seen = rejected.union(best.concepts.tolist())
        others = (concept for concept in search.ranking if concept not in seen)
        tried = np.array(list(islice(others, search.width)), np.intp)
        terms = np.column_stack([np.tile(best.concepts, (len(tried), 1)), tried])
        weights, correlations = _fits(terms, neuron, splits)
        gains = correlations - best.correlation
        is_good = gains >= search.min_gain if len(best.concepts) else gains > 0
        if not is_good.any():
            break
        if len(best.concepts):
            rejected.update(tried[~is_good].tolist())
        tied = np.flatnonzero(correlations >= correlations.max() - _SAME_CORRELATION)
        winner = tied[np.argmin(tried[tied])]
        best = _Fit(terms[winner], weights[winner], float(correlations[winner]))
    return best


def _fits(
    terms: Int[np.ndarray, "candidate term"], neuron: int, splits: _Splits
) -> tuple[Float64[np.ndarray, "candidate term"], Float64[np.ndarray, " candidate"]]:
    """Least-squares weights on the training images, and the correlation on the validation images.

    The correlation of a constant fit is -1: no fit is worse.
    """
    pairs = terms[:, :, None], terms[:, None, :]
    inverses = np.linalg.pinv(
        splits.train.concepts[pairs], rcond=_SMALLEST_EIGENVALUE, hermitian=True
    )
    weights = np.einsum("cij,cj->ci", inverses, splits.train.neurons[neuron, terms])
    shared = (weights * splits.validation.neurons[neuron, terms]).sum(axis=1)
    variances = np.einsum("ci,cij,cj->c", weights, splits.validation.concepts[pairs], weights)
    worst = np.full(len(terms), -1.0)
    deviations = np.sqrt(np.maximum(variances, 0.0))
    return weights, np.divide(shared, deviations, out=worst, where=deviations > 0)


def _in_own_units(best: list[_Fit], known: Scales, max_terms: int) -> LinearExplanations:
    """The fits to standard scores as fits to activations, the largest weight first."""
    concepts = np.full((len(best), max_terms), -1)
    weights, steps = np.zeros(concepts.shape), np.full(concepts.shape, -1)
    for neuron, found in enumerate(best):
        own = found.weights * known.neuron_stds[neuron] / known.concept_stds[found.concepts]
        order = np.argsort(-own, kind="stable")
        concepts[neuron, : len(own)] = found.concepts[order]
        weights[neuron, : len(own)] = own[order]
        steps[neuron, : len(own)] = order
    biases = known.neuron_means - (weights * known.concept_means[concepts]).sum(axis=1)
    correlations = np.array([found.correlation for found in best], np.float64)
    return LinearExplanations(concepts, weights, biases, correlations, steps)


def _correlation(one: Float64[np.ndarray, " image"], other: Float64[np.ndarray, " image"]) -> float:
    """Pearson's; nan if either is constant."""
    if not (np.ptp(one) and np.ptp(other)):
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])
