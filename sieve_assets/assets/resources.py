"""What every stage works with: the study, its stores and its models, loaded once a process.

Not here: what is studied and how (the study file). Heavy libraries load on first use.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field, PrivateAttr

from sieve_assets.stores.arrays import ArrayStore
from sieve_assets.stores.images import ImageStore
from sieve_assets.stores.warehouse import Warehouse
from sieve_assets.study import Study
from sieve_assets.study_file import load_study, study_path

if TYPE_CHECKING:
    from sieve_assets.models.generator import Generator
    from sieve_assets.models.target import Target
    from sieve_assets.models.vision_language import VisionLanguage


class Workbench(dg.ConfigurableResource):
    """Where results go and what computes them."""

    study_file: str = Field(default="", description="The study file; $SIEVE_STUDY or ./sieve.toml.")
    data: str = Field(
        default="", description="Folder of the results; $SIEVE_DATA or data/ beside the study file."
    )
    device: str = Field(
        default_factory=lambda: os.environ.get("SIEVE_DEVICE", "cpu"),
        description="torch's name of the device that runs the models.",
    )
    batch_size: int = Field(
        default_factory=lambda: int(os.environ.get("SIEVE_BATCH_SIZE", "64")),
        description="Pictures in one forward pass; results do not depend on it.",
    )
    patience_s: float = Field(
        default=60.0, description="How long to wait while another process writes the warehouse (s)."
    )

    _targets: dict[str, "Target"] = PrivateAttr(default_factory=dict)

    @cached_property
    def study(self) -> Study:
        """The study, as the study file says it."""
        return load_study(self._study_file)

    @property
    def _study_file(self) -> Path:
        return Path(self.study_file) if self.study_file else study_path()

    @property
    def folder(self) -> Path:
        """Folder of the results."""
        chosen = self.data or os.environ.get("SIEVE_DATA")
        return (Path(chosen) if chosen else self._study_file.parent / "data").absolute()

    @property
    def warehouse(self) -> Warehouse:
        """The tables."""
        return Warehouse(self.folder / "sieve.duckdb", self.patience_s)

    @property
    def images(self) -> ImageStore:
        """Patches and generated pictures."""
        return ImageStore(self.folder / "store" / "images")

    @property
    def arrays(self) -> ArrayStore:
        """Activations and maps of the probe passes."""
        return ArrayStore(self.folder / "store" / "arrays")

    def target(self, model: str) -> "Target":
        """The target called `model`, loaded.

        Raises:
            LookupError: The network, its weights or its layer does not exist.
            ValueError: Weights, width or layer do not fit the network.
        """
        if model not in self._targets:
            from sieve_assets.models.target import load_target  # noqa: PLC0415 (torch is slow)

            self._targets[model] = load_target(
                model, self.study.targets[model], device=self.device, batch_size=self.batch_size
            )
        return self._targets[model]

    @cached_property
    def vision_language(self) -> "VisionLanguage":
        """The vision-language model, loaded."""
        from sieve_assets.models.vision_language import load_vision_language  # noqa: PLC0415

        return load_vision_language(
            self.study.vision_language, device=self.device, batch_size=self.batch_size
        )

    @cached_property
    def generator(self) -> "Generator":
        """The text-to-image model, loaded."""
        from sieve_assets.models.generator import load_generator  # noqa: PLC0415

        return load_generator(self.study.generator, device=self.device, batch_size=self.batch_size)
