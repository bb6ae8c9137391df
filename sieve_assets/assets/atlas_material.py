"""What the atlas of a target is made of, out of the stores.

Not here: what is made of it (`reports.atlas`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sieve_assets.assets.hypothesize import embed_concepts
from sieve_assets.assets.probe import read_pass
from sieve_assets.assets.probe_sets import read_probe
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.seen_activations import StoredActivations
from sieve_assets.image_sets.listing import open_image
from sieve_assets.method.concept_rates import (
    ConceptRates,
    concept_rates,
    no_rates,
    strongest_neurons,
    total_rates,
)
from sieve_assets.method.name_positions import name_positions
from sieve_assets.method.near_names import near_names
from sieve_assets.reports.atlas.material import Material
from sieve_assets.reports.atlas.shown_names import tried_names

PICTURES_TOGETHER = 8192
"""Whose activations of all neurons are in memory at once."""
N_NEAR, N_FIRING = 8, 24
"""Names of a word that a search finds, and neurons of a concept that are told."""
PERPLEXITY = 15.0
"""Of the map: names of some hundred concepts have about so many neighbours that mean the like."""

_OF_IMAGE = ("image_id", "label", "uri", "sha256", "width_px", "height_px")
_OF_CROP = ("x0", "y0", "x1", "y1", "crop_retention", "is_whole_image", "crop_uri", "cluster")
_PICTURES = """
WITH linked AS (
    SELECT model, generator, concept, seed, picture_id, uri FROM generated_image_sets
    UNION ALL SELECT model, generator, concept, seed, picture_id, uri FROM reference_pictures
), own AS (SELECT generator, concept FROM linked WHERE model = $model)
SELECT concept, seed, any_value(picture_id ORDER BY model <> $model) AS picture_id,
    any_value(uri ORDER BY model <> $model) AS uri
FROM linked WHERE generator IN (SELECT generator FROM own) AND concept IN (SELECT concept FROM own)
GROUP BY concept, seed ORDER BY concept, seed
"""
_LOOKED_AT = """
SELECT picture_id FROM picture_activations WHERE model = $model AND weights_hash = $weights
"""
_LIVING = """
SELECT neuron FROM neuron_ratios
WHERE model = $model AND status = 'low_contrast' ORDER BY neuron
"""


@dataclass(frozen=True)
class _Collector:
    bench: Workbench
    model: str

    @cached_property
    def pictures(self) -> pd.DataFrame:
        """Of every concept that was drawn for the target, also those drawn of it for others."""
        found = self.bench.warehouse.read(_PICTURES, {"model": self.model})
        return found.assign(place=found.groupby("concept").cumcount())

    @cached_property
    def tried(self) -> pd.DataFrame:
        return tried_names(self.bench.warehouse, self.model)

    @cached_property
    def names(self) -> list[str]:
        return sorted(set(self.tried["concept"]))

    def seen(self) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """The pictures that the target has looked at, with its activations, some at a time."""
        asked = {"model": self.model, "weights": self.bench.target_hash(self.model)}
        known = set(self.bench.warehouse.read(_LOOKED_AT, asked)["picture_id"])
        seen = self.pictures[self.pictures["picture_id"].isin(list(known))]
        activations = StoredActivations(self.bench, self.model)
        for at in range(0, len(seen), PICTURES_TOGETHER):
            part = seen.iloc[at : at + PICTURES_TOGETHER]
            yield part, activations.on_pictures(part["picture_id"].tolist())

    def answers_and_rates(
        self, concepts: Sequence[str]
    ) -> tuple[dict[tuple[int, str], np.ndarray], ConceptRates]:
        """Neurons' activations on the pictures of their names; all neurons' rates by concept."""
        thresholds = StoredActivations(self.bench, self.model).thresholds
        number, n_pictures = pd.Index(concepts), Counter(self.pictures["concept"])
        named = self.tried.groupby("concept")["neuron"].agg(list).to_dict()
        answers: dict[tuple[int, str], np.ndarray] = {}
        parts = [no_rates(len(concepts), len(thresholds))]
        for part, activations in self.seen():
            of_picture = number.get_indexer(pd.Index(part["concept"]))
            parts.append(
                concept_rates(activations, of_picture, thresholds, n_concepts=len(concepts))
            )
            for name, rows in part.groupby("concept", sort=False).indices.items():
                concept, places = str(name), part["place"].to_numpy()[rows]
                for neuron in named.get(concept, ()):
                    unseen = np.full(n_pictures[concept], np.nan, np.float32)
                    answers.setdefault((neuron, concept), unseen)[places] = activations[
                        rows, neuron
                    ]
        return answers, total_rates(parts)

    def strongest(self) -> pd.DataFrame:
        """The strongest images of the neurons that Select drops, in the columns of samples."""
        living = self.bench.warehouse.read(_LIVING, {"model": self.model})["neuron"].to_numpy()
        images = read_probe(self.bench, self.bench.study.targets[self.model].probe)
        count = self.bench.study.select.n_samples
        positions = self.arrays["positions"][living, :count]
        rows = images.iloc[positions.reshape(-1)].filter(_OF_IMAGE)
        n, n_each = positions.shape
        return rows.assign(
            neuron=np.repeat(living, n_each),
            rank=np.tile(np.arange(n_each), n),
            activation=self.arrays["activations"][living, :count].reshape(-1),
            **dict.fromkeys(_OF_CROP),
        ).reset_index(drop=True)

    @cached_property
    def arrays(self) -> Mapping[str, np.ndarray]:
        """Of every neuron's strongest images: positions, activations and maps."""
        uri = str(read_pass(self.bench, self.model)["strongest_uri"])
        return self.bench.arrays.open(uri, verify=True)


def material_of(bench: Workbench, model: str, stages: Sequence[str]) -> Material:
    """A target's results, ready for its atlas.

    Args:
        bench: Stores; the text encoder embeds what it has not embedded before.
        model: The target.
        stages: Stages whose provenance is told.
    """
    found = _Collector(bench, model)
    vectors = embed_concepts(bench)
    of_words = np.stack(list(vectors.values()))
    of_names = np.stack([vectors[name] for name in found.names]) if found.names else of_words[:0]
    rated = found.pictures["concept"].unique().tolist()
    seed = bench.study.seed
    with ThreadPoolExecutor() as pool:  # what is read does not wait for what is computed
        positions = pool.submit(name_positions, of_names, perplexity=PERPLEXITY, seed=seed)
        answers, rates = found.answers_and_rates(rated)
    image_set = bench.images_of(model)
    return Material(
        warehouse=bench.warehouse,
        study=bench.study,
        model=model,
        stages=stages,
        transform=bench.study.targets[model].transform or bench.target(model).transform,
        maps=found.arrays["maps"],
        strongest=found.strongest(),
        tried=found.tried,
        names=found.names,
        positions=positions.result(),
        words=list(vectors),
        near=near_names(of_words, of_names, count=N_NEAR),
        pictures=found.pictures,
        answers=answers,
        rated=rated,
        firing=strongest_neurons(rates, count=N_FIRING, confidence=bench.study.verify.confidence),
        n_rated=rates.n_pictures,
        open_probe_image=lambda uri: open_image(image_set, uri),
        open_stored_image=bench.images.open,
    )
