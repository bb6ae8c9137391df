"""Hugging Face datasets: rows by their number, from a local or downloaded copy or a stream.

datasets keeps its own copy of what it downloads or converts, in its cache. A stream keeps none: its
Parquet files are read where they are, a group of rows at a time, so that any row can be reached.
"""

import functools
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sieve_assets.image_sets.addresses import place_of
from sieve_assets.image_sets.ahead import NEAR, Threads
from sieve_assets.image_sets.folders import state_of_files
from sieve_assets.image_sets.image_set import Item
from sieve_assets.study_problems import nearest

if TYPE_CHECKING:
    import pyarrow.parquet

GROUPS_KEPT = 4
"""Groups of rows of a stream that stay in memory: often 100 rows each, of some tens of MB."""

_URI = re.compile(r"(?P<file>.*)#row=(?P<number>\d+)", re.DOTALL)


class Columns(NamedTuple):
    """Which columns of a dataset hold what."""

    image: str
    """Of images."""
    label: str | None
    """Of classes or other labels, if there is one."""


@dataclass(frozen=True)
class HuggingFaceSet:
    """A split of a dataset.

    Attributes:
        dataset: Folder, or name on the hub.
        split: Such as "validation"; of one that is no stream, "validation[:1000]" too.
        config: Of a dataset that has several.
        revision: Branch, tag or commit on the hub.
        image: Column of images; the first if absent.
        label: Column of labels; the first of classes if absent.
        streaming: Whether rows are read from where they are.
    """

    dataset: Path | str
    split: str
    config: str | None = None
    revision: str | None = None
    image: str | None = None
    label: str | None = None
    streaming: bool = False
    _reading: Any = field(default_factory=threading.Lock, compare=False)

    @property
    def where(self) -> str:
        """The dataset and its split."""
        return f"the dataset {self.dataset}, split {self.split}"

    @property
    def readers(self) -> Threads:
        """Who reads it best."""
        return NEAR

    def items(self) -> Iterator[Item]:
        """Every row, by its number; labels by their names.

        Raises:
            LookupError: datasets is not installed, or there is no such dataset, split or column.
            ValueError: A stream's files are not Parquet.
        """
        found = self._streamed if self.streaming else self._copied
        numbers = range(len(found.uris))
        digits = len(str(len(numbers)))
        for number, uri, label in zip(numbers, found.uris, found.labels(), strict=True):
            yield Item(f"{number:0{digits}d}", uri, label)

    def read(self, uri: str) -> bytes:
        """The image's encoded bytes."""
        found = _URI.fullmatch(uri)
        if found is None:
            raise ValueError(f"read: expected <file>#row=<number>, got {uri}. List the set again.")
        rows = self._streamed if self.streaming else self._copied
        with self._reading:
            value = rows.image(found["file"], int(found["number"]))
        if value["bytes"] is not None:
            return value["bytes"]
        place = place_of(value["path"], {})
        return bytes(place.system.cat_file(place.path))

    def state(self) -> str:
        """Of a folder, a hash of its files' names, sizes and times; of a name, what is asked for.

        The hub is not asked: name a revision, and change it, to have a newer dataset.
        """
        asked = f"{self.dataset} {self.config} {self.split} {self.revision}"
        if not isinstance(self.dataset, Path):
            return asked
        files = (path for path in self.dataset.rglob("*") if path.is_file())
        return f"{asked} {state_of_files(files, below=self.dataset)}"

    @functools.cached_property
    def _copied(self) -> "_Copied":
        datasets = _imported()
        with _told(self.where):
            if isinstance(self.dataset, Path) and (self.dataset / "state.json").is_file():
                data = datasets.load_from_disk(str(self.dataset))
            elif isinstance(self.dataset, Path) and (self.dataset / "dataset_dict.json").is_file():
                splits = datasets.load_from_disk(str(self.dataset))
                data = splits[self._one_of(splits)]
            else:
                data = datasets.load_dataset(
                    str(self.dataset), self.config, split=self.split, revision=self.revision
                )
        columns = self._columns(data.features)
        undecoded = data.cast_column(columns.image, datasets.Image(decode=False))
        return _Copied(undecoded, columns)

    @functools.cached_property
    def _streamed(self) -> "_Streamed":
        datasets = _imported()
        with _told(self.where):
            builder = datasets.load_dataset_builder(
                str(self.dataset), self.config, revision=self.revision
            )
        by_split = {str(split): files for split, files in (builder.config.data_files or {}).items()}
        files = [str(file) for file in by_split[self._one_of(by_split)]]
        other = [file for file in files if not file.endswith(".parquet")]
        if other:
            raise ValueError(
                f"datasets: expected Parquet files to stream {self.dataset} from, got {other[0]}. "
                'Leave streaming away; tar files can be read in place by kind = "webdataset".'
            )
        parts = [_Part.at(file) for file in files]
        features = builder.info.features or datasets.Features.from_arrow_schema(parts[0].schema)
        return _Streamed(parts, self._columns(features), features)

    def _one_of(self, splits: Any) -> str:
        if self.split not in splits:
            raise LookupError(
                f"datasets: expected a split of {self.dataset}, got {self.split!r}. "
                f"{nearest(self.split, [str(one) for one in splits], 'There are')}"
            )
        return self.split

    def _columns(self, features: Any) -> Columns:
        datasets = _imported()
        images = [name for name, kind in features.items() if isinstance(kind, datasets.Image)]
        classes = [name for name, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
        image = self.image or (images[0] if images else "")
        if image not in images:
            raise LookupError(
                f"datasets: expected a column of images in {self.dataset}, got "
                f"{self.image or 'none'}. Of images are: {images}; others: {list(features)}."
            )
        if self.label and self.label not in features:
            raise LookupError(
                f"datasets: expected a column of labels in {self.dataset}, got {self.label!r}. "
                f"{nearest(self.label, list(features), 'There are')}"
            )
        return Columns(image, self.label or (classes[0] if classes else None))


class _Copied:
    """Rows that datasets has on this machine."""

    def __init__(self, data: Any, columns: Columns) -> None:
        self._data = data
        self._columns = columns
        self.uris = [f"#row={number}" for number in range(len(data))]

    def labels(self) -> Sequence[str]:
        label = self._columns.label
        if label is None:
            return [""] * len(self.uris)
        return [_label_text(self._data.features[label], value) for value in self._data[label]]

    def image(self, _file: str, number: int) -> dict[str, Any]:
        return self._data[number][self._columns.image]


class _Part(NamedTuple):
    """A Parquet file, opened for its description only."""

    address: str
    file: "pyarrow.parquet.ParquetFile"

    @classmethod
    def at(cls, address: str) -> "_Part":
        import pyarrow.parquet  # noqa: PLC0415 (only here)

        system, path = place_of(address, {})
        return cls(address, pyarrow.parquet.ParquetFile(path, filesystem=system))

    @property
    def schema(self) -> Any:
        return self.file.schema_arrow


class _Streamed:
    """Rows in Parquet files, read a group at a time."""

    def __init__(self, parts: Sequence[_Part], columns: Columns, features: Any) -> None:
        self._parts = {part.address: part.file for part in parts}
        self._columns = columns
        self._features = features
        self.uris = [
            f"{part.address}#row={number}"
            for part in parts
            for number in range(part.file.metadata.num_rows)
        ]
        self._group = functools.lru_cache(maxsize=GROUPS_KEPT)(self._read_group)

    def labels(self) -> Iterator[str]:
        label = self._columns.label
        for file in self._parts.values():
            if label is None:
                yield from [""] * file.metadata.num_rows
            else:
                values = file.read(columns=[label])[label].to_pylist()
                yield from (_label_text(self._features[label], value) for value in values)

    def image(self, address: str, number: int) -> dict[str, Any]:
        metadata = self._parts[address].metadata
        group = 0
        while number >= metadata.row_group(group).num_rows:
            number -= metadata.row_group(group).num_rows
            group += 1
        return self._group(address, group)[number].as_py()

    def _read_group(self, address: str, group: int) -> Any:
        image = self._columns.image
        return self._parts[address].read_row_group(group, columns=[image])[image]


def _label_text(kind: Any, value: Any) -> str:
    if value is None:
        return ""
    if hasattr(kind, "int2str"):
        return kind.int2str(value) if value >= 0 else ""  # test sets say -1
    return str(value)


def _imported() -> Any:
    try:
        import datasets  # noqa: PLC0415 (not everyone has it)
    except ImportError as error:
        raise LookupError(
            "datasets: expected the package datasets, got nothing of that name. Install it: "
            "pip install sieve_assets[datasets]."
        ) from error
    return datasets


@contextmanager
def _told(where: str) -> Iterator[None]:
    """What datasets raises, as one error that says where it looked."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise LookupError(
            f"datasets: expected {where}, got: {error}. Correct the name, the split or the config; "
            "a name on the hub needs the network once, and its licence accepted by a token."
        ) from error
