"""Where a study's results are, and questions that are asked of them without writing anything.

Not here: which questions (`results`).
"""

import difflib
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from sieve_assets.stores.addresses import (
    FILE_NAME,
    STORE,
    WAREHOUSE,
    WAREHOUSE_FILES,
    store_at,
    warehouse_at,
)
from sieve_assets.stores.images import ImageStore
from sieve_assets.stores.warehouse import Warehouse
from sieve_assets.study_file import load_study, study_path
from sieve_assets.study_probes import TerrariumProbe

PATIENCE_S = 60.0
"""How long a question waits while a run writes (s)."""
_STORED = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}\.png")
_RENDERED = "/store/probes/"
_NEURONS = """
SELECT DISTINCT neuron FROM (
    SELECT model, neuron FROM neuron_activations UNION SELECT model, neuron FROM neuron_ratios
) WHERE model = $model ORDER BY neuron
"""


@dataclass(frozen=True)
class StoredStudy:
    """The results of a study, finished or still running. Nothing stays open after a question.

    Attributes:
        folder: Folder of the results.
        study_file: The study file, if they were found by it.
        warehouse_address: Of their tables, if they are not in the folder.
        warehouse_files: Of a DuckLake's rows.
        store_address: Of pictures, if they are not in the folder.
    """

    folder: Path
    study_file: Path | None
    warehouse_address: str = ""
    warehouse_files: str = ""
    store_address: str = ""

    @property
    def warehouse(self) -> Warehouse:
        """The tables, which are there.

        Raises:
            FileNotFoundError: They are not. To ask a missing warehouse would make it.
        """
        tables = warehouse_at(self.warehouse_address, self.warehouse_files, self.folder, PATIENCE_S)
        if not tables.at.exists():
            raise FileNotFoundError(
                f"open_results: expected results at {tables.at}, got no warehouse. Run `sieve run` "
                f"first, or name the study file, or the folder that {FILE_NAME} is in."
            )
        return tables

    def read(
        self, sql: str, params: Sequence[Any] | Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """The result of a query, as `Warehouse.read` gives it."""
        return self.warehouse.read(sql, params)

    def known(self, rows: pd.DataFrame, target: str | None) -> pd.DataFrame:
        """The rows found for a target, or for all if it is None.

        Raises:
            LookupError: There are none, and no such target.
        """
        if rows.empty and target is not None:
            self._neurons(target)
        return rows

    def require_neuron(self, target: str, neuron: int) -> None:
        """Refuse what was never looked at.

        Raises:
            LookupError: There is no such target, or no such neuron in it.
        """
        neurons = self._neurons(target)
        if neuron not in neurons:
            last = neurons[-1] if neurons else "none yet"
            raise LookupError(
                f"results: expected a neuron of {target} that was observed, got {neuron}. They are "
                f"numbered from 0 to {last}."
            )

    def image(self, uri: str) -> Image.Image:
        """A stored picture, or a probe image, by its uri.

        Raises:
            FileNotFoundError: It is not there any more.
            LookupError: It is no image of the study.
            ValueError: It cannot be read, or only a study file could say how.
        """
        if _STORED.fullmatch(uri):
            store = store_at(self.store_address, self.folder / "store")
            return ImageStore(store / "images").open(uri)
        return self._probe_image(uri)

    def _probe_image(self, uri: str) -> Image.Image:
        from sieve_assets.image_sets.folders import Folder  # noqa: PLC0415 (sets load much)
        from sieve_assets.image_sets.listing import open_image  # noqa: PLC0415 (as above)
        from sieve_assets.image_sets.opening import image_set_of  # noqa: PLC0415 (as above)

        found = self.read("SELECT DISTINCT probe FROM probe_images WHERE uri = ?", [uri])["probe"]
        if found.empty:
            raise LookupError(
                f"image: expected the uri of a picture or probe image, got {uri!r}. "
                "Take one from a frame's column of uris."
            )
        if Path(uri).is_absolute():
            return open_image(Folder(self.folder), self._where_now(uri))
        name, file = found.iloc[0], self.study_file
        probe = load_study(file).probes.get(name) if file else None
        if probe is None or isinstance(probe, TerrariumProbe):
            raise ValueError(
                f"image: expected a file, or a study file with the probe set {name!r}, got {uri!r} "
                f"and {file}. Name the study file in open_results: it says how to read the image."
            )
        return open_image(image_set_of(probe), uri)

    def _where_now(self, uri: str) -> str:
        """The file of a rendered probe image lies among the results, wherever they moved."""
        here = self.folder.joinpath("store", "probes", uri.partition(_RENDERED)[2])
        return str(here) if _RENDERED in uri and here.is_file() else uri

    def _neurons(self, target: str) -> list[int]:
        neurons = self.read(_NEURONS, {"model": target})["neuron"].tolist()
        targets = self.read("SELECT DISTINCT model FROM probe_passes ORDER BY model")["model"]
        if not neurons and target not in set(targets):
            raise LookupError(
                f"results: expected a target that was looked at, got {target!r}. "
                f"There are: {_told(targets)}."
            )
        return neurons


def find_study(path: Path | str | None) -> StoredStudy:
    """The results of a study file, of a folder of results or, if None, of $SIEVE_STUDY.

    Raises:
        FileNotFoundError: There are none.
    """
    chosen = Path(path) if path is not None else study_path()
    if chosen.is_dir():
        folder = chosen.absolute()
        study = StoredStudy(folder, None)
    else:
        data = os.environ.get("SIEVE_DATA")
        folder = (Path(data) if data else chosen.parent / "data").absolute()
        addresses = [os.environ.get(name, "") for name in (WAREHOUSE, WAREHOUSE_FILES, STORE)]
        study = StoredStudy(folder, chosen, *addresses)
    study.read("SELECT 1")  # refuses tables of another version at once
    return study


def not_drawn(concept: str, drawn: Collection[str]) -> LookupError:
    """The error for a concept without pictures; what was drawn may be much."""
    near = difflib.get_close_matches(concept, drawn)
    remedy = f"Did you mean {', '.join(near)}?" if near else "`names` has what was tried."
    return LookupError(
        f"pictures: expected one of {len(drawn)} drawn concepts, got {concept!r}. {remedy}"
    )


def _told(names: Iterable[str]) -> str:
    return ", ".join(names) or "none yet"
