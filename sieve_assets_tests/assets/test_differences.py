"""Changes of settings in words."""

import pytest

from sieve_assets.assets.differences import differences

HASHES = ["0123456789abcdef" * 4, "f" * 64]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"beta": 10.0}, {"beta": 12.0}, ["beta: 10.0 → 12.0"]),
        ({"rule": "ratio"}, {"rule": "signed"}, ["rule: ratio → signed"]),
        ({"normalise": False}, {"normalise": True}, ["normalise: False → True"]),
        ({"n": 0}, {"n": 1}, ["n: 0 → 1"]),
        ({}, {"beta": 2.0}, ["beta: nothing → 2.0"]),
        ({"beta": 2.0}, {}, ["beta: 2.0 → nothing"]),
        ({"beta": None}, {"beta": 0.0}, ["beta: nothing → 0.0"]),
    ],
)
def test_a_value_is_told_before_and_after(before, after, said):
    assert differences(before, after) == said


@pytest.mark.parametrize(
    "settings",
    [{}, {"beta": 10.0}, {"crop": {"level": 0.5}}, {"concepts": ["cat", "dog"]}, {"a": HASHES[0]}],
)
def test_nothing_is_told_of_what_is_equal(settings):
    assert differences(settings, dict(settings)) == []


def test_a_setting_that_is_none_and_one_that_is_not_there_are_the_same():
    assert differences({"beta": None}, {}) == []


def test_settings_within_settings_have_dotted_names():
    before = {"crop": {"level": 0.5, "edge": {"padding": 0.1, "side": 8}}, "seed": 0}
    after = {"crop": {"level": 0.6, "edge": {"padding": 0.3, "side": 8}}, "seed": 0}

    assert differences(before, after) == ["crop.level: 0.5 → 0.6", "crop.edge.padding: 0.1 → 0.3"]


def test_changes_are_told_in_the_order_of_the_settings_and_new_ones_last():
    before, after = {"b": 1, "gone": 2, "a": 3}, {"new": 4, "a": 5, "b": 6}

    assert differences(before, after) == [
        "b: 1 → 6",
        "gone: 2 → nothing",
        "a: 3 → 5",
        "new: nothing → 4",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (["cat"], ["cat", "dog", "owl"], "2 added"),
        (["cat", "dog", "owl"], ["owl"], "2 removed"),
        (["cat", "dog"], ["dog", "owl", "bus"], "2 added, 1 removed"),
        (["cat", "dog"], ["dog", "cat"], "another order"),
        ([], ["cat"], "1 added"),
        ([{"seed": 1}], [{"seed": 2}], "1 added, 1 removed"),
    ],
)
def test_of_lists_it_is_told_how_much_was_added_and_removed(old, new, said):
    assert differences({"concepts": old}, {"concepts": new}) == [f"concepts: {said}"]


@pytest.mark.parametrize("after", [HASHES[1], None])
def test_a_hash_is_only_said_to_have_changed(after):
    assert differences({"weights": HASHES[0]}, {"weights": after}) == ["weights changed"]


@pytest.mark.parametrize("text", ["f" * 63, "f" * 65, "g" * 64])
def test_what_is_as_long_as_a_hash_is_only_said_to_have_changed_too(text):
    assert differences({"prompt": "a photo"}, {"prompt": text}) == ["prompt changed"]


def test_sixty_characters_are_shown_and_sixty_one_are_not():
    shown, hidden = "x" * 60, "x" * 61

    assert differences({"prompt": "{}"}, {"prompt": shown}) == [f"prompt: {{}} → {shown}"]
    assert differences({"prompt": "{}"}, {"prompt": hidden}) == ["prompt changed"]
    assert differences({"prompt": hidden}, {"prompt": "{}"}) == ["prompt changed"]


def test_settings_that_became_a_value_are_told_like_values():
    assert differences({"gate": {"beta": 2}}, {"gate": "off"}) == ["gate: {'beta': 2} → off"]


def test_neither_side_is_changed():
    before, after = {"crop": {"level": 1}, "list": [1, 2]}, {"crop": {"level": 2}, "list": [2, 3]}

    differences(before, after)

    assert before == {"crop": {"level": 1}, "list": [1, 2]}
    assert after == {"crop": {"level": 2}, "list": [2, 3]}


def test_lists_of_numbers_are_told_with_their_values():
    before, after = {"mean": [0.5, 0.5, 0.5]}, {"mean": [0.5, 0.4, 0.5]}

    assert differences(before, after) == ["mean: [0.5, 0.5, 0.5] → [0.5, 0.4, 0.5]"]


def test_values_that_come_twice_are_counted():
    assert differences({"words": ["a", "a"]}, {"words": ["a"]}) == ["words: 1 removed"]
