"""Images of a probe set that need not be a target's own: what neurons do, which concepts they show.

Not here: what that says of a name (see `domain_shift`).
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from sieve_assets.assets.errands import Errand
from sieve_assets.assets.hypothesize import embed_texts
from sieve_assets.assets.picture_bank import embed, pictures_of
from sieve_assets.assets.probe import SHARD_IMAGES, frames_of
from sieve_assets.assets.probe_embeddings import shards, stored_embeddings
from sieve_assets.assets.progress import tracked
from sieve_assets.assets.resources import Workbench
from sieve_assets.image_sets.ahead import batched
from sieve_assets.image_sets.listing import open_image
from sieve_assets.method.generated_image_sets import picture_requests, prompt_for
from sieve_assets.settings_hash import settings_hash
from sieve_assets.study_probes import TerrariumProbe

KNOWN, SEEN = "known truth", "vision-language model"
"""Who says which images show a concept."""
VERSION = "1"
"""Raised whenever the same images and target give other activations."""


def activations_on(errand: Errand, name: str, images: pd.DataFrame) -> np.ndarray:
    """A target's activations `[image neuron]` on a probe set; stored in shards once computed.

    Args:
        errand: For which target.
        name: Of the probe set.
        images: Of `listing.list_images`.
    """
    parts = [images.iloc[at : at + SHARD_IMAGES] for at in range(0, len(images), SHARD_IMAGES)]
    what = f"{errand.model} on {name}"
    return np.concatenate(
        [
            _shard(errand, name, part)
            for [part] in tracked(parts, what, errand.log, unit="shard", size=1)
        ]
    )


def _shard(errand: Errand, name: str, images: pd.DataFrame) -> np.ndarray:
    bench = errand.bench
    content = hashlib.sha256("".join(images["sha256"]).encode()).hexdigest()
    made_with = ("images of another kind", VERSION, bench.target_hash(errand.model))
    shard_id = settings_hash(*made_with, content)
    known = bench.warehouse.read("SELECT uri FROM probe_shards WHERE shard_id = $1", [shard_id])
    if len(known):
        return bench.arrays.open(str(known["uri"].iloc[0]), verify=True)["activations"]
    target, image_set = bench.target(errand.model), bench.image_set(name)
    frames = frames_of(
        bench,
        target,
        list(zip(images["uri"], images["sha256"], strict=True)),
        lambda one: open_image(image_set, one[0], sha256=one[1]),
        readers=image_set.readers,
    )
    found = np.concatenate(
        [target.activations(batch) for batch in batched(frames, bench.batch_size)]
    )
    row = {
        "shard_id": shard_id,
        "uri": bench.arrays.put({"activations": found}),
        "n_images": len(images),
    }
    bench.warehouse.add_missing("probe_shards", pd.DataFrame([row]))
    return found


def is_truth_known(bench: Workbench, *names: str) -> bool:
    """Whether the embedded world renders all of these probe sets."""
    return all(isinstance(bench.study.probes[name], TerrariumProbe) for name in names)


def known_to_show(
    bench: Workbench, name: str, images: pd.DataFrame, concepts: Sequence[str]
) -> np.ndarray:
    """Which images of a rendered probe set show which concept `[image concept]`."""
    from sieve_assets.terrarium.captions import concept_named, truth_table  # noqa: PLC0415
    from sieve_assets.terrarium.probe import scenes_of  # noqa: PLC0415 (only this world)

    probe = bench.study.probes[name]
    if not isinstance(probe, TerrariumProbe):
        raise TypeError(
            f"known_to_show: expected a probe set that is rendered, got {name!r} of kind "
            f"{probe.kind!r}. Ask the vision-language model."
        )
    scenes = scenes_of(list(images["image_id"]), n_images=probe.n_images, seed=probe.seed)
    return truth_table(scenes, tuple(concept_named(one) for one in concepts))


class Recognition:
    """What the vision-language model takes for a concept, as in `evidence`."""

    def __init__(self, errand: Errand, concepts: Sequence[str]) -> None:
        """Learn from the concepts' own pictures how like their texts images are that show them."""
        from sieve_assets.method.recognition import shown_thresholds, similarities  # noqa: PLC0415

        bench, self._errand = errand.bench, errand
        template = bench.study.concepts.template
        found = embed_texts(bench, [template.replace("{}", one) for one in concepts])
        self._texts = np.stack(list(found))
        prompts = [prompt_for(one, bench.study.generator.prompt) for one in concepts]
        requests = picture_requests(
            prompts, identity=bench.generator_identity, n_images=bench.study.generator.n_images
        )
        pictures = pictures_of(bench, requests)
        embed(errand, pictures)
        vectors = bench.warehouse.read(
            "SELECT picture_id, embedding FROM picture_embeddings WHERE weights_hash = $weights"
            " AND picture_id IN (SELECT unnest($ids))",
            {"weights": bench.vision_language_hash, "ids": pictures["picture_id"].tolist()},
        ).set_index("picture_id")["embedding"]
        self._thresholds = shown_thresholds(
            similarities(np.stack(list(vectors.loc[pictures["picture_id"]])), self._texts),
            pd.Index(prompts).get_indexer(pd.Index(pictures["prompt"])),
            percentile=bench.study.verify.shown_percentile,
        )

    def shown(self, name: str, images: pd.DataFrame) -> np.ndarray:
        """Which images of a probe set show which concept `[image concept]`."""
        from sieve_assets.method.recognition import is_shown, similarities  # noqa: PLC0415

        errand = self._errand
        bench = errand.bench
        uris = [stored_embeddings(errand, name, one) for one in shards(bench, images)]
        parts = [bench.arrays.open(uri, verify=True)["embeddings"] for uri in uris]
        return is_shown(similarities(np.concatenate(parts), self._texts), self._thresholds)
