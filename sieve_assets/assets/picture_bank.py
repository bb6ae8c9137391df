"""The picture bank: pictures drawn once, and what targets do on them, for all who need them.

Not here: which pictures a hypothesis or a reference needs.
"""

import time
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sieve_assets.assets.errands import DRAWN, EMBEDDED, LOOKED_AT, Errand
from sieve_assets.assets.probe import BATCHES_AHEAD, frames_of
from sieve_assets.assets.progress import tracked
from sieve_assets.assets.resources import Workbench
from sieve_assets.image_sets.ahead import batched, done_ahead
from sieve_assets.method.generated_image_sets import PictureRequest, missing_pictures
from sieve_assets.settings_hash import settings_hash

if TYPE_CHECKING:
    from PIL import Image

STORED_TOGETHER = 1024
"""Pictures whose activations are stored at a time: what an interrupted run has to look at again."""


def draw_missing(errand: Errand, requests: list[PictureRequest]) -> int:
    """Draw what the bank lacks; a batch is stored while the next is drawn. How many that were."""
    bench = errand.bench
    drawn = bench.warehouse.read("SELECT picture_id FROM pictures")["picture_id"]
    missing = missing_pictures(requests, set(drawn))
    name = generator_name(bench)
    size = bench.pictures_at_once
    batches = [missing[at : at + size] for at in range(0, len(missing), size)]
    drawn_ahead = done_ahead(partial(_drawn, bench), batches, n_ahead=1)
    for batch in tracked(missing, "pictures", errand.log, unit="picture", size=size):
        pictures, seconds = next(drawn_ahead)
        stored = pd.DataFrame(done_ahead(bench.images.put, pictures, n_ahead=size))
        rows = pd.DataFrame(batch).assign(
            generator=name,
            uri=stored["uri"],
            sha256=stored["sha256"],
            drawn_by_run=errand.run_id,
            seconds=seconds / len(batch),
        )
        n_added = bench.warehouse.add_missing("pictures", rows)
        paths = {bench.images.root / uri for uri in stored["uri"]}
        errand.note(DRAWN, n_added, sum(path.stat().st_size for path in paths))
    return len(missing)


def _drawn(bench: Workbench, batch: list[PictureRequest]) -> tuple[list["Image.Image"], float]:
    """The pictures of a batch, and how long drawing them took (s)."""
    started = time.monotonic()
    pictures = bench.generator.draw([one.prompt for one in batch], [one.seed for one in batch])
    return pictures, time.monotonic() - started


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
