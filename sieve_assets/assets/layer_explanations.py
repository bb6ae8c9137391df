"""Names by methods that look at a whole layer: CLIP-Dissect and linear explanations.

Not here: how they name (`method.explainers`), and methods that need one neuron only (see
`neuron_explanations`).
"""

import logging
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.explanations import comparison, facts_of, named_neurons
from sieve_assets.assets.hypothesize import VISION_LANGUAGE, concept_names, embed_concepts
from sieve_assets.assets.probe import probe_pass, read_pass
from sieve_assets.assets.probe_embeddings import probe_embeddings, read_embeddings
from sieve_assets.assets.probe_sets import probe_images, read_probe
from sieve_assets.assets.records import concatenated, work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.study_compare import ClipDissect, LinearExplanations

FLOOR = 1e-7
"""Of probabilities in soft-WPMI and WPMI: the authors' min_prob."""
MIN_COSINE = 1e-3
"""Least mean cosine in rank reorder: concepts less like the images are not its names."""
MIN_NORM = 1e-3
"""Least norm in cosine cubed: the authors'."""
N_STRONGEST = 5
"""Images that must show a concept for linear explanations: the authors'."""
MIN_STD = 1e-5
"""Of a concept over the images: the authors'."""
VALIDATION_SHARE, TEST_SHARE = 0.1, 0.2
"""Parts of the images in linear explanations: the authors'."""
LINEAR = "linear_explanations"


class Layer(NamedTuple):
    """What a layer and the vision-language model saw of the images that are not held out."""

    neurons: np.ndarray
    """Those that can be explained."""
    activations: np.ndarray
    """`[image neuron]`, of these."""
    embeddings: np.ndarray
    image_ids: list[str]


def _recipe(bench: Workbench, _model: str) -> Recipe:
    how, weights = comparison(bench.study), bench.vision_language_hash
    return Recipe(
        {
            "concepts": concept_names(bench.study),
            "template": bench.study.concepts.template,
            "clip_dissect": how.clip_dissect,
            "linear": how.linear,
            "seed": bench.study.seed,
        },
        weights,
        {VISION_LANGUAGE: {"weights": weights}},
    )


@stage(
    group="compare",
    by="model",
    reads=[probe_pass, probe_embeddings, probe_images],
    recipe=_recipe,
    given=["concept_set", "vision_language_model", "compare_settings"],
    runs_models=True,
    facts=facts_of("layer_explanations", is_by_neuron=False),
)
def layer_explanations(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """What CLIP-Dissect (Oikarinen and Weng, 2023) and linear explanations (2024) call each neuron.

    By all of the layer's activations on whole probe images that are not held out: the best name by
    each of CLIP-Dissect's four similarity functions, and the concepts that the activation is a sum
    of. Constant neurons get no name. docs/explainers.md.
    """
    for recorder in work(context, bench, layer_explanations):
        recorder.write(layer_rows(bench, recorder.share.model, log=context.log))


def layer_rows(bench: Workbench, model: str, *, log: logging.Logger) -> pd.DataFrame:
    """The target's rows of `layer_explanations`; none if all neurons are constant."""
    layer = read_layer(bench, model, log=log)
    texts = embed_concepts(bench)
    if not len(layer.neurons):
        return pd.DataFrame()
    how, vectors = comparison(bench.study), np.stack(list(texts.values()))
    found = clip_dissect_names(layer, vectors, how.clip_dissect)
    found |= {LINEAR: _linear_names(layer, vectors, how.linear, bench.study.seed)}
    return concatenated(
        named_neurons(
            model,
            explainer,
            neurons=layer.neurons,
            concepts=concepts,
            scores=scores,
            names=list(texts),
        )
        for explainer, (concepts, scores) in found.items()
    )


def read_layer(bench: Workbench, model: str, *, log: logging.Logger) -> Layer:
    """Activations and embeddings of the images that are not held out, from the probe pass."""
    from sieve_assets.method.explainers.probe_inputs import varying_neurons  # noqa: PLC0415 (scipy is slow)

    images = read_probe(bench, bench.study.targets[model].probe)
    is_used = ~images["is_held_out"].to_numpy()
    activations = np.concatenate(list(_shards(bench, model, is_used)))
    neurons = varying_neurons(activations)
    if len(neurons) < activations.shape[1]:
        left_out = sorted(set(range(activations.shape[1])) - set(neurons.tolist()))
        log.warning("%s: constant or not finite, so without a name: neurons %s", model, left_out)
        activations = activations[:, neurons]
    embeddings = read_embeddings(bench, model)[is_used]
    return Layer(neurons, activations, embeddings, images["image_id"][is_used].tolist())


def _shards(bench: Workbench, model: str, is_used: np.ndarray) -> Iterator[np.ndarray]:
    start = 0
    for uri in read_pass(bench, model)["activations_uri"]:
        some = bench.arrays.open(uri, verify=True)["all_activations"]
        yield some[is_used[start : start + len(some)]]
        start += len(some)


def clip_dissect_names(
    layer: Layer, texts: np.ndarray, how: ClipDissect
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Each neuron's best concept with its score by each of the four similarity functions."""
    from sieve_assets.method.explainers import clip_dissect as sets  # noqa: PLC0415 (scipy)
    from sieve_assets.method.explainers import clip_dissect_values as values  # noqa: PLC0415

    seen = (layer.activations, layer.embeddings, texts)
    scores: Mapping[str, np.ndarray] = {
        "soft_wpmi": sets.soft_wpmi(
            *seen,
            n_images=how.n_images,
            sharpness=how.sharpness,
            p_start=how.p_start,
            p_end=how.p_end,
            floor=FLOOR,
            evidence_weight=how.evidence_weight,
        ),
        "wpmi": sets.wpmi(
            *seen,
            n_images=how.wpmi_images,
            sharpness=how.wpmi_sharpness,
            floor=FLOOR,
            evidence_weight=how.wpmi_evidence_weight,
        ),
        "rank_reorder": values.rank_reorder(
            *seen,
            top_fraction=how.top_fraction,
            power=how.power,
            cosine_power=how.cosine_power,
            min_cosine=MIN_COSINE,
        ),
        "cosine_cubed": values.cosine_cubed(*seen, min_norm=MIN_NORM),
    }
    return {f"clip_dissect_{name}": sets.best_names(one, count=1) for name, one in scores.items()}


def _linear_names(
    layer: Layer, texts: np.ndarray, how: LinearExplanations, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The concepts of each neuron's linear explanation in the order found, with its score."""
    from sieve_assets.method.explainers import linear_names as method  # noqa: PLC0415 (as above)

    settings = how.model_dump()
    parts = method.image_parts(
        layer.image_ids, validation_share=VALIDATION_SHARE, test_share=TEST_SHARE, seed=seed
    )
    return method.linear_names(
        layer.activations,
        layer.embeddings,
        texts,
        parts,
        presence=method.Presence(how.slope, how.shift, N_STRONGEST, how.min_mean, MIN_STD),
        fit=method.Fit(**{name: settings[name] for name in method.Fit._fields}),
    )
