"""Work in a process of its own, so that no measurement inherits another's memory or caches."""

import multiprocessing
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

_STATUS = Path("/proc/self/status")
_KIB = 1024


class Run(NamedTuple):
    """What a process did."""

    result: Any
    """What the function returned."""
    peak_bytes: int
    """Most memory that the process ever held, all that it imported included."""


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Run:
    """Call a module's function in a new interpreter.

    Args:
        function: Of a module's top level.
        *arguments: What pickle can carry.

    Raises:
        Exception: Whatever the function raises.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as pool:
        return pool.submit(_called, function, arguments).result()


def _called(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Run:
    return Run(function(*arguments), peak_bytes())


def peak_bytes() -> int:
    """Most memory that this process ever held.

    Linux hands `ru_maxrss` down from the process that starts another, so its own word is asked.
    """
    if _STATUS.exists():
        lines = _STATUS.read_text(encoding="utf-8").splitlines()
        return _KIB * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else _KIB * most
