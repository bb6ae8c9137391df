"""What the vision-language model sees in the probe images, whole: one pass a probe set.

Not here: patches of them (see `hypothesize`), and which concepts they show (`method.recognition`).
"""

import hashlib
from typing import NamedTuple

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.errands import EMBEDDED, Errand
from sieve_assets.assets.hypothesize import VISION_LANGUAGE
from sieve_assets.assets.probe import BATCHES_AHEAD, SHARD_IMAGES
from sieve_assets.assets.probe_sets import probe_images, read_probe
from sieve_assets.assets.progress import tracked
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.soundness import arrays_are_whole
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.image_sets.ahead import batched, done_ahead
from sieve_assets.image_sets.listing import open_image
from sieve_assets.settings_hash import settings_hash


def _recipe(bench: Workbench, _model: str) -> Recipe:
    weights = bench.vision_language_hash
    return Recipe({}, weights, {VISION_LANGUAGE: {"weights": weights}})


def _uris(bench: Workbench, model: str) -> list[str]:
    found = bench.warehouse.read(
        "SELECT embeddings_uri FROM probe_embeddings WHERE model = $1", [model]
    )
    if found.empty:
        message = f"probe_embeddings: expected those of {model!r}, got none stored."
        raise LookupError(f"{message} Materialize probe_embeddings first.")
    return list(found["embeddings_uri"].iloc[0])


@stage(
    group="select",
    by="model",
    reads=[probe_images],
    recipe=_recipe,
    given=["vision_language_model"],
    runs_models=True,
    facts="""
    SELECT -1 AS neuron, probe AS "probe set", n_images AS images,
        len(embeddings_uri) AS "shards of embeddings"
    FROM probe_embeddings WHERE model = $model
    """,
    checks=[arrays_are_whole(_uris)],
)
def probe_embeddings(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Every probe image, whole, as a unit vector of the vision-language model.

    Says which concepts natural images show. Once a probe set, in shards that a second try takes
    over. Not in the paper: docs/method.md, section 3.
    """
    for recorder in work(context, bench, probe_embeddings):
        model = recorder.share.model
        name = bench.study.targets[model].probe
        images = read_probe(bench, name)
        what = f"{name} as the vision-language model sees it"
        parts = tracked(shards(bench, images), what, context.log, unit="shard", size=1)
        uris = [stored_embeddings(recorder.errand, name, shard) for [shard] in parts]
        row = {
            "model": model,
            "probe": name,
            "n_images": len(images),
            "weights_hash": bench.vision_language_hash,
            "embeddings_uri": uris,
        }
        recorder.write(pd.DataFrame([row]))


class Shard(NamedTuple):
    """Probe images that are embedded together."""

    shard_id: str
    """Of the images' content and of the model."""
    images: pd.DataFrame


def shards(bench: Workbench, images: pd.DataFrame) -> list[Shard]:
    """The probe images in order, in shards."""
    starts = range(0, len(images), SHARD_IMAGES)
    return [_shard(bench, images.iloc[start : start + SHARD_IMAGES]) for start in starts]


def _shard(bench: Workbench, images: pd.DataFrame) -> Shard:
    content = hashlib.sha256("".join(images["sha256"]).encode()).hexdigest()
    made_with = (probe_embeddings.name, probe_embeddings.version, bench.vision_language_hash)
    return Shard(settings_hash(*made_with, content), images)


def stored_embeddings(errand: Errand, probe: str, shard: Shard) -> str:
    """Where a shard's embeddings are; computed unless they are stored."""
    bench, images = errand.bench, shard.images
    known = bench.warehouse.read(
        "SELECT uri FROM probe_shards WHERE shard_id = $1", [shard.shard_id]
    )
    if len(known):
        return str(known["uri"].iloc[0])
    image_set = bench.image_set(probe)
    model = bench.vision_language
    frames = done_ahead(
        lambda one: model.frame(open_image(image_set, one[0], sha256=one[1])),
        list(zip(images["uri"], images["sha256"], strict=True)),
        n_ahead=BATCHES_AHEAD * bench.batch_size,
        threads=image_set.readers,
    )
    parts = [model.embed_frames(batch) for batch in batched(frames, bench.batch_size)]
    found = np.concatenate(parts)
    uri = bench.arrays.put({"embeddings": found})
    row = {"shard_id": shard.shard_id, "uri": uri, "n_images": len(images)}
    bench.warehouse.add_missing("probe_shards", pd.DataFrame([row]))
    errand.note(EMBEDDED, len(images), found.nbytes)
    return uri


def read_embeddings(bench: Workbench, model: str) -> np.ndarray:
    """Embeddings of the target's probe images by position, `[image feature]`.

    Raises:
        LookupError: None are stored.
    """
    uris = _uris(bench, model)
    return np.concatenate([bench.arrays.open(uri, verify=True)["embeddings"] for uri in uris])
