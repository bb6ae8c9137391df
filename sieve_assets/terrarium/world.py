"""What exists in the embedded world: objects, families, backgrounds and the words for them.

Nothing is drawn here (see `renderer`) and nothing is learned (see `train`).
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data" / "terrarium"
BACKGROUNDS = ("sky", "grass", "brick", "water", "sand", "night", "snow", "wood")


@dataclass(frozen=True)
class WorldObject:
    """An emoji of the world.

    Attributes:
        name: Natural name, from Unicode's name of the character.
        codepoint: `U+1F427`.
        family: Word for its kind, such as `animal`.
        is_drawn: Whether the generator and the concept set know it.
        home: Background it nearly always stands on in biased scenes; empty if none.
        position: Row in the sprite sheet and class number of the target networks.
    """

    name: str
    codepoint: str
    family: str
    is_drawn: bool
    home: str
    position: int


@cache
def world_objects() -> tuple[WorldObject, ...]:
    """Return every object, those the generator can draw first."""
    with (DATA / "objects.csv").open(newline="", encoding="utf-8") as file:
        return tuple(
            WorldObject(
                row["name"],
                row["codepoint"],
                row["family"],
                row["is_drawn"] == "1",
                row["home"],
                position,
            )
            for position, row in enumerate(csv.DictReader(file))
        )


@cache
def object_named(name: str) -> WorldObject:
    """Return the object called `name`.

    Raises:
        LookupError: The world has no such object.
    """
    for candidate in world_objects():
        if candidate.name == name:
            return candidate
    raise LookupError(
        f"object_named: expected an object of the world, got {name!r}. Names are in objects.csv."
    )


def drawn_objects() -> tuple[WorldObject, ...]:
    """Return the objects that the generator draws and the concept set names."""
    return tuple(thing for thing in world_objects() if thing.is_drawn)


def families() -> tuple[str, ...]:
    """Return the words for kinds of drawn objects, without `thing`, which is true of everything."""
    return tuple(dict.fromkeys(item.family for item in drawn_objects() if item.family != "thing"))


def everyday_words() -> tuple[str, ...]:
    """Return common English words that name nothing in this world."""
    text = (DATA / "everyday_words.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line)
