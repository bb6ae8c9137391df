"""Observing a target: its probe images, one forward pass over them, each neuron's activations."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pandas as pd
from tqdm import tqdm

from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Recipe, shares, stage, without_settings
from sieve_assets.method.probe_images import is_held_out
from sieve_assets.stores.probe_images import folder_state, list_folder, open_image
from sieve_assets.study import FolderProbe, TerrariumProbe, settings_hash

if TYPE_CHECKING:
    from sieve_assets.models.target import Target

MOST_NAMED = 20
"""Unreadable images that Dagster is told of by name; the log names each."""
SHARD_IMAGES = 2048
"""Images a stored shard of a probe pass: what an interrupted pass loses at most."""


def _images_recipe(bench: Workbench, model: str) -> Recipe:
    """The state of the folder is a setting: what has changed in it must be listed again."""
    folder = probe_folder(bench, bench.study.targets[model].probe)
    return Recipe((bench.study.select.held_out_share, folder_state(folder)))


@stage(group="select", by="model", recipe=_images_recipe)
def probe_images(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """The images that a target's neurons are observed on, in the order of their ids.

    Images that cannot be read are left out and reported.
    """
    for share in shares(context, bench.study):
        _render_if_absent(bench, bench.study.targets[share.model].probe)
    for recorder in work(context, bench, probe_images):
        model = recorder.share.model
        name = bench.study.targets[model].probe
        listing = list_folder(probe_folder(bench, name))
        held_out = is_held_out(list(listing.images["image_id"]), bench.study.select.held_out_share)
        rows = listing.images.assign(
            probe=name, position=np.arange(len(held_out), dtype=np.int32), is_held_out=held_out
        )
        sharing = [model for model, one in bench.study.targets.items() if one.probe == name]
        recorder.write(
            rows,
            table="probe_images",
            scope=pd.DataFrame({"probe": [name]}),
            shared_by=set(sharing) - {model},
        )
        problems = listing.problems.to_dict("records")
        for problem in problems:
            context.log.warning("left out %r: %s", problem["image_id"], problem["reason"])
        context.add_asset_metadata(
            {
                "unreadable images": len(listing.problems),
                "some of them": dg.MetadataValue.json(problems[:MOST_NAMED]),
            },
            partition_key=recorder.share.keys[0],
        )


def probe_folder(bench: Workbench, name: str) -> Path:
    """Where a probe set's images are, or will be once they are rendered."""
    probe = bench.study.probes[name]
    if isinstance(probe, FolderProbe):
        return probe.path
    from sieve_assets.terrarium.probe import scene_folder  # noqa: PLC0415 (only for this world)

    return bench.rendered_probes / scene_folder(probe.n_images, probe.seed)


def _render_if_absent(bench: Workbench, name: str) -> None:
    probe = bench.study.probes[name]
    if isinstance(probe, TerrariumProbe):
        from sieve_assets.terrarium.probe import render_probe  # noqa: PLC0415 (as above)

        render_probe(bench.rendered_probes, n_images=probe.n_images, seed=probe.seed)


def _pass_recipe(bench: Workbench, model: str) -> Recipe:
    return Recipe((bench.study.select.n_kept,), bench.target_hash(model))


@stage(group="select", by="model", reads=[probe_images], recipe=_pass_recipe, version="2")
def probe_pass(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """One forward pass of a target over its probe images, in shards that a second try takes over.

    Keeps all neurons' activations, and for every neuron the strongest images with their maps.
    """
    for recorder in work(context, bench, probe_pass):
        target = bench.target(recorder.share.model)
        name = bench.study.targets[target.name].probe
        count = bench.study.select.n_kept
        images = read_probe(bench, name)
        uris = [
            _shard(bench, target, part, count) for part in tqdm(_parts(images), desc=target.name)
        ]
        strongest = _merged(bench, uris, count)
        row = {
            "model": target.name,
            "probe": name,
            "n_images": len(images),
            "weights_hash": target.weights_hash,
            "activations_uri": uris,
            "strongest_uri": bench.arrays.put(strongest),
        }
        recorder.write(pd.DataFrame([row]), table="probe_passes")


def read_probe(bench: Workbench, name: str) -> pd.DataFrame:
    """The probe set's images by position.

    Raises:
        LookupError: None are stored.
    """
    images = bench.warehouse.read(
        "SELECT * FROM probe_images WHERE probe = $probe ORDER BY position", {"probe": name}
    )
    if images.empty:
        message = f"probe_pass: expected the images of probe set {name!r}, got none stored."
        raise LookupError(f"{message} Materialize probe_images first.")
    return images


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
    activations, kept = [], None
    for start in range(0, len(images), bench.batch_size):
        batch = slice(start, start + bench.batch_size)
        listed = zip(images["uri"].iloc[batch], images["sha256"].iloc[batch], strict=True)
        seen = target.observe([open_image(uri, sha256=sha256) for uri, sha256 in listed])
        activations.append(seen.activations.cpu().numpy())
        places = torch.from_numpy(np.flatnonzero(eligible[batch]))
        if len(places):
            found, maps = seen.activations[places], seen.maps[places]
            kept = merge_strongest(kept, found, maps, places + start, count=count)
    return {"all_activations": np.concatenate(activations), **_as_arrays(kept)}


def _as_arrays(kept: Any) -> dict[str, np.ndarray]:
    return {} if kept is None else {k: v.cpu().numpy() for k, v in kept._asdict().items()}


def _merged(bench: Workbench, uris: list[str], count: int) -> dict[str, np.ndarray]:
    """The whole pass's strongest samples, from those of its shards."""
    import torch  # noqa: PLC0415 (seconds to import)

    from sieve_assets.method.probe_pass import StrongestSamples, strongest_of  # noqa: PLC0415

    parts, start = [], 0
    for arrays in _opened(bench, uris):
        if "positions" in arrays:
            positions, *rest = (torch.from_numpy(arrays[name]) for name in StrongestSamples._fields)
            parts.append(StrongestSamples(positions + start, *rest))
        start += len(arrays["all_activations"])
    return _as_arrays(strongest_of(parts, count=count))


def _opened(bench: Workbench, uris: list[str]) -> Iterator[dict[str, np.ndarray]]:
    return (bench.arrays.open(uri, verify=True) for uri in uris)


@stage(group="select", by="neuron", reads=[probe_pass], recipe=without_settings)
def probe_activations(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """A neuron's activation on every probe image, cut from the pass. Source: SIEVE, Def. 1, 2."""
    for recorder in work(context, bench, probe_activations):
        share = recorder.share
        columns = [
            arrays["all_activations"][:, share.neurons]
            for arrays in _opened(bench, list(read_pass(bench, share.model)["activations_uri"]))
        ]
        values = np.ascontiguousarray(np.concatenate(columns).T)
        rows = {"model": share.model, "neuron": share.neurons, "activation": list(values)}
        recorder.write(pd.DataFrame(rows), table="neuron_activations")


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
