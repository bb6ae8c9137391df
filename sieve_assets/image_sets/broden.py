"""Broden: images with concepts drawn into them, in the format of Network Dissection's release.

Bau et al., CVPR 2017, Sec. 2.1. A folder with index.csv (an image a row, its labels by category),
label.csv, category.csv, and images/ with the images and their label images. A label image has the
number of each pixel's label as red + 256 green; other labels hold for the whole image, and are
numbers in index.csv. Label 0 is none.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from sieve_assets.image_sets.ahead import NEAR, Threads, done_ahead
from sieve_assets.image_sets.folders import Folder, state_of_files
from sieve_assets.image_sets.image_set import Item
from sieve_assets.method.explainers.concept_masks import ConceptMasks, labelled_concepts
from sieve_assets.stores.concept_lists import broden_rows
from sieve_assets.stores.decoding import decoded, reason

_CATEGORY = re.compile(r"([^;()]+)\((\d+)\)")
"""As label.csv names a label's categories, with images of each: "material(36);object(3)"."""
_N_AHEAD = 64
_NO_LABEL = 0
_NO_CONCEPT, _UNKNOWN = -1, -2


class BrodenConcept(NamedTuple):
    """A label. Several may have one name, such as a scene and an object."""

    number: int
    """In label images."""
    name: str
    """As one says it."""
    category: int
    """Position in `Broden.categories`; of several the one with most images, of equals the first."""


class BrodenImage(NamedTuple):
    """An image and what is in it."""

    image_id: str
    uri: str
    """Its file."""
    shown: ConceptMasks
    """By position in `Broden.concepts`, at the size of the label images."""


@dataclass(frozen=True)
class Broden:
    """The images of a release, as a set of images, and with their concepts.

    Attributes:
        path: The folder with index.csv.
    """

    path: Path

    @property
    def where(self) -> str:
        """The folder."""
        return f"Broden's folder {self.path.absolute()}"

    @property
    def readers(self) -> Threads:
        """Who reads it best."""
        return NEAR

    def items(self) -> Iterator[Item]:
        """Every image of index.csv; none has a class.

        Raises:
            FileNotFoundError: There is no index.csv.
            ValueError: It lacks a column.
        """
        for row in _rows(self.path / "index.csv", ["image"]):
            yield Item(row["image"], str(self._file(row["image"])), "")

    def read(self, uri: str) -> bytes:
        """The image's file."""
        return Path(uri).read_bytes()

    def state(self) -> str:
        """A hash of names, sizes, times and inodes of tables, images and label images."""
        tables = [self.path / f"{name}.csv" for name in ("category", "index", "label")]
        if not all(table.is_file() for table in tables):
            return ""
        return state_of_files(tables, below=self.path) + Folder(self.path / "images").state()

    def categories(self) -> list[str]:
        """Kinds of concepts, in the order of category.csv.

        Raises:
            FileNotFoundError: There is no category.csv.
            ValueError: It lacks a column.
        """
        return [row["name"] for row in _rows(self.path / "category.csv", ["name"])]

    def concepts(self) -> list[BrodenConcept]:
        """The labels, in the order of label.csv.

        Network Dissection takes of several categories the one with most area, from further tables.

        Raises:
            FileNotFoundError: A table is missing.
            ValueError: A table lacks a column or has no label, a number is none or comes twice, or
                a category is not in category.csv.
        """
        path, categories = self.path / "label.csv", self.categories()
        rows = broden_rows(_text(path))
        if not rows:
            raise ValueError(f"broden: expected labels in {path}, got none. Unpack it again.")
        _require_columns(path, ["number", "category"], list(rows[0]))
        rows = [row for row in rows if _number(path, row, "number") != _NO_LABEL]
        numbers = [int(row["number"]) for row in rows]
        if len(set(numbers)) < len(numbers):
            twice = next(number for number in numbers if numbers.count(number) > 1)
            raise ValueError(
                f"broden: expected each number once in {path}, got {twice} twice. "
                "Use the table as it was released."
            )
        return [
            BrodenConcept(number, row["name"], _category(path, row, categories))
            for number, row in zip(numbers, rows, strict=True)
        ]

    def images(self) -> Iterator[BrodenImage]:
        """Every image with its concepts, in the order of index.csv; read ahead by threads.

        Raises:
            FileNotFoundError: A table or label image is missing.
            ValueError: As `concepts`; a label image cannot be read or has another size than
                index.csv says; a label is not in label.csv.
        """
        index, categories = self.path / "index.csv", self.categories()
        rows = _rows(index, ["image", "sh", "sw", *categories])
        positions = _positions([concept.number for concept in self.concepts()])
        read = partial(self._image, categories=categories, positions=positions)
        return done_ahead(read, rows, n_ahead=_N_AHEAD, threads=NEAR)

    def _image(
        self, row: dict[str, str], *, categories: list[str], positions: Int[np.ndarray, " number"]
    ) -> BrodenImage:
        index = self.path / "index.csv"
        size = _number(index, row, "sh"), _number(index, row, "sw")
        layers = [
            _concepts_of(self._layer(label, row["image"], size), positions, category, row["image"])
            for category in categories
            for label in row[category].split(";")
            if label
        ]
        shown = labelled_concepts(np.array(layers, np.int64).reshape(len(layers), *size))
        return BrodenImage(row["image"], str(self._file(row["image"])), shown)

    def _layer(
        self, label: str, image_id: str, size: tuple[int, int]
    ) -> Int[np.ndarray, "row column"]:
        """Each pixel's label number: of a label image, or one for all."""
        if label.isdecimal():
            return np.full(size, int(label))
        numbers = _label_image(self._file(label), image_id)
        if numbers.shape != size:
            raise ValueError(
                f"broden: expected {size[0]} rows and {size[1]} columns (sh, sw) in {label!r} of "
                f"{image_id!r}, got {numbers.shape[0]} and {numbers.shape[1]}. Correct index.csv."
            )
        return numbers

    def _file(self, name: str) -> Path:
        return self.path.absolute() / "images" / name


def _positions(numbers: list[int]) -> Int[np.ndarray, " number"]:
    """The position of the concept with each number; the last entry stands for all larger ones."""
    positions = np.full(max(numbers, default=_NO_LABEL) + 2, _UNKNOWN)
    positions[_NO_LABEL] = _NO_CONCEPT
    positions[numbers] = range(len(numbers))
    return positions


def _concepts_of(
    numbers: Int[np.ndarray, "row column"],
    positions: Int[np.ndarray, " number"],
    category: str,
    image_id: str,
) -> Int[np.ndarray, "row column"]:
    concepts = positions[np.minimum(numbers, len(positions) - 1)]
    is_unknown = concepts == _UNKNOWN
    if is_unknown.any():
        raise ValueError(
            f"broden: expected numbers of label.csv in the {category} labels of {image_id!r}, got "
            f"{numbers[is_unknown][0]}. Use the label.csv of the same release."
        )
    return concepts


def _label_image(file: Path, image_id: str) -> Int[np.ndarray, "row column"]:
    if not file.is_file():
        raise FileNotFoundError(
            f"broden: expected a label image of {image_id!r} at {file}, got nothing. "
            "Unpack the release again."
        )
    try:
        pixels = np.asarray(decoded(file.read_bytes())).astype(np.int64)
    except Exception as error:
        raise ValueError(
            f"broden: expected a label image of {image_id!r} at {file}, got {reason(error)}. "
            "Unpack the release again."
        ) from error
    return pixels[:, :, 0] + 256 * pixels[:, :, 1]


def _category(path: Path, row: dict[str, str], categories: list[str]) -> int:
    """The category with most images; of equals the first in category.csv."""
    n_images = {name: int(count) for name, count in _CATEGORY.findall(row["category"])}
    known = [name for name in categories if name in n_images]
    if not known:
        raise ValueError(
            f"broden: expected one of {categories} as category of label {row['number']} in {path}, "
            f"got {row['category']!r}. Use the category.csv of the same release."
        )
    return categories.index(max(known, key=lambda name: n_images[name]))


def _number(path: Path, row: dict[str, str], column: str) -> int:
    if not row[column].isdecimal():
        raise ValueError(
            f"broden: expected a number as {column} in {path}, got {row[column]!r}. Correct it."
        )
    return int(row[column])


def _rows(path: Path, columns: list[str]) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(_text(path)), restval="")
    _require_columns(path, columns, list(rows.fieldnames or ()))
    return list(rows)


def _require_columns(path: Path, columns: list[str], present: list[str]) -> None:
    for column in columns:
        if column not in present:
            raise ValueError(
                f"broden: expected a column {column} in {path}, got {present}. "
                "Use the table as it was released."
            )


def _text(path: Path) -> str:
    if not path.is_file():
        raise FileNotFoundError(
            f"broden: expected {path.name} in {path.parent}, got nothing. Name the folder that the "
            "release was unpacked to."
        )
    return path.read_text(encoding="utf-8-sig")
