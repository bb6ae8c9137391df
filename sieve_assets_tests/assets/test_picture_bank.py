"""Pictures are drawn once, and looked at once by a target with the same weights."""

import contextlib
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

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


def errand(bench, run_id="one", place=0.0):
    return Errand(bench, "some_stage", "cnn", run_id, LOG, place)


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


def test_two_runs_at_once_draw_twice_only_what_is_in_flight(copied, monkeypatch):
    """One of them does all of its work while the other's second batch is being drawn."""
    one, two = copied.bench(batch_size=1), copied.bench(batch_size=1)
    requests = requests_of(one, "a red moon", "a blue moon", "a green moon", "a grey moon")
    draw, batches, by_two = DiffusersGenerator.draw, [], []

    def drawing(self, prompts, seeds):
        batches.append(len(prompts))
        if len(batches) == 2:
            by_two.append(draw_missing(errand(two, "two", place=0.5), requests))
        return draw(self, prompts, seeds)

    monkeypatch.setattr(DiffusersGenerator, "draw", drawing)
    by_one = draw_missing(errand(one, "one"), requests)

    assert by_one == 2, "the batch that was being drawn, and the one that was being stored"
    assert by_two[0] >= 10
    assert sum(batches) == by_one + by_two[0] <= 12 + 2
    bank = copied.table("pictures")
    assert bank["prompt"].str.contains("moon").sum() == 12
    noted = copied.table("image_work", stage="some_stage", work="drawn")["n_images"].sum()
    assert noted == sum(batches), "also what was drawn for nothing"


def test_two_runs_side_by_side_part_after_they_have_met(copied, monkeypatch):
    """Both begin at the same place, and each batch of one is drawn while one of the other is."""
    benches = [copied.bench(batch_size=1) for _ in range(2)]
    prompts = [f"moon {n:02d}" for n in range(12)]
    requests = requests_of(benches[0], *prompts)
    at_once, draw = threading.Barrier(2), DiffusersGenerator.draw

    def drawing(self, prompts, seeds):
        with contextlib.suppress(threading.BrokenBarrierError):
            at_once.wait(timeout=20)
        return draw(self, prompts, seeds)

    def run(number):
        n_drawn = draw_missing(errand(benches[number], f"run {number}"), requests)
        at_once.abort()  # the other goes on alone
        return n_drawn

    monkeypatch.setattr(DiffusersGenerator, "draw", drawing)
    with ThreadPoolExecutor(2) as pool:
        n_drawn = sum(pool.map(run, range(2)))
    assert len(requests) <= n_drawn <= 1.5 * len(requests), "twice, if they stayed together"
    assert copied.table("pictures")["prompt"].str.startswith("moon").sum() == len(requests)


def test_a_run_begins_at_its_place(copied):
    bench = copied.bench(batch_size=1)
    requests = requests_of(bench, "a red moon", "a blue moon")
    draw_missing(errand(bench, place=0.5), requests)

    bank = copied.table("image_work", stage="some_stage", work="drawn")
    assert bank["n_images"].tolist() == [1] * 6
    order = bench.warehouse.read("SELECT prompt FROM pictures ORDER BY rowid DESC LIMIT 6")
    assert order["prompt"].tolist() == ["a blue moon"] * 3 + ["a red moon"] * 3


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
