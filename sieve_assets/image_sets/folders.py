"""Images in a folder of this machine, labelled by the folder each is in."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sieve_assets.image_sets.ahead import NEAR, Threads
from sieve_assets.image_sets.image_set import Item, is_image_name
from sieve_assets.stores.content_files import sha256_of


@dataclass(frozen=True)
class Folder:
    """All images below a folder. Hidden files and folders are ignored; links are followed.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def where(self) -> str:
        """The folder."""
        return f"the folder {self.path.absolute()}"

    @property
    def readers(self) -> Threads:
        """Who reads it best."""
        return NEAR

    def items(self) -> Iterator[Item]:
        """Every file with an image's suffix: its path within the folder is its name.

        Raises:
            FileNotFoundError: There is no such folder.
            NotADirectoryError: The path is not a folder.
        """
        if not self.path.exists():
            raise FileNotFoundError(
                f"list_images: expected a folder at {self.path}, got nothing. Check the path."
            )
        if not self.path.is_dir():
            raise NotADirectoryError(
                f"list_images: expected a folder at {self.path}, got a file. "
                "Name the folder it is in."
            )
        folder = self.path.absolute()
        return (
            Item(found.relative_to(folder).as_posix(), str(found), found.parent.name)
            for found in map(Path, _image_paths(str(folder)))
        )

    def read(self, uri: str) -> bytes:
        """The image's file."""
        return Path(uri).read_bytes()

    def state(self) -> str:
        """A hash of names, sizes, times and inodes, as the system tells them.

        Copying a folder changes it too, though not what is found in it.
        """
        if not self.path.is_dir():
            return ""
        folder = self.path.absolute()
        return state_of_files(_image_paths(str(folder)), below=folder)


def state_of_files(paths: Iterable[Path | str], *, below: Path) -> str:
    """A hash of names, sizes, times and inodes of files below a folder.

    Every stage asks for it: texts are cut, and not paths, which takes a third of the time.
    """
    root = f"{below}{os.sep}"
    seen = sorted(
        (os.fspath(path).removeprefix(root).replace(os.sep, "/"), _status(path)) for path in paths
    )
    return sha256_of("\n".join(f"{name!r} {status}" for name, status in seen).encode())


def _image_paths(folder: str, above: tuple[tuple[int, int], ...] = ()) -> Iterator[str]:
    """Candidates below a folder; `above` is the way to it, so that no link goes in circles."""
    status = Path(folder).stat()
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    with os.scandir(folder) as entries:  # which knows kinds without asking for each
        for entry in entries:
            if entry.name.startswith("."):
                continue
            # A Path bears links to themselves.
            found = Path(entry.path) if entry.is_symlink() else entry
            if found.is_dir():
                yield from _image_paths(entry.path, (*above, identity))
            elif is_image_name(entry.name) and (found.is_file() or not Path(entry.path).exists()):
                yield entry.path  # also a link that leads nowhere, so that it is reported


def _status(path: Path | str) -> tuple[int, ...]:
    try:
        status = os.stat(path)  # noqa: PTH116 (a Path takes longer)
    except FileNotFoundError:  # a link that leads nowhere
        return ()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
