"""Candidate words from where they are kept: files, the study file, libraries, class names."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from sieve_assets.method.concept_sets import ConceptSet, clean_concepts, parse_concepts
from sieve_assets.method.undrawable import why_undrawable
from sieve_assets.stores.wordnet import noun_names, sense_kinds, wordnet_is_there
from sieve_assets.study import Concepts

_KIND_OF_LABEL = re.compile(r"-[cs]$")
"""Broden marks colours and scenes so: "red-c", "street-s"."""

ClassNames = Callable[[str], Sequence[str]]
"""What a target calls its classes."""


class Listing(NamedTuple):
    """What one source gave."""

    origin: str
    """In words."""
    concepts: ConceptSet


def names_of(listings: Iterable[Listing]) -> list[str]:
    """All names of the sources in their order, each once."""
    return list(dict.fromkeys(name for one in listings for name in one.concepts.names))


def listings(how: Concepts, class_names: ClassNames) -> list[Listing]:
    """What each source gives: file, words, frequent words, WordNet, then classes.

    Args:
        how: Of the study.
        class_names: Of a target.

    Raises:
        ValueError: A file is not UTF-8, or not of its format; there are no concepts, or what cannot
            be one; a library has no such language.
        LookupError: A target's class names are not known, or a library is not installed.
    """
    return [Listing(origin, load()) for origin, load in _sources(how, class_names)]


def origins(how: Concepts) -> list[str]:
    """Where the concepts come from, in words; nothing is read."""
    return [origin for origin, _ in _sources(how, lambda _: ())]


def undrawable(names: Iterable[str], language: str = "en") -> dict[str, str]:
    """The concepts that cannot be drawn, with the reason; none in another language than English.

    Abstractions are told by WordNet, if it is installed.
    """
    if language != "en":
        return {}
    senses = sense_kinds if wordnet_is_there() else lambda _: frozenset()
    reasons = {name: why_undrawable(name, senses(name)) for name in names}
    return {name: reason for name, reason in reasons.items() if reason}


def _sources(
    how: Concepts, class_names: ClassNames
) -> Iterator[tuple[str, Callable[[], ConceptSet]]]:
    """Each source that the study names: what it is, and what reads it."""
    if file := how.file:
        yield f"{file.name} ({_KINDS[how.format]})", lambda: _of_file(file, how.format)
    if how.words:
        yield "the study file", lambda: clean_concepts(how.words)
    if count := how.n_frequent:
        label = f"the {count:,} most frequent words of {how.language!r} by wordfreq"
        yield (
            f"{label} (not CLIP-Dissect's list)",
            lambda: clean_concepts(frequent_words(count, how.language)),
        )
    if below := how.wordnet:
        yield f"WordNet's nouns from {below} down", lambda: clean_concepts(noun_names(below))
    if target := how.classes_of:
        yield f"the classes of {target}", lambda: clean_concepts(class_names(target))


def _of_file(file: Path, form: str) -> ConceptSet:
    try:
        return _READERS[form](file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(
            f"concepts: expected UTF-8 text in {file}, got {error}. Save it as UTF-8."
        ) from error
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def broden_rows(text: str) -> list[dict[str, str]]:
    """The rows of Broden's label.csv, with the name as one says it; other columns as they stand.

    Raises:
        ValueError: There is no column with the name.

    Source: Network Dissection's data, whose first columns are number and name.
    """
    rows = csv.DictReader(io.StringIO(text), restval="")
    if "name" not in (rows.fieldnames or ()):
        raise ValueError(
            f"concepts: expected Broden's label.csv with a column name, got {rows.fieldnames}. "
            'Correct the file, or format = "lines".'
        )
    return [{**row, "name": spoken_label(row["name"])} for row in rows]


def spoken_label(label: str) -> str:
    """One of Broden's labels as one says it: "living room" for "living_room-s"."""
    return _KIND_OF_LABEL.sub("", label).replace("_", " ")


def _broden_labels(text: str) -> ConceptSet:
    return clean_concepts(row["name"] for row in broden_rows(text))


def _descriptors(text: str) -> ConceptSet:
    """The phrases of all classes, in the order of the file and as they stand there.

    Source: DEAL's descriptors/*.json, in the format of "Visual Classification via Description":
    an object of class to phrases.
    """
    try:
        by_class = TypeAdapter(dict[str, list[str]]).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f" in {part!r}" for part in first["loc"])
        raise ValueError(
            "concepts: expected descriptors as in DEAL, a JSON object of class to a list of "
            f'phrases, got{place}: {first["msg"]}. Correct the file, or format = "lines".'
        ) from error
    return clean_concepts(phrase for phrases in by_class.values() for phrase in phrases)


_READERS: Mapping[str, Callable[[str], ConceptSet]] = {
    "lines": parse_concepts,
    "broden": _broden_labels,
    "descriptors": _descriptors,
}
_KINDS = {
    "lines": "one concept a line",
    "broden": "Broden's labels",
    "descriptors": "phrases by class, as in DEAL",
}


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
