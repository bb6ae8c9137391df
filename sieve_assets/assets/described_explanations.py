"""Describe-and-Dissect's names of a target's neurons: candidates, their pictures, the best of them.

Not here: how candidates are made of texts (`method.explainers.candidate_concepts`), and how one is
chosen (`method.explainers.describe_and_dissect`).
"""

import contextlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.errands import Errand
from sieve_assets.assets.explanations import comparison, facts_of, named_neurons
from sieve_assets.assets.hypothesize import (
    VISION_LANGUAGE,
    concept_names,
    embed_concepts,
    neuron_generator,
    patch_embeddings,
)
from sieve_assets.assets.partitions import Share
from sieve_assets.assets.picture_bank import draw_missing, embed, observe, pictures_of
from sieve_assets.assets.progress import tracked
from sieve_assets.assets.records import split_by_neuron, work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.method.explainers import candidate_concepts
from sieve_assets.method.explainers.describe_and_dissect import best_candidates, candidate_scores
from sieve_assets.method.generated_image_sets import picture_requests, prompt_for

EXPLAINER = "describe_and_dissect"
NEURONS_TOGETHER = 64
"""What their candidates' pictures do is read at a time."""

_PATCHES = """
SELECT neuron, uri, embedding FROM patch_embeddings
WHERE model = $model AND neuron IN (SELECT unnest($neurons)) AND rank < $n
ORDER BY neuron, rank
"""
_SEEN = """
SELECT a.picture_id, a.activation, e.embedding
FROM picture_activations a JOIN picture_embeddings e USING (picture_id)
WHERE a.model = $model AND a.weights_hash = $target AND e.weights_hash = $vision_language
    AND picture_id IN (SELECT unnest($ids))
"""


def _recipe(bench: Workbench, model: str) -> Recipe:
    """What candidates are made of is among the settings only where they are made of it."""
    how, study = comparison(bench.study).described, bench.study
    writers = {
        name: bench.checkpoint_hash(one)
        for name, one in (("captioner", how.captioner), ("language model", how.language_model))
        if one is not None
    }
    words = {"concepts": concept_names(study), "template": study.concepts.template}
    weights = (bench.target_hash(model), bench.vision_language_hash, *writers.values())
    generator = dict(bench.generator_identity)
    return Recipe(
        {
            "described": how.model_dump(exclude={"captioner", "language_model"}),
            "writers": writers,
            **({} if writers else words),
            **({"seed": study.seed} if how.language_model is not None else {}),
            "generator": generator,
            "prompt": study.generator.prompt,
        },
        " ".join((*weights, str(generator["pipeline"]))),
        {"target": bench.target_identity(model), VISION_LANGUAGE: {"weights": weights[1]}},
    )


@stage(
    group="compare",
    by="neuron",
    reads=[patch_embeddings],
    recipe=_recipe,
    given=[
        *("target_weights", "vision_language_model", "generator_model"),
        *("concept_set", "compare_settings"),
    ],
    runs_models=True,
    facts=facts_of("described_explanations", is_by_neuron=True),
)
def described_explanations(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Describe-and-Dissect: of some concepts, those whose pictures drive the neuron and look alike.

    Candidates come from captions of the neuron's strongest patches and a language model, where the
    study names them; else they are the words nearest to the patches. Source: Bai et al.,
    "Interpreting Neurons in Deep Vision Networks with Language Models", TMLR 2025;
    docs/explainers.md.
    """
    for recorder in work(context, bench, described_explanations):
        describer = Describer(recorder.errand, recorder.share)
        describer.prepare()
        recorder.write_each(describer.rows)


@dataclass
class Describer:
    """Names a target's neurons one by one; pictures are drawn and looked at for all before.

    Attributes:
        errand: For whom pictures are drawn and looked at.
        share: The target and its neurons.
        candidates: Concepts to choose among, of the neurons for which there are some.
    """

    errand: Errand
    share: Share
    candidates: dict[int, list[str]] = field(default_factory=dict)
    _seen: dict[int, pd.DataFrame] = field(default_factory=dict)

    @property
    def bench(self) -> Workbench:
        """Stores and models."""
        return self.errand.bench

    @property
    def _how(self) -> Any:
        return comparison(self.bench.study).described

    @cached_property
    def patches(self) -> dict[int, pd.DataFrame]:
        """Each selected neuron's strongest patches."""
        share = self.share
        asked = {"model": share.model, "neurons": share.neurons, "n": self._how.n_images}
        return split_by_neuron(self.bench.warehouse.read(_PATCHES, asked))

    @cached_property
    def _words(self) -> tuple[list[str], np.ndarray]:
        texts = embed_concepts(self.bench)
        return list(texts), np.stack(list(texts.values()))

    def prepare(self) -> None:
        """Find every neuron's candidates, and show both models pictures of them.

        Raises:
            LookupError: A model or its weights are not there.
            ValueError: A model does not fit its settings.
        """
        if not self.patches:
            return
        self._load()
        what = f"{self.share.model}: candidates for names"
        for [neuron] in tracked(list(self.patches), what, self.errand.log, unit="neuron", size=1):
            with contextlib.suppress(ValueError):  # told when the neuron is asked for
                self.candidates[neuron] = self._proposed(neuron)
        if self.candidates:
            observe(self.errand, self.pictures)
            embed(self.errand, self.pictures)

    def _load(self) -> None:
        """Load what proposes candidates: what is wrong with it is no neuron's failure."""
        how = self._how
        if how.captioner is None:
            _ = self._words
        else:
            self.bench.captioner(how.captioner)
        if how.language_model is not None:
            self.bench.language_model(how.language_model)

    @cached_property
    def pictures(self) -> pd.DataFrame:
        """Pictures of every neuron's candidates, by concept and seed; drawn if they are missing."""
        how = self.bench.study.generator
        words = dict.fromkeys(word for own in self.candidates.values() for word in own)
        prompts = {prompt_for(word, how.prompt): word for word in words}
        requests = picture_requests(
            prompts, identity=self.bench.generator_identity, n_images=self._how.n_pictures
        )
        draw_missing(self.errand, requests)
        found = pictures_of(self.bench, requests)
        return found.assign(concept=[prompts[prompt] for prompt in found["prompt"]]).sort_values(
            ["concept", "seed"]
        )

    def rows(self, neuron: int) -> pd.DataFrame:
        """The neuron's rows of `described_explanations`; none if it was not selected.

        Raises:
            ValueError: Nothing that its patches were called is a concept.
        """
        if neuron not in self.patches:
            return pd.DataFrame()
        if neuron not in self.candidates:
            self._proposed(neuron)  # says what is wrong with it
        candidates, how = self.candidates[neuron], self._how
        activations, pictures = self._of_candidates(neuron)
        scores = candidate_scores(
            activations,
            pictures,
            np.stack(list(self.patches[neuron]["embedding"])),
            n_best=how.n_best,
            n_strongest=how.n_strongest,
        ).scores
        best = best_candidates(scores, count=how.n_names)
        return named_neurons(
            self.share.model,
            EXPLAINER,
            neurons=np.array([neuron]),
            concepts=best[None],
            scores=scores[best][None],
            names=candidates,
        )

    def _proposed(self, neuron: int) -> list[str]:
        how, patches = self._how, self.patches[neuron]
        if how.captioner is None:
            names, vectors = self._words
            nearest = candidate_concepts.nearest_words(
                np.stack(list(patches["embedding"])), vectors, count=how.n_candidates
            )
            return [names[place] for place in nearest]
        crops = [self.bench.images.open(uri, verify=True) for uri in patches["uri"]]
        captions = self.bench.captioner(how.captioner).captions(crops)
        if how.language_model is None:
            return candidate_concepts.most_frequent(captions, count=how.n_candidates)
        prompts = candidate_concepts.merging_prompts(
            captions,
            count=how.n_candidates,
            generator=neuron_generator(self.bench.study.seed, self.share.model, neuron),
        )
        answers = self.bench.language_model(how.language_model).answers(prompts)
        return candidate_concepts.merged_concepts(answers)

    def _of_candidates(self, neuron: int) -> tuple[np.ndarray, np.ndarray]:
        """The neuron's activations on its candidates' pictures, and their embeddings."""
        ids = [self._ids[concept] for concept in self.candidates[neuron]]
        if neuron not in self._seen:
            self._see(neuron)
        seen = self._seen[neuron].loc[[one for own in ids for one in own]]
        shape = (len(ids), self._how.n_pictures)
        activations = np.array([values[neuron] for values in seen["activation"]], np.float32)
        embeddings = np.stack(list(seen["embedding"]))
        return activations.reshape(shape), embeddings.reshape(*shape, -1)

    @cached_property
    def _ids(self) -> dict[str, list[str]]:
        """Each candidate's pictures by seed."""
        return self.pictures.groupby("concept")["picture_id"].agg(list).to_dict()

    def _see(self, neuron: int) -> None:
        """Read what both models saw in the pictures of a neuron and of those that come after it."""
        neurons = list(self.candidates)
        first = neurons.index(neuron)
        some = neurons[first : first + NEURONS_TOGETHER]
        words = {word for one in some for word in self.candidates[one]}
        asked = {
            "model": self.share.model,
            "target": self.bench.target_hash(self.share.model),
            "vision_language": self.bench.vision_language_hash,
            "ids": [one for word in sorted(words) for one in self._ids[word]],
        }
        seen = self.bench.warehouse.read(_SEEN, asked).set_index("picture_id")
        self._seen = dict.fromkeys(some, seen)
