"""Observing a target: one forward pass over its probe images, each neuron's activations."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.probe_sets import probe_images, read_probe
from sieve_assets.assets.progress import tracked
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.soundness import arrays_are_whole, finite
from sieve_assets.assets.stages import Recipe, stage, without_settings
from sieve_assets.image_sets.ahead import NEAR, Threads, batched, done_ahead
from sieve_assets.image_sets.listing import open_image
from sieve_assets.settings_hash import settings_hash

if TYPE_CHECKING:
    from PIL import Image

    from sieve_assets.models.target import Target

_Item = TypeVar("_Item")

SHARD_IMAGES = 2048
"""Images a stored shard of a probe pass: what an interrupted pass loses at most."""
BATCHES_AHEAD = 2
"""Batches of frames that wait for the network at most."""


def _pass_recipe(bench: Workbench, model: str) -> Recipe:
    return Recipe({"n_kept": bench.study.select.n_kept}, **target_as_made(bench, model))


def target_as_made(bench: Workbench, model: str) -> dict[str, Any]:
    """The part of a recipe that says which target a stage runs."""
    return {
        "weights_hash": bench.target_hash(model),
        "models": {"target": bench.target_identity(model)},
    }


def _uris(bench: Workbench, model: str) -> list[str]:
    seen = read_pass(bench, model)
    return [*seen["activations_uri"], str(seen["strongest_uri"])]


@stage(
    group="select",
    by="model",
    reads=[probe_images],
    recipe=_pass_recipe,
    version="2",
    table="probe_passes",
    given=["target_weights"],
    runs_models=True,
    facts="""
    SELECT -1 AS neuron, p.probe AS "probe set", p.n_images AS images, n.seconds AS "seconds",
        p.n_images / n.seconds AS "images a second", p.strongest_uri AS "strongest images' arrays",
        len(p.activations_uri) AS "shards of activations"
    FROM probe_passes p JOIN provenance n ON n.model = p.model AND n.stage = 'probe_pass'
    WHERE p.model = $model
    """,
    checks=[arrays_are_whole(_uris)],
)
def probe_pass(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """One forward pass of a target over its probe images, in shards that a second try takes over.

    Keeps all neurons' activations, and for every neuron the strongest images with their maps.
    """
    for recorder in work(context, bench, probe_pass):
        target = bench.target(recorder.share.model)
        name = bench.study.targets[target.name].probe
        count = bench.study.select.n_kept
        images = read_probe(bench, name)
        parts = tracked(
            _parts(images), f"{target.name} on probe images", context.log, unit="shard", size=1
        )
        uris = [_shard(bench, target, part, count) for [part] in parts]
        strongest = _merged(bench, uris, count)
        row = {
            "model": target.name,
            "probe": name,
            "n_images": len(images),
            "weights_hash": target.weights_hash,
            "activations_uri": uris,
            "strongest_uri": bench.arrays.put(strongest),
        }
        recorder.write(pd.DataFrame([row]))


def _parts(images: pd.DataFrame) -> list[pd.DataFrame]:
    return [images.iloc[at : at + SHARD_IMAGES] for at in range(0, len(images), SHARD_IMAGES)]


def _shard(bench: Workbench, target: "Target", images: pd.DataFrame, count: int) -> str:
    """Where a shard's arrays are; computed unless stored for these very images and weights."""
    content = hashlib.sha256("".join(images["sha256"]).encode()).hexdigest()
    held_out = images["is_held_out"].tolist()
    shard_id = settings_hash(probe_pass.version, target.weights_hash, content, held_out, count)
    known = bench.warehouse.read("SELECT uri FROM probe_shards WHERE shard_id = $1", [shard_id])
    if len(known):
        return str(known["uri"].iloc[0])
    uri = bench.arrays.put(_observed(bench, target, images, count))
    row = {"shard_id": shard_id, "uri": uri, "n_images": len(images)}
    bench.warehouse.add_missing("probe_shards", pd.DataFrame([row]))
    return uri


def _observed(
    bench: Workbench, target: "Target", images: pd.DataFrame, count: int
) -> dict[str, np.ndarray]:
    """Activations of a shard, and its strongest samples by place within the shard."""
    import torch  # noqa: PLC0415 (seconds to import)

    from sieve_assets.method.probe_pass import merge_strongest  # noqa: PLC0415 (imports torch)

    eligible = ~images["is_held_out"].to_numpy()
    activations, kept, start = [], None, 0
    image_set = bench.images_of(target.name)
    listed = list(zip(images["uri"], images["sha256"], strict=True))
    frames_ahead = frames_of(
        bench,
        target,
        listed,
        lambda one: open_image(image_set, one[0], sha256=one[1]),
        readers=image_set.readers,
    )
    for frames in batched(frames_ahead, bench.batch_size):
        seen = target.observe(frames)
        activations.append(seen.activations.cpu().numpy())
        places = torch.from_numpy(np.flatnonzero(eligible[start : start + len(frames)]))
        if len(places):
            found, maps = seen.activations[places], seen.maps[places]
            kept = merge_strongest(kept, found, maps, places + start, count=count)
        start += len(frames)
    return {"all_activations": np.concatenate(activations), **_as_arrays(kept)}


def frames_of(
    bench: Workbench,
    target: "Target",
    items: Iterable[_Item],
    opened: Callable[[_Item], "Image.Image"],
    *,
    readers: Threads = NEAR,
) -> Iterator[np.ndarray]:
    """Pictures as a target's frames; read, decoded and cut while the network is at work.

    Args:
        bench: Says how many go through the network together.
        target: Whose frames they are to be.
        items: What stands for a picture.
        opened: The picture that an item stands for; threads call it.
        readers: These threads.
    """
    from sieve_assets.models.frames import frame_pixels  # noqa: PLC0415 (imports torch)

    return done_ahead(
        lambda item: frame_pixels(opened(item), target.transform),
        items,
        n_ahead=BATCHES_AHEAD * bench.batch_size,
        threads=readers,
    )


def _as_arrays(kept: Any) -> dict[str, np.ndarray]:
    return {} if kept is None else {k: v.cpu().numpy() for k, v in kept._asdict().items()}


def _merged(bench: Workbench, uris: list[str], count: int) -> dict[str, np.ndarray]:
    """The whole pass's strongest samples, from those of its shards."""
    import torch  # noqa: PLC0415 (seconds to import)

    from sieve_assets.method.probe_pass import StrongestSamples, strongest_of  # noqa: PLC0415

    def parts() -> Iterator[StrongestSamples]:
        start = 0
        for arrays in _opened(bench, uris):
            if "positions" in arrays:
                found = [torch.from_numpy(arrays[name]) for name in StrongestSamples._fields]
                yield StrongestSamples(found[0] + start, *found[1:])
            start += len(arrays["all_activations"])

    return _as_arrays(strongest_of(parts(), count=count))


def _opened(bench: Workbench, uris: list[str]) -> Iterator[dict[str, np.ndarray]]:
    return (bench.arrays.open(uri, verify=True) for uri in uris)


@stage(
    group="select",
    by="neuron",
    reads=[probe_pass],
    recipe=without_settings,
    table="neuron_activations",
    facts="""
    SELECT neuron, len(activation) AS images, list_max(activation) AS largest,
        list_aggregate(activation, 'median') AS median, list_min(activation) AS smallest
    FROM neuron_activations WHERE model = $model AND neuron IN (SELECT unnest($neurons))
    """,
    checks=[finite("neuron_activations", "activation")],
)
def probe_activations(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """A neuron's activation on every probe image, cut from the pass. Source: SIEVE, Def. 1, 2."""
    for recorder in work(context, bench, probe_activations):
        share = recorder.share
        seen = read_pass(bench, share.model).to_dict()
        values = np.empty((len(share.neurons), seen["n_images"]), np.float32)
        start = 0
        for arrays in _opened(bench, list(seen["activations_uri"])):
            of_shard = arrays["all_activations"][:, share.neurons]
            values[:, start : start + len(of_shard)] = of_shard.T
            start += len(of_shard)
        rows = {"model": share.model, "neuron": share.neurons, "activation": list(values)}
        recorder.write(pd.DataFrame(rows))


def read_pass(bench: Workbench, model: str) -> pd.Series:
    """The stored pass of a target.

    Raises:
        LookupError: There is none.
    """
    found = bench.warehouse.read("SELECT * FROM probe_passes WHERE model = $1", [model])
    if found.empty:
        message = f"probe_activations: expected a probe pass of {model!r}, got none stored."
        raise LookupError(f"{message} Materialize probe_pass first.")
    return found.iloc[0]


def read_all_activations(bench: Workbench, model: str) -> np.ndarray:
    """Activations of the stored pass, `[image neuron]`.

    Raises:
        LookupError: There is none.
        ValueError: A part of it is damaged.
    """
    uris = list(read_pass(bench, model)["activations_uri"])
    return np.concatenate([arrays["all_activations"] for arrays in _opened(bench, uris)])
