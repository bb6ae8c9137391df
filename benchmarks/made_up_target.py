"""A target of any width with results of every stage: what its models say is made up, no more.

Probe images and pictures, the target's activations and maps, and what the vision-language model
sees are made up; the stages that need no model then run over them, with their provenance.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from benchmarks.made_up_world import Sizes, World, natural, object_maps
from benchmarks.photos import QUALITY
from benchmarks.studies import pretend, seconds_of_stage, shipped_study
from sieve_assets.assets.cropping import pixel_box
from sieve_assets.assets.evidence import evidence
from sieve_assets.assets.hypothesize import (
    clusters,
    concept_hypotheses,
    concept_names,
    patch_embeddings,
)
from sieve_assets.assets.picture_bank import generator_name
from sieve_assets.assets.probe import SHARD_IMAGES, probe_activations, probe_pass
from sieve_assets.assets.probe_embeddings import probe_embeddings
from sieve_assets.assets.probe_sets import probe_images, read_probe
from sieve_assets.assets.reference_pictures import reference_pictures, references
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.revised_names import revised_names
from sieve_assets.assets.select import neuron_ratios, selected_samples
from sieve_assets.assets.verdicts import verdicts
from sieve_assets.assets.verify import activation_rates, generated_image_sets, verified_concepts
from sieve_assets.image_sets.listing import open_image
from sieve_assets.method.generated_image_sets import picture_requests, prompt_for
from sieve_assets.settings_hash import settings_hash
from sieve_assets.stores.schema import tables
from sieve_assets.study_targets import Transform

MODEL = "terrarium_resnet"
PROBE = "terrarium"
"""What the shipped study calls them: they stand for others here."""
FRAME_PX = 224
SMALLEST_PX, LARGEST_PX, PICTURE_PX = 64, 224, 128
"""Sides of probe images, from and to, and of pictures."""
N_POOL = 3000
"""Different pictures at most; the bank's are some of them."""
STORED_TOGETHER = 1024
N_REVISED = 3
"""Of so many neurons one is called otherwise than it was before."""
_MADE_OF = {
    "resize_px = 64\ncrop_px = 64": f"resize_px = {FRAME_PX}\ncrop_px = {FRAME_PX}",
    'kind = "terrarium"\nn_images = 12000': 'kind = "folder"\npath = "photos"',
    'file = "data/terrarium/concepts.txt"': 'file = "concepts.txt"',
}


def made_up_target(folder: Path, sizes: Sizes) -> Workbench:
    """A study in a folder, its target `MODEL` with rows of every stage up to `revised_names`.

    Args:
        folder: Made if need be.
        sizes: Of the target.
    """
    world = World(sizes)
    changes = {
        "width = 64": f"width = {sizes.neurons}",
        "n_images = 24": f"n_images = {sizes.pictures}",
    }
    bench = shipped_study(folder, _MADE_OF | changes)
    (folder / "concepts.txt").write_text("\n".join(world.words) + "\n", encoding="utf-8")
    concepts = _probe(bench, world, folder / "photos")
    for stage in (probe_activations, neuron_ratios, selected_samples):
        seconds_of_stage(bench, stage, MODEL)
    _patches(bench, world, concepts)
    _words(bench, world)
    for stage in (clusters, concept_hypotheses):
        seconds_of_stage(bench, stage, MODEL)
    _pictures(bench, world)
    for stage in (reference_pictures, generated_image_sets, activation_rates, evidence):
        seconds_of_stage(bench, stage, MODEL)
    for stage in (verified_concepts, verdicts):
        seconds_of_stage(bench, stage, MODEL)
    _revised(bench)
    return bench


def _probe(bench: Workbench, world: World, folder: Path) -> np.ndarray:
    """The probe images, and both models' pass over them; the concept that each image shows."""
    folder.mkdir()
    sides = world.draws.integers(SMALLEST_PX, LARGEST_PX + 1, (world.sizes.images, 2)).tolist()

    def make(number: int) -> None:
        width, height = sides[number]
        picture = natural(number, (width, height))
        picture.save(folder / f"{number:06d}.jpg", quality=QUALITY)

    with ThreadPoolExecutor() as pool:
        list(pool.map(make, range(world.sizes.images)))
    seconds_of_stage(bench, probe_images, MODEL)
    concepts = world.draws.integers(0, len(world.words), world.sizes.images)
    row = {"model": MODEL, "probe": PROBE, "n_images": world.sizes.images}
    activations = world.activations(concepts)
    shards = [activations[rows] for rows in _parts(len(activations), SHARD_IMAGES)]
    seen = {
        "weights_hash": bench.target_hash(MODEL),
        "activations_uri": [bench.arrays.put({"all_activations": shard}) for shard in shards],
        "strongest_uri": bench.arrays.put(_strongest(bench, activations)),
    }
    pretend(bench, probe_pass, MODEL, pd.DataFrame([row | seen]))
    uri = bench.arrays.put({"embeddings": world.seen(concepts, 1.0)})
    seen = {"weights_hash": bench.vision_language_hash, "embeddings_uri": [uri]}
    pretend(bench, probe_embeddings, MODEL, pd.DataFrame([row | seen]))
    return concepts


def _strongest(bench: Workbench, activations: np.ndarray) -> Mapping[str, np.ndarray]:
    """Each neuron's strongest images that are not held out, as the pass keeps them."""
    places = np.flatnonzero(~read_probe(bench, PROBE)["is_held_out"].to_numpy())
    values = activations[places].T
    order = np.argsort(-values, axis=1, kind="stable")[:, : bench.study.select.n_kept]
    maps = object_maps(len(activations))[places[order]]
    found = np.take_along_axis(values, order, axis=1)
    return {
        "positions": places[order],
        "activations": found,
        "maps": (maps * found[..., None, None]).astype(np.float32),
    }


def _patches(bench: Workbench, world: World, concepts: np.ndarray) -> None:
    """The samples' patches, as real ones are cut; an image has one for all of its neurons."""
    samples = bench.warehouse.read(
        "SELECT s.neuron, s.rank, s.image_id, i.position, i.uri, i.width_px, i.height_px"
        " FROM selected_samples s JOIN probe_images i USING (image_id)"
        " WHERE s.model = $1 AND i.probe = $2 ORDER BY s.neuron, s.rank",
        [MODEL, PROBE],
    )
    images = samples.drop_duplicates("position").set_index("position").sort_index()
    maps, how = object_maps(world.sizes.images), bench.study.hypothesize
    source, uris = bench.images_of(MODEL), images["uri"].to_dict()
    transform = cast("Transform", bench.study.targets[MODEL].transform)

    def cut(position: int) -> dict[str, object]:
        image = open_image(source, uris[position])
        box = pixel_box(
            maps[position],
            transform,
            size_px=image.size,
            level=how.crop_level,
            padding=how.crop_padding,
            min_side=how.crop_min_side,
        )
        return {"position": position, **box._asdict(), "uri": bench.images.put(image.crop(box)).uri}

    with ThreadPoolExecutor() as pool:
        found = pd.DataFrame(pool.map(cut, images.index.tolist()))
    vectors = world.seen(concepts[found["position"]], 0.2)
    found = found.assign(embedding=list(vectors), crop_retention=0.9, is_whole_image=False)
    rows = samples[["neuron", "rank", "image_id", "position"]].merge(found, on="position")
    rows = rows.drop(columns="position").sort_values(["neuron", "rank"], ignore_index=True)
    pretend(bench, patch_embeddings, MODEL, rows.assign(model=MODEL))


def _words(bench: Workbench, world: World) -> None:
    """The concept set as the vision-language model embeds it."""
    names = concept_names(bench.study)
    texts = [bench.study.concepts.template.replace("{}", name) for name in names]
    row = {
        "texts_id": settings_hash(bench.vision_language_hash, texts),
        "uri": bench.arrays.put({"embeddings": world.texts.astype(np.float32)}),
        "n_texts": len(texts),
    }
    bench.warehouse.add_missing("text_embeddings", pd.DataFrame([row]))


def _pictures(bench: Workbench, world: World) -> None:
    """Pictures of every hypothesis and reference, with what both models see in them."""
    settings, number = bench.study.generator, {name: at for at, name in enumerate(world.words)}
    named = bench.warehouse.read("SELECT DISTINCT concept FROM concept_hypotheses ORDER BY concept")
    wanted = list(dict.fromkeys([*named["concept"], *references(bench)]))
    of_prompt = {prompt_for(name, settings.prompt): number[name] for name in wanted}
    requests = picture_requests(
        of_prompt, identity=bench.generator_identity, n_images=settings.n_images
    )
    n_pool = min(N_POOL, len(requests))
    sides = (PICTURE_PX, PICTURE_PX)
    with ThreadPoolExecutor() as pool:
        stored = list(pool.map(lambda one: bench.images.put(natural(one, sides)), range(n_pool)))
    chosen = pd.DataFrame(stored).iloc[world.draws.integers(0, n_pool, len(requests))]
    rows = pd.DataFrame(requests).assign(
        generator=generator_name(bench),
        uri=chosen["uri"].to_numpy(),
        sha256=chosen["sha256"].to_numpy(),
        drawn_by_run="bench",
        seconds=0.0,
    )
    bench.warehouse.add_missing("pictures", rows)
    concepts = np.array([of_prompt[prompt] for prompt in rows["prompt"]])
    for some in _parts(len(rows), STORED_TOGETHER):
        part, shown = rows.iloc[some][["picture_id"]], concepts[some]
        acted = part.assign(
            model=MODEL,
            weights_hash=bench.target_hash(MODEL),
            activation=list(world.activations(shown)),
        )
        bench.warehouse.add_missing("picture_activations", acted)
        seen = part.assign(
            weights_hash=bench.vision_language_hash, embedding=list(world.seen(shown, 1.0))
        )
        bench.warehouse.add_missing("picture_embeddings", seen)


def _revised(bench: Workbench) -> None:
    """A name of every living neuron: its best hypothesis, or what another neuron is called.

    The stage itself takes longer than all the others.
    """
    evidence = bench.warehouse.read(
        "SELECT * FROM evidence JOIN (SELECT model, neuron, concept, verdict, reason, q_value"
        " FROM verdicts) USING (model, neuron, concept)"
        " WHERE model = $1 ORDER BY neuron, score DESC, concept",
        [MODEL],
    )
    living = bench.warehouse.read(
        "SELECT neuron FROM neuron_ratios WHERE model = $1 AND status <> 'dead' ORDER BY neuron",
        [MODEL],
    )["neuron"]
    best = evidence.drop_duplicates("neuron", ignore_index=True)
    places = pd.Index(best["neuron"]).get_indexer(pd.Index(living))
    is_other = (places < 0) | (np.arange(len(living)) % N_REVISED == 0)
    places[is_other] = np.arange(len(living))[is_other] % len(best)
    rows = best.iloc[places].reset_index(drop=True).assign(neuron=living)
    own = pd.MultiIndex.from_frame(evidence.filter(["neuron", "concept"]))
    asked = pd.MultiIndex.from_frame(rows.filter(["neuron", "concept"]))
    rows = rows.assign(
        is_new=~asked.isin(own),
        n_candidates=evidence["concept"].nunique(),
        runner_up=None,
        runner_up_score=0.0,
        drawn_ap=rows["drawn_ap"].fillna(0.0),
        oracle_true=None,
    )
    columns = tables()[revised_names.table].columns.names
    pretend(bench, revised_names, MODEL, rows[columns])


def _parts(length: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, length, size))
