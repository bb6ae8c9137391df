"""FALCON's names of a target's neurons: what it reads, and the crops that it looks at.

Not here: how it names (`method.explainers.falcon_names`).
"""

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.explanations import comparison, facts_of, named_neurons
from sieve_assets.assets.hypothesize import VISION_LANGUAGE, concept_names, embed_concepts
from sieve_assets.assets.probe import BATCHES_AHEAD, probe_pass, read_pass
from sieve_assets.assets.probe_embeddings import probe_embeddings, read_embeddings
from sieve_assets.assets.probe_sets import probe_images, read_probe
from sieve_assets.assets.progress import tracked
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.image_sets.ahead import batched, done_ahead
from sieve_assets.image_sets.listing import open_image
from sieve_assets.method.explainers.falcon_images import (
    NeuronImages,
    high_images,
    layer_levels,
    scaled_activations,
)

if TYPE_CHECKING:
    from PIL import Image

    from sieve_assets.method.patch_embeddings import PixelBox

EXPLAINER = "falcon"
PADDING = MIN_SIDE = 0.0
"""Of the crops: the authors cut right along the region."""
NAMING = {
    *("min_similarity", "min_contrast_similarity", "n_contrast"),
    *("scale", "n_captions", "max_contrast", "n_words"),
}
"""Settings of what comes after the crops."""


def _recipe(bench: Workbench, model: str) -> Recipe:
    weights = bench.vision_language_hash
    return Recipe(
        {
            "falcon": comparison(bench.study).falcon,
            "concepts": concept_names(bench.study),
            "template": bench.study.concepts.template,
        },
        f"{bench.target_hash(model)} {weights}",
        {"target": bench.target_identity(model), VISION_LANGUAGE: {"weights": weights}},
    )


@stage(
    group="compare",
    by="model",
    reads=[probe_images, probe_pass, probe_embeddings],
    recipe=_recipe,
    given=["target_weights", "vision_language_model", "concept_set", "compare_settings"],
    runs_models=True,
    facts=facts_of("falcon_explanations", is_by_neuron=False),
)
def falcon_explanations(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """FALCON: words that fit the crops a neuron is high on, and not images where only it is low.

    A neuron that is high on too few images, or whose crops differ too much, gets no name. Images
    that are held out play no part. Source: Kalibhat et al., "Identifying Interpretable Subspaces in
    Image Representations", ICML 2023; docs/explainers.md.
    """
    for recorder in work(context, bench, falcon_explanations):
        recorder.write(names_of(bench, recorder.share.model, log=context.log))


def names_of(bench: Workbench, model: str, *, log: logging.Logger) -> pd.DataFrame:
    """The target's rows of `falcon_explanations`; none if no neuron is high on enough images."""
    from sieve_assets.method.explainers.falcon_names import falcon_names  # noqa: PLC0415 (scipy)

    how = comparison(bench.study).falcon
    images = read_probe(bench, bench.study.targets[model].probe)
    is_used = ~images["is_held_out"].to_numpy(bool)
    scaled = scaled_activations(_activations(bench, model, is_used))
    levels = layer_levels(scaled, n_sigmas=how.n_sigmas)
    high = high_images(
        scaled, level=levels.high, min_images=how.min_images, max_images=how.max_images
    )
    if not len(high.images):
        return pd.DataFrame()
    texts = embed_concepts(bench)
    found = falcon_names(
        scaled,
        high,
        embedded_crops(bench, model, images.loc[is_used], high, log=log),
        read_embeddings(bench, model)[is_used],
        np.stack(list(texts.values())),
        low=levels.mean,
        **how.model_dump(include=NAMING),
    )
    neurons = np.arange(scaled.shape[1])
    return named_neurons(model, EXPLAINER, neurons=neurons, names=list(texts), **found._asdict())


def _activations(bench: Workbench, model: str, is_used: np.ndarray) -> np.ndarray:
    """What all neurons do on the images that are used, `[image neuron]`; one shard is read a time.

    The layer is needed as a whole: what an image is scaled by depends on every neuron.
    """
    width = bench.study.targets[model].width
    values = np.empty((int(is_used.sum()), width), np.float32)
    start = seen = 0
    for uri in read_pass(bench, model)["activations_uri"]:
        shard = bench.arrays.open(str(uri), verify=True)["all_activations"]
        some = shard[is_used[seen : seen + len(shard)]]
        values[start : start + len(some)] = some
        start, seen = start + len(some), seen + len(shard)
    return values


def embedded_crops(
    bench: Workbench,
    model: str,
    images: pd.DataFrame,
    high: NeuronImages,
    *,
    log: logging.Logger,
) -> np.ndarray:
    """What the vision-language model sees in the crops of `high`, in their order.

    Maps come from the target, as the probe pass keeps those of the largest activations only, and
    the largest of scaled activations are other images. Each image goes through it once.

    Args:
        bench: Stores and models.
        model: The target.
        images: Those that positions in `high` count.
        high: A crop for each entry.
        log: Told how far it is.
    """
    order = np.argsort(high.images, kind="stable")
    positions, counts = np.unique(high.images, return_counts=True)
    neurons = iter(np.split(high.neurons[order], np.cumsum(counts)[:-1]))
    image_set = bench.images_of(model)
    listed = images.iloc[positions].filter(["uri", "sha256"]).to_numpy().tolist()
    pictures = done_ahead(
        lambda one: open_image(image_set, one[0], sha256=one[1]),
        listed,
        n_ahead=BATCHES_AHEAD * bench.batch_size,
        threads=image_set.readers,
    )
    parts = tracked(listed, f"{model}: FALCON's crops", log, unit="image", size=bench.batch_size)
    found = [
        _embedded(bench, _cut(bench, model, list(islice(pictures, n)), list(islice(neurons, n))))
        for n in map(len, parts)
    ]
    vectors = np.concatenate(found)
    in_order = np.empty_like(vectors)
    in_order[order] = vectors
    return in_order


def _cut(
    bench: Workbench, model: str, pictures: Sequence["Image.Image"], neurons: Sequence[np.ndarray]
) -> Iterator[tuple["Image.Image", "PixelBox"]]:
    """Where to cut each picture for each of its neurons."""
    from sieve_assets.assets.cropping import pixel_box  # noqa: PLC0415 (scipy is slow to import)

    target = bench.target(model)
    maps = target.observe(pictures).maps
    for picture, own, wanted in zip(pictures, maps, neurons, strict=True):
        for activation_map in own[wanted.tolist()].cpu().numpy():
            box = pixel_box(
                activation_map,
                target.transform,
                size_px=picture.size,
                level=comparison(bench.study).falcon.crop_level,
                padding=PADDING,
                min_side=MIN_SIDE,
            )
            yield picture, box


def _embedded(bench: Workbench, crops: Iterator[tuple["Image.Image", "PixelBox"]]) -> np.ndarray:
    """Crops as unit vectors; an image may be cut for many neurons, so they come as needed."""
    seer = bench.vision_language
    frames = done_ahead(
        lambda one: seer.frame(one[0].crop(one[1])),
        crops,
        n_ahead=BATCHES_AHEAD * bench.batch_size,
    )
    parts = [seer.embed_frames(batch) for batch in batched(frames, bench.batch_size)]
    return np.concatenate(parts)
