"""Work on many scenes by one process a core."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, cast

import joblib

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

N_WORKERS = -1
"""Processes; -1 is one a core."""


def in_parts(
    work: Callable[[Sequence[_Item]], _Result], items: Sequence[_Item], *, size: int
) -> Iterator[_Result]:
    """What `work` gives for each part of the items, in their order; one part alone is done here.

    Args:
        work: Sent to other processes: a function of a module, or a `functools.partial` of one.
        items: Sent with it.
        size: Items in a part; the last has what is left.

    Raises:
        Exception: What `work` raises.
    """
    starts = range(0, len(items), size)
    results = joblib.Parallel(n_jobs=N_WORKERS if len(starts) > 1 else 1, return_as="generator")(
        joblib.delayed(work)(items[start : start + size]) for start in starts
    )
    return cast("Iterator[_Result]", results)
