"""Files named by the SHA-256 of their content, written whole or not at all.

Not here: what is in them.
"""

import contextlib
import hashlib
import os
import re
import uuid
from collections.abc import Collection
from pathlib import Path
from typing import TypeAlias

from upath import UPath

from sieve_assets.stores import remote_files

Place: TypeAlias = Path | UPath
"""A path on this machine, or at an address."""

_URI = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})(\.[a-z]+)")


def put_content(root: Place, content: bytes, suffix: str) -> str:
    """Store bytes once, however often they are put; a damaged file is written anew.

    At an address only a file of another size is taken for damaged: to read it would take as long.

    Args:
        root: The store's folder, made if need be.
        content: What to store.
        suffix: Kind of file, with its dot.

    Returns:
        Where it is, relative to the root: `ab/abcd….png`.

    Raises:
        OSError: It could not be written; then there is no file of that name.
    """
    digest = sha256_of(content)
    uri = f"{digest[:2]}/{digest}{suffix}"
    path = root / uri
    if isinstance(path, Path):
        is_there = path.is_file() and path.read_bytes() == content
    else:
        is_there = remote_files.size_of(path) == len(content)
    if not is_there:
        write_atomically(path, content)
    return uri


def read_content(root: Place, uri: str, suffix: str, *, verify: bool) -> bytes:
    """The stored bytes.

    Args:
        root: The store's folder.
        uri: What `put_content` returned.
        suffix: Kind of file, with its dot.
        verify: Whether to compare the content with the hash in its name.

    Raises:
        ValueError: The uri is not one of this store, or the content is not what was put.
        FileNotFoundError: There is no such file.
    """
    parts = _URI.fullmatch(uri)
    if parts is None or parts[3] != suffix:
        raise ValueError(
            f"{root}: expected a uri like 'ab/<sha256>{suffix}', got {uri!r}. "
            "Pass what this store's put returned."
        )
    path = root / uri
    try:
        content = _content(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path}: expected a stored file, got none. "
            "Check the store's folder, or run `sieve mend` and materialize what made it again."
        ) from error
    if verify and sha256_of(content) != parts[2]:
        raise damaged(path, f"{len(content)} bytes with SHA-256 {sha256_of(content)}")
    return content


def is_whole(root: Place, uri: str, suffix: str) -> bool:
    """Whether a stored file is there and is what was put.

    Raises:
        OSError: It is there and cannot be read.
    """
    try:
        read_content(root, uri, suffix, verify=True)
    except (ValueError, FileNotFoundError):
        return False
    return True


def has_content(path: Path, known: Collection[str]) -> bool:
    """Whether a file is there and its content has one of these SHA-256.

    Raises:
        OSError: It is there and cannot be read.
    """
    return path.is_file() and sha256_of(path.read_bytes()) in known


def uris_in(root: Place) -> set[str]:
    """Of all files of a store, as `put_content` returned them; none if there is no such folder.

    Raises:
        OSError: They cannot be listed.
    """
    if isinstance(root, Path):
        found = [one.relative_to(root).as_posix() for one in root.glob("??/*")]
    else:
        found = remote_files.files_below(root)
    return {one for one in found if _URI.fullmatch(one)}


def size_of(path: Place) -> int:
    """Bytes of a file; 0 if there is none."""
    if isinstance(path, Path):
        return path.stat().st_size if path.is_file() else 0
    return remote_files.size_of(path) or 0


def remove(path: Place) -> None:
    """Delete a file that may not be there.

    Raises:
        OSError: It cannot be deleted.
    """
    if isinstance(path, Path):
        path.unlink(missing_ok=True)
    else:
        remote_files.remove(path)


def damaged(path: Place, finding: str) -> ValueError:
    """The error for a stored file that is not what was put."""
    return ValueError(
        f"{path}: expected the content it is named after, got {finding}. "
        "Run `sieve mend`, then materialize the stage that made it again."
    )


def sha256_of(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def write_atomically(path: Place, content: bytes, *, is_lasting: bool = True) -> None:
    """Write a file whose name never stands for less than all of it, even if the writer is killed.

    Args:
        path: The file; its folder is made if need be.
        content: All of it.
        is_lasting: Whether that also holds after a power cut, which takes a wait for the disk.

    Raises:
        OSError: It could not be written; a file that was there before is as it was.
    """
    if not isinstance(path, Path):
        remote_files.write(path, content)
        return
    unnamed = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        _make_folder(path.parent)
        with unnamed.open("xb") as file:
            file.write(content)
            if is_lasting:
                file.flush()
                os.fsync(file.fileno())
        unnamed.replace(path)
    except OSError as error:
        reason = f"expected to write {len(content)} bytes, got: {error.strerror}. Make room there"
        raise OSError(error.errno, f"{reason}, or grant access", str(path)) from error
    finally:
        with contextlib.suppress(OSError):  # renamed, never made, or the disk is gone
            unnamed.unlink()
    if is_lasting:
        _sync_names(path.parent)


def write_changed(path: Path, content: bytes) -> bool:
    """Write a file that can be made again, unless it is just that already.

    Whole or not at all, if nobody cuts the power: then make it again.

    Returns:
        Whether it was written.

    Raises:
        OSError: It could not be read or written.
    """
    if path.is_file() and path.read_bytes() == content:
        return False
    write_atomically(path, content, is_lasting=False)
    return True


def _content(path: Place) -> bytes:
    return path.read_bytes() if isinstance(path, Path) else remote_files.read(path)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _sync_names(folder.parent)


def _sync_names(folder: Path) -> None:
    """Make the names in a folder last, where the system lets one: not on all network drives."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
