"""Where a study and its results are: files, folders, addresses; the environment's if none is said.

Not here: what is studied and how (the study file).
"""

import os
from functools import cached_property
from pathlib import Path

import dagster as dg
from pydantic import Field

from sieve_assets.stores.addresses import STORE, WAREHOUSE, WAREHOUSE_FILES, store_at, warehouse_at
from sieve_assets.stores.arrays import ArrayStore
from sieve_assets.stores.content_files import Place
from sieve_assets.stores.images import ImageStore
from sieve_assets.stores.mending import Mended, mend
from sieve_assets.stores.warehouse import Warehouse
from sieve_assets.study import Study
from sieve_assets.study_file import load_study, study_path


class Places(dg.ConfigurableResource):
    """The study and its stores."""

    study_file: str = Field(default="", description="The study file; $SIEVE_STUDY or ./sieve.toml.")
    data: str = Field(
        default="", description="Folder of the results; $SIEVE_DATA or data/ beside the study file."
    )
    warehouse_address: str = Field(
        default_factory=lambda: os.environ.get(WAREHOUSE, ""),
        description="The tables: a file, or ducklake:postgres:dbname=… host=… without a password;"
        " sieve.duckdb in the folder of the results if empty.",
    )
    warehouse_files: str = Field(
        default_factory=lambda: os.environ.get(WAREHOUSE_FILES, ""),
        description="Where a DuckLake has its rows: a folder that all machines share, or s3://…",
    )
    store_address: str = Field(
        default_factory=lambda: os.environ.get(STORE, ""),
        description="Pictures and arrays: a folder, s3://… or gs://…; store/ in the folder of the"
        " results if empty.",
    )
    patience_s: float = Field(
        default=60.0, description="How long to wait while another process writes the warehouse (s)."
    )

    @cached_property
    def study(self) -> Study:
        """The study, as the study file says it."""
        return load_study(self.study_path)

    @property
    def study_path(self) -> Path:
        """The study file."""
        return Path(self.study_file) if self.study_file else study_path()

    @property
    def folder(self) -> Path:
        """Folder of the results."""
        chosen = self.data or os.environ.get("SIEVE_DATA")
        return (Path(chosen) if chosen else self.study_path.parent / "data").absolute()

    @property
    def warehouse(self) -> Warehouse:
        """The tables."""
        return warehouse_at(
            self.warehouse_address, self.warehouse_files, self.folder, self.patience_s
        )

    @property
    def images(self) -> ImageStore:
        """Patches and generated pictures."""
        return ImageStore(self._store / "images")

    @property
    def arrays(self) -> ArrayStore:
        """Activations and maps of the probe passes."""
        return ArrayStore(self._store / "arrays")

    @cached_property
    def _store(self) -> Place:
        return store_at(self.store_address, self.folder / "store")

    def mend(self) -> Mended:
        """Find damaged files in the stores and forget what was made of them."""
        folders = {"rendered": self.rendered_probes, "atlas": self.atlas}
        return mend(self.warehouse, self.images, self.arrays, **folders)

    @property
    def rendered_probes(self) -> Path:
        """Folder of the probe sets that the project renders itself."""
        return self.folder / "store" / "probes"

    @property
    def atlas(self) -> Path:
        """Folder of the neuron atlas: a static site."""
        return self.folder / "store" / "atlas"
