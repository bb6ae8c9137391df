"""Work done by threads some items ahead of whoever takes the results."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def done_ahead(
    work: Callable[[_Item], _Result], items: Iterable[_Item], *, n_ahead: int
) -> Iterator[_Result]:
    """Results in the order of the items, at most `n_ahead` of them waiting to be taken.

    `Executor.map` takes all items at once: a stream of images would fill the memory.

    Args:
        work: Done in threads, of which there are as many as the standard library finds good.
        items: Taken one by one in the caller's thread.
        n_ahead: At least 1.

    Raises:
        Exception: What `work` raises, when its result is taken; nothing more is begun then.
    """
    waiting: deque[Future[_Result]] = deque()
    coming = iter(items)
    pool = ThreadPoolExecutor(thread_name_prefix="sieve-ahead")
    try:
        waiting.extend(pool.submit(work, item) for item in islice(coming, n_ahead))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(work, item) for item in islice(coming, 1))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)
