"""A picture's name depends on all that the picture depends on, and on nothing else."""

import hashlib
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.generated_image_sets import (
    PictureRequest,
    beginning_at,
    missing_pictures,
    picture_id,
    picture_requests,
    prompt_for,
)

IDENTITY = {
    "pipeline": "3f2a",
    "negative_prompt": "",
    "steps": 8,
    "guidance": 3.0,
    "size_px": 64,
    "scheduler": {"name": "DDIM", "clip_sample": False},
    "precision": "float32",
}


LETTERS = st.text(st.sampled_from("ab {}%'ü写\n"), max_size=5)


def test_the_concept_takes_the_place_of_the_braces():
    assert prompt_for("dog", "{}") == "dog"
    assert prompt_for("dog", "realistic photo of a close up of {}") == (
        "realistic photo of a close up of dog"
    )


def test_braces_and_percent_signs_in_a_concept_stay_as_they_are():
    assert prompt_for("{} {x} %s", "a {}!") == "a {} {x} %s!"


@pytest.mark.parametrize("template", ["", "a photo", "{} and {}", "{0}", "{ }"])
def test_a_template_without_exactly_one_place_is_refused(template):
    with pytest.raises(ValueError, match=r"^prompt_for: expected a template with \{\} exactly onc"):
        prompt_for("dog", template)


@pytest.mark.parametrize("concept", ["", " \t"])
def test_a_blank_concept_is_refused(concept):
    with pytest.raises(ValueError, match=r"^prompt_for: expected a concept, got "):
        prompt_for(concept, "{}")


def test_the_id_is_the_hash_of_canonical_json():
    text = '{"identity":{"b":[1,2],"z":{"a":0.5}},"prompt":"caf\\u00e9","seed":3}'
    expected = hashlib.sha256(text.encode()).hexdigest()
    assert picture_id({"z": {"a": 0.5}, "b": (1, 2)}, "café", 3) == expected


def test_the_order_of_the_arguments_makes_no_difference():
    turned = json.loads(json.dumps(dict(reversed(IDENTITY.items()))))
    assert picture_id(turned, "dog", 0) == picture_id(IDENTITY, "dog", 0)


@pytest.mark.parametrize("key", [*IDENTITY, "eta"])
def test_a_change_of_any_argument_gives_another_picture(key):
    changed = IDENTITY | {key: "changed"}
    assert picture_id(changed, "dog", 0) != picture_id(IDENTITY, "dog", 0)


def test_a_change_deep_inside_of_the_prompt_or_of_the_seed_gives_another_picture():
    deep = IDENTITY | {"scheduler": {"name": "DDIM", "clip_sample": True}}
    ids = [
        picture_id(IDENTITY, "dog", 0),
        picture_id(deep, "dog", 0),
        picture_id(IDENTITY, "dog ", 0),
        picture_id(IDENTITY, "dog", 1),
    ]
    assert len(set(ids)) == 4


def test_what_json_cannot_hold_and_negative_seeds_are_refused():
    with pytest.raises(TypeError, match=r"^picture_id: expected an identity that JSON can hold, g"):
        picture_id({"weights": b"bytes"}, "dog", 0)
    with pytest.raises(ValueError, match=r"^picture_id: expected an identity that JSON can hold, "):
        picture_id({"guidance": float("nan")}, "dog", 0)
    with pytest.raises(ValueError, match=r"^picture_id: expected seed of at least 0, got -1\. "):
        picture_id(IDENTITY, "dog", -1)


def test_seeds_count_from_0_for_every_prompt_once():
    requests = picture_requests(["dog", "cat", "dog"], identity=IDENTITY, n_images=2)
    assert [(r.prompt, r.seed) for r in requests] == [
        ("dog", 0),
        ("dog", 1),
        ("cat", 0),
        ("cat", 1),
    ]
    assert all(r.picture_id == picture_id(IDENTITY, r.prompt, r.seed) for r in requests)


def test_pictures_depend_neither_on_the_order_of_the_concepts_nor_on_their_company():
    together = picture_requests(["dog", "cat", "fox"], identity=IDENTITY, n_images=3)
    turned = picture_requests(["fox", "cat", "dog"], identity=IDENTITY, n_images=3)
    alone = picture_requests(["cat"], identity=IDENTITY, n_images=3)
    assert set(together) == set(turned)
    assert set(alone) == {request for request in together if request.prompt == "cat"}


def test_more_pictures_a_concept_add_to_those_before():
    few = picture_requests(["dog"], identity=IDENTITY, n_images=2)
    assert picture_requests(["dog"], identity=IDENTITY, n_images=5)[:2] == few


def test_only_what_the_bank_lacks_is_drawn_each_once_in_order():
    requests = [PictureRequest(name, name, 0) for name in "dbacbd"]
    assert [r.picture_id for r in missing_pictures(requests, {"a", "x"})] == ["d", "b", "c"]
    assert missing_pictures(requests, list("abcd")) == []
    assert missing_pictures([], []) == []


def test_no_pictures_a_concept_are_refused():
    with pytest.raises(ValueError, match=r"^picture_requests: expected n_images of at least 1, go"):
        picture_requests(["dog"], identity=IDENTITY, n_images=0)


@settings(max_examples=50)
@given(concept=LETTERS, before=LETTERS, after=LETTERS)
def test_a_prompt_is_the_concept_letter_by_letter_between_what_the_template_says(
    concept, before, after
):
    template = f"{before}{{}}{after}"
    if template.count("{}") == 1 and concept.strip():
        place = template.index("{}")
        assert prompt_for(concept, template) == template[:place] + concept + template[place + 2 :]


@settings(max_examples=50)
@given(data=st.data(), n_images=st.integers(1, 3))
def test_any_two_prompts_and_seeds_have_their_own_picture_in_any_order(data, n_images):
    prompts = data.draw(st.lists(st.text(st.sampled_from("ab\"'\\\nü0"), max_size=3), max_size=6))
    requests = picture_requests(prompts, identity=IDENTITY, n_images=n_images)
    assert (
        len({one.picture_id for one in requests}) == len(set(prompts)) * n_images == len(requests)
    )
    turned = data.draw(st.permutations(prompts))
    assert set(picture_requests(turned, identity=IDENTITY, n_images=n_images)) == set(requests)


@settings(max_examples=50)
@given(wanted=st.lists(st.sampled_from("abcdef")), drawn=st.sets(st.sampled_from("abcdef")))
def test_what_is_missing_and_what_is_there_are_together_what_was_wanted(wanted, drawn):
    left = [
        one.picture_id for one in missing_pictures([PictureRequest(n, n, 0) for n in wanted], drawn)
    ]
    assert left == [name for name in dict.fromkeys(wanted) if name not in drawn]


def requests_of(*prompts, n_images=2):
    return picture_requests(prompts, identity=IDENTITY, n_images=n_images)


@pytest.mark.parametrize(
    ("place", "first"),
    [(0.0, "abcd"), (0.2, "abcd"), (0.25, "bcda"), (0.5, "cdab"), (0.99, "dabc")],
)
def test_drawing_begins_at_a_place_and_goes_round(place, first):
    found = beginning_at(place, requests_of(*"dbca"))
    assert found == requests_of(*first)


@settings(max_examples=50)
@given(
    place=st.floats(0, 1, exclude_max=True),
    prompts=st.lists(st.sampled_from("abcdefgh"), unique=True),
    seed=st.randoms(),
)
def test_wherever_drawing_begins_all_is_drawn_once_and_prompts_stay_together(place, prompts, seed):
    requests = requests_of(*prompts)
    found = beginning_at(place, requests)
    assert sorted(found) == sorted(requests)
    together = [one.prompt for one in found]
    assert len([a for a, b in itertools.pairwise(together) if a != b]) == max(len(prompts) - 1, 0)
    seed.shuffle(prompts)
    assert beginning_at(place, requests_of(*prompts)) == found


@pytest.mark.parametrize("place", [-0.1, 1.0, float("nan")])
def test_no_place_among_the_prompts_is_refused(place):
    with pytest.raises(ValueError, match=r"^beginning_at: expected a place from 0 to below 1, got"):
        beginning_at(place, [])
