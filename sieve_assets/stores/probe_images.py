"""The user's own images: what a folder holds, and one image by its uri.

Not here: the images that the project makes, and what bytes look like; nothing is written.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from PIL import Image

from sieve_assets.stores.content_files import sha256_of
from sieve_assets.stores.decoding import decoded, reason, upright_size

MOST_UNREADABLE_PCT = 1
"""Of a folder's images: with more, something went wrong with the folder and not with some files."""

_SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
_MOST_NAMED = 5


class FolderListing(NamedTuple):
    """The images of a folder."""

    images: pd.DataFrame
    """image_id (path within the folder), uri (absolute path), label (name of the folder the image
    is in), sha256 (of the file), width_px, height_px (as `open_image` gives it); by image_id."""
    problems: pd.DataFrame
    """image_id, reason: the images that are left out because they cannot be read."""


def list_folder(path: Path) -> FolderListing:
    """All images below a folder, each decoded once to be sure that it can be.

    Images that cannot be read are left out and named, up to 1 % of them. Hidden files and folders,
    and files without an image's suffix, are ignored; links are followed. Files with the same
    content are as many images.

    Raises:
        FileNotFoundError: There is no such folder.
        NotADirectoryError: The path is not a folder.
        ValueError: The folder has no images, none that can be read, or more than 1 % that cannot.
    """
    _check_folder(path)
    folder = path.absolute()
    paths = {found.relative_to(folder).as_posix(): found for found in _image_paths(folder)}
    ids = sorted(paths)
    with ThreadPoolExecutor() as pool:  # reading, hashing and decoding run beside each other
        findings = list(pool.map(_examined, (paths[image_id] for image_id in ids)))
    images, problems = [], []
    for image_id, finding in zip(ids, findings, strict=True):
        if isinstance(finding, str):
            problems.append((image_id.encode(errors="backslashreplace").decode(), finding))
        else:
            images.append((image_id, str(paths[image_id]), paths[image_id].parent.name, *finding))
    _check_some(folder, images, problems)
    columns = ["image_id", "uri", "label", "sha256", "width_px", "height_px"]
    return FolderListing(
        images=pd.DataFrame(images, columns=columns),
        problems=pd.DataFrame(problems, columns=["image_id", "reason"]),
    )


def open_image(uri: str, *, sha256: str = "") -> Image.Image:
    """An image as people see it: RGB, turned as its EXIF orientation says, on white.

    Args:
        uri: Where the image is.
        sha256: What the file's SHA-256 must be, so that nothing is computed from an image that has
            changed since it was listed; not compared if empty.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file cannot be read as an image, or has another content.
    """
    try:
        content = Path(uri).read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"open_image: expected an image at {uri}, got no file. "
            "Put it back, or materialize probe_images again."
        ) from error
    if sha256 and sha256_of(content) != sha256:
        raise ValueError(
            f"open_image: expected the image at {uri} as it was listed, got another content. "
            "Put it back, or materialize probe_images again."
        )
    try:
        return decoded(content)
    except Exception as error:
        raise ValueError(
            f"open_image: expected an image at {uri}, got {reason(error)}. "
            "Repair it, or remove it and materialize probe_images again."
        ) from error


def _check_folder(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(
            f"list_folder: expected a folder at {path}, got nothing. Check the path."
        )
    if not path.is_dir():
        raise NotADirectoryError(
            f"list_folder: expected a folder at {path}, got a file. Name the folder it is in."
        )


def _image_paths(folder: Path, above: tuple[tuple[int, int], ...] = ()) -> Iterator[Path]:
    """Candidates below a folder; `above` is the way to it, so that no link goes in circles."""
    status = folder.stat()
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    with os.scandir(folder) as entries:  # which knows kinds without asking for each
        for entry in entries:
            path = Path(entry.path)
            if entry.name.startswith("."):
                continue
            found = path if entry.is_symlink() else entry  # a Path bears links to themselves
            if found.is_dir():
                yield from _image_paths(path, (*above, identity))
            elif path.suffix.lower() in _SUFFIXES and (found.is_file() or not path.exists()):
                yield path  # also a link that leads nowhere, so that it is reported


def _examined(path: Path) -> tuple[str, int, int] | str:
    """SHA-256, width and height of an image, or the reason why it cannot be used."""
    try:
        str(path).encode()
        content = path.read_bytes()
        return sha256_of(content), *upright_size(content)
    except Exception as error:  # noqa: BLE001 (decoders raise anything on corrupt bytes)
        return reason(error)


def _check_some(folder: Path, images: list[tuple], problems: list[tuple]) -> None:
    if not images and not problems:
        raise ValueError(
            f"list_folder: expected images below {folder}, got no file with a suffix of "
            f"{sorted(_SUFFIXES)}. Check the path."
        )
    if not images:
        raise ValueError(
            f"list_folder: expected readable images below {folder}, got {len(problems)} that are "
            f"not, e.g. {problems[0][0]!r}: {problems[0][1]}. Check how they were copied."
        )
    if 100 * len(problems) > MOST_UNREADABLE_PCT * (len(images) + len(problems)):
        named = "; ".join(f"{name!r}: {why}" for name, why in problems[:_MOST_NAMED])
        more = f"; and {len(problems) - _MOST_NAMED} more" if len(problems) > _MOST_NAMED else ""
        raise ValueError(
            f"list_folder: expected at most {MOST_UNREADABLE_PCT} % of the "
            f"{len(images) + len(problems)} images below {folder} to be unreadable, got "
            f"{len(problems)} ({named}{more}). Repair these files or take them out of the folder."
        )


def image_names(path: Path) -> set[str]:
    """The paths within a folder of what `list_folder` would look at; of no folder, none."""
    if not path.is_dir():
        return set()
    folder = path.absolute()
    return {found.relative_to(folder).as_posix() for found in _image_paths(folder)}


def folder_state(path: Path) -> str:
    """A hash that changes whenever a folder's images may have, by what the system says of them.

    Nothing is read: names, sizes, times and inodes of what `list_folder` would look at. Copying a
    folder changes it too, though not what `list_folder` finds. Of no folder, it is empty.
    """
    if not path.is_dir():
        return ""
    folder = path.absolute()
    seen = {found.relative_to(folder).as_posix(): _status(found) for found in _image_paths(folder)}
    text = "\n".join(f"{name!r} {status}" for name, status in sorted(seen.items()))
    return sha256_of(text.encode())


def _status(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except FileNotFoundError:  # a link that leads nowhere
        return ()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
