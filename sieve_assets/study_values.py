"""Types of single values in a study file: ranges, templates, names, paths that must exist."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from sieve_assets.study_problems import nearest, refusal


class Settings(BaseModel):
    """A table of the study file: frozen, without unknown keys and infinite numbers."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


Count = Annotated[int, Field(strict=True, ge=1)]
Seed = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[float, Field(strict=True, gt=0)]
NotNegative = Annotated[float, Field(strict=True, ge=0)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
"""A part of a whole, both ends allowed."""
OpenShare = Annotated[float, Field(strict=True, gt=0, lt=1)]
"""A part of a whole, neither end allowed."""
Percentile = Annotated[float, Field(strict=True, gt=0, lt=100)]
Silhouette = Annotated[float, Field(strict=True, ge=-1, le=1)]
Precision = Literal["float32", "bfloat16", "float16"]
"""How numbers are rounded: to 24, 8 or 11 binary digits. docs/targets.md says what that changes."""

_OWNER = re.compile(r"team:[A-Za-z0-9_-]+|[^@\s]+@[^@\s]+\.[^@\s]+")
_PARTITION_KEY = re.compile(r"[A-Za-z0-9_-]+")
_NETWORK = re.compile(
    r"timm:[A-Za-z0-9_.-]+|torchvision:[A-Za-z0-9_]+(@[A-Za-z0-9_]+)?"
    r"|transformers:[^:]+|python:[A-Za-z0-9_.]+:[A-Za-z0-9_]+"
)
_NOUN_SYNSET = re.compile(r"[^\s.]\S*\.n\.\d+")
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.@:-]*(/[\w.@:-]+)?")


def _checked_name(value: str) -> str:
    if not _PARTITION_KEY.fullmatch(value):
        raise refusal(
            "a name of letters, digits, '_' and '-'",
            "Names become partition keys, where '|' and ',' mean something else: rename it.",
        )
    return value


def _checked_network(value: str, info: ValidationInfo) -> str:
    """The network; a folder of transformers is made absolute."""
    if not _NETWORK.fullmatch(value):
        raise refusal(
            "timm:<name>, torchvision:<name>, transformers:<name or folder> or "
            "python:<module>:<function>",
            'Write the library before the name, for example "timm:resnet18".',
        )
    library, _, name = value.partition(":")
    if library == "transformers":
        return f"{library}:{_folder_or_hub_name(name, info)}"
    return value


def _checked_template(value: str) -> str:
    rest = value.replace("{}", "", 1)
    if rest == value or "{" in rest or "}" in rest:
        raise refusal(
            "a template with {} exactly once and no other brace",
            'The concept goes where {} stands, for example "a photo of a {}".',
        )
    return value


def _checked_noun_synset(value: str) -> str:
    if not _NOUN_SYNSET.fullmatch(value):
        raise refusal(
            'a noun synset of WordNet, such as "artifact.n.01"',
            'All nouns lie at or below "entity.n.01".',
        )
    return value


def in_study_folder(value: Path, info: ValidationInfo) -> Path:
    """The path, made absolute from the folder of the study file that is being read.

    Settings made in code have no such folder: their paths stay as they are.
    """
    folder = (info.context or {}).get("folder")
    return value if folder is None else Path(os.path.normpath(folder / value.expanduser()))


def missing_path(path: Path, kind: str) -> PydanticCustomError:
    """The refusal of a path that is not there, with the names nearest to it in its folder."""
    present = next(parent for parent in path.parents if parent.is_dir())
    if present != path.parent:
        remedy = f"There is no folder {path.parent}; {present} is the last that exists."
    else:
        remedy = nearest(path.name, [entry.name for entry in present.iterdir()], "In that folder")
    return refusal(f"{kind} at {path}", remedy)


def _existing_file(value: Path, info: ValidationInfo) -> Path:
    path = in_study_folder(value, info)
    if info.context and not path.is_file():
        raise missing_path(path, "a file")
    return path


def existing_folder(value: Path, info: ValidationInfo) -> Path:
    """The path, made absolute; while a study file is read, refused if there is no such folder."""
    path = in_study_folder(value, info)
    if info.context and not path.is_dir():
        raise missing_path(path, "a folder")
    return path


def _folder_or_hub_name(value: Any, info: ValidationInfo) -> Any:
    """A string becomes a path unless it can only be a name on a model hub.

    `data/clip` looks like `organisation/model`: it is read as a path if its first part is a folder.
    """
    if not isinstance(value, str | Path):
        raise refusal("a folder or a model hub's name, in quotes", "Put quotes around it.")
    if isinstance(value, Path) or not info.context:
        return value
    path = in_study_folder(Path(value), info)
    first = in_study_folder(Path(value.split("/")[0]), info)
    if path.is_dir() or not _HUB_NAME.fullmatch(value) or ("/" in value and first.is_dir()):
        return existing_folder(Path(value), info)
    return value


def _checked_owner(value: str) -> str:
    if not _OWNER.fullmatch(value):
        raise refusal(
            "an e-mail address or team:<name>", 'For example "ada@example.org" or "team:vision".'
        )
    return value


Name = Annotated[str, AfterValidator(_checked_name)]
Owner = Annotated[str, AfterValidator(_checked_owner)]
Network = Annotated[str, AfterValidator(_checked_network)]
NounSynset = Annotated[str, AfterValidator(_checked_noun_synset)]
Template = Annotated[str, AfterValidator(_checked_template)]
ExistingFile = Annotated[Path, AfterValidator(_existing_file)]
ExistingFolder = Annotated[Path, AfterValidator(existing_folder)]
FolderOrHubName = Annotated[Path | str, BeforeValidator(_folder_or_hub_name)]
"""A folder on this machine (a Path), or a name that the model library resolves (a str)."""
