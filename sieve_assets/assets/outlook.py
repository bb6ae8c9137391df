"""What a target's stages have before them, and what of it is stored already.

Not here: how much work that is (see `plans`), and what it takes (see `rehearsal`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sieve_assets.assets.hypothesize import concept_names
from sieve_assets.assets.partitions import OF_A_MODEL
from sieve_assets.assets.probe_embeddings import shards
from sieve_assets.assets.probe_sets import read_probe
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.staleness import FOLLOWS, UNKNOWN, find_stale
from sieve_assets.method.generated_image_sets import (
    PictureRequest,
    missing_pictures,
    picture_requests,
    prompt_for,
)

_CLUSTERS_A_NEURON = """
SELECT avg(n) AS mean FROM (SELECT max(n_clusters) AS n FROM clusters GROUP BY model, neuron)
"""
_SECONDS_A_PARTITION = """
SELECT avg(seconds) AS mean FROM provenance WHERE stage = $stage AND model = $model
"""


@dataclass(frozen=True)
class Outlook:
    """What is to be made for one target, and the stored results that say how much that is.

    Attributes:
        bench: The stores, and what the study says now.
        model: The target.
    """

    bench: Workbench
    model: str

    @cached_property
    def _ahead(self) -> dict[str, dict[int, str]]:
        """By stage, the state of every neuron that is not up to date.

        Raises:
            LookupError: It cannot be told what a stage would be made with.
        """
        ahead: dict[str, dict[int, str]] = {}
        for one in find_stale(self.bench, [self.model]):
            if one.state == UNKNOWN:
                raise LookupError(
                    f"plan: expected to know what {one.stage} would be made with, got: {one.why}"
                )
            ahead.setdefault(one.stage, {}).update(dict.fromkeys(one.neurons, one.state))
        return ahead

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do."""
        return not self._ahead

    def neurons(self, stage: str) -> list[int]:
        """The neurons for which a stage is to run, for certain or depending on those before it."""
        return sorted(self._ahead.get(stage, {}))

    def is_certain(self, stage: str) -> bool:
        """Whether the stage will run for all of these, whatever those before it give."""
        return FOLLOWS not in self._ahead.get(stage, {}).values()

    def are_known(self, stage: str) -> np.ndarray:
        """Of which neurons the stage's stored rows stay as they are: `[neuron]`."""
        known = np.ones(self.width, dtype=bool)
        ahead = self._ahead.get(stage, {})
        known[[neuron for neuron in ahead if neuron != OF_A_MODEL]] = False
        return known

    def is_ahead(self, stage: str) -> np.ndarray:
        """For which neurons the stage is to run: `[neuron]`."""
        return ~self.are_known(stage)

    def are_stored(self, stage: str) -> np.ndarray:
        """Of which neurons the stage's rows are there, though they may be made again."""
        stored = np.ones(self.width, dtype=bool)
        ahead = self._ahead.get(stage, {})
        stored[[neuron for neuron, state in ahead.items() if state != FOLLOWS]] = False
        return stored

    @property
    def width(self) -> int:
        """Neurons of the target."""
        return self.bench.study.targets[self.model].width

    @property
    def n_listed(self) -> int:
        """Probe images that are listed."""
        probe = self.bench.study.targets[self.model].probe
        sql = "SELECT count(*) AS n FROM probe_images WHERE probe = $1"
        return int(self.bench.warehouse.read(sql, [probe])["n"].iloc[0])

    @cached_property
    def selected(self) -> np.ndarray:
        """Whether each neuron is selected by what is stored: `[neuron]`."""
        found = self._of_model("SELECT neuron FROM neuron_ratios WHERE status = 'selected'")
        return self._by_neuron(found.assign(value=True), False)  # noqa: FBT003 (what stands where there is none)

    @cached_property
    def n_samples(self) -> np.ndarray:
        """Stored samples of each neuron: `[neuron]`."""
        sql = "SELECT neuron, count(*) AS value FROM selected_samples WHERE true"
        return self._by_neuron(self._of_model(sql, " GROUP BY neuron"), 0)

    @cached_property
    def n_clusters(self) -> np.ndarray:
        """Stored clusters of each neuron: `[neuron]`."""
        sql = "SELECT neuron, max(n_clusters) AS value FROM clusters WHERE true"
        return self._by_neuron(self._of_model(sql, " GROUP BY neuron"), 0)

    def concepts(self, neurons: np.ndarray) -> list[str]:
        """The stored hypotheses' concepts of some neurons `[neuron]`, each once."""
        sql = "SELECT neuron, concept FROM concept_hypotheses WHERE true"
        found = self._of_model(sql, " ORDER BY neuron, cluster, place")
        return list(dict.fromkeys(found.loc[neurons[found["neuron"].to_numpy(int)], "concept"]))

    def clusters_a_neuron(self) -> float | None:
        """The mean of what is stored of all targets; None if nothing is."""
        return _mean(self.bench.warehouse.read(_CLUSTERS_A_NEURON))

    def seconds_a_partition(self, stage: str) -> float | None:
        """What a stage took of the target's earlier results (s); None if there are none."""
        asked = {"stage": stage, "model": self.model}
        return _mean(self.bench.warehouse.read(_SECONDS_A_PARTITION, asked))

    @cached_property
    def names(self) -> list[str]:
        """The concept set."""
        return concept_names(self.bench.study)

    def requests(
        self, concepts: Iterable[str], *, n_images: int | None = None
    ) -> list[PictureRequest]:
        """The pictures that concepts need, all of them or the first `n_images` of each."""
        settings = self.bench.study.generator
        return picture_requests(
            [prompt_for(concept, settings.prompt) for concept in concepts],
            identity=self.bench.generator_identity,
            n_images=n_images or settings.n_images,
        )

    def missing(self, requests: Iterable[PictureRequest]) -> list[PictureRequest]:
        """Those that are not in the bank."""
        drawn = self.bench.warehouse.read("SELECT picture_id FROM pictures")["picture_id"]
        return missing_pictures(requests, set(drawn))

    def unseen(self, requests: Iterable[PictureRequest]) -> list[PictureRequest]:
        """Those that the target, as it is now, has not looked at."""
        seen = self.bench.warehouse.read(
            "SELECT picture_id FROM picture_activations WHERE model = $1 AND weights_hash = $2",
            [self.model, self.bench.target_hash(self.model)],
        )
        return missing_pictures(requests, set(seen["picture_id"]))

    def unembedded(self, requests: Iterable[PictureRequest]) -> list[PictureRequest]:
        """Those that the vision-language model, as it is now, has not looked at."""
        seen = self.bench.warehouse.read(
            "SELECT picture_id FROM picture_embeddings WHERE weights_hash = $1",
            [self.bench.vision_language_hash],
        )
        return missing_pictures(requests, set(seen["picture_id"]))

    @property
    def n_embedded_images(self) -> int:
        """Listed probe images that the vision-language model, as it is now, has looked at."""
        images = read_probe(self.bench, self.bench.study.targets[self.model].probe)
        stored = self.bench.warehouse.read("SELECT shard_id FROM probe_shards")["shard_id"]
        return sum(
            len(shard.images)
            for shard in shards(self.bench, images)
            if shard.shard_id in set(stored)
        )

    def _of_model(self, sql: str, rest: str = "") -> pd.DataFrame:
        return self.bench.warehouse.read(f"{sql} AND model = $1{rest}", [self.model])

    def _by_neuron(self, found: pd.DataFrame, absent: int) -> np.ndarray:
        values = np.full(self.width, absent)
        is_there = found["neuron"] < self.width  # the study may have made the target narrower
        values[found["neuron"][is_there]] = found["value"][is_there]
        return values


def _mean(found: pd.DataFrame) -> float | None:
    value = found["mean"].iloc[0]
    return None if pd.isna(value) else float(value)
