"""Pixels of a probe set grouped by the concepts they have: all that a formula can tell apart."""

# scipy ships no types: what comes from it is annotated where it is used.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Int64
from scipy import sparse

from sieve_assets.method.checked_inputs import require_at_least, require_same_length
from sieve_assets.method.explainers.concept_masks import ConceptMasks, require_known_concepts

_BLOCK_PIXELS = 2**20
"""Pixels looked at together; their order among others makes no difference."""
_BITS = 32
"""Concepts that are written into one number, beside the number of the group so far."""
_MOST_PENDING = 2**22
"""Counts of neurons that wait to be added to those before: each takes 24 bytes."""


class GroupCounts(NamedTuple):
    """How many pixels each group has, and how many of them each neuron fires on.

    Groups are numbered by first appearance. No count depends on batches or order.
    """

    members: sparse.csr_array
    """[concept group] bool: the concepts that the group's pixels have."""
    sizes: Int64[np.ndarray, " group"]
    """Pixels."""
    hits: sparse.csr_array
    """[neuron group] int64: pixels in the neuron's mask."""


class PixelGroups:
    """Groups of pixels while a probe set streams past.

    A formula of concepts is either true of all pixels of a group or of none. So their counts say
    all that intersections and unions need, exactly: a probe set has a thousand million pixels but a
    hundred thousand combinations of concepts. The authors of Compositional Explanations keep a
    run-length encoded mask of every concept and neuron instead.
    """

    def __init__(self, *, n_neurons: int, n_concepts: int) -> None:
        """Begin with no images.

        Args:
            n_neurons: Neurons, or masks of any kind such as a neuron's ranges.
            n_concepts: Concepts in the set, at least 1.

        Raises:
            ValueError: No concept.
        """
        require_at_least("PixelGroups", "n_concepts", n_concepts, 1)
        self._n_neurons, self._n_concepts = n_neurons, n_concepts
        self._numbers: dict[bytes, int] = {}
        self._sizes: list[int] = []
        self._hits = sparse.csr_array((n_neurons, 0), dtype=np.int64)
        self._pending: list[Int64[np.ndarray, "3 entry"]] = []
        self._n_pending = 0

    def add(self, is_hit: Bool[np.ndarray, "neuron row column"], shown: ConceptMasks) -> None:
        """Count an image's pixels.

        Pixels of several images can come together, in one row.

        Args:
            is_hit: Where each neuron fires.
            shown: The concepts there.

        Raises:
            ValueError: Sizes differ, or a concept is not in the set.
        """
        require_known_concepts("PixelGroups", shown, self._n_concepts)
        require_same_length("PixelGroups", is_hit=len(is_hit), neurons=self._n_neurons)
        n_present, n_rows, n_columns = shown.masks.shape
        n_pixels = n_rows * n_columns
        require_same_length("PixelGroups", hit_rows=is_hit.shape[1], mask_rows=n_rows)
        require_same_length("PixelGroups", hit_columns=is_hit.shape[2], mask_columns=n_columns)
        hits = is_hit.reshape(self._n_neurons, n_pixels)
        masks = shown.masks.reshape(n_present, n_pixels)
        for start in range(0, n_pixels, _BLOCK_PIXELS):
            some = slice(start, start + _BLOCK_PIXELS)
            self._add_block(hits[:, some], shown.concepts, masks[:, some])

    def counts(self) -> GroupCounts:
        """The groups so far."""
        self._settle()
        keys = [np.frombuffer(key, np.int64) for key in self._numbers]
        starts = np.cumsum([0, *map(len, keys)])
        concepts = np.concatenate([np.empty(0, np.int64), *keys])
        of_group = (np.ones(len(concepts), np.bool_), concepts, starts)
        members = sparse.csr_array(of_group, shape=(len(keys), self._n_concepts))
        return GroupCounts(members.T.tocsr(), np.array(self._sizes, np.int64), self._hits)

    def _add_block(
        self,
        is_hit: Bool[np.ndarray, "neuron pixel"],
        concepts: Int[np.ndarray, " present"],
        masks: Bool[np.ndarray, "present pixel"],
    ) -> None:
        first, group, sizes = _same_columns(masks)
        numbers = [
            self._number(concepts[masks[:, pixel]].astype(np.int64).tobytes()) for pixel in first
        ]
        for number, size in zip(numbers, sizes.tolist(), strict=True):
            self._sizes[number] += size
        active = np.flatnonzero(is_hit.any(axis=1))
        rows, pixels = np.nonzero(is_hit[active])
        n_hits = np.bincount(rows * len(first) + group[pixels], minlength=len(active) * len(first))
        neurons, groups = np.nonzero(n_hits.reshape(len(active), len(first)))
        entries = [active[neurons], np.array(numbers)[groups], n_hits[n_hits > 0]]
        self._pending.append(np.array(entries))
        self._n_pending += len(neurons)
        if self._n_pending > _MOST_PENDING:
            self._settle()

    def _number(self, key: bytes) -> int:
        """The number of the group with these concepts, a new one if there is none yet."""
        number = self._numbers.setdefault(key, len(self._numbers))
        if number == len(self._sizes):
            self._sizes.append(0)
        return number

    def _settle(self) -> None:
        """Add what waits to the counts before."""
        shape = (self._n_neurons, len(self._sizes))
        neurons, groups, n_hits = np.concatenate([np.empty((3, 0), np.int64), *self._pending], 1)
        new = sparse.coo_array((n_hits, (neurons, groups)), shape=shape).tocsr()
        before = (self._hits.data, self._hits.indices, self._hits.indptr)
        self._hits = (sparse.csr_array(before, shape=shape) + new).tocsr()
        self._pending, self._n_pending = [], 0


def _same_columns(
    masks: Bool[np.ndarray, "present pixel"],
) -> tuple[Int[np.ndarray, " group"], Int[np.ndarray, " pixel"], Int[np.ndarray, " group"]]:
    """The first pixel of each distinct column, the group of each pixel, and the groups' sizes."""
    group = np.zeros(masks.shape[1], np.int64)
    first, sizes = np.zeros(1, np.intp), np.array([masks.shape[1]])
    powers = 1 << np.arange(_BITS)
    for start in range(0, len(masks), _BITS):
        some = masks[start : start + _BITS]
        code = (group << _BITS) | (powers[: len(some)] @ some)
        _, first, group, sizes = np.unique(
            code, return_index=True, return_inverse=True, return_counts=True
        )
    return first, group, sizes
