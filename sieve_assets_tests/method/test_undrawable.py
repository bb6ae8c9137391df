"""What a text-to-image model cannot draw is told with a reason, and nothing else is."""

import pytest

from sieve_assets.method.undrawable import FUNCTION_WORDS, why_undrawable


@pytest.mark.parametrize(
    ("concept", "reason"),
    [
        ("the", "a function word"),
        ("The", "a function word"),
        ("of", "a function word"),
        ("themselves", "a function word"),
        ("don't", "a function word"),
        ("it’s", "a function word"),
        ("they'll", "a function word"),
        ("some of the", "only function words"),
        ("7", "a number or sign"),
        ("3.14", "a number or sign"),
        ("12 %", "a number or sign"),
        ("&", "a number or sign"),
        ("s", "a single letter"),
        ("X", "a single letter"),
    ],
)
def test_words_without_a_look_are_told(concept, reason):
    assert why_undrawable(concept) == reason


@pytest.mark.parametrize(
    "concept",
    [
        "dog",
        "can",  # the thing
        "mine",  # where ore is dug
        "dog in the grass",
        "dog's",
        "7-eleven",
        "T-shirt",
        "x-ray",
        "犬",
        "é",
        "🦊",
        "red",
        "Short, upright stem",
    ],
)
def test_what_can_be_drawn_is_left_alone(concept):
    assert why_undrawable(concept) == ""


def test_a_word_is_abstract_only_if_every_sense_is():
    assert why_undrawable("theory", {"noun.cognition"}).startswith("abstract in every sense (noun.")
    assert "adv.all" in why_undrawable("quickly", {"adv.all"})
    assert why_undrawable("idea", {"noun.cognition", "noun.communication"}) == ""
    assert why_undrawable("hexagon", {"noun.shape"}) == ""
    assert why_undrawable("unknown to WordNet", ()) == ""


def test_function_words_are_single_and_in_lower_case():
    assert all(word == word.casefold() and len(word.split()) == 1 for word in FUNCTION_WORDS)
    assert not FUNCTION_WORDS & {"can", "mine", "down", "round", "bar", "fire", "mill"}
