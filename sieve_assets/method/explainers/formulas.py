"""Logical formulas of concepts, as trees that one can read."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias


class Operator(StrEnum):
    """What joins a formula to one more concept."""

    OR = "OR"
    AND = "AND"
    AND_NOT = "AND NOT"


class Leaf(NamedTuple):
    """One concept."""

    concept: int
    """Position in the concept set."""


class Joined(NamedTuple):
    """A formula joined to one more concept. Beam search builds no other kind."""

    left: "Formula"
    operator: Operator
    concept: int
    """Position in the concept set."""


Formula: TypeAlias = Leaf | Joined


def concepts_of(formula: Formula) -> tuple[int, ...]:
    """The positions of a formula's concepts, from left to right."""
    if isinstance(formula, Leaf):
        return (formula.concept,)
    return (*concepts_of(formula.left), formula.concept)


def formula_text(formula: Formula, names: Sequence[str]) -> str:
    """A formula as one reads it, such as "(owl OR cat) AND NOT night".

    Args:
        formula: The formula.
        names: Of the concept set.

    Returns:
        Concepts and operators; brackets where the operator changes.
    """
    if isinstance(formula, Leaf):
        return names[formula.concept]
    left = formula_text(formula.left, names)
    if isinstance(formula.left, Joined) and formula.left.operator != formula.operator:
        left = f"({left})"
    return f"{left} {formula.operator} {names[formula.concept]}"
