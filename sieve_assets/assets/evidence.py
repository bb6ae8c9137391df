"""Evidence beyond AR: each hypothesis on its pictures, on others' pictures and on natural images.

Not here: how it is computed (`method.evidence`), and the verdict on it (see `verdicts`).
"""

from dataclasses import dataclass
from functools import cached_property

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.errands import Errand
from sieve_assets.assets.hypothesize import (
    VISION_LANGUAGE,
    concept_names,
    embed_concepts,
    embed_texts,
)
from sieve_assets.assets.partitions import Share
from sieve_assets.assets.picture_bank import embed, observe, pictures_of
from sieve_assets.assets.probe import probe_activations
from sieve_assets.assets.probe_embeddings import probe_embeddings, read_embeddings
from sieve_assets.assets.records import work
from sieve_assets.assets.reference_pictures import reference_pictures, references
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import neuron_ratios
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.assets.verify import activation_rates, generated_image_sets
from sieve_assets.method.generated_image_sets import picture_requests, prompt_for

SETTINGS = {"confidence", "near_cosine", "n_best_words", "shown_percentile"}
NEURONS_TOGETHER = 64
"""Whose hypotheses are looked at together: memory grows with them times the probe images."""


def _recipe(bench: Workbench, model: str) -> Recipe:
    settings = bench.study.verify.model_dump(include=SETTINGS)
    weights = bench.vision_language_hash
    return Recipe(
        {
            **settings,
            "percentile": bench.study.select.percentile,
            "concepts": concept_names(bench.study),
            "template": bench.study.concepts.template,
        },
        f"{bench.target_hash(model)} {weights}",
        {"target": bench.target_identity(model), VISION_LANGUAGE: {"weights": weights}},
    )


@stage(
    group="verify",
    by="neuron",
    reads=[
        activation_rates,
        generated_image_sets,
        reference_pictures,
        probe_embeddings,
        probe_activations,
        neuron_ratios,
    ],
    recipe=_recipe,
    given=["target_weights", "vision_language_model", "concept_set", "verify_settings"],
    runs_models=True,
    facts="""
    SELECT p.neuron, s.status, count(e.concept) AS hypotheses, max(e.score) AS "best score",
        arg_max(e.concept, e.score) AS "its name", any_value(e.best_name) AS "best name of all",
        max(e.lift) AS "largest lift over other concepts' pictures"
    FROM (SELECT unnest($neurons) AS neuron) p
    JOIN neuron_ratios s ON s.model = $model AND s.neuron = p.neuron
    LEFT JOIN evidence e ON e.model = $model AND e.neuron = p.neuron GROUP BY ALL
    """,
)
def evidence(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Each name against other concepts' pictures, other neurons, natural images and other names.

    Null AR with p, specificity, CoSy's AUC and MAD, whether the pictures show the concept, the rate
    at the threshold that matches how common it is, average precisions, and the score. Not in the
    paper: docs/method.md, section 3.
    """
    for recorder in work(context, bench, evidence):
        recorder.write(evidence_rows(recorder.errand, recorder.share))


def evidence_rows(errand: Errand, share: Share) -> pd.DataFrame:
    """The share's rows of `evidence`; none without hypotheses."""
    bench = errand.bench
    pairs = bench.warehouse.read(
        "SELECT DISTINCT model, neuron, concept FROM activation_rates WHERE model = $model"
        " AND neuron IN (SELECT unnest($neurons)) ORDER BY neuron, concept",
        {"model": share.model, "neurons": share.neurons},
    )
    return rows_of(errand, pairs)


def rows_of(errand: Errand, pairs: pd.DataFrame) -> pd.DataFrame:
    """Rows of evidence for some pairs of neuron and concept of a target; none without any.

    Args:
        errand: For whom both models look at the pictures, which are there.
        pairs: `model`, `neuron` and `concept`, each once.
    """
    if pairs.empty:
        return pd.DataFrame()
    concepts = tuple(dict.fromkeys(pairs["concept"]))
    witnesses = Witnesses(errand.bench, errand.model, concepts)
    observe(errand, witnesses.pictures)
    embed(errand, witnesses.pictures)
    place = pd.factorize(pairs["neuron"])[0]
    parts = [part for _, part in pairs.groupby(place // NEURONS_TOGETHER)]
    return pd.concat([witnesses.rows(part) for part in parts], ignore_index=True)


@dataclass(frozen=True)
class Witnesses:
    """What a target and the vision-language model saw of some hypotheses and of the references.

    Attributes:
        bench: Stores and models.
        model: The target.
        hypotheses: Concepts besides the references.
    """

    bench: Workbench
    model: str
    hypotheses: tuple[str, ...]

    @cached_property
    def concepts(self) -> list[str]:
        """References and hypotheses, each once."""
        return list(dict.fromkeys([*references(self.bench), *self.hypotheses]))

    @cached_property
    def pictures(self) -> pd.DataFrame:
        """Their pictures, by concept and seed."""
        settings = self.bench.study.generator
        prompts = [prompt_for(concept, settings.prompt) for concept in self.concepts]
        requests = picture_requests(
            prompts, identity=self.bench.generator_identity, n_images=settings.n_images
        )
        return pictures_of(self.bench, requests)

    def rows(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """Rows of `evidence` for pairs of neuron and concept."""
        from sieve_assets.method import evidence as method  # noqa: PLC0415 (scipy is slow)

        how = self.bench.study.verify
        studied = np.unique(pairs["neuron"].to_numpy(np.int64))
        found = method.evidence(
            method.Hypotheses(
                np.searchsorted(studied, pairs["neuron"].to_numpy(np.int64)),
                pd.Index(self.concepts).get_indexer(pd.Index(pairs["concept"])),
            ),
            method.Seen(studied=studied, probe=self._probe(studied), **self._seen),
            method.Settings(
                confidence=how.confidence,
                percentile=self.bench.study.select.percentile,
                near_cosine=how.near_cosine,
                n_best_words=how.n_best_words,
                shown_percentile=how.shown_percentile,
            ),
        )
        names = np.array([*self.concepts, None], dtype=object)
        named = {name: names[found[name]] for name in ("best_reference", "best_name")}
        return pairs.reset_index(drop=True).assign(**found | named)

    @cached_property
    def _seen(self) -> dict[str, np.ndarray]:
        """What does not depend on the neurons that are studied."""
        from sieve_assets.method.recognition import similarities  # noqa: PLC0415 (as above)

        texts = self._texts()
        words = pd.Index(list(texts)).get_indexer(pd.Index(self.concepts))
        vectors = np.stack(list(texts.values()))
        prompts = pd.Index(self.pictures["prompt"].unique())
        chosen = set(references(self.bench))
        images = read_embeddings(self.bench, self.model)
        return {
            "pictures": self._vectors(
                "SELECT picture_id, activation AS vector FROM picture_activations"
                " WHERE model = $model AND weights_hash = $weights",
                {"model": self.model, "weights": self.bench.target_hash(self.model)},
            ),
            "thresholds": self._thresholds(),
            "drawn_for": prompts.get_indexer(pd.Index(self.pictures["prompt"])),
            "is_reference": np.array([concept in chosen for concept in self.concepts], bool),
            "words": words,
            "texts": vectors[words],
            "picture_cosines": similarities(
                self._vectors(
                    "SELECT picture_id, embedding AS vector FROM picture_embeddings"
                    " WHERE weights_hash = $weights",
                    {"weights": self.bench.vision_language_hash},
                ),
                vectors,
            ),
            "image_cosines": similarities(images, vectors[words]),
            "is_candidate": np.arange(len(texts)) < len(concept_names(self.bench.study)),
        }

    def _texts(self) -> dict[str, np.ndarray]:
        """The concept set and then all other concepts, each with its unit vector."""
        texts = embed_concepts(self.bench)
        others = [concept for concept in self.concepts if concept not in texts]
        if not others:
            return texts
        template = self.bench.study.concepts.template
        vectors = embed_texts(self.bench, [template.replace("{}", other) for other in others])
        return texts | dict(zip(others, vectors, strict=True))

    def _vectors(self, sql: str, asked: dict[str, str]) -> np.ndarray:
        """One row a picture, in the order of `pictures`."""
        ids = self.pictures["picture_id"]
        found = self.bench.warehouse.read(
            f"{sql} AND picture_id IN (SELECT unnest($ids))", {**asked, "ids": ids.tolist()}
        )
        return np.stack(list(found.set_index("picture_id").loc[ids, "vector"]))

    def _thresholds(self) -> np.ndarray:
        """T of every neuron of the target; nan for those that have none yet."""
        known = self.bench.warehouse.read(
            "SELECT neuron, p99 FROM neuron_ratios WHERE model = $1", [self.model]
        )
        thresholds = np.full(self.bench.study.targets[self.model].width, np.nan, np.float32)
        thresholds[known["neuron"].to_numpy(np.int64)] = known["p99"]
        return thresholds

    def _probe(self, studied: np.ndarray) -> np.ndarray:
        found = self.bench.warehouse.read(
            "SELECT activation FROM neuron_activations WHERE model = $model"
            " AND neuron IN (SELECT unnest($neurons)) ORDER BY neuron",
            {"model": self.model, "neurons": studied.tolist()},
        )
        return np.stack(list(found["activation"]))
