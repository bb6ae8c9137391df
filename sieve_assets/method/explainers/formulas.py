"""Logical formulas of concepts, as trees that one can read."""

import re
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
_LAST_JOINT = re.compile(r"(?P<left>.+) (?P<operator>OR|AND NOT|AND) (?P<name>.+)")
"""The first part takes as much as it can, so that the operator is the last one."""


class SplitText(NamedTuple):
    """The text of a formula, taken apart where it was joined last."""

    left: str
    """Text of the formula before, without the brackets around it."""
    operator: Operator
    name: str
    """Of the last concept."""


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


def split_text(text: str) -> SplitText | None:
    """Take the text of a formula apart: the inverse of the last step of `formula_text`.

    Args:
        text: Of `formula_text`, with names that have neither brackets nor operators in them.

    Returns:
        What was joined last, or None for the name of a single concept.
    """
    found = _LAST_JOINT.fullmatch(text)
    if found is None:
        return None
    left = found["left"]
    if left.startswith("(") and left.endswith(")"):
        left = left[1:-1]
    return SplitText(left, Operator(found["operator"]), found["name"])
