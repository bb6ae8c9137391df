"""Work in batches that fit into memory: a batch that does not is halved and tried again."""

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class Batches:
    """Batches of at most so many inputs; fewer, for good, once memory did not suffice.

    Attributes:
        size: Inputs in a batch.
    """

    def __init__(self, size: int, *, where: str, remedy: str) -> None:
        """Begin with batches of `size`.

        Args:
            size: Inputs in a batch, at least 1.
            where: Opens messages, for example "target places".
            remedy: What helps if a single input is too much.
        """
        self.size = size
        self._where = where
        self._remedy = remedy

    def over(self, count: int, work: Callable[[slice], _Result]) -> Iterator[tuple[slice, _Result]]:
        """What `work` gives for each batch of `count` inputs, with the batch's place among them.

        Args:
            count: Inputs.
            work: Takes a batch's place. It is called again, with less, if memory ran out: it must
                not keep anything of a call that failed.

        Raises:
            MemoryError: A single input is too much.
        """
        start = 0
        while start < count:
            batch = slice(start, min(start + self.size, count))
            done = self._tried(work, batch)
            if done is None:
                self._halve(batch.stop - start)
                continue
            yield batch, done[0]
            start = batch.stop

    def _tried(self, work: Callable[[slice], _Result], batch: slice) -> tuple[_Result] | None:
        """The result, or None if memory ran out: not the error, which would hold that memory."""
        try:
            return (work(batch),)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if batch.stop - batch.start == 1:
                raise MemoryError(self._exhausted(error)) from error
        return None

    def _halve(self, tried: int) -> None:
        gc.collect()
        clear_device_cache()
        self.size = tried // 2
        _log.warning("%s: memory for %d at once ran out; now %d", self._where, tried, self.size)

    def _exhausted(self, error: Exception) -> str:
        return (
            f"{self._where}: expected memory for one at a time, got {_first_line(error)} "
            f"{self._remedy}"
        )


@contextmanager
def loading(where: str, remedy: str) -> Iterator[None]:
    """Say what helps if weights do not fit into memory.

    Raises:
        MemoryError: They do not.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise MemoryError(
            f"{where}: expected memory for its weights, got {_first_line(error)} {remedy}"
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it says that a device's memory, or the machine's, did not suffice."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and should_reduce_batch_size(RuntimeError(str(error)))


def _first_line(error: Any) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
