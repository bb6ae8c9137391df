import pytest

from sieve_assets.method.explainers.formulas import (
    Joined,
    Leaf,
    Operator,
    concepts_of,
    formula_text,
    split_text,
)

NAMES = ["owl", "cat", "night", "living room"]


def joined(*parts):
    formula = Leaf(parts[0])
    for operator, concept in zip(parts[1::2], parts[2::2], strict=True):
        formula = Joined(formula, Operator(operator), concept)
    return formula


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (joined(3), "living room"),
        (joined(0, "OR", 1), "owl OR cat"),
        (joined(0, "OR", 1, "AND NOT", 2), "(owl OR cat) AND NOT night"),
        (joined(0, "AND", 1, "OR", 2), "(owl AND cat) OR night"),
        (joined(0, "AND", 1, "AND NOT", 2), "(owl AND cat) AND NOT night"),
        (joined(0, "OR", 1, "OR", 2), "owl OR cat OR night"),
        (joined(0, "AND NOT", 1, "AND NOT", 2), "owl AND NOT cat AND NOT night"),
        (joined(0, "OR", 1, "AND", 2, "OR", 3), "((owl OR cat) AND night) OR living room"),
    ],
)
def test_a_formula_reads_with_brackets_where_the_operator_changes(formula, text):
    assert formula_text(formula, NAMES) == text


def test_formulas_that_differ_read_differently():
    choices = ["OR", "AND", "AND NOT"]
    every = [
        joined(a, one, b, other, c)
        for a in range(3)
        for b in range(3)
        for c in range(3)
        for one in choices
        for other in choices
    ]
    assert len({formula_text(formula, NAMES) for formula in every}) == len(every) == len(set(every))


def test_concepts_are_listed_from_left_to_right():
    assert concepts_of(joined(2, "OR", 0, "AND NOT", 1)) == (2, 0, 1)
    assert concepts_of(joined(3)) == (3,)


def parsed(text):
    """A formula from its text, by splitting until single names are left."""
    split = split_text(text)
    if split is None:
        return Leaf(NAMES.index(text))
    return Joined(parsed(split.left), split.operator, NAMES.index(split.name))


def test_a_text_splits_where_it_was_joined_last():
    assert split_text("(owl OR cat) AND NOT night") == ("owl OR cat", "AND NOT", "night")
    assert split_text("owl OR cat OR night") == ("owl OR cat", "OR", "night")
    assert split_text("((owl OR cat) AND night) OR living room") == (
        "(owl OR cat) AND night",
        "OR",
        "living room",
    )
    assert split_text("living room") is None


def test_every_formula_is_found_again_in_its_text():
    choices = ["OR", "AND", "AND NOT"]
    for one in choices:
        for other in choices:
            for last in choices:
                formula = joined(3, one, 0, other, 1, last, 2)
                assert parsed(formula_text(formula, NAMES)) == formula


@pytest.mark.parametrize("text", ["", "ORANGE", "sand AND", "AND NOT night", "owl or cat"])
def test_what_joins_nothing_is_a_name(text):
    assert split_text(text) is None
