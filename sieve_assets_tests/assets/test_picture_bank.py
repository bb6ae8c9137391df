"""Pictures are drawn once, and looked at once by a target with the same weights."""

import logging

from sieve_assets.assets.picture_bank import draw_missing, generator_name, observe, pictures_of
from sieve_assets.method.generated_image_sets import picture_requests
from sieve_assets.models.generator import DiffusersGenerator
from sieve_assets.models.target import NeuronTarget

LOG = logging.getLogger(__name__)


def requests_of(bench, *prompts):
    return picture_requests(prompts, identity=bench.generator_identity, n_images=3)


def test_only_what_is_missing_is_drawn(copied, count):
    bench = copied.bench()
    requests = requests_of(bench, "a red moon", "a blue moon")
    drawn = count(DiffusersGenerator, "draw")

    assert draw_missing(bench, requests[:4], run_id="one", log=LOG) == 4
    assert draw_missing(bench, requests, run_id="two", log=LOG) == 2
    assert draw_missing(bench, requests, run_id="three", log=LOG) == 0

    assert sum(drawn) == 6
    bank = copied.table("pictures")
    added = bank[bank["prompt"].str.contains("moon")]
    assert sorted(added["drawn_by_run"]) == ["one"] * 4 + ["two"] * 2
    assert set(added["generator"]) == {generator_name(bench)}


def test_pictures_of_requests_say_what_they_are_of(copied):
    bench = copied.bench()
    requests = requests_of(bench, "a red moon", "a blue moon")
    assert pictures_of(bench, requests).empty

    draw_missing(bench, requests, run_id="one", log=LOG)
    found = pictures_of(bench, requests)
    assert list(zip(found["picture_id"], found["prompt"], found["seed"], strict=True)) == [
        tuple(request) for request in requests
    ]
    assert all(bench.images.is_whole(uri) for uri in found["uri"])
    assert pictures_of(bench, []).empty


def test_a_target_looks_once_at_a_picture(copied, count):
    bench = copied.bench()
    requests = requests_of(bench, "a red moon", "a blue moon")
    draw_missing(bench, requests, run_id="one", log=LOG)
    pictures = pictures_of(bench, requests)
    looked = count(NeuronTarget, "activations")

    observe(bench, "cnn", pictures.iloc[:2], log=LOG)
    observe(bench, "cnn", pictures, log=LOG)
    observe(bench, "cnn", pictures.iloc[::-1], log=LOG)
    assert sum(looked) == 6

    seen = copied.table("picture_activations", model="cnn").set_index("picture_id")["activation"]
    alone = bench.target("cnn").activations([bench.images.open(pictures["uri"].iloc[5])])[0]
    assert len(seen[pictures["picture_id"].iloc[5]]) == len(alone) == 6
    assert abs(seen[pictures["picture_id"].iloc[5]] - alone).max() < 1e-5
