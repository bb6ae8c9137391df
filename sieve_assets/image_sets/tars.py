"""WebDataset's shards: images read from where they lie in uncompressed tar files.

Source: the format of github.com/webdataset/webdataset: files of one sample share a name up to its
first dot; "jpg" and the like are images, "cls" is the class.
"""

import functools
import json
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from braceexpand import braceexpand
from fsspec.implementations.local import LocalFileSystem

from sieve_assets.image_sets.addresses import Place, place_of, state_of
from sieve_assets.image_sets.ahead import FAR, NEAR, Threads
from sieve_assets.image_sets.image_set import SUFFIXES, Item

_URI = re.compile(r"(?P<shard>.*)#bytes=(?P<start>\d+)-(?P<end>\d+)", re.DOTALL)
_CLASS = "cls"
_NOTE = "json"


@dataclass
class Shards:
    """The images of tar files.

    Attributes:
        patterns: Addresses or paths, with {000..012}, * and ?.
        options: Of the file system.
    """

    patterns: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    _known: tuple[str, list[Item]] = ("", [])

    @property
    def where(self) -> str:
        """The tar files."""
        return f"the shards {', '.join(self.patterns)}"

    @property
    def readers(self) -> Threads:
        """Who reads it best."""
        is_near = all(isinstance(one.system, LocalFileSystem) for one in self._places.values())
        return NEAR if is_near else FAR

    @functools.cached_property
    def _places(self) -> dict[str, Place]:
        """Where each pattern is, braces expanded."""
        expanded = [one for pattern in self.patterns for one in braceexpand(pattern)]
        return {one: place_of(one, self.options) for one in expanded}

    def _paths(self) -> Iterator[tuple[Place, list[str]]]:
        for place in self._places.values():
            place.system.invalidate_cache()
            has_wildcard = any(letter in place.path for letter in "*?[")
            yield place, sorted(place.system.glob(place.path)) if has_wildcard else [place.path]

    def items(self) -> list[Item]:
        """Every image in the shards: the shard's name and its own within are its name.

        The label is its sample's file "cls", or "label" in its "json".

        Raises:
            FileNotFoundError: A shard is not there.
            LookupError: The package that reads such addresses is not installed.
            ValueError: A shard is compressed, or no tar file.
        """
        state = self.state()
        if not state or state != self._known[0]:
            found = [
                item
                for place, paths in self._paths()
                for path in paths
                for item in _items_of(place, path)
            ]
            self._known = (state, found)
        return self._known[1]

    def read(self, uri: str) -> bytes:
        """The image's bytes of its shard."""
        found = _URI.fullmatch(uri)
        if found is None:
            raise ValueError(f"read: expected <shard>#bytes=<start>-<end>, got {uri}.")
        system, shard = place_of(found["shard"], self.options)
        return bytes(system.cat_file(shard, int(found["start"]), int(found["end"])))

    def state(self) -> str:
        """A hash of the shards' names, sizes, and times or sums."""
        try:
            infos = [
                (place, {path: place.system.info(path) for path in paths})
                for place, paths in self._paths()
            ]
        except FileNotFoundError:
            return ""
        return "".join(state_of(place, of_place) for place, of_place in infos if of_place)


def _items_of(place: Place, path: str) -> Iterator[Item]:
    system, address = place.system, place.system.unstrip_protocol(path)
    address = address.removeprefix("file://")
    labels: dict[str, str] = {}
    images: list[tuple[str, tarfile.TarInfo]] = []
    try:
        with system.open(path, "rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for member in tar:
                folder, _, name = member.name.rpartition("/")
                key, _, kind = name.partition(".")
                sample = f"{folder}/{key}"
                if not member.isfile() or name.startswith("."):
                    continue
                if f".{kind.lower()}" in SUFFIXES:
                    images.append((sample, member))
                elif kind in {_CLASS, _NOTE}:
                    inside = tar.extractfile(member)
                    said = _label(kind, inside.read() if inside else b"", f"{name} in {path}")
                    labels.setdefault(sample, said)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"list_images: expected a shard at {address}, got nothing. Check the names of shards."
        ) from error
    except tarfile.TarError as error:
        raise ValueError(
            f"list_images: expected an uncompressed tar file at {address}, got one that cannot be "
            f"read ({error}). Decompress it: images are read from where they lie in it."
        ) from error
    shard = path.rpartition("/")[2]
    for sample, member in images:
        end = member.offset_data + member.size
        uri = f"{address}#bytes={member.offset_data}-{end}"
        yield Item(f"{shard}/{member.name}", uri, labels.get(sample, ""))


def _label(kind: str, content: bytes, where: str) -> str:
    try:
        text = content.decode()
        if kind == _CLASS:
            return text.strip()
        note = json.loads(text)
        return str(note.get("label", "")) if isinstance(note, dict) else ""
    except ValueError as error:
        raise ValueError(
            f"list_images: expected {'text' if kind == _CLASS else 'JSON'} in {where}, got "
            f"{error}. Repair or remove it."
        ) from error
