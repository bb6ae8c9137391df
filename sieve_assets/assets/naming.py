"""From a neuron's clusters to its hypotheses: the concepts nearest to each.

Not here: what is read and written (see `hypothesize`).
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sieve_assets.method.concept_hypotheses import (
    best_concepts,
    checked_concepts,
    concept_scores,
    mean_embeddings,
)

NEURONS_AT_ONCE = 256
"""So many neurons' scores are held: a number for each of their clusters and each concept."""


@dataclass(frozen=True)
class Namer:
    """Names the clusters of one target's neurons; asked for one neuron, it scores many at once.

    Attributes:
        model: The target.
        patches: Each neuron's patches, with their clusters.
        texts: The concepts' unit vectors by name, in the order of the concept set.
        count: Hypotheses a cluster.
    """

    model: str
    patches: Mapping[int, pd.DataFrame]
    texts: Mapping[str, np.ndarray]
    count: int

    def rows(self, neuron: int) -> pd.DataFrame:
        """The neuron's rows of `concept_hypotheses`; none if it has no patches.

        Raises:
            ValueError: Its patches' embeddings or clusters are not sound.
        """
        if neuron not in self.patches:
            return pd.DataFrame()
        if neuron not in self._best:
            self._means(neuron)  # says what is wrong with it
        best, scores = self._best[neuron]
        cluster, place = (axis.ravel() for axis in np.indices(best.shape))
        return pd.DataFrame(
            {
                "model": self.model,
                "neuron": neuron,
                "cluster": cluster,
                "place": place,
                "concept": self._names[best.ravel()],
                "score": scores.ravel(),
            }
        )

    @cached_property
    def _names(self) -> np.ndarray:
        return np.array(list(self.texts))

    def _means(self, neuron: int) -> np.ndarray:
        patches = self.patches[neuron]
        embeddings = np.stack(list(patches["embedding"]))
        return mean_embeddings(embeddings, patches["cluster"].to_numpy(np.int64))

    @cached_property
    def _best(self) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Positions of the best concepts and their scores, of every neuron that is sound."""
        concepts = checked_concepts(np.stack(list(self.texts.values())))
        neurons, found = list(self.patches), {}
        for start in range(0, len(neurons), NEURONS_AT_ONCE):
            means: dict[int, np.ndarray] = {}
            for neuron in neurons[start : start + NEURONS_AT_ONCE]:
                with contextlib.suppress(ValueError):  # told when the neuron is asked for
                    means[neuron] = self._means(neuron)
            if not means:
                continue
            scores = concept_scores(np.concatenate(list(means.values())), concepts)
            best = best_concepts(scores, count=self.count)
            ends = np.cumsum([len(some) for some in means.values()])[:-1]
            parts = (best, np.take_along_axis(scores, best, axis=1))
            found |= dict(
                zip(means, zip(*(np.split(part, ends) for part in parts), strict=True), strict=True)
            )
        return found
