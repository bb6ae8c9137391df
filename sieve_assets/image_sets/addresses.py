"""Images and files at addresses that fsspec knows: s3://, gs://, hf://, https:// and others."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import fsspec
from fsspec.core import url_to_fs

from sieve_assets.image_sets.ahead import FAR, Threads
from sieve_assets.image_sets.image_set import Item, is_image_name
from sieve_assets.stores.content_files import sha256_of
from sieve_assets.stores.remote_files import reached

_TOLD = ("size", "ETag", "etag", "mtime", "LastModified", "last_modified", "md5Hash", "created")
"""What file systems say of a file's content, each under names of its own."""


class Place(NamedTuple):
    """A file system and a path in it."""

    system: Any
    """An `fsspec.AbstractFileSystem`; its type says less of what comes back than it does."""
    path: str


def place_of(address: str, options: Mapping[str, Any]) -> Place:
    """The file system of an address, such as "s3://bucket/photos" or a path on this machine.

    Args:
        address: With "#" and what follows it, if a file's name has one.
        options: Of the file system, for example {"anon": True}.

    Raises:
        LookupError: There is no such kind of address, or its package is not installed.
    """
    try:
        return Place(*url_to_fs(address, **options))
    except ImportError as error:
        raise LookupError(
            f"fsspec: expected the package that reads {address}, got none ({error}). Install it: "
            "pip install sieve_assets[addresses]."
        ) from error
    except ValueError as error:
        raise LookupError(
            f"fsspec: expected an address of a kind that it knows, got {address}. They are "
            f"{', '.join(sorted(fsspec.available_protocols()))}."
        ) from error


def state_of(place: Place, infos: Mapping[str, Mapping[str, Any]]) -> str:
    """A hash of what a file system says of some of its files, by their paths."""
    told = sorted(
        (path, [(key, str(info[key])) for key in _TOLD if key in info])
        for path, info in infos.items()
    )
    return sha256_of(repr((place.system.protocol, told)).encode())


@dataclass(frozen=True)
class Address:
    """All images below an address, each labelled by the folder it is in.

    Attributes:
        address: Of a folder, with its kind: "s3://bucket/photos".
        options: Of the file system.
    """

    address: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The address."""
        return self.address

    @property
    def readers(self) -> Threads:
        """Who reads it best."""
        return FAR

    @functools.cached_property
    def _place(self) -> Place:
        return place_of(self.address, self.options)

    def _infos(self) -> dict[str, dict[str, Any]]:
        system, root = self._place
        with reached(self.address):
            system.invalidate_cache()
            found = system.find(root, detail=True)
        below = {path: path.removeprefix(root).lstrip("/") for path in found}
        return {
            path: found[path]
            for path, name in below.items()
            if is_image_name(name) and not any(part.startswith(".") for part in name.split("/"))
        }

    def items(self) -> Iterator[Item]:
        """Every file with an image's suffix; hidden files and folders are ignored.

        Raises:
            FileNotFoundError: There is nothing at the address.
            LookupError: The package that reads such addresses is not installed.
            ConnectionError: It cannot be reached.
        """
        system, root = self._place
        infos = self._infos()
        if not infos and not system.exists(root):
            raise FileNotFoundError(
                f"list_images: expected a folder at {self.address}, got nothing. "
                "Check the address, and who may read it."
            )
        for path in infos:
            folder = path.rpartition("/")[0].rpartition("/")[2]
            name = path.removeprefix(root).lstrip("/")
            yield Item(name, system.unstrip_protocol(path), folder)

    def read(self, uri: str) -> bytes:
        """The image's file."""
        system = self._place.system
        return bytes(system.cat_file(system._strip_protocol(uri)))  # noqa: SLF001 (as url_to_fs does)

    def state(self) -> str:
        """A hash of names, sizes, and times or sums, as the file system tells them."""
        infos = self._infos()
        return state_of(self._place, infos) if infos else ""
