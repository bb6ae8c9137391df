"""WordNet as NLTK reads it: nouns below a synset, and the kinds of sense that a word has."""

from functools import lru_cache
from typing import Any


def noun_names(below: str) -> list[str]:
    """What WordNet calls a noun synset and all below it, persons and places too, each name once.

    Args:
        below: Name of the synset: "entity.n.01" is above all others.

    Returns:
        In the order of WordNet's own file; "zebra_crossing" is "zebra crossing".

    Raises:
        LookupError: nltk or WordNet's files are not installed, or there is no such synset.
    """
    return list(_noun_names(_opened(), below))


def sense_kinds(word: str) -> frozenset[str]:
    """The lexicographer files, such as "noun.animal", of a word's senses; none if it has no entry.

    Raises:
        LookupError: nltk or WordNet's files are not installed.
    """
    return frozenset(str(one.lexname()) for one in _opened().synsets(word.replace(" ", "_")))


def wordnet_is_there() -> bool:
    """Whether nltk and WordNet's files are installed."""
    try:
        _opened()
    except LookupError:
        return False
    return True


@lru_cache(maxsize=8)
def _noun_names(reader: Any, below: str) -> tuple[str, ...]:
    from nltk.corpus.reader.wordnet import WordNetError  # noqa: PLC0415 (not everyone has it)

    synsets = list(reader.all_synsets("n"))  # all that follows is in memory then
    try:
        top = reader.synset(below)
    except (WordNetError, ValueError) as error:
        raise LookupError(
            f"concepts: expected a noun synset of WordNet, got {below!r}: {error}. Its word, "
            '"n" and the number of its sense, such as "artifact.n.01".'
        ) from error
    inside = {top, *top.closure(lambda one: one.hyponyms() + one.instance_hyponyms())}
    names = (name for one in synsets if one in inside for name in one.lemma_names())
    return tuple(dict.fromkeys(str(name).replace("_", " ") for name in names))


def _opened() -> Any:
    try:
        import nltk.data  # noqa: PLC0415 (not everyone has it)
    except ImportError as error:
        raise LookupError(
            "concepts: expected nltk for wordnet, got nothing of that name. Install it: "
            "pip install sieve_assets[words]."
        ) from error
    return _reader(tuple(map(str, nltk.data.path)))


@lru_cache(maxsize=1)
def _reader(folders: tuple[str, ...]) -> Any:
    """The reader of what lies in the folders where NLTK looks."""
    from nltk.corpus.reader.api import CorpusReader  # noqa: PLC0415 (not everyone has it)
    from nltk.corpus.reader.wordnet import WordNetCorpusReader  # noqa: PLC0415 (as above)
    from nltk.corpus.util import LazyCorpusLoader  # noqa: PLC0415 (as above)

    other_languages = LazyCorpusLoader("omw-1.4", CorpusReader, r".*\.tab")  # never opened
    reader = LazyCorpusLoader("wordnet", WordNetCorpusReader, other_languages)
    try:
        reader.ensure_loaded()
    except (LookupError, OSError) as error:
        raise LookupError(
            "concepts: expected WordNet's files in corpora/wordnet or corpora/wordnet.zip of one "
            f"of {', '.join(folders)}, got none that can be read. Fetch them (python -m "
            "nltk.downloader wordnet), or name a folder that has them in $NLTK_DATA."
        ) from error
    return reader
