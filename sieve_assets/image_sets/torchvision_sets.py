"""torchvision's data sets: images of files where those lie, others by their number."""

import functools
import io
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from sieve_assets.image_sets.ahead import NEAR, Threads
from sieve_assets.image_sets.folders import state_of_files
from sieve_assets.image_sets.image_set import Item
from sieve_assets.study_problems import nearest

_NUMBERED = re.compile(r"torchvision:\w+#(?P<number>\d+)")
_FILES = ("samples", "imgs")
"""Where data sets keep (file, class) of each image: ImageNet and EuroSAT, Places365."""


@dataclass(frozen=True)
class TorchvisionSet:
    """A data set of torchvision.

    Attributes:
        name: Its class, such as "EuroSAT".
        root: Folder that it is in, or is downloaded to.
        arguments: Of the class, such as {"split": "val"}.
        download: Whether torchvision may fetch it if it is not there.
    """

    name: str
    root: Path
    arguments: Mapping[str, Any] = field(default_factory=dict)
    download: bool = False
    _reading: Any = field(default_factory=threading.Lock)

    @property
    def where(self) -> str:
        """The data set and its folder."""
        return f"torchvision's {self.name} at {self.root}"

    @property
    def readers(self) -> Threads:
        """Who reads it best."""
        return NEAR

    @functools.cached_property
    def _data(self) -> Any:
        return self._opened(download=self.download)

    def _opened(self, *, download: bool) -> Any:
        import torchvision  # noqa: PLC0415 (seconds to import)

        known = torchvision.datasets.__all__
        if self.name not in known:
            raise LookupError(
                f"torchvision: expected a data set, got {self.name!r}. "
                f"{nearest(self.name, known, 'There are')}"
            )
        of_class = getattr(torchvision.datasets, self.name)
        arguments = {**self.arguments, "download": True} if download else dict(self.arguments)
        try:
            return of_class(self.root, **arguments)
        except TypeError as error:
            raise ValueError(
                f"torchvision: expected arguments that {self.name} takes, got "
                f"{arguments}: {error}. Correct args, or download, in the study file."
            ) from error
        except (RuntimeError, OSError, ValueError) as error:
            raise LookupError(
                f"torchvision: expected {self.name} in {self.root}, got: {error}. Put it there as "
                "torchvision's page on it says, or allow download in the study file."
            ) from error

    def items(self) -> Iterator[Item]:
        """Its images: by their path below `root` where they are files, else by number.

        Raises:
            LookupError: There is no such data set, or it is not in `root`.
            ValueError: It does not take the arguments.
        """
        files = _files(self._data)
        names = getattr(self._data, "classes", None)
        if files is not None:
            for path, number in files:
                name = Path(path).absolute().relative_to(self.root.absolute()).as_posix()
                yield Item(name, str(Path(path).absolute()), _class_name(names, number))
            return
        targets = getattr(self._data, "targets", None)
        digits = len(str(len(self._data)))
        for number in range(len(self._data)):
            label = "" if targets is None else _class_name(names, int(targets[number]))
            yield Item(f"{number:0{digits}d}", f"torchvision:{self.name}#{number}", label)

    def read(self, uri: str) -> bytes:
        """The image's file; of a data set that has none, its pixels as one.

        Raises:
            FileNotFoundError: The file is not there any more.
            TypeError: The data set gives something else than single pictures.
        """
        found = _NUMBERED.fullmatch(uri)
        if found is None:
            return Path(uri).read_bytes()
        with self._reading:
            picture = self._data[int(found["number"])][0]
        if not isinstance(picture, Image.Image):
            raise TypeError(
                f"read: expected pictures from {self.where}, got {type(picture).__name__}. "
                "Choose a data set of single pictures."
            )
        file = io.BytesIO()
        # As it is, so that the same pixels are the same bytes with every version of Pillow.
        picture.convert("L" if picture.mode == "L" else "RGB").save(file, format="PPM")
        return file.getvalue()

    def state(self) -> str:
        """A hash of its files' names, sizes and times: of the images, or of all of `root`."""
        try:
            files = _files(self._opened(download=False))
        except LookupError:
            return ""
        paths = (
            (path for path in self.root.rglob("*") if path.is_file())
            if files is None
            else (Path(path) for path, _ in files)
        )
        return state_of_files((path.absolute() for path in paths), below=self.root.absolute())


def _files(data: Any) -> list[tuple[str, int | None]] | None:
    """(file, class) of each image, if the data set has files."""
    for name in _FILES:
        found = getattr(data, name, None)
        if isinstance(found, list) and found and isinstance(found[0][0], str | Path):
            return found
    return None


def _class_name(names: Any, number: int | None) -> str:
    if number is None:  # Places365's test set has no classes
        return ""
    name = names[number] if names else number
    return str(name[0] if isinstance(name, tuple) else name)  # ImageNet's are tuples of words
