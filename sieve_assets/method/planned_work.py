"""How much work lies ahead, from what is counted, sampled or bounded: pictures, passes, bytes."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from sieve_assets.method.checked_inputs import require_at_least

Basis = Literal["counted", "estimated", "at most"]

Number = float | int
"""Counts are whole, what is expected of them need not be."""

FLOAT_BYTES = 4
"""Of an activation, a map's place or an embedding's feature as they are stored."""
POSITION_BYTES = 8
"""Of the position of a kept image."""


class Amount(NamedTuple):
    """How much of something a plan says."""

    expected: float
    most: float
    """What it cannot exceed."""
    basis: Basis
    """`counted`: exactly so much; `estimated`: from a sample or from earlier results; `at most`:
    so much if it is done at all."""

    def times(self, unit: Number) -> "Amount":
        """So much of each."""
        return Amount(self.expected * unit, self.most * unit, self.basis)

    def plus(self, other: "Amount") -> "Amount":
        """Both together: counted if both are."""
        basis = self.basis if other.basis == "counted" else other.basis
        return Amount(self.expected + other.expected, self.most + other.most, basis)

    def less(self, part: "Amount") -> "Amount":
        """What is left of it without a part."""
        most = self.most - part.most if self.basis == "counted" else self.most
        return Amount(self.expected - part.expected, most, self.basis)

    def if_at_all(self, *, is_certain: bool) -> "Amount":
        """The same, unless it is certain to be done: then it is a bound."""
        if is_certain or not self.most or self.basis != "counted":
            return self
        return self._replace(basis="at most")


def counted(count: Number) -> Amount:
    """An amount that is known."""
    return Amount(float(count), float(count), "counted")


def estimated(expected: Number, most: Number) -> Amount:
    """An amount to be expected, and what it cannot exceed."""
    return Amount(float(expected), float(max(expected, most)), "estimated")


def crops(
    is_selected: Bool[np.ndarray, " neuron"],
    is_certain: Bool[np.ndarray, " neuron"],
    n_samples: Int[np.ndarray, " neuron"],
) -> Amount:
    """Samples to be cropped: those of the selected neurons.

    Args:
        is_selected: Whether each neuron is selected, as far as it is known or expected.
        is_certain: Whether that is known.
        n_samples: Samples of each neuron if it is selected.

    Returns:
        Expected: of the neurons that are selected; at most: also of those that may yet be.
    """
    may_be = is_selected | ~is_certain
    if is_certain.all():
        return counted(int(n_samples[is_selected].sum()))
    return estimated(float(n_samples[is_selected].sum()), float(n_samples[may_be].sum()))


def most_clusters(n_samples: int, *, max_clusters: int, min_patches: int) -> int:
    """Into how many clusters a neuron's patches can fall, at least 1.

    Args:
        n_samples: Patches of the neuron.
        max_clusters: Most clusters a neuron.
        min_patches: Fewest patches a cluster.

    Returns:
        The bound of `clusters.cluster_patches`.

    Source: docs/method.md, decision 10.
    """
    return max(1, min(max_clusters, n_samples - 1, n_samples // min_patches))


def new_concepts(n_hypotheses: Number, *, n_names: int, n_taken: Number) -> float:
    """How many concepts to expect that are not taken yet, if every name is as likely as another.

    Real names are not equally likely and repeat more often, so that fewer are to be expected.

    Args:
        n_hypotheses: Hypotheses that are not known yet.
        n_names: Names in the concept set, at least 1.
        n_taken: Of these, the ones that other hypotheses have.

    Returns:
        (names - taken) (1 - (1 - 1 / names)^hypotheses).

    Raises:
        ValueError: There is no name.
    """
    require_at_least("new_concepts", "n_names", n_names, 1)
    return float(max(n_names - n_taken, 0)) * (1 - (1 - 1 / n_names) ** n_hypotheses)


def still_missing(n_there: Number, *, n_kinds: int, n_of_each: int) -> float:
    """How many of a kind are missing in the mean, if those that are there belong to any kind.

    Args:
        n_there: How many are there.
        n_kinds: Kinds.
        n_of_each: How many of each there are to be.

    Returns:
        Between 0 and `n_of_each`; 0 without kinds.
    """
    return float(max(n_of_each - n_there / n_kinds, 0)) if n_kinds else 0.0


def pass_bytes(n_images: int, *, width: int, places: int, n_kept: int, shard_images: int) -> int:
    """Bytes of a probe pass: every activation, and the strongest images by shard and over all.

    Args:
        n_images: Probe images.
        width: Neurons.
        places: Rows times columns of a neuron's map.
        n_kept: Images kept a neuron.
        shard_images: Images in a shard.

    Returns:
        The size of the arrays, without the files' headers.

    Source: `StrongestSamples` of `probe_pass`, as the asset stores it.
    """
    whole, rest = divmod(n_images, shard_images)
    kept = whole * min(n_kept, shard_images) + min(n_kept, rest) + min(n_kept, n_images)
    a_sample = places * FLOAT_BYTES + FLOAT_BYTES + POSITION_BYTES
    return n_images * width * FLOAT_BYTES + kept * width * a_sample
