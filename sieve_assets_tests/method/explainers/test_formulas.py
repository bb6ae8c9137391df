import pytest

from sieve_assets.method.explainers.formulas import (
    Joined,
    Leaf,
    Operator,
    concepts_of,
    formula_text,
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
