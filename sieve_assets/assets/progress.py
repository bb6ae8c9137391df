"""How far a stage is: a bar in the terminal; rate and remaining time in the run's log."""

import logging
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

EVERY_S = 15.0
"""Between two lines of the log (s)."""

_Item = TypeVar("_Item")


def tracked(
    items: Sequence[_Item],
    name: str,
    log: logging.Logger,
    *,
    unit: str,
    size: int,
) -> Iterator[Sequence[_Item]]:
    """Go through items in batches, with a bar in the terminal and now and then a line in the log.

    Args:
        items: What is gone through.
        name: What is being done.
        log: The run's.
        unit: What an item is.
        size: Items in a batch.
    """
    told = time.monotonic()
    with tqdm(desc=name, total=len(items), unit=unit, disable=not items) as bar:
        for batch in (items[at : at + size] for at in range(0, len(items), size)):
            yield batch
            bar.update(len(batch))
            if time.monotonic() - told > EVERY_S:
                told = time.monotonic()
                log.info("%s", bar.format_meter(**{**bar.format_dict, "ncols": 0}))
