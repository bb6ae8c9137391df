"""What a target and a vision-language model saw of pictures and of the probe images.

Not here: how pictures come into the bank (see `picture_bank`), and what is made of it (`evidence`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sieve_assets.assets.hypothesize import concept_names, embed_concepts, embed_texts
from sieve_assets.assets.picture_bank import pictures_of
from sieve_assets.assets.probe_embeddings import read_embeddings
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.seen_activations import Activations, StoredActivations, of_pictures
from sieve_assets.method.generated_image_sets import picture_requests, prompt_for

if TYPE_CHECKING:
    from sieve_assets.method import evidence as method

NEURONS_TOGETHER = 64
"""Whose hypotheses are looked at together: memory grows with them times the probe images."""


def by_neurons(pairs: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Pairs of neuron and concept, those of some neurons at a time."""
    place = pd.factorize(pairs["neuron"])[0]
    for _, part in pairs.groupby(place // NEURONS_TOGETHER):
        yield part


@dataclass(frozen=True)
class Witnesses:
    """What a target and the vision-language model saw of some hypotheses and of the references.

    Attributes:
        bench: Stores and models.
        model: The target.
        references: Concepts that all are held against, of which every picture is seen.
        hypotheses: Concepts, each with how many of its pictures are seen; with different numbers it
            is there several times.
    """

    bench: Workbench
    model: str
    references: tuple[str, ...]
    hypotheses: tuple[tuple[str, int], ...]

    @cached_property
    def drawn(self) -> list[tuple[str, int]]:
        """References and hypotheses with their numbers of pictures, each once."""
        n_images = self.bench.study.generator.n_images
        whole = [(concept, n_images) for concept in self.references]
        return list(dict.fromkeys([*whole, *self.hypotheses]))

    @cached_property
    def concepts(self) -> list[str]:
        """The concept of each of them."""
        return [concept for concept, _ in self.drawn]

    @cached_property
    def pictures(self) -> pd.DataFrame:
        """Their pictures, by place among `drawn` and seed."""
        settings = self.bench.study.generator
        prompts = [prompt_for(concept, settings.prompt) for concept in self.concepts]
        requests = picture_requests(
            prompts, identity=self.bench.generator_identity, n_images=settings.n_images
        )
        asked = pd.DataFrame(
            {"prompt": prompts, "n_pictures": [number for _, number in self.drawn]}
        )
        asked = asked.astype({"prompt": str}).rename_axis("place").reset_index()
        found = asked.merge(pictures_of(self.bench, requests), on="prompt")
        return found.query("seed < n_pictures").reset_index(drop=True)

    @property
    def picture_ids(self) -> list[str]:
        """Of the pictures, in their order."""
        return self.pictures["picture_id"].tolist()

    def rows(self, pairs: pd.DataFrame, activations: Activations | None = None) -> pd.DataFrame:
        """Rows of `evidence` for pairs of neuron and concept with `n_pictures`.

        Args:
            pairs: Of some neurons: memory grows with them.
            activations: Of the neurons; None if they are the target's own.
        """
        from sieve_assets.method import evidence as method  # noqa: PLC0415 (scipy is slow)

        found = method.evidence(*self._inputs(pairs, activations))
        names = np.array([*self.concepts, None], dtype=object)
        named = {name: names[found[name]] for name in ("best_reference", "best_name")}
        return pairs.reset_index(drop=True).assign(**found | named)

    def intervals(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """`low` and `high` of the pairs' rates at their matched thresholds, as in these rows."""
        from sieve_assets.method import evidence as method  # noqa: PLC0415 (as above)

        return pd.DataFrame(method.matched_intervals(*self._inputs(pairs))._asdict())

    def best_names(self, neurons: np.ndarray) -> pd.DataFrame:
        """Each neuron's best name of all that is drawn here: `method.revised_names`.

        Args:
            neurons: Rising, each once: memory grows with them.

        Returns:
            `neuron`, `concept`, `score`, `natural_ap`, `drawn_ap`, `runner_up`, `runner_up_score`;
            no row for a neuron without a name.
        """
        from sieve_assets.method.revised_names import revised_names  # noqa: PLC0415 (as above)

        names = np.array([*self.concepts, None], dtype=object)
        found = revised_names(self._seen_of(neurons), self._settings())._asdict()
        named = {name: names[found[name]] for name in ("concept", "runner_up")}
        rows = pd.DataFrame({"neuron": neurons, **found, **named})
        return rows.dropna(subset="concept").reset_index(drop=True)

    def _seen_of(
        self, studied: np.ndarray, activations: Activations | None = None
    ) -> "method.Seen":
        """What is seen of some neurons, the target's own unless it is said whose."""
        from sieve_assets.method import evidence as method  # noqa: PLC0415 (as above)

        seen = self._seen if activations is None else self._seen_by(activations)
        own = StoredActivations(self.bench, self.model) if activations is None else activations
        return method.Seen(studied=studied, probe=own.on_images(studied), **seen)

    def _inputs(
        self, pairs: pd.DataFrame, activations: Activations | None = None
    ) -> "tuple[method.Hypotheses, method.Seen, method.Settings]":
        from sieve_assets.method import evidence as method  # noqa: PLC0415 (as above)

        neurons = pairs["neuron"].to_numpy(np.int64)
        studied = np.unique(neurons)
        asked = pd.MultiIndex.from_arrays([pairs["concept"], pairs["n_pictures"]])
        return (
            method.Hypotheses(
                np.searchsorted(studied, neurons),
                pd.MultiIndex.from_tuples(self.drawn).get_indexer(asked),
            ),
            self._seen_of(studied, activations),
            self._settings(),
        )

    def _settings(self) -> "method.Settings":
        from sieve_assets.method import evidence as method  # noqa: PLC0415 (as above)
        from sieve_assets.method.sequential_drawing import (  # noqa: PLC0415 (as above)
            shared_confidence,
        )

        study, how = self.bench.study, self.bench.study.verify
        return method.Settings(
            confidence=shared_confidence(
                how.confidence, n_looks=max(len(study.generator.looks), 1)
            ),
            percentile=study.select.percentile,
            near_cosine=how.near_cosine,
            n_best_words=how.n_best_words,
            shown_percentile=how.shown_percentile,
        )

    @cached_property
    def _seen(self) -> dict[str, np.ndarray]:
        """What does not depend on which of the target's neurons are studied."""
        return self._seen_by(StoredActivations(self.bench, self.model))

    def _seen_by(self, activations: Activations) -> dict[str, np.ndarray]:
        """What does not depend on which of some neurons are studied."""
        return {
            **self._recognised,
            "pictures": activations.on_pictures(self.picture_ids),
            "thresholds": activations.thresholds,
            "image_cosines": self._recognised["image_cosines"][activations.images],
        }

    @cached_property
    def _recognised(self) -> dict[str, np.ndarray]:
        """What does not depend on any neuron."""
        from sieve_assets.method.recognition import similarities  # noqa: PLC0415 (as above)

        words = pd.Index(list(self.texts)).get_indexer(pd.Index(self.concepts))
        vectors = np.stack(list(self.texts.values()))
        images = read_embeddings(self.bench, self.model)
        pictures = of_pictures(
            self.bench,
            self.picture_ids,
            "SELECT picture_id, embedding AS vector FROM picture_embeddings"
            " WHERE weights_hash = $weights",
            {"weights": self.bench.vision_language_hash},
        )
        return {
            "drawn_for": self.pictures["place"].to_numpy(np.int64),
            "is_reference": np.arange(len(self.drawn)) < len(self.references),
            "words": words,
            "texts": vectors[words],
            "picture_cosines": similarities(pictures, vectors),
            "image_cosines": similarities(images, vectors[words]),
            "is_candidate": np.arange(len(self.texts)) < len(concept_names(self.bench.study)),
        }

    @cached_property
    def texts(self) -> dict[str, np.ndarray]:
        """The concept set and then all other concepts, each with its unit vector."""
        texts = embed_concepts(self.bench)
        others = [concept for concept in dict.fromkeys(self.concepts) if concept not in texts]
        if not others:
            return texts
        template = self.bench.study.concepts.template
        vectors = embed_texts(self.bench, [template.replace("{}", other) for other in others])
        return texts | dict(zip(others, vectors, strict=True))
