"""Explainers that compare a neuron's maps with masks of concepts, on images that have such masks.

Not here: how they name neurons (`method.explainers.dissections`), and where masks come from.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.evaluate import has_known_truth
from sieve_assets.assets.explanations import comparison, facts_of, named_neurons
from sieve_assets.assets.hypothesize import neuron_generator
from sieve_assets.assets.probe import BATCHES_AHEAD, frames_of, target_as_made
from sieve_assets.assets.progress import tracked
from sieve_assets.assets.records import concatenated, work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.image_sets.ahead import batched, done_ahead

if TYPE_CHECKING:
    from sieve_assets.image_sets.segmented import SegmentedImages

NO_MASKS = "no images with masks"
NO_MAPS = "no maps of its neurons"
NEURONS_TOGETHER = 128
"""Neurons whose pixels are counted together: memory grows with them, and each such part takes
another look at all masks."""


class _Maps(NamedTuple):
    """What a target does on segmented images."""

    maps: np.ndarray
    """[neuron image row column] float32, on disk."""
    thresholds: np.ndarray
    """Of each neuron."""


def segmented_images(bench: Workbench, model: str) -> "SegmentedImages | None":
    """Images with masks for a target: of the world that its probe images show, or the study's."""
    if has_known_truth(bench.study, model):
        from sieve_assets.terrarium import segmented as world  # noqa: PLC0415 (only this world)

        return world.SegmentedScenes(world.SEGMENTED_SCENES)
    folder = comparison(bench.study).dissection.broden
    if folder is None:
        return None
    from sieve_assets.image_sets.broden import Broden  # noqa: PLC0415 (only if there is one)
    from sieve_assets.image_sets.segmented import SegmentedBroden  # noqa: PLC0415 (as above)

    return SegmentedBroden(Broden(folder))


def _reason_for_none(bench: Workbench, model: str) -> str:
    """Why there is nothing to compare; empty if there is."""
    if bench.study.targets[model].maps == "whole":
        return NO_MAPS
    return NO_MASKS if segmented_images(bench, model) is None else ""


def _recipe(bench: Workbench, model: str) -> Recipe:
    reason, images = _reason_for_none(bench, model), segmented_images(bench, model)
    if reason or images is None:
        return Recipe({"masks": reason}, status=reason)
    settings = {
        "dissection": comparison(bench.study).dissection.model_dump(exclude={"broden"}),
        "images": dict(images.identity),
        "seed": bench.study.seed,
    }
    return Recipe(settings, **target_as_made(bench, model))


@stage(
    group="compare",
    by="model",
    recipe=_recipe,
    version="2",
    given=["target_weights", "compare_settings"],
    runs_models=True,
    facts=facts_of("mask_explanations", is_by_neuron=False),
)
def mask_explanations(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Names of every neuron by Network Dissection and by (clustered) compositional explanations.

    They compare maps with masks: of the embedded world's scenes, or of Broden. Targets with neither
    get no rows. Source: Bau et al., CVPR 2017; Mu and Andreas, NeurIPS 2020; La Rosa et al.,
    NeurIPS 2023; docs/explainers.md.
    """
    for recorder in work(context, bench, mask_explanations):
        model = recorder.share.model
        images = segmented_images(bench, model)
        if images is None or _reason_for_none(bench, model):
            recorder.write(pd.DataFrame())
        else:
            recorder.write(rows_by_masks(bench, model, images, log=context.log))


def rows_by_masks(
    bench: Workbench, model: str, images: "SegmentedImages", *, log: logging.Logger
) -> pd.DataFrame:
    """Rows of `mask_explanations` for all neurons of a target."""
    with _observed(bench, model, images, log) as seen:
        neurons = range(len(seen.maps))
        parts = tracked(
            neurons, f"{model} against masks", log, unit="neuron", size=NEURONS_TOGETHER
        )
        return concatenated(
            [_rows(bench, model, images, seen, np.array(part, np.int64)) for part in parts]
        )


@contextmanager
def _observed(
    bench: Workbench, model: str, images: "SegmentedImages", log: logging.Logger
) -> Iterator[_Maps]:
    """A target's maps of all the images, and its neurons' thresholds; one forward pass."""
    from sieve_assets.method.explainers.top_values import TopValues  # noqa: PLC0415 (at a run)
    from sieve_assets.stores.scratch import scratch_array  # noqa: PLC0415 (as above)

    target, items = bench.target(model), images.items()
    n_neurons, *size = target.observe([]).maps.shape[1:]
    top = TopValues(
        n_neurons=n_neurons,
        n_values=len(items) * int(np.prod(size)),
        share=comparison(bench.study).dissection.share,
        dtype=np.float32,
    )
    shape = (n_neurons, len(items), *size)
    frames = frames_of(bench, target, items, images.picture, readers=images.readers)
    coming = batched(frames, bench.batch_size)
    what = f"{model} on images with masks"
    with scratch_array(bench.folder, shape, np.float32, what=f"maps of {model}") as maps:
        for part in tracked(range(len(items)), what, log, unit="image", size=bench.batch_size):
            found = target.observe(next(coming)).maps.cpu().numpy()
            top.add(found)
            maps[:, part[0] : part[-1] + 1] = found.transpose(1, 0, 2, 3)
        yield _Maps(maps, top.thresholds())


def _rows(
    bench: Workbench, model: str, images: "SegmentedImages", seen: _Maps, neurons: np.ndarray
) -> pd.DataFrame:
    """Some neurons' rows by all three methods."""
    from sieve_assets.method.explainers.dissections import (  # noqa: PLC0415 (scikit-learn is slow)
        Dissection,
        neuron_ranges,
    )
    from sieve_assets.method.explainers.seen_concepts import seen_concepts  # noqa: PLC0415 (scipy)

    how, cut = comparison(bench.study).dissection, bench.target(model).transform
    maps = seen.maps[neurons[0] : neurons[-1] + 1]
    counts = Dissection(
        thresholds=seen.thresholds[neurons],
        ranges=neuron_ranges(
            maps.reshape(len(maps), -1),
            n_ranges=how.n_ranges,
            generators=(neuron_generator(bench.study.seed, model, one) for one in neurons.tolist()),
        ),
        n_concepts=len(images.names),
        categories=images.categories,
    )
    masks = done_ahead(
        lambda shown: seen_concepts(shown, resize_px=cut.resize_px, crop_px=cut.crop_px),
        images.masks(),
        n_ahead=BATCHES_AHEAD * bench.batch_size,
        threads=images.readers,
    )
    for place, shown in zip(range(maps.shape[1]), masks, strict=True):
        counts.add(maps[:, place], shown)
    labels = counts.labels(images.names, min_iou=how.min_iou)
    formulas = counts.formulas(images.names, beam_size=how.beam_size, max_length=how.max_length)
    found = {
        "network_dissection": labels,
        "compositional": formulas.strongest,
        "clustered_compositional": formulas.of_ranges,
    }
    return concatenated(
        named_neurons(
            model,
            explainer,
            neurons=neurons,
            concepts=one.concepts,
            scores=one.scores,
            names=one.names,
        )
        for explainer, one in found.items()
    )
