"""Which concepts no picture can show: a text-to-image model draws something else for them."""

import re
import string
from collections.abc import Collection

_CLOSED_CLASSES = """
    a an the
    this that these those each every either neither some any no none all both half many much more
    most few fewer less least several enough such what which whose whatever whichever other another
    i me my myself we us our ours ourselves you your yours yourself yourselves he him his himself
    she her hers herself it its itself they them their theirs themselves who whom whoever one's
    oneself somebody someone something anybody anyone anything everybody everyone everything nobody
    nothing
    about above across after against along amid among amongst around as at before behind below
    beneath beside besides between beyond by concerning despite during except for from in inside
    into of off on onto out outside over per since than through throughout till to toward towards
    under underneath until unto up upon via with within without
    and but or nor so yet although because if lest once though unless when whenever where whereas
    wherever whether while why how
    be am is are was were been being have has had having do does did doing done shall should would
    could might must ought cannot can't won't may will
    not there here then thus hence therefore however also too very just only even still ever never
    again else quite rather really almost already perhaps maybe
"""
FUNCTION_WORDS = frozenset(_CLOSED_CLASSES.split())
"""English words of the closed classes, and adverbs that only join or grade.

Source: the classes are those of Quirk et al., A Comprehensive Grammar of the English Language
(1985): articles and determiners, pronouns, prepositions, conjunctions, auxiliary verbs. Left out is
what also names a thing that can be seen: can, mine, down, round, bar.
"""
ABSTRACT_SENSES = frozenset(
    {
        "adv.all",
        "noun.cognition",
        "noun.feeling",
        "noun.motive",
        "noun.quantity",
        "noun.relation",
        "verb.cognition",
        "verb.stative",
    }
)
"""WordNet's lexicographer files of what has no look of its own.

Narrower than all that lies under its synset abstraction.n.06: colours, shapes, events and groups
do too, and they can be drawn.
"""
_SIGNS = frozenset(string.digits + string.punctuation + string.whitespace)
_CONTRACTION = re.compile(r"(n't|'(s|m|d|ll|re|ve))$")


def why_undrawable(concept: str, senses: Collection[str] = ()) -> str:
    """Why a text-to-image model cannot draw an English concept; empty if nothing speaks against it.

    Args:
        concept: A word or phrase.
        senses: The lexicographer files ("noun.animal") of its senses in WordNet; empty if WordNet
            does not know it or is not at hand, which says nothing.

    Source: docs/method.md, decision 23.
    """
    words = [word.replace("’", "'") for word in concept.casefold().split()]
    if set(concept) <= _SIGNS:
        return "a number or sign"
    if len(concept) == 1 and concept in string.ascii_letters:
        return "a single letter"
    if all(_is_function_word(word) for word in words):
        return "a function word" if len(words) == 1 else "only function words"
    if senses and ABSTRACT_SENSES.issuperset(senses):
        return f"abstract in every sense ({', '.join(sorted(set(senses)))} in WordNet)"
    return ""


def _is_function_word(word: str) -> bool:
    return bool({word, _CONTRACTION.sub("", word)} & FUNCTION_WORDS)
