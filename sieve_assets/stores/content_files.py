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


def put_content(root: Path, content: bytes, suffix: str) -> str:
    """Store bytes once, however often they are put; a damaged file is written anew.

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
    if not (path.is_file() and path.read_bytes() == content):
        write_atomically(path, content)
    return uri


def read_content(root: Path, uri: str, suffix: str, *, verify: bool) -> bytes:
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
    parts = re.fullmatch(rf"([0-9a-f]{{2}})/(\1[0-9a-f]{{62}}){re.escape(suffix)}", uri)
    if parts is None:
        raise ValueError(
            f"{root}: expected a uri like 'ab/<sha256>{suffix}', got {uri!r}. "
            "Pass what this store's put returned."
        )
    path = root / uri
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path}: expected a stored file, got none. "
            "Check the store's folder, or run `sieve mend` and materialize what made it again."
        ) from error
    if verify and sha256_of(content) != parts[2]:
        raise damaged(path, f"{len(content)} bytes with SHA-256 {sha256_of(content)}")
    return content


def is_whole(root: Path, uri: str, suffix: str) -> bool:
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


def damaged(path: Path, finding: str) -> ValueError:
    """The error for a stored file that is not what was put."""
    return ValueError(
        f"{path}: expected the content it is named after, got {finding}. "
        "Run `sieve mend`, then materialize the stage that made it again."
    )


def sha256_of(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def write_atomically(path: Path, content: bytes, *, is_lasting: bool = True) -> None:
    """Write a file whose name never stands for less than all of it, even if the writer is killed.

    Args:
        path: The file; its folder is made if need be.
        content: All of it.
        is_lasting: Whether that also holds after a power cut, which takes a wait for the disk.

    Raises:
        OSError: It could not be written; a file that was there before is as it was.
    """
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
