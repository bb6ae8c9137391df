"""Hashes of files and folders by their content, read again only when they may have changed."""

import hashlib
from functools import lru_cache
from pathlib import Path


def content_hash(path: Path) -> str:
    """SHA-256, in hex, of a file's bytes, or of all files of a folder with their relative names.

    Times and the folder's own place do not count; nor do hidden files, which tools leave behind,
    nor Markdown, which says what a model is and does not change what it does. A file is read again
    only when its size, times or inode say that it may have changed.

    Raises:
        LookupError: There is nothing at `path`.
        ValueError: The folder holds no files.
    """
    if path.is_file():
        return _file_hash(path)
    if not path.is_dir():
        raise LookupError(
            f"content_hash: expected a file or a folder, got {path}, where there is nothing. "
            "Check the path in the study file."
        )
    names = {file.relative_to(path): file for file in path.rglob("*") if file.is_file()}
    visible = {
        name.as_posix(): file
        for name, file in names.items()
        if not any(part.startswith(".") for part in name.parts) and name.suffix != ".md"
    }
    if not visible:
        raise ValueError(
            f"content_hash: expected a folder with files, got {path}, which is empty. "
            "Check the path in the study file."
        )
    digest = hashlib.sha256()
    for name, file in sorted(visible.items()):
        digest.update(f"{name}\0{_file_hash(file)}\n".encode())
    return digest.hexdigest()


def _file_hash(path: Path) -> str:
    seen = path.stat()
    return _hash_as_of(path, (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino))


@lru_cache(maxsize=4096)
def _hash_as_of(path: Path, _seen: tuple[int, ...]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
