"""A concept set read from text: one concept a line, cleaned, with what was dropped and why."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from sieve_assets.method.checked_inputs import refusal

LONGEST_CONCEPT = 1000
"""Characters: no text encoder of a vision-language model reads more (77 tokens are about 300)."""

_BYTE_ORDER_MARK = "\ufeff"
_NO_TEXT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class DroppedLine(NamedTuple):
    """A line that gave no concept."""

    line_number: int
    """Counted from 1, as editors do."""
    text: str
    reason: str


class ConceptSet(NamedTuple):
    """Concepts in the order of the file, each once."""

    names: tuple[str, ...]
    dropped: tuple[DroppedLine, ...]


def parse_concepts(text: str) -> ConceptSet:
    """The concepts of a text with one a line.

    Blanks around a concept, blank lines, repeated concepts (the same letters in the same case),
    byte order marks (joined files have several) and the kind of line end make no difference to the
    concepts or their order. What a concept says makes none either: quotes, markup and SQL are
    letters like any other.

    Args:
        text: The file's content.

    Returns:
        The concepts, and each line dropped.

    Raises:
        ValueError: No concept is left, or a line is too long or holds a control character, and so
            is no concept; the line is named.

    Source: docs/method.md, decision 23.
    """
    lines = re.split(r"\r\n|\r|\n", text)
    if not lines[-1]:
        lines.pop()
    return clean_concepts(lines)


def clean_concepts(lines: Iterable[str]) -> ConceptSet:
    """The concepts of a list, cleaned as `parse_concepts` cleans the lines of a text.

    Args:
        lines: The list's entries; what breaks a line within one is refused like any other
            control character.

    Raises:
        ValueError: As `parse_concepts`.
    """
    first_line: dict[str, int] = {}
    dropped: list[DroppedLine] = []
    for line_number, line in enumerate(lines, start=1):
        name = line.replace(_BYTE_ORDER_MARK, "").strip()
        if not name:
            dropped.append(DroppedLine(line_number, line, "blank"))
        elif name in first_line:
            dropped.append(DroppedLine(line_number, line, f"same as line {first_line[name]}"))
        else:
            _check_concept(name, line_number)
            first_line[name] = line_number
    if not first_line:
        got = f"{len(dropped)} blank lines"
        raise ValueError(refusal("parse_concepts", "at least one concept", got, "Add concepts."))
    return ConceptSet(tuple(first_line), tuple(dropped))


def oddity(name: str) -> str:
    """What keeps a text from being a concept, in words; empty if nothing does."""
    if len(name) > LONGEST_CONCEPT:
        return f"{len(name)} characters"
    strange = _NO_TEXT.search(name)
    return f"the control character U+{ord(strange.group()):04X}" if strange else ""


def _check_concept(name: str, line_number: int) -> None:
    expected = f"a word or phrase of at most {LONGEST_CONCEPT} characters a line"
    odd = oddity(name)
    if odd:
        is_long = len(name) > LONGEST_CONCEPT
        remedy = "Put one concept on each line." if is_long else "Save the file as UTF-8 text."
        raise ValueError(
            refusal("parse_concepts", expected, f"{odd} in line {line_number}", remedy)
        )
