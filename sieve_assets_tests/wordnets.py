"""A tiny WordNet in the format of the real one's dict folder (wndb, senseidx and lexnames, 5WN)."""

from typing import NamedTuple

LEXNAMES = {
    "adj.all": 3, "adj.pert": 3, "adv.all": 4, "noun.Tops": 1, "noun.act": 1, "noun.animal": 1,
    "noun.artifact": 1, "noun.attribute": 1, "noun.body": 1, "noun.cognition": 1,
    "noun.communication": 1, "noun.event": 1, "noun.feeling": 1, "noun.food": 1, "noun.group": 1,
    "noun.location": 1, "noun.motive": 1, "noun.object": 1, "noun.person": 1,
    "noun.phenomenon": 1, "noun.plant": 1, "noun.possession": 1, "noun.process": 1,
    "noun.quantity": 1, "noun.relation": 1, "noun.shape": 1, "noun.state": 1,
    "noun.substance": 1, "noun.time": 1, "verb.body": 2, "verb.change": 2, "verb.cognition": 2,
}  # fmt: skip
"""The real file's beginning, in its order: names of lexicographer files, parts of speech."""
LICENSE = "  1 This software and database is like WordNet 3.0 Copyright 2006 by Princeton.  \n"
ENDINGS = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}


class Synset(NamedTuple):
    """Words of one meaning."""

    words: str
    lexname: str
    above: int | None = None
    """Place of its hypernym among the nouns."""
    is_instance: bool = False


SYNSETS = {
    "n": [
        Synset("entity", "noun.Tops"),
        Synset("artifact artefact", "noun.artifact", above=0),
        Synset("idea", "noun.cognition", above=0),
        Synset("zebra_crossing crosswalk", "noun.artifact", above=1),
        Synset("Abbey_Road artifact", "noun.location", above=3, is_instance=True),
    ],
    "v": [Synset("know idea", "verb.cognition"), Synset("red", "verb.change")],
    "a": [Synset("red", "adj.all")],
    "r": [Synset("quickly", "adv.all")],
}
NOUNS = ["entity", "artifact", "artefact", "idea", "zebra crossing", "crosswalk", "Abbey Road"]
"""What the nouns are called, in the order of their file."""


def write_wordnet(folder):
    """Write its files into `folder`, which is what NLTK's paths are to name."""
    root = folder / "corpora" / "wordnet"
    root.mkdir(parents=True)
    names = list(LEXNAMES)
    lines = [f"{number:02d}\t{name}\t{LEXNAMES[name]}\n" for number, name in enumerate(names)]
    (root / "lexnames").write_text("".join(lines))
    senses = []
    for pos, ending in ENDINGS.items():
        offsets = _offsets(pos)
        data = [_line(pos, place, offsets) for place in range(len(SYNSETS[pos]))]
        (root / f"data.{ending}").write_text(LICENSE + "".join(data))
        entries = {}
        for one, offset in zip(SYNSETS[pos], offsets, strict=True):
            for word in one.words.casefold().split():
                entries.setdefault(word, []).append(f"{offset:08d}")
                kind = names.index(one.lexname)
                number = LEXNAMES[one.lexname]
                senses.append(f"{word}%{number}:{kind:02d}:00:: {offset:08d} 1 0\n")
        index = [
            f"{word} {pos} {len(at)} 0 {len(at)} 0 {' '.join(at)}  \n"
            for word, at in sorted(entries.items())
        ]
        (root / f"index.{ending}").write_text(LICENSE + "".join(index))
        (root / f"{ending}.exc").write_text("")
    (root / "index.sense").write_text("".join(sorted(senses)))
    (root / "cntlist.rev").write_text("")


def _offsets(pos):
    """Bytes before each synset's line; a line's length does not depend on them."""
    found = [len(LICENSE)]
    for place in range(len(SYNSETS[pos]) - 1):
        found.append(found[-1] + len(_line(pos, place, [0] * len(SYNSETS[pos]))))
    return found


def _line(pos, place, offsets):
    one = SYNSETS[pos][place]
    below = [
        ("~i" if other.is_instance else "~", at)
        for other, at in zip(SYNSETS[pos], offsets, strict=True)
        if other.above == place
    ]
    above = [] if one.above is None else [("@i" if one.is_instance else "@", offsets[one.above])]
    pointers = [f"{symbol} {at:08d} {pos} 0000" for symbol, at in above + below]
    words = [f"{word} 0" for word in one.words.split()]
    frames = ["01 + 08 00"] * (pos == "v")
    parts = [
        f"{offsets[place]:08d} {list(LEXNAMES).index(one.lexname):02d} {pos} {len(words):02x}",
        *words,
        f"{len(pointers):03d}",
        *pointers,
        *frames,
        "| made up  \n",
    ]
    return " ".join(parts)
