"""What every set of images offers, wherever it lies: its images' names, and each one's bytes."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from sieve_assets.image_sets.ahead import Threads

SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
"""What the name of a file with an image ends in, in any case."""


class Item(NamedTuple):
    """An image of a set, not read yet."""

    image_id: str
    """Its name, once in the set."""
    uri: str
    """Where it is: what `ImageSet.read` takes."""
    label: str
    """Of its class, as the set says; empty if it says nothing."""


class ImageSet(Protocol):
    """Images somewhere. Several threads may read at once."""

    @property
    def where(self) -> str:
        """What the set is, for a message."""
        ...

    @property
    def readers(self) -> Threads:
        """Who reads it best."""
        ...

    def items(self) -> Iterable[Item]:
        """Everything that looks like an image, whether it can be decoded or not.

        Raises:
            FileNotFoundError: The set is not there.
            NotADirectoryError: It should be a folder, and is none.
            LookupError: A package that reads it is not installed, or a name in it is not known.
            ValueError: It is not of its format.
        """
        ...

    def read(self, uri: str) -> bytes:
        """An image as an encoded file, such as a JPEG.

        Raises:
            FileNotFoundError: It is not there any more.
        """
        ...

    def state(self) -> str:
        """A text that changes whenever the images may have, without reading them.

        Of a set that is not there, it is empty.
        """
        ...


def is_image_name(name: str) -> bool:
    """Whether a file of this name is taken for an image."""
    stem, dot, suffix = name.rpartition(".")
    return bool(stem and dot) and f".{suffix.lower()}" in SUFFIXES
