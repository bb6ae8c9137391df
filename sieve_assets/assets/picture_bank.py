"""The picture bank: pictures drawn once, and what targets do on them, for all who need them.

Not here: which pictures a hypothesis or a reference needs.
"""

import random
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from sieve_assets.assets.errands import DRAWN, EMBEDDED, LOOKED_AT, Errand
from sieve_assets.assets.probe import BATCHES_AHEAD, frames_of
from sieve_assets.assets.progress import tracked
from sieve_assets.assets.resources import Workbench
from sieve_assets.image_sets.ahead import batched, done_ahead
from sieve_assets.method.generated_image_sets import (
    PictureRequest,
    beginning_at,
    missing_pictures,
)
from sieve_assets.settings_hash import settings_hash
from sieve_assets.stores.content_files import size_of

if TYPE_CHECKING:
    from PIL import Image

STORED_TOGETHER = 1024
"""Pictures whose activations are stored at a time: what an interrupted run has to look at again."""


class _Drawn(NamedTuple):
    requests: list[PictureRequest]
    pictures: list["Image.Image"]
    seconds: float


def draw_missing(errand: Errand, requests: list[PictureRequest]) -> int:
    """Draw what the bank lacks; a batch is stored while the next is drawn. How many that were.

    Another run may draw the same meanwhile: each begins at its own place, the bank is asked again
    before each batch, and who meets another goes on elsewhere, so that only what is in flight may
    be drawn by both.
    """
    bench = errand.bench
    missing = beginning_at(errand.place, _not_in_bank(bench, requests))
    name = generator_name(bench)
    size = bench.pictures_at_once
    left, elsewhere = list(missing), random.Random(errand.run_id)  # noqa: S311 (no secret)
    drawn_ahead = done_ahead(partial(_drawn, bench), _batches(bench, left, size), n_ahead=1)
    n_drawn = 0
    for _ in tracked(missing, "pictures", errand.log, unit="picture", size=size):
        drawn = next(drawn_ahead)
        if not drawn.requests:
            continue
        stored = pd.DataFrame(done_ahead(bench.images.put, drawn.pictures, n_ahead=size))
        rows = pd.DataFrame(drawn.requests).assign(
            generator=name,
            uri=stored["uri"],
            sha256=stored["sha256"],
            drawn_by_run=errand.run_id,
            seconds=drawn.seconds / len(drawn.requests),
        )
        n_added = bench.warehouse.add_missing("pictures", rows)
        if n_added < len(rows):
            left[:] = beginning_at(elsewhere.random(), left)
        n_drawn += len(rows)
        paths = {bench.images.root / uri for uri in stored["uri"]}
        errand.note(DRAWN, len(rows), sum(map(size_of, paths)))
    return n_drawn


def _batches(
    bench: Workbench, left: list[PictureRequest], size: int
) -> Iterator[list[PictureRequest]]:
    """What the bank lacks of the next requests, which are taken from what is left."""
    while left:
        batch = left[:size]
        del left[:size]
        yield _not_in_bank(bench, batch)


def _not_in_bank(bench: Workbench, requests: list[PictureRequest]) -> list[PictureRequest]:
    ids = [one.picture_id for one in requests]
    found = bench.warehouse.read(
        "SELECT picture_id FROM pictures WHERE picture_id IN (SELECT unnest($ids))", {"ids": ids}
    )
    return missing_pictures(requests, set(found["picture_id"]))


def _drawn(bench: Workbench, batch: list[PictureRequest]) -> _Drawn:
    if not batch:
        return _Drawn([], [], 0.0)
    started = time.monotonic()
    pictures = bench.generator.draw([one.prompt for one in batch], [one.seed for one in batch])
    return _Drawn(batch, pictures, time.monotonic() - started)


def generator_name(bench: Workbench) -> str:
    """A short name of the generator with its settings, the same for the same pictures."""
    pipeline = bench.study.generator.pipeline
    identity = settings_hash(dict(bench.generator_identity))
    return f"{getattr(pipeline, 'name', pipeline)}@{identity[:12]}"


def pictures_of(bench: Workbench, requests: Sequence[PictureRequest]) -> pd.DataFrame:
    """What is in the bank of the requests: `prompt`, `seed`, `picture_id`, `generator`, `uri`."""
    wanted = pd.DataFrame(requests, columns=list(PictureRequest._fields)).astype({"prompt": str})
    bank = bench.warehouse.read(
        "SELECT picture_id, generator, uri FROM pictures WHERE picture_id IN (SELECT unnest($ids))",
        {"ids": wanted["picture_id"].tolist()},
    )
    return wanted.merge(bank, on="picture_id")


def embed(errand: Errand, pictures: pd.DataFrame) -> None:
    """Store what the vision-language model sees in those of the pictures that it has not seen.

    Args:
        errand: For whom.
        pictures: `picture_id` and `uri` of each, once.
    """
    bench = errand.bench
    weights_hash = bench.vision_language_hash
    seen = bench.warehouse.read(
        "SELECT picture_id FROM picture_embeddings WHERE weights_hash = $1", [weights_hash]
    )
    listed = _unseen(pictures, seen)
    if not listed:
        return
    model = bench.vision_language
    frames = done_ahead(
        lambda one: model.frame(bench.images.open(one[1], verify=True)),
        listed,
        n_ahead=BATCHES_AHEAD * bench.batch_size,
    )
    for part in tracked(listed, "embed pictures", errand.log, unit="picture", size=STORED_TOGETHER):
        batches = batched(islice(frames, len(part)), bench.batch_size)
        found = np.concatenate([model.embed_frames(batch) for batch in batches])
        rows = pd.DataFrame({"picture_id": [picture_id for picture_id, _ in part]}).assign(
            weights_hash=weights_hash, embedding=list(found)
        )
        n_added = bench.warehouse.add_missing("picture_embeddings", rows)
        errand.note(EMBEDDED, n_added, found[:n_added].nbytes)


def _unseen(pictures: pd.DataFrame, seen: pd.DataFrame) -> list[tuple[str, str]]:
    """Id and uri of the pictures that were not seen, in the order of their ids."""
    known = set(seen["picture_id"])
    pairs = zip(pictures["picture_id"], pictures["uri"], strict=True)
    return sorted(pair for pair in pairs if pair[0] not in known)


def observe(errand: Errand, pictures: pd.DataFrame) -> None:
    """Store the target's activations on those of the pictures that it has not seen.

    Args:
        errand: For whom.
        pictures: `picture_id` and `uri` of each, once.
    """
    bench, model = errand.bench, errand.model
    weights_hash = bench.target_hash(model)
    seen = bench.warehouse.read(
        "SELECT picture_id FROM picture_activations WHERE model = $model"
        " AND weights_hash = $weights",
        {"model": model, "weights": weights_hash},
    )
    listed = _unseen(pictures, seen)
    if not listed:
        return
    target = bench.target(model)
    frames_ahead = frames_of(
        bench, target, listed, lambda one: bench.images.open(one[1], verify=True)
    )
    what = f"{model} on pictures"
    for part in tracked(listed, what, errand.log, unit="picture", size=STORED_TOGETHER):
        batches = batched(islice(frames_ahead, len(part)), bench.batch_size)
        found = np.concatenate([target.activations(batch) for batch in batches])
        rows = pd.DataFrame({"picture_id": [picture_id for picture_id, _ in part]}).assign(
            model=model, weights_hash=weights_hash, activation=list(found)
        )
        n_added = bench.warehouse.add_missing("picture_activations", rows)
        errand.note(LOOKED_AT, n_added, found[:n_added].nbytes)
