"""Candidate words from where they are kept: files, the study file, frequencies, classes."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from sieve_assets.method.concept_sets import parse_concepts
from sieve_assets.study import Concepts

_KIND_OF_LABEL = re.compile(r"-[cs]$")
"""Broden marks colours and scenes so: "red-c", "street-s"."""


def listed_concepts(how: Concepts, class_names: Callable[[str], Sequence[str]]) -> list[str]:
    """The concept set's names, each once: of its file, its words, frequent words, then classes.

    Args:
        how: Of the study.
        class_names: Of a target.

    Raises:
        ValueError: A file is not UTF-8, or not of its format; there are no concepts, or what cannot
            be one; a library has no such language.
        LookupError: A target's class names are not known, or a library is not installed.
    """
    names: list[str] = []
    if how.file is not None:
        names += _of_file(how.file, how.format)
    names += how.words
    if how.n_frequent:
        names += frequent_words(how.n_frequent, how.language)
    if how.classes_of:
        names += class_names(how.classes_of)
    return list(parse_concepts("\n".join(names)).names)


def _of_file(file: Path, form: str) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8")
        return _broden_names(text) if form == "broden" else list(parse_concepts(text).names)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"concepts: expected UTF-8 text in {file}, got {error}. Save it as UTF-8."
        ) from error
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _broden_names(text: str) -> list[str]:
    """Names of Broden's label.csv, as one says them.

    Source: Network Dissection's data, whose first columns are number and name.
    """
    rows = csv.DictReader(io.StringIO(text))
    if "name" not in (rows.fieldnames or ()):
        raise ValueError(
            f"concepts: expected Broden's label.csv with a column name, got {rows.fieldnames}. "
            'Correct the file, or format = "lines".'
        )
    return [_KIND_OF_LABEL.sub("", row["name"] or "").replace("_", " ") for row in rows]


def frequent_words(count: int, language: str) -> list[str]:
    """The most frequent words of a language, most frequent first.

    Source: wordfreq's lists, which are others than those of CLIP-Dissect.

    Raises:
        LookupError: wordfreq is not installed, or has no such language.
    """
    try:
        import wordfreq  # noqa: PLC0415 (not everyone has it)
    except ImportError as error:
        raise LookupError(
            "concepts: expected wordfreq for n_frequent, got nothing of that name. Install it: "
            "pip install sieve_assets[words]."
        ) from error
    try:
        return wordfreq.top_n_list(language, count)
    except LookupError as error:
        known = ", ".join(sorted(wordfreq.available_languages()))
        raise LookupError(
            f"concepts: expected a language of wordfreq, got {language!r}. They are {known}."
        ) from error
