"""Names by methods that need one neuron at a time: WWW, and SIEVE without some of its steps.

Not here: how they name (`method.explainers`), and methods that look at a whole layer (see
`layer_explanations`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.explanations import comparison, facts_of, named_neurons
from sieve_assets.assets.hypothesize import (
    CLUSTER_SETTINGS,
    VISION_LANGUAGE,
    cluster_rows,
    clusters,
    concept_hypotheses,
    concept_names,
    embed_concepts,
    embed_texts,
    patch_embeddings,
    read_patches,
)
from sieve_assets.assets.partitions import Share
from sieve_assets.assets.probe import probe_activations, probe_pass
from sieve_assets.assets.probe_embeddings import probe_embeddings, read_embeddings
from sieve_assets.assets.probe_sets import probe_images, read_probe
from sieve_assets.assets.records import concatenated, split_by_neuron, work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import (
    neuron_ratios,
    read_activations,
    selected_samples,
    strongest_samples,
)
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.study import Study

if TYPE_CHECKING:
    from sieve_assets.method.concept_hypotheses import CheckedConcepts

NEURONS_TOGETHER = 64
"""Whose activations are held at a time: memory grows with them times the probe images."""
WWW = "www"
WITHOUT_CLUSTERS = "sieve_without_clusters"
WITHOUT_CROPS = "sieve_without_crops"
WITHOUT_SELECT = "sieve_without_select"
WITHOUT_ANY_STEP = "sieve_without_any_step"

Names = tuple[np.ndarray, np.ndarray]
"""Positions in the concept set, best first, and their scores."""

_HYPOTHESES = """
SELECT neuron, cluster, place, concept, score FROM concept_hypotheses
WHERE model = $model AND neuron IN (SELECT unnest($neurons))
ORDER BY neuron, cluster, place
"""
_SAMPLES = """
SELECT s.neuron, i.position
FROM selected_samples s
JOIN probe_passes p ON p.model = s.model
JOIN probe_images i ON i.probe = p.probe AND i.image_id = s.image_id
WHERE s.model = $model AND s.neuron IN (SELECT unnest($neurons))
ORDER BY s.neuron, s.rank
"""
_DROPPED = """
SELECT neuron FROM neuron_ratios
WHERE model = $model AND status = 'low_contrast' AND neuron IN (SELECT unnest($neurons))
ORDER BY neuron
"""


def _recipe(bench: Workbench, _model: str) -> Recipe:
    study, weights = bench.study, bench.vision_language_hash
    return Recipe(
        {
            "concepts": concept_names(study),
            "template": study.concepts.template,
            "www": comparison(study).www,
            "n_concepts": study.hypothesize.n_concepts,
            "clusters": study.hypothesize.model_dump(include=CLUSTER_SETTINGS),
            "single_cluster_test": study.hypothesize.single_cluster_test,
            "n_samples": study.select.n_samples,
            "seed": study.seed,
        },
        weights,
        {VISION_LANGUAGE: {"weights": weights}},
    )


@stage(
    group="compare",
    by="neuron",
    reads=[
        concept_hypotheses,
        clusters,
        patch_embeddings,
        selected_samples,
        neuron_ratios,
        probe_activations,
        probe_pass,
        probe_embeddings,
        probe_images,
    ],
    recipe=_recipe,
    version="2",
    given=["concept_set", "vision_language_model", "compare_settings"],
    runs_models=True,
    facts=facts_of("neuron_explanations", is_by_neuron=True),
)
def neuron_explanations(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """What WWW (Ahn, Kim and Kim, 2024) calls a neuron, and SIEVE without some of its steps.

    SIEVE with all patches as one cluster, with whole images in place of patches, for the neurons
    that Select drops from their strongest whole images, and without any step: every neuron's
    strongest whole images as one cluster. Constant neurons get no name.
    docs/explainers.md.
    """
    for recorder in work(context, bench, neuron_explanations):
        recorder.write_each(NeuronNames(bench, recorder.share).rows)


@dataclass(frozen=True)
class NeuronNames:
    """Names one target's neurons one by one.

    Attributes:
        bench: Stores and models.
        share: The target, and the neurons that will be asked for.
    """

    bench: Workbench
    share: Share

    def rows(self, neuron: int) -> pd.DataFrame:
        """The neuron's rows of `neuron_explanations`."""
        return concatenated(
            named_neurons(
                self.share.model,
                explainer,
                neurons=np.array([neuron]),
                concepts=concepts[None],
                scores=scores[None],
                names=list(self._texts),
            )
            for explainer, (concepts, scores) in self._named(neuron)
        )

    def _named(self, neuron: int) -> Iterator[tuple[str, Names]]:
        if neuron in self._www:
            yield WWW, self._www[neuron]
        if neuron in self._patches:
            patches = np.stack(list(self._patches[neuron]["embedding"]))
            whole_images = self._embeddings[self._samples[neuron]["position"]]
            yield WITHOUT_CLUSTERS, self._of_clusters(patches, np.zeros(len(patches), np.int64))
            yield WITHOUT_CROPS, self._of_clusters(whole_images, np.zeros(len(patches), np.int64))
            yield WITHOUT_SELECT, self._as_stored(neuron)
        elif neuron in self._dropped:
            yield WITHOUT_SELECT, self._of_dropped(neuron)
        if neuron in self._patches or neuron in self._dropped:
            images = self._strongest_images(neuron)
            yield WITHOUT_ANY_STEP, self._of_clusters(images, np.zeros(len(images), np.int64))

    def _of_clusters(self, embeddings: np.ndarray, labels: np.ndarray) -> Names:
        """The best concepts of each cluster, those of the largest first."""
        from sieve_assets.method.explainers.cluster_names import cluster_names  # noqa: PLC0415

        count = self.bench.study.hypothesize.n_concepts
        return cluster_names(embeddings, labels, self._concepts, count=count)

    def _as_stored(self, neuron: int) -> Names:
        """SIEVE's own hypotheses, in the order of the view `explanations`."""
        from sieve_assets.method.explainers.cluster_names import ordered_names  # noqa: PLC0415

        stored = self._hypotheses[neuron]
        sizes = np.bincount(self._patches[neuron]["cluster"].to_numpy(np.int64))
        concepts = pd.Index(list(self._texts)).get_indexer(pd.Index(stored["concept"]))
        scores = stored["score"].to_numpy(np.float64)
        by_cluster = (len(sizes), -1)
        return ordered_names(concepts.reshape(by_cluster), scores.reshape(by_cluster), sizes)

    def _of_dropped(self, neuron: int) -> Names:
        """What SIEVE would say of a neuron that Select drops, of whole images for want of crops."""
        embeddings = self._strongest_images(neuron)
        images = pd.DataFrame({"embedding": list(embeddings)}).assign(neuron=neuron)
        images["rank"] = np.arange(len(images))
        labels = cluster_rows(images, self.share.model, neuron, self.bench.study)["cluster"]
        return self._of_clusters(embeddings, labels.to_numpy(np.int64))

    def _strongest_images(self, neuron: int) -> np.ndarray:
        """Embeddings of a neuron's strongest whole images, selected or not."""
        return self._embeddings[self._strongest[self.share.neurons.index(neuron)]]

    @cached_property
    def _texts(self) -> dict[str, np.ndarray]:
        return embed_concepts(self.bench)

    @cached_property
    def _concepts(self) -> "CheckedConcepts":
        from sieve_assets.method.concept_hypotheses import checked_concepts  # noqa: PLC0415

        return checked_concepts(np.stack(list(self._texts.values())))

    @cached_property
    def _embeddings(self) -> np.ndarray:
        """Of all probe images, by position."""
        return read_embeddings(self.bench, self.share.model)

    @cached_property
    def _patches(self) -> dict[int, pd.DataFrame]:
        return read_patches(self.bench, self.share)

    @cached_property
    def _hypotheses(self) -> dict[int, pd.DataFrame]:
        return self._by_neuron(_HYPOTHESES)

    @cached_property
    def _samples(self) -> dict[int, pd.DataFrame]:
        return self._by_neuron(_SAMPLES)

    @cached_property
    def _strongest(self) -> np.ndarray:
        """Positions `[neuron rank]` of strongest images, selected or not."""
        return strongest_samples(self.bench, self.share.model, np.array(self.share.neurons))[0]

    @cached_property
    def _dropped(self) -> dict[int, pd.DataFrame]:
        return self._by_neuron(_DROPPED)

    def _by_neuron(self, sql: str) -> dict[int, pd.DataFrame]:
        asked = {"model": self.share.model, "neurons": self.share.neurons}
        return split_by_neuron(self.bench.warehouse.read(sql, asked))

    @cached_property
    def _www(self) -> dict[int, Names]:
        """WWW's words for every neuron of the share that has some."""
        images = read_probe(self.bench, self.bench.study.targets[self.share.model].probe)
        embeddings = self._embeddings[~images["is_held_out"].to_numpy()]
        texts = www_texts(self.bench)
        found: dict[int, Names] = {}
        for start in range(0, len(self.share.neurons), NEURONS_TOGETHER):
            some = self.share.neurons[start : start + NEURONS_TOGETHER]
            activations = read_activations(self.bench, self.share.of_neurons(some)).T
            found |= www_names(some, activations, embeddings, texts, self.bench.study)
        return found


def www_texts(bench: Workbench) -> np.ndarray:
    """WWW's template with each concept in it and, last, without any, as unit vectors."""
    template = comparison(bench.study).www.template
    texts = [template.replace("{}", name) for name in [*concept_names(bench.study), ""]]
    return embed_texts(bench, [*texts[:-1], texts[-1].strip()])


def www_names(
    neurons: Sequence[int],
    activations: np.ndarray,
    embeddings: np.ndarray,
    texts: np.ndarray,
    study: Study,
) -> dict[int, Names]:
    """WWW's words, best first, for the neurons that have some: constant ones have none."""
    from sieve_assets.method.explainers import www as method  # noqa: PLC0415 (scipy is slow)
    from sieve_assets.method.explainers.probe_inputs import varying_neurons  # noqa: PLC0415

    how, varying = comparison(study).www, varying_neurons(activations)
    if not len(varying):
        return {}
    scores = method.adaptive_cosines(
        activations[:, varying], embeddings, texts[:-1], texts[-1], n_images=how.n_images
    )
    words = method.adaptive_selection(scores, alpha=how.alpha)
    return {
        neurons[int(varying[one])]: (words.concepts[is_its], words.scores[is_its])
        for one in np.unique(words.neurons)
        for is_its in [words.neurons == one]
    }
