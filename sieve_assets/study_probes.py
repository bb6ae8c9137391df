"""What the study file says of a probe set: where the images are that neurons are observed on."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, ValidationInfo, field_validator

from sieve_assets.study_problems import refusal
from sieve_assets.study_values import (
    Count,
    FolderOrHubName,
    Seed,
    Settings,
    existing_folder,
    in_study_folder,
)


def _folder_or_address(value: Any, info: ValidationInfo) -> Any:
    """A string with "://" is an address; any other is a folder on this machine."""
    if isinstance(value, str) and "://" not in value:
        return existing_folder(Path(value), info)
    return value


def _inside_study_folder(value: str, info: ValidationInfo) -> str:
    return value if "://" in value else str(in_study_folder(Path(value), info))


FolderOrAddress = Annotated[Path | str, BeforeValidator(_folder_or_address)]


class TerrariumProbe(Settings):
    """A probe set rendered by the embedded world."""

    kind: Literal["terrarium"]
    """Says that the embedded world renders the pictures."""
    n_images: Count = 12_000
    """Scenes: enough for an object in 0.4 % of them to be in about 50."""
    seed: Seed = 0
    """Of the renderer."""
    style: Literal["plain", "outlined", "sepia"] = "plain"
    """How scenes are drawn: as the models know them; in flat colours with outlines; or in brown,
    where words for colours mean nothing. explainers.md."""


class FolderProbe(Settings):
    """A probe set in a folder: every image below it, labelled by the folder it lies in."""

    kind: Literal["folder"]
    """Says that the pictures lie in a folder."""
    path: FolderOrAddress
    """The folder, relative to the study file, or an address of fsspec: "s3://bucket/photos"."""
    storage_options: dict[str, JsonValue] = Field(default_factory=dict)
    """Of an address's file system, such as {anon = true}; secrets belong in the environment."""


class WebDatasetProbe(Settings):
    """A probe set in WebDataset's tar files, uncompressed; labels are their "cls" files."""

    kind: Literal["webdataset"]
    """Says that the pictures lie in tar files."""
    shards: str | list[str]
    """Paths relative to the study file or addresses, with {000..127}, * or ?."""
    storage_options: dict[str, JsonValue] = Field(default_factory=dict)
    """Of an address's file system, as a folder's."""

    @field_validator("shards")
    @classmethod
    def _paths_are_absolute(cls, shards: str | list[str], info: ValidationInfo) -> list[str]:
        given = [shards] if isinstance(shards, str) else shards
        if not given:
            raise refusal("at least one tar file", 'For example "photos-{000..012}.tar".')
        return [_inside_study_folder(one, info) for one in given]

    @property
    def patterns(self) -> list[str]:
        """The shards, as a list."""
        return [self.shards] if isinstance(self.shards, str) else self.shards


class TorchvisionProbe(Settings):
    """A probe set of torchvision."""

    kind: Literal["torchvision"]
    """Says that torchvision knows where the pictures lie."""
    dataset: str
    """Its class in torchvision.datasets, such as "EuroSAT"."""
    root: Path
    """Folder that it is in, relative to the study file."""
    args: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments of the class, such as {split = "val"} or {train = false}."""
    download: bool = False
    """Whether torchvision may fetch it if it is not there."""

    @field_validator("root")
    @classmethod
    def _root_is_absolute(cls, root: Path, info: ValidationInfo) -> Path:
        return in_study_folder(root, info)


class DatasetsProbe(Settings):
    """A probe set of Hugging Face datasets."""

    kind: Literal["datasets"]
    """Says that the package datasets reads the pictures."""
    dataset: FolderOrHubName
    """Folder or name on the hub."""
    split: str
    """Such as "validation"."""
    config: str | None = None
    """Of a dataset that has several."""
    revision: str | None = None
    """Branch, tag or commit on the hub; its main branch as first loaded if absent."""
    image_column: str | None = None
    """The first column of images if absent."""
    label_column: str | None = None
    """The first column of classes if absent."""
    streaming: bool = False
    """Whether rows are read from Parquet files where they are, without a copy in the cache."""


ImageProbe = FolderProbe | WebDatasetProbe | TorchvisionProbe | DatasetsProbe
"""A probe set of images that others keep."""
Probe = Annotated[TerrariumProbe | ImageProbe, Field(discriminator="kind")]
