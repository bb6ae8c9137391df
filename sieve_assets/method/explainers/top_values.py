"""The quantile of all values of every neuron's maps, exactly and in one pass.

Bau, Zhou, Khosla, Oliva and Torralba, "Network Dissection: Quantifying Interpretability of Deep
Visual Representations", CVPR 2017.
"""

import numpy as np
from jaxtyping import Float, Float64

from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_between,
    require_finite,
    require_same_length,
)

_LEAST_SLACK = 1024
"""Values a neuron that are taken before the smaller ones are dropped; at least so many."""


class TopValues:
    """Every neuron's largest map values while a probe set streams past, for one exact quantile.

    As the number of values is known beforehand, so is how many of the largest are needed: about
    share * n_values a neuron, and half as many again while they are gathered. The result is that of
    all values at once, whatever the batches and their order.

    NetDissect-Lite keeps all maps on disk instead, and the authors' first code reads the quantile
    off a random sketch.

    Source: Bau et al., CVPR 2017, Sec. 2.2: P(a_k > T_k) = .005 over all images and places.
    """

    def __init__(
        self,
        *,
        n_neurons: int,
        n_values: int,
        share: float,
        dtype: type[np.float32] | type[np.float64],
    ) -> None:
        """Begin with no values.

        Args:
            n_neurons: Neurons.
            n_values: Values a neuron: images x height x width.
            share: How much of the values is to be above the threshold, 0 to 1; .005 in the paper.
            dtype: What the values are kept as.

        Raises:
            ValueError: No values, or a share that is none.
        """
        require_at_least("TopValues", "n_values", n_values, 1)
        require_between("TopValues", "share", share, 0.0, 1.0)
        position = (n_values - 1) * (1 - share)  # as numpy.quantile counts: from the least value
        self._fraction = position - int(position)
        self._count = n_values - int(position)
        self._slack = max(self._count // 2, _LEAST_SLACK)
        self._kept = np.empty((n_neurons, self._count + self._slack), dtype)
        self._n_kept = np.zeros(n_neurons, dtype=np.int64)
        self._floor = np.full(n_neurons, -np.inf, dtype)
        self._n_values, self._n_seen = n_values, 0

    def add(self, maps: Float[np.ndarray, "image neuron height width"]) -> None:
        """Take the maps of more images.

        Args:
            maps: Low-resolution maps (arbitrary units).

        Raises:
            ValueError: A value is not finite, there are other neurons or more values than said.
        """
        require_same_length("TopValues", maps=maps.shape[1], neurons=len(self._kept))
        remedy = "Check the target's maps and precision."
        require_finite("TopValues", "maps", maps, row="image", remedy=remedy)
        n_images, n_neurons, height, width = maps.shape
        self._n_seen += n_images * height * width
        if self._n_seen > self._n_values:
            self._refuse_number()
        values = maps.transpose(1, 0, 2, 3).reshape(n_neurons, n_images * height * width)
        for start in range(0, values.shape[1], self._slack):
            self._keep_larger(values[:, start : start + self._slack].astype(self._kept.dtype))

    def thresholds(self) -> Float64[np.ndarray, " neuron"]:
        """The quantile 1 - share of each neuron's values, as `numpy.quantile` in float64.

        Raises:
            ValueError: Not all values have come.
        """
        if self._n_seen != self._n_values:
            self._refuse_number()
        pairs = [self._two_least(neuron) for neuron in range(len(self._kept))]
        neighbours = np.array(pairs, dtype=np.float64).reshape(-1, 2)
        return np.quantile(neighbours, self._fraction, axis=1)

    def _keep_larger(self, values: Float[np.ndarray, "neuron value"]) -> None:
        is_kept = values > self._floor[:, None]
        n_new = np.count_nonzero(is_kept, axis=1)
        for neuron in np.flatnonzero(self._n_kept + n_new > self._kept.shape[1]).tolist():
            self._drop_smaller(neuron)
        neurons, columns = np.nonzero(is_kept)
        first_of_neuron = np.cumsum(n_new) - n_new
        order_in_neuron = np.arange(len(neurons)) - first_of_neuron[neurons]
        self._kept[neurons, self._n_kept[neurons] + order_in_neuron] = values[neurons, columns]
        self._n_kept += n_new

    def _drop_smaller(self, neuron: int) -> None:
        """Keep a neuron's `count` largest values, and take none from now that is not above them."""
        kept = self._kept[neuron, : self._n_kept[neuron]]
        n_dropped = len(kept) - self._count
        kept.partition(n_dropped)
        self._kept[neuron, : self._count] = kept[n_dropped:].copy()
        self._n_kept[neuron] = self._count
        self._floor[neuron] = self._kept[neuron, : self._count].min()

    def _two_least(self, neuron: int) -> Float[np.ndarray, " value"]:
        """The values between which the quantile lies; of a single one, that one twice."""
        self._drop_smaller(neuron)
        kept = self._kept[neuron, : self._count]
        second = min(1, self._count - 1)
        kept.partition(second)
        return kept[[0, second]]

    def _refuse_number(self) -> None:
        expected = f"{self._n_values} values a neuron"
        remedy = "Add each image once, and say images x height x width before."
        raise ValueError(refusal("TopValues", expected, self._n_seen, remedy))
