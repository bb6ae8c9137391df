"""Arrays too large for a table, as safetensors files named by their content.

Not here: anything users query; that is in the warehouse's tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import safetensors
import safetensors.numpy

from sieve_assets.stores.content_files import Place, damaged, is_whole, put_content, read_content

_SUFFIX = ".safetensors"
_NUMBERS = "biufc"  # NumPy's letters for booleans, integers and floating-point numbers


@dataclass(frozen=True)
class ArrayStore:
    """Named groups of arrays below a folder, each group once.

    Attributes:
        root: The folder, made on first use, or its address. It may be moved: uris are relative to
            it.
    """

    root: Place

    def put(self, arrays: Mapping[str, np.ndarray]) -> str:
        """Store arrays together.

        The same names and values give the same file, whatever their order and memory layout.

        Returns:
            Where they are, relative to the root.

        Raises:
            TypeError: A value is not an array of numbers or booleans.
            OSError: They could not be written; then there is no file of that name.
        """
        for name, array in arrays.items():
            if not isinstance(array, np.ndarray) or array.dtype.kind not in _NUMBERS:
                kind = getattr(array, "dtype", type(array).__name__)
                raise TypeError(
                    f"ArrayStore.put: expected arrays of numbers or booleans, got {kind} for "
                    f"{name!r}. Convert it with numpy.asarray."
                )
        # safetensors writes memory as it lies: a transposed array would come back scrambled.
        in_order = {name: np.asarray(arrays[name], order="C") for name in sorted(arrays)}
        return put_content(self.root, safetensors.numpy.save(in_order), _SUFFIX)

    def open(self, uri: str, *, verify: bool = False) -> dict[str, np.ndarray]:
        """Stored arrays, in memory.

        Args:
            uri: What `put` returned.
            verify: Whether to compare the file with the hash in its name. Without, only
                truncation and a damaged header are found.

        Raises:
            ValueError: The uri is not one of an array store, or the file is damaged.
            FileNotFoundError: There is no such file.
        """
        content = read_content(self.root, uri, _SUFFIX, verify=verify)
        try:
            return safetensors.numpy.load(content)
        except safetensors.SafetensorError as error:
            finding = f"{len(content)} bytes that safetensors cannot read ({error})"
            raise damaged(self.root / uri, finding) from error

    def is_whole(self, uri: str) -> bool:
        """Whether the stored arrays are there, as put."""
        return is_whole(self.root, uri, _SUFFIX)
