"""What a target's neurons do on scenes whose truth is known: drawn and observed once, then stored.

Not here: what that says of a hypothesis.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sieve_assets.assets.progress import tracked
from sieve_assets.assets.resources import Workbench
from sieve_assets.settings_hash import settings_hash

if TYPE_CHECKING:
    from sieve_assets.models.target import Target
    from sieve_assets.terrarium.oracle_scenes import SceneSet

SETS_TOGETHER = 8
"""Sets that are drawn, observed and stored together: what an interrupted run loses at most."""
VERSION = "1"
"""Raised whenever the same scenes and target give other activations."""


def observe(
    bench: Workbench, target: "Target", wanted: Sequence["SceneSet"], *, log: logging.Logger
) -> dict["SceneSet", str]:
    """Where the target's activations `[scene, neuron]` are; drawn and observed unless stored."""
    uris = _observed_before(bench, target.weights_hash)
    ids = {one: scenes_id(target.weights_hash, one) for one in wanted}
    missing = [one for one in wanted if ids[one] not in uris]
    name = f"{target.name} on known scenes"
    for several in tracked(missing, name, log, unit="set", size=SETS_TOGETHER):
        rows = []
        for one, activations in zip(several, _observed(bench, target, several), strict=True):
            uris[ids[one]] = bench.arrays.put({"activations": activations})
            rows.append(
                {
                    "scenes_id": ids[one],
                    "weights_hash": target.weights_hash,
                    "concept": one.concept,
                    "n_scenes": one.n_scenes,
                    "uri": uris[ids[one]],
                }
            )
        bench.warehouse.add_missing("scene_activations", pd.DataFrame(rows))
    return {one: uris[ids[one]] for one in wanted}


def missing_scenes(
    bench: Workbench, weights_hash: str, wanted: Sequence["SceneSet"]
) -> list["SceneSet"]:
    """The sets that the target with these weights has not been observed on."""
    uris = _observed_before(bench, weights_hash)
    return [one for one in wanted if scenes_id(weights_hash, one) not in uris]


def _observed_before(bench: Workbench, weights_hash: str) -> dict[str, str]:
    known = bench.warehouse.read(
        "SELECT scenes_id, uri FROM scene_activations WHERE weights_hash = $1", [weights_hash]
    )
    return dict(zip(known["scenes_id"], known["uri"], strict=True))


def scenes_id(weights_hash: str, scenes: "SceneSet") -> str:
    """SHA-256 over everything that activations on the scenes depend on."""
    return settings_hash(VERSION, weights_hash, scenes.identity)


def _observed(
    bench: Workbench, target: "Target", several: Sequence["SceneSet"]
) -> list[np.ndarray]:
    """A target's activations on each of the sets."""
    from PIL import Image  # noqa: PLC0415 (with the renderer)

    from sieve_assets.terrarium.oracle_scenes import draw_batches  # noqa: PLC0415 (this world's)

    scenes = [scene for one in several for scene in one.scenes()]
    found = [
        target.activations([Image.fromarray(one) for one in batch])
        for batch in draw_batches(scenes, batch_size=bench.batch_size)
    ]
    ends = np.cumsum([one.n_scenes for one in several])
    return np.split(np.concatenate(found), ends[:-1])
