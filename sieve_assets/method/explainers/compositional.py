"""Compositional Explanations: the logical formula of concepts that fits a neuron's mask best.

Mu and Andreas, "Compositional Explanations of Neurons", NeurIPS 2020; its form for ranges of
activations: La Rosa, Gilpin and Capobianco, "Towards a fuller understanding of neurons with
Clustered Compositional Explanations", NeurIPS 2023.
"""

# scipy and scikit-learn ship no types: what comes from them is annotated where it is used.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportOptionalSubscript=false

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64
from scipy import sparse
from sklearn.cluster import kmeans_plusplus

from sieve_assets.method.checked_inputs import require_at_least, require_finite
from sieve_assets.method.explainers.formulas import (
    Formula,
    Joined,
    Leaf,
    Operator,
    concepts_of,
)
from sieve_assets.method.explainers.pixel_groups import GroupCounts

_OPERATORS = (Operator.OR, Operator.AND, Operator.AND_NOT)
_STARTS = 10
"""Of k-means, the best of which counts: scikit-learn's number when the authors wrote their code."""
_MOST_STEPS = 1000
"""Of k-means; it stands still long before."""


class Explanation(NamedTuple):
    """The best formula of one neuron."""

    formula: Formula | None
    """None if no concept shares a pixel with the neuron."""
    iou: float
    """Its intersection over union with the neuron's mask; 0 without one."""
    concept_iou: float
    """The same of the best single concept, to see what the formula adds."""


class _Target(NamedTuple):
    """What a formula is to fit, over groups of pixels."""

    members: sparse.csr_array
    sizes: Int64[np.ndarray, " group"]
    hits: Int64[np.ndarray, " group"]


class _Candidate(NamedTuple):
    formula: Formula
    is_member: Bool[np.ndarray, " group"]
    """Of which groups it is true."""
    area: int
    """Pixels of them."""
    shared: int
    """Those of the neuron among these."""


def explain_neurons(
    counts: GroupCounts, *, beam_size: int, max_length: int
) -> Iterator[Explanation]:
    """Each neuron's formula with the largest intersection over union that a beam search finds.

    It begins with the best single concepts, and joins each formula of the beam to every concept by
    OR, AND, and AND NOT. Shorter formulas stay in the beam, so that a longer one is returned only
    if it fits better. All images count, whatever categories of concepts they show: a formula may
    have several.

    The authors keep equal formulas apart, such as A OR B and B OR A, or A OR A; here each set of
    pixels takes one place in the beam, with the first and shortest formula for it, and no formula
    names a concept twice (with three concepts, such a formula equals a shorter one). Their penalty
    for length is 1 by default, that is none. The clustered form's heuristic that skips hopeless
    candidates changes the time and not the result; its wider first beam is left out.

    Args:
        counts: Of `PixelGroups`.
        beam_size: Formulas that are made longer, at least 1; 5 in the authors' code.
        max_length: Most concepts in a formula, at least 1; 3 in the authors' code.

    Yields:
        One explanation a neuron. Of equal formulas: the shorter one, then in the order of parents,
        concepts and operators.

    Raises:
        ValueError: A setting is below 1.

    Source: Mu and Andreas, NeurIPS 2020, Sec. 2.
    """
    require_at_least("explain_neurons", "beam_size", beam_size, 1)
    require_at_least("explain_neurons", "max_length", max_length, 1)
    for neuron in range(counts.hits.shape[0]):
        hits: Int64[np.ndarray, " group"] = counts.hits[[neuron]].toarray()[0]
        target = _Target(counts.members, counts.sizes, hits)
        yield _explanation(target, beam_size, max_length)


def activation_ranges(
    values: Float[np.ndarray, " value"], *, n_ranges: int, generator: np.random.Generator
) -> Float64[np.ndarray, "range 2"]:
    """Ranges of a neuron's map values, by k-means; each gets a formula of its own.

    The 0 of a neuron that is never negative is its rest: left out before the clustering. Equal
    values count by their number, in order, so the order of images makes no difference.

    The authors' masks leave out a range's two ends, so that its largest value is in none; here the
    ends belong to it.

    Args:
        values: All low-resolution values of the neuron, of every image and place.
        n_ranges: At least 1; 5 in the paper.
        generator: Where k-means begins; one a neuron.

    Returns:
        Least and largest value of each range, from low to high; fewer where there are fewer
        distinct values, none for a neuron that is always 0.

    Raises:
        ValueError: A value is not finite, or no range.

    Source: La Rosa, Gilpin and Capobianco, NeurIPS 2023.
    """
    require_at_least("activation_ranges", "n_ranges", n_ranges, 1)
    remedy = "Check the target's maps and precision."
    require_finite("activation_ranges", "values", values, row="value", remedy=remedy)
    distinct, numbers = np.unique(values.astype(np.float64), return_counts=True)
    if len(distinct) and distinct[0] == 0:
        distinct, numbers = distinct[1:], numbers[1:]
    n_clusters = min(n_ranges, len(distinct))
    if n_clusters == 0:
        return np.empty((0, 2))
    ends = _cluster_ends(distinct, numbers, n_clusters, generator)
    return np.column_stack([distinct[ends[:-1]], distinct[ends[1:] - 1]])


def _cluster_ends(
    values: Float64[np.ndarray, " value"],
    numbers: Int64[np.ndarray, " value"],
    n_clusters: int,
    generator: np.random.Generator,
) -> Int64[np.ndarray, " end"]:
    """Where the clusters of rising values end, by k-means; before them where the first begins.

    On a line clusters are intervals: running sums give their means without a look at the values.
    """
    centred = values - np.average(values, weights=numbers)
    sums = np.zeros((2, len(values) + 1))
    sums[:, 1:] = np.cumsum([numbers, numbers * centred], axis=1)
    random = np.random.RandomState(int(generator.integers(2**31)))  # what scikit-learn takes
    weights = {"sample_weight": numbers, "random_state": random}
    starts = [kmeans_plusplus(centred[:, None], n_clusters, **weights)[0] for _ in range(_STARTS)]
    found = [_settled(np.sort(start[:, 0]), centred, sums) for start in starts]
    _, ends = max(found, key=lambda one: one[0])
    return np.unique(ends)  # of an empty cluster both are the same


def _settled(
    means: Float64[np.ndarray, " cluster"],
    values: Float64[np.ndarray, " value"],
    sums: Float64[np.ndarray, "2 position"],
) -> tuple[float, Int64[np.ndarray, " end"]]:
    """The sum of squares between the clusters that k-means comes to, and their ends."""
    ends = np.array([0, len(values)])
    for _ in range(_MOST_STEPS):
        inner = np.searchsorted(values, (means[1:] + means[:-1]) / 2, side="right")
        before, ends = ends, np.concatenate([[0], inner, [len(values)]])
        masses, moments = np.diff(sums[:, ends])
        means = np.divide(moments, masses, out=means.copy(), where=masses > 0)
        if np.array_equal(before, ends):
            break
    masses, _ = np.diff(sums[:, ends])
    return float(masses @ means**2), ends


def _explanation(target: _Target, beam_size: int, max_length: int) -> Explanation:
    new = beam = _distinct(_single_concepts(target), beam_size)
    if not beam:
        return Explanation(None, 0.0, 0.0)
    concept_iou = _iou_of(beam, target)[0]
    for _ in range(max_length - 1):
        if not new:
            break
        # The children of a formula that was in the beam before have been compared then.
        known = {candidate.formula for candidate in beam}
        beam = _distinct(_with_children(beam, new, target), beam_size)
        new = [candidate for candidate in beam if candidate.formula not in known]
    return Explanation(beam[0].formula, float(_iou_of(beam, target)[0]), float(concept_iou))


def _single_concepts(target: _Target) -> Iterator[_Candidate]:
    """The concepts that share a pixel with the neuron, best first."""
    areas, shared = target.members @ target.sizes, target.members @ target.hits
    iou = _iou(areas, shared, target)
    for concept in np.argsort(-iou, kind="stable").tolist():
        if shared[concept] == 0:
            return
        is_member = _has_concept(target, concept)
        yield _Candidate(Leaf(concept), is_member, int(areas[concept]), int(shared[concept]))


def _with_children(
    beam: Sequence[_Candidate], parents: Sequence[_Candidate], target: _Target
) -> Iterator[_Candidate]:
    """The beam, and its parents joined to every concept by every operator; best first."""
    areas, shared = _children_counts(parents, target)
    is_other = areas != np.array([parent.area for parent in parents])[:, None, None]
    for position, parent in enumerate(parents):
        is_other[position, list(concepts_of(parent.formula))] = False
    children = np.argwhere(is_other & (shared > 0))
    of_child = tuple(children.T)
    iou = np.concatenate([_iou_of(beam, target), _iou(areas[of_child], shared[of_child], target)])
    for place in np.argsort(-iou, kind="stable").tolist():
        if place < len(beam):
            yield beam[place]
        else:
            position, concept, operator = children[place - len(beam)].tolist()
            yield _child(parents[position], concept, _OPERATORS[operator], target)


def _children_counts(
    parents: Sequence[_Candidate], target: _Target
) -> tuple[
    Int64[np.ndarray, "parent concept operator"], Int64[np.ndarray, "parent concept operator"]
]:
    """Area and shared pixels of every child. All three operators follow from AND."""
    is_member = np.array([parent.is_member for parent in parents])
    found: list[Int64[np.ndarray, "parent concept operator"]] = []
    for pixels in (target.sizes, target.hits):
        of_concept = target.members @ pixels
        of_parent = (is_member @ pixels)[:, None]
        of_both = (target.members @ (is_member * pixels).T).T
        choices = [of_parent + of_concept - of_both, of_both, of_parent - of_both]
        found.append(np.stack(choices, axis=2))
    areas, shared = found
    return areas, shared


def _child(parent: _Candidate, concept: int, operator: Operator, target: _Target) -> _Candidate:
    has_concept = _has_concept(target, concept)
    if operator is Operator.OR:
        is_member = parent.is_member | has_concept
    elif operator is Operator.AND:
        is_member = parent.is_member & has_concept
    else:
        is_member = parent.is_member & ~has_concept
    formula = Joined(parent.formula, operator, concept)
    area, shared = int(target.sizes[is_member].sum()), int(target.hits[is_member].sum())
    return _Candidate(formula, is_member, area, shared)


def _distinct(candidates: Iterable[_Candidate], count: int) -> list[_Candidate]:
    """The first `count` that are true of different pixels."""
    kept: dict[bytes, _Candidate] = {}
    for candidate in candidates:
        kept.setdefault(np.packbits(candidate.is_member).tobytes(), candidate)
        if len(kept) == count:
            break
    return list(kept.values())


def _has_concept(target: _Target, concept: int) -> Bool[np.ndarray, " group"]:
    return target.members[[concept]].toarray()[0]


def _iou_of(candidates: Sequence[_Candidate], target: _Target) -> Float64[np.ndarray, " formula"]:
    counts = np.array([(candidate.area, candidate.shared) for candidate in candidates])
    return _iou(counts[:, 0], counts[:, 1], target)


def _iou(
    areas: Int64[np.ndarray, " formula"], shared: Int64[np.ndarray, " formula"], target: _Target
) -> Float64[np.ndarray, " formula"]:
    unions = areas + target.hits.sum() - shared
    return np.divide(shared, unions, out=np.zeros(len(shared)), where=unions > 0)
