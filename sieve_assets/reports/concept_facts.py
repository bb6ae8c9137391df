"""A concept set in words: how many, where from, what was dropped, what cannot be drawn."""

from collections.abc import Collection, Iterable, Sequence

from sieve_assets.stores.concept_lists import Listing, names_of, undrawable
from sieve_assets.stores.wordnet import wordnet_is_there
from sieve_assets.study import Concepts

_MOST_NAMED = 10


def concept_facts(how: Concepts, listings: Sequence[Listing]) -> dict[str, str | int]:
    """What a person wants to know of a concept set.

    Args:
        how: Of the study.
        listings: What its sources give.
    """
    names = names_of(listings)
    dropped = [
        f"{line.text!r} in line {line.line_number} of {origin} ({line.reason})"
        for origin, concepts in listings
        for line in concepts.dropped
    ]
    n_shared = sum(len(one.concepts.names) for one in listings) - len(names)
    reasons = undrawable(names, how.language)
    flagged = [f"{name!r} ({reason})" for name, reason in reasons.items()]
    return {
        "concepts": len(names),
        "from": "; ".join(f"{len(one.concepts.names):,} from {one.origin}" for one in listings),
        "dropped": _counted(dropped),
        "in more than one source": n_shared,
        "cannot be drawn": f"{_counted(flagged)}{_how_told(how.language)}",
    }


def _how_told(language: str) -> str:
    if language != "en":
        return f" (not looked for: {language!r} is not English)"
    return "" if wordnet_is_there() else " (without WordNet, which knows abstract words)"


def _counted(found: Collection[str]) -> str:
    shown: Iterable[str] = list(found)[:_MOST_NAMED]
    if not found:
        return "none"
    more = ", …" if len(found) > _MOST_NAMED else ""
    return f"{len(found):,}: {', '.join(shown)}{more}"
