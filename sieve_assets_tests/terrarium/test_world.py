"""The world's inventory: objects and their names, families, homes, everyday words."""

import csv
import unicodedata

import pytest

from sieve_assets.terrarium.world import (
    BACKGROUNDS,
    DATA,
    drawn_objects,
    everyday_words,
    families,
    object_named,
    world_objects,
)

NAMED_OTHERWISE = {"car": "automobile"}


def unicode_name(codepoint):
    number = codepoint.removeprefix("U+")
    return unicodedata.name(chr(int(number, 16))).lower()


def test_the_world_is_as_large_as_promised():
    assert len(world_objects()) == 120
    assert len(drawn_objects()) == 60
    assert len(everyday_words()) >= 300


def test_objects_that_are_drawn_come_first():
    is_drawn = [thing.is_drawn for thing in world_objects()]

    assert is_drawn == sorted(is_drawn, reverse=True)


@pytest.mark.parametrize("attribute", ["name", "codepoint", "position"])
def test_no_two_objects_share_a(attribute):
    values = [getattr(thing, attribute) for thing in world_objects()]

    assert len(set(values)) == len(values)


def test_the_targets_classes_are_named_by_the_objects_and_the_empty_scene():
    names = (DATA / "class_names.txt").read_text(encoding="utf-8").splitlines()
    assert names == [*(thing.name for thing in world_objects()), "nothing"]


def test_positions_count_the_file_s_lines():
    with (DATA / "objects.csv").open(encoding="utf-8") as file:
        names = [line.split(",")[0] for line in file][1:]

    assert [names[thing.position] for thing in world_objects()] == [t.name for t in world_objects()]


def test_every_name_is_made_of_the_words_of_its_unicode_name():
    for thing in world_objects():
        official = unicode_name(thing.codepoint)
        words = set(NAMED_OTHERWISE.get(thing.name, thing.name).split())
        assert words <= set(official.split()), thing


def test_the_unicode_names_on_record_are_unicode_s():
    with (DATA / "objects.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            assert row["unicode_name"] == unicode_name(row["codepoint"])


def test_a_home_is_a_background_and_only_drawn_objects_have_one():
    with_home = [thing for thing in world_objects() if thing.home]

    assert {thing.home for thing in with_home} == set(BACKGROUNDS)
    assert all(thing.is_drawn for thing in with_home)
    assert object_named("penguin").home == "snow"


def test_a_family_word_is_true_of_some_drawn_objects_but_not_of_all():
    for family in families():
        members = [thing for thing in drawn_objects() if thing.family == family]
        assert 1 < len(members) < len(drawn_objects())
    assert "thing" not in families()


def test_everyday_words_name_nothing_in_the_world():
    words = {word for thing in world_objects() for word in thing.name.split()}
    words |= {thing.family for thing in world_objects()} | set(BACKGROUNDS)

    assert not words & set(everyday_words())
    assert not {f"{word}s" for word in words} & set(everyday_words())
    assert len(set(everyday_words())) == len(everyday_words())


def test_a_name_that_the_world_does_not_have_is_refused():
    with pytest.raises(LookupError, match="got 'unicorn'"):
        object_named("unicorn")
