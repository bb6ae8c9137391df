"""Arrays larger than memory that are needed for as long as a run computes: on disk, and then gone.

Not here: anything that another run could use.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np


@contextmanager
def scratch_array(
    folder: Path, shape: tuple[int, ...], dtype: type[np.generic], *, what: str
) -> Iterator[np.ndarray[Any, Any]]:
    """An array of zeros in a nameless file, which goes away with the process at the latest.

    Args:
        folder: Of the disk that the file is to be on.
        shape: Of the array; one without elements takes no file.
        dtype: Of the array.
        what: What it is to hold, for a message.

    Raises:
        OSError: The disk has less space than the array needs: a write to it would end the process
            without a message.
    """
    n_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if n_bytes == 0:
        yield np.zeros(shape, dtype)
        return
    free = shutil.disk_usage(folder).free
    if n_bytes > free:
        raise OSError(
            f"scratch_array: expected {n_bytes / 1e9:.1f} GB for {what} in {folder}, got "
            f"{free / 1e9:.1f} GB free. Free some space, or put the results on a larger disk."
        )
    with tempfile.TemporaryFile(dir=folder) as file:
        yield np.memmap(file, dtype=dtype, mode="w+", shape=shape)
