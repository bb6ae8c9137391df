"""Pictures are drawn once, and looked at once by a target with the same weights."""

import logging

import pytest

from sieve_assets.assets.errands import Errand
from sieve_assets.assets.picture_bank import (
    draw_missing,
    embed,
    generator_name,
    observe,
    pictures_of,
)
from sieve_assets.method.generated_image_sets import picture_requests
from sieve_assets.models.generator import DiffusersGenerator
from sieve_assets.models.target import NeuronTarget
from sieve_assets.models.vision_language import OpenClipModel

LOG = logging.getLogger(__name__)


def errand(bench, run_id="one"):
    return Errand(bench, "some_stage", "cnn", run_id, LOG)


def requests_of(bench, *prompts):
    return picture_requests(prompts, identity=bench.generator_identity, n_images=3)


def test_only_what_is_missing_is_drawn(copied, count):
    bench = copied.bench()
    requests = requests_of(bench, "a red moon", "a blue moon")
    drawn = count(DiffusersGenerator, "draw")

    assert draw_missing(errand(bench, "one"), requests[:4]) == 4
    assert draw_missing(errand(bench, "two"), requests) == 2
    assert draw_missing(errand(bench, "three"), requests) == 0

    assert sum(drawn) == 6
    bank = copied.table("pictures")
    added = bank[bank["prompt"].str.contains("moon")]
    assert sorted(added["drawn_by_run"]) == ["one"] * 4 + ["two"] * 2
    assert set(added["generator"]) == {generator_name(bench)}


def test_pictures_of_requests_say_what_they_are_of(copied):
    bench = copied.bench()
    requests = requests_of(bench, "a red moon", "a blue moon")
    assert pictures_of(bench, requests).empty

    draw_missing(errand(bench, "one"), requests)
    found = pictures_of(bench, requests)
    assert list(zip(found["picture_id"], found["prompt"], found["seed"], strict=True)) == [
        tuple(request) for request in requests
    ]
    assert all(bench.images.is_whole(uri) for uri in found["uri"])
    assert pictures_of(bench, []).empty


def test_a_target_looks_once_at_a_picture(copied, count):
    bench = copied.bench()
    requests = requests_of(bench, "a red moon", "a blue moon")
    draw_missing(errand(bench, "one"), requests)
    pictures = pictures_of(bench, requests)
    looked = count(NeuronTarget, "activations")

    observe(errand(bench), pictures.iloc[:2])
    observe(errand(bench), pictures)
    observe(errand(bench), pictures.iloc[::-1])
    assert sum(looked) == 6

    seen = copied.table("picture_activations", model="cnn").set_index("picture_id")["activation"]
    alone = bench.target("cnn").activations([bench.images.open(pictures["uri"].iloc[5])])[0]
    assert len(seen[pictures["picture_id"].iloc[5]]) == len(alone) == 6
    assert abs(seen[pictures["picture_id"].iloc[5]] - alone).max() < 1e-5


def test_the_vision_language_model_looks_once_at_a_picture(copied, count):
    bench = copied.bench()
    requests = requests_of(bench, "a red moon", "a blue moon")
    draw_missing(errand(bench), requests)
    pictures = pictures_of(bench, requests)
    looked = count(OpenClipModel, "embed_frames")

    embed(errand(bench), pictures.iloc[:2])
    embed(errand(bench), pictures)
    embed(errand(bench), pictures.iloc[::-1])

    assert sum(looked) == 6
    stored = copied.table("picture_embeddings").set_index("picture_id")["embedding"]
    for picture in pictures.itertuples():
        [alone] = bench.vision_language.embed_images([bench.images.open(picture.uri)])
        assert stored[picture.picture_id] == pytest.approx(alone, abs=1e-5)


def test_what_is_added_is_noted_with_the_stage_target_and_run(copied):
    bench = copied.bench()
    requests = requests_of(bench, "a red moon", "a blue moon")
    for run_id in ("one", "two"):
        draw_missing(errand(bench, run_id), requests)
        observe(errand(bench, run_id), pictures_of(bench, requests))

    notes = copied.table("image_work", stage="some_stage", model="cnn")

    assert set(notes["run_id"]) == {"one"}, "the second run had nothing to add"
    of_work = notes.groupby("work")[["n_images", "n_bytes"]].sum()
    uris = set(pictures_of(bench, requests)["uri"])
    sizes = sum((bench.images.root / uri).stat().st_size for uri in uris)
    assert of_work.loc["drawn"].tolist() == [6, sizes]
    assert of_work.loc["looked at"].tolist() == [6, 6 * 6 * 4]
