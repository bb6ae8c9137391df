"""Work done by threads some items ahead of whoever takes the results."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Threads(NamedTuple):
    """Who does the work."""

    count: int | None
    """None: as many as the standard library finds good."""
    together: int
    """Items that one does in one go: several, if each takes a fraction of a millisecond, for to
    hand one over takes a tenth of a millisecond."""


ANY = Threads(None, 1)
NEAR = Threads(os.cpu_count(), 8)
"""For what keeps a processor busy, such as to decode images of this machine."""
FAR = Threads(32, 1)
"""For what is mostly waited for, such as images at an address."""


def done_ahead(
    work: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    n_ahead: int,
    threads: Threads = ANY,
) -> Iterator[_Result]:
    """Results in the order of the items, at most `n_ahead` of them waiting to be taken.

    `Executor.map` takes all items at once: a stream of images would fill the memory.

    Args:
        work: Done in threads.
        items: Taken in the caller's thread.
        n_ahead: At least 1; a thread's items count together.
        threads: Who does it.

    Raises:
        Exception: What `work` raises, when the results that it was done together with would be
            taken; nothing more is begun then.
    """
    groups = batched(items, threads.together)
    waiting: deque[Future[list[_Result]]] = deque()
    pool = ThreadPoolExecutor(threads.count, thread_name_prefix="sieve-ahead")

    def each(group: list[_Item]) -> list[_Result]:
        return [work(item) for item in group]

    try:
        first = islice(groups, max(n_ahead // threads.together, 1))
        waiting.extend(pool.submit(each, group) for group in first)
        while waiting:
            results = waiting.popleft().result()
            waiting.extend(pool.submit(each, group) for group in islice(groups, 1))
            yield from results
    finally:
        pool.shutdown(cancel_futures=True)


def batched(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Items as they come, `size` at a time; the last have what is left. Python 3.12 brings it.

    Args:
        items: Taken when they are needed.
        size: At least 1.
    """
    coming = iter(items)
    while some := list(islice(coming, size)):
        yield some
