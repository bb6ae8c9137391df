"""How a study file is refused: every problem at once, each with file, key, value and remedy.

Knows pydantic's errors and the shape of the settings' classes, not what the settings mean.
"""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

_REFUSED = "study_refused"
_LONGEST_VALUE = 80
_MOST_NAMES = 20
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SYNTAX_REMEDY = "Text needs quotes, lists need commas, every [ needs its ]."

# What pydantic's error types expect, in the words of someone who writes TOML.
_EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text in quotes",
    "path_type": "a path in quotes",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "tuple_type": "a list",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "multiple_of": "a multiple of {multiple_of}",
    "too_short": "at least {min_length}",
    "too_long": "at most {max_length}",
    "literal_error": "{expected}",
}


class Problem(NamedTuple):
    """One thing wrong with a study file."""

    key: str
    """Dotted key; line and column for a syntax error; empty for the file as a whole."""
    expected: str
    got: str
    remedy: str

    def in_file(self, file: Path) -> str:
        """The problem of `file` in the project's form for errors."""
        where = f"{file}: {self.key}" if self.key else str(file)
        return f"{where}: expected {self.expected}, got {self.got}. {self.remedy}"


class StudyError(ValueError):
    """A study file that cannot be used, with everything that is wrong with it."""

    def __init__(self, file: Path, problems: Iterable[Problem]) -> None:
        """Word the problems of `file`, one a line."""
        self.file = file
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.in_file(file) for problem in self.problems))


def refusal(expected: str, remedy: str) -> PydanticCustomError:
    """The error a validator of ours raises: pydantic adds the key and the value."""
    context = {"expected": expected, "remedy": remedy}
    return PydanticCustomError(_REFUSED, "expected {expected}. {remedy}", context)


def nearest(name: str, known: Iterable[str], listed_as: str) -> str:
    """A remedy that says what was probably meant, then what is known, of many the nearest."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    meant = f"Did you mean {' or '.join(close)}? " if close else ""
    is_short = len(names) <= _MOST_NAMES
    shown = names if is_short else difflib.get_close_matches(name, names, _MOST_NAMES, cutoff=0)
    more = "" if is_short else f" and {len(names) - _MOST_NAMES} more"
    return f"{meant}{listed_as}: {', '.join(shown) or 'none'}{more}."


def syntax_problem(error: ValueError) -> Problem:
    """What `tomllib` could not read, and where; `error` is what it raised."""
    found = re.fullmatch(r"(.*) \(at (.*)\)", str(error), re.DOTALL)
    message, place = found.groups() if found else (str(error), "")
    is_duplicate = re.search(r"overwrite|twice|duplicate|immutable", message, re.IGNORECASE)
    remedy = "A key may stand once: keep one of the two." if is_duplicate else _SYNTAX_REMEDY
    return Problem(place, "TOML in UTF-8", f'"{message}"', remedy)


def problems_from(error: ValidationError, model: type[BaseModel]) -> tuple[Problem, ...]:
    """Pydantic's errors about `model`, in the order of the fields, with the remedies they lack."""
    return tuple(_problem(_as_plain_field(details), model) for details in error.errors())


def _as_plain_field(error: ErrorDetails) -> ErrorDetails:
    """An error about a union's tag, as the error about the field that holds the tag."""
    if error["type"] not in {"union_tag_invalid", "union_tag_not_found"}:
        return error
    context = error.get("ctx", {})
    field = context["discriminator"].strip("'")
    moved = {**error, "loc": (*error["loc"], field), "type": "missing"}
    if error["type"] == "union_tag_invalid":
        expected = {"expected": context["expected_tags"]}
        moved |= {"type": "literal_error", "input": context["tag"], "ctx": expected}
    return ErrorDetails(**moved)


def _problem(error: ErrorDetails, model: type[BaseModel]) -> Problem:
    path, owners, field = _walk(model, error["loc"])
    key, name = _dotted(path), str(path[-1] if path else "")
    context, got = error.get("ctx", {}), _shown(error["input"])
    match error["type"]:
        case "study_refused":
            return Problem(key, context["expected"], got, context["remedy"])
        case "extra_forbidden":
            known = {known for owner in owners for known in owner.model_fields}
            return Problem(
                key, "a known key", f"{name} = {got}", nearest(name, known, "Known here")
            )
        case "missing":
            return Problem(key, "a value", "nothing", f"Add it. {_meaning(field)}".strip())
        case "literal_error":
            choices = re.findall(r"'([^']*)'", context["expected"])
            remedy = nearest(str(error["input"]), choices, "Choices")
            return Problem(key, context["expected"], got, remedy)
        case kind:
            expected = _EXPECTED.get(kind, error["msg"]).format(**context)
            return Problem(key, expected, got, f"Change it. {_meaning(field)}".strip())


def _meaning(field: FieldInfo | None) -> str:
    """What a setting means and what it is when left out, from its docstring."""
    if field is None or not field.description:
        return ""
    default = "" if field.is_required() else f" Default: {_shown(field.get_default())}."
    return f"Meaning: {' '.join(field.description.split())}{default}"


def _walk(
    model: type[BaseModel], loc: tuple[int | str, ...]
) -> tuple[list[int | str], list[type[BaseModel]], FieldInfo | None]:
    """Follow an error's location through the settings' classes.

    Returns:
        The location as the file has it (pydantic adds a union's tag and "[key]"), the classes whose
        fields are known at its last part, and the innermost field on the way.
    """
    path: list[int | str] = []
    here: Any = model
    owners: list[type[BaseModel]] = []
    field: FieldInfo | None = None
    for part in loc:
        classes = _classes(here)
        tagged = [owner for owner in classes if len(classes) > 1 and _has_tag(owner, part)]
        if tagged:
            here = tagged[0]
        elif part != "[key]":
            path.append(part)
            owners = classes or owners
            field = next(
                (c.model_fields[str(part)] for c in classes if part in c.model_fields), field
            )
            here = _inside(here, classes, field)
    return path, owners, field


def _inside(here: Any, classes: list[type[BaseModel]], field: FieldInfo | None) -> Any:
    """The type one step further in: of the field, or of a table's values."""
    if classes:
        return field.annotation if field else None
    return get_args(here)[1] if get_origin(here) is dict else None


def _classes(annotation: Any) -> list[type[BaseModel]]:
    """The settings' classes that a value of this type may be."""
    if get_origin(annotation) is Annotated:
        return _classes(get_args(annotation)[0])
    members = (annotation, *get_args(annotation)) if get_origin(annotation) is not dict else ()
    return [one for one in members if isinstance(one, type) and issubclass(one, BaseModel)]


def _has_tag(owner: type[BaseModel], tag: int | str) -> bool:
    """Whether one of the fields of `owner` can only be `tag`."""
    literals = (field.annotation for field in owner.model_fields.values())
    return any(get_origin(one) is Literal and get_args(one) == (tag,) for one in literals)


def _dotted(path: list[int | str]) -> str:
    """The key as one writes it in TOML, with list positions in brackets."""
    written = ""
    for part in path:
        if isinstance(part, int):
            written += f"[{part}]"
        else:
            name = part if _BARE_KEY.fullmatch(part) else f'"{part}"'
            written += f".{name}" if written else name
    return written


def _shown(value: object) -> str:
    """The value, cut short; a table by its keys."""
    if isinstance(value, dict):
        return f"a table of {', '.join(map(str, value)) or 'nothing'}"
    text = f'"{value}"' if isinstance(value, (str, Path)) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
