"""Activations that evidence rests on: those stored of a target, or others that are in memory.

Not here: what is made of them (see `evidence`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd

from sieve_assets.assets.probe import read_all_activations
from sieve_assets.assets.probe_sets import read_probe
from sieve_assets.assets.resources import Workbench


class Activations(Protocol):
    """What some neurons do on pictures of the bank and on probe images."""

    @property
    def thresholds(self) -> np.ndarray:
        """T of every neuron, `[neuron]`."""
        ...

    @property
    def images(self) -> slice | np.ndarray:
        """Positions of the probe images that the neurons were shown."""
        ...

    def on_pictures(self, picture_ids: Sequence[str]) -> np.ndarray:
        """Of all neurons on some pictures, `[picture neuron]`."""
        ...

    def on_images(self, neurons: np.ndarray) -> np.ndarray:
        """Of some neurons, in rising order, on these probe images, `[some image]`."""
        ...


@dataclass(frozen=True)
class StoredActivations:
    """A target's own activations, read as they are asked for.

    Attributes:
        bench: The stores.
        model: The target.
    """

    bench: Workbench
    model: str

    @property
    def thresholds(self) -> np.ndarray:
        """T of every neuron of the target, of the probe pass.

        The table `neuron_ratios` may not have the neurons of another run yet.
        """
        return self._thresholds

    @cached_property
    def _thresholds(self) -> np.ndarray:
        from sieve_assets.method.neuron_ratios import activation_thresholds  # noqa: PLC0415 (late)

        images = read_probe(self.bench, self.bench.study.targets[self.model].probe)
        is_used = ~images["is_held_out"].to_numpy()
        return activation_thresholds(
            read_all_activations(self.bench, self.model)[is_used].T,
            percentile=self.bench.study.select.percentile,
        )

    @property
    def images(self) -> slice:
        """All of them."""
        return slice(None)

    def on_pictures(self, picture_ids: Sequence[str]) -> np.ndarray:
        """Of all neurons on some pictures that the target has looked at, `[picture neuron]`."""
        return of_pictures(
            self.bench,
            picture_ids,
            "SELECT picture_id, activation AS vector FROM picture_activations"
            " WHERE model = $model AND weights_hash = $weights",
            {"model": self.model, "weights": self.bench.target_hash(self.model)},
        )

    def on_images(self, neurons: np.ndarray) -> np.ndarray:
        """Of some neurons on all probe images, `[some image]`."""
        found = self.bench.warehouse.read(
            "SELECT activation FROM neuron_activations WHERE model = $model"
            " AND neuron IN (SELECT unnest($neurons)) ORDER BY neuron",
            {"model": self.model, "neurons": neurons.tolist()},
        )
        return np.stack(list(found["activation"]))


@dataclass(frozen=True)
class HeldActivations:
    """Activations in memory, of whatever neurons.

    Attributes:
        picture_ids: Of the pictures.
        pictures: `[picture neuron]`, in this order.
        probe: `[neuron image]`.
        images: Positions of the probe images.
        thresholds: `[neuron]`.
    """

    picture_ids: pd.Index
    pictures: np.ndarray
    probe: np.ndarray
    images: slice | np.ndarray
    thresholds: np.ndarray

    def on_pictures(self, picture_ids: Sequence[str]) -> np.ndarray:
        """Of all neurons on some of the pictures, `[picture neuron]`.

        Raises:
            LookupError: One of the pictures is not there.
        """
        rows = self.picture_ids.get_indexer(pd.Index(list(picture_ids)))
        if (rows < 0).any():
            raise LookupError(
                f"on_pictures: expected activations on {len(rows)} pictures, got none on "
                f"{(rows < 0).sum()} of them. Show them to the network first."
            )
        return self.pictures[rows]

    def on_images(self, neurons: np.ndarray) -> np.ndarray:
        """Of some neurons on the probe images, `[some image]`."""
        return self.probe[neurons]


def of_pictures(
    bench: Workbench, picture_ids: Sequence[str], sql: str, asked: Mapping[str, str]
) -> np.ndarray:
    """The stored `vector` of each picture, in their order, of one that is there twice too.

    Args:
        bench: The stores.
        picture_ids: Of the pictures.
        sql: Asks for `picture_id` and `vector`, and ends in a condition.
        asked: Its parameters.
    """
    ids = list(dict.fromkeys(picture_ids))
    found = bench.warehouse.read(
        f"{sql} AND picture_id IN (SELECT unnest($ids))", {**asked, "ids": ids}
    )
    return np.stack(list(found.set_index("picture_id").loc[list(picture_ids), "vector"]))
