"""A concept set read from text: one concept a line, cleaned, with what was dropped and why."""

import re
from typing import NamedTuple

from sieve_assets.method.checked_inputs import refusal

_BYTE_ORDER_MARK = "\ufeff"


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

    Blanks around a concept, blank lines, repeated concepts (the same letters in the same case), a
    byte order mark and the kind of line end make no difference to the concepts or their order.

    Args:
        text: The file's content.

    Returns:
        The concepts, and each line dropped.

    Raises:
        ValueError: No concept is left.

    Source: docs/method.md, decision 23.
    """
    lines = re.split(r"\r\n|\r|\n", text.removeprefix(_BYTE_ORDER_MARK))
    if not lines[-1]:
        lines.pop()
    first_line: dict[str, int] = {}
    dropped: list[DroppedLine] = []
    for line_number, line in enumerate(lines, start=1):
        name = line.strip()
        if not name:
            dropped.append(DroppedLine(line_number, line, "blank"))
        elif name in first_line:
            dropped.append(DroppedLine(line_number, line, f"same as line {first_line[name]}"))
        else:
            first_line[name] = line_number
    if not first_line:
        got = f"{len(lines)} blank lines"
        raise ValueError(refusal("parse_concepts", "at least one concept", got, "Add concepts."))
    return ConceptSet(tuple(first_line), tuple(dropped))
