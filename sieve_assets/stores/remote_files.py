"""Files at addresses that fsspec knows, such as s3:// and gs://: whole or not at all.

A storage that is away for a while is waited for. Not here: what the files are called.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential
from upath import UPath

PATIENCE_S = 120.0
"""How long a call waits for a storage that does not answer (s)."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 5.0
_T = TypeVar("_T")


@contextmanager
def reached(address: str) -> Iterator[None]:
    """What file systems raise if they are not reached, each its own, as one error.

    Raises:
        ConnectionError: Of anything but a file that is not there.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ConnectionError(
            f"fsspec: expected to reach {address}, got {type(error).__name__}: {error}. Check the "
            "network, the address, and that it may be read with the credentials there are."
        ) from error


def read(path: UPath) -> bytes:
    """A file's content. Errors: as `patiently`."""
    return patiently(path, path.read_bytes)


def size_of(path: UPath) -> int | None:
    """Bytes of a file; None if there is none. Errors: as `patiently`."""

    def ask() -> int | None:
        path.fs.invalidate_cache()  # others write, too
        return path.fs.size(path.path)

    try:
        return patiently(path, ask)
    except FileNotFoundError:
        return None


def files_below(path: UPath) -> list[str]:
    """Paths of all files below a folder, from it on; none if there is no folder.

    Errors: as `patiently`.
    """

    def ask() -> list[str]:
        path.fs.invalidate_cache()  # others write, too
        return list(path.fs.find(path.path))

    try:
        found = patiently(path, ask)
    except FileNotFoundError:
        return []
    return [one.rsplit(path.path.strip("/"), 1)[1].lstrip("/") for one in found]


def write(path: UPath, content: bytes) -> None:
    """Write a file; object storage shows none of it before all is there.

    Raises:
        FileNotFoundError: There is no such bucket.
        ConnectionError: As `patiently`.
    """
    try:
        patiently(path, lambda: path.fs.pipe_file(path.path, content))
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path}: expected a bucket that is there, got none ({error}). Make it."
        ) from error


def remove(path: UPath) -> None:
    """Delete a file that may not be there. Errors: as `patiently`."""

    def act() -> None:
        path.fs.invalidate_cache()
        if path.fs.exists(path.path):
            path.fs.rm_file(path.path)

    patiently(path, act)


def patiently(path: UPath, act: Callable[[], _T]) -> _T:
    """Act, and again while the storage does not answer.

    Raises:
        FileNotFoundError: There is no such file.
        ConnectionError: It did not answer in time, or refused.
    """
    retrying = Retrying(
        retry=retry_if_exception(_is_passing),
        wait=wait_random_exponential(multiplier=_FIRST_WAIT_S, max=_LONGEST_WAIT_S),
        stop=stop_after_delay(PATIENCE_S),
        reraise=True,
    )

    def once() -> _T:
        with reached(str(path)):
            return act()

    return retrying(once)


def _is_passing(error: BaseException) -> bool:
    """Whether waiting may help: not with what is not there, or not allowed."""
    return isinstance(error, ConnectionError) and not isinstance(error.__cause__, PermissionError)
