"""The study file that `sieve init` writes: what was asked and found, with what can be changed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Table

_FORMATS = {".csv": "broden", ".json": "descriptors"}
"""Of a file of concepts by its suffix, where it is not lines."""
_COMMENTS = {
    "layer": "any module: `sieve check` lists the nearest if there is no such one",
    "reducer": "mean, class_token, token_mean or none (docs/targets.md)",
    "width": "its neurons",
    "maps": "where in a picture a neuron looks (docs/targets.md)",
    "rule": "ratio if activations are never negative, otherwise signed",
    "file": "more words, frequent ones, WordNet's or a target's classes: docs/targets.md",
    "template": 'around each concept; "{}" is the bare word, as in the paper',
    "resize_px": "check these four: what the network was trained with",
    "prompt": "a close-up, since names describe what was cropped",
    "n_images": "pictures a concept; the paper draws 50",
    "steps": "denoising steps a picture; these follow the model's family",
    "precision": "bfloat16 and float16 take less memory and draw other pictures (docs/targets.md)",
    "memory": "one part of the pipeline at a time on the accelerator; or whole, or slices",
}


@dataclass(frozen=True)
class Answers:
    """What a study file is written from.

    Attributes:
        name: Of the target.
        target: Its settings but the transform.
        transform: Of the target; empty if its weights say it.
        images: Folder, address or tar files of the probe set.
        concepts: File of the concept set.
        vision_language: open_clip's folder or name.
        generator: diffusers' folder or name.
        drawing: How the generator draws.
    """

    name: str
    target: Mapping[str, Any]
    transform: Mapping[str, Any]
    images: str
    concepts: str
    vision_language: str
    generator: str
    drawing: Mapping[str, Any]

    def in_folder(self, folder: Path) -> "Answers":
        """The same, typed in the working folder, as a study file in `folder` has to say it."""
        target = dict(self.target)
        library, colon, name = str(target["network"]).partition(":")
        if library == "transformers":
            target["network"] = f"{library}{colon}{_folder_or_name_in(folder, name)}"
        if "weights" in target:
            target["weights"] = _path_in(folder, target["weights"])
        return replace(
            self,
            target=target,
            images=self.images if "://" in self.images else _path_in(folder, self.images),
            concepts=_path_in(folder, self.concepts),
            vision_language=_folder_or_name_in(folder, self.vision_language),
            generator=_folder_or_name_in(folder, self.generator),
        )


def _path_in(folder: Path, given: str) -> str:
    """A path from the working folder as one from `folder`; absolute if they share no folder."""
    path = Path(given).expanduser()
    if path.is_absolute():
        return str(path)
    path = path.absolute()
    is_apart = os.path.commonpath([path, folder]) == path.anchor
    return str(path) if is_apart else os.path.relpath(path, folder)


def _probe(images: str) -> dict[str, str]:
    """The probe set as the study file says it."""
    if images.endswith(".tar"):
        return {"kind": "webdataset", "shards": images}
    return {"kind": "folder", "path": images}


def _folder_or_name_in(folder: Path, given: str) -> str:
    is_path = Path(given).is_dir() or given.startswith((".", "/", "~"))
    return _path_in(folder, given) if is_path else given


def study_text(answers: Answers) -> str:
    """The study file, with a comment beside what one may want to change."""
    document = tomlkit.document()
    document.add(tomlkit.comment("What is studied. Every key: sieve_assets/study.py."))
    document.add(tomlkit.comment("Paths are relative to this file."))
    document.add(tomlkit.comment("`sieve check` says whether all is well; `sieve run` runs it."))
    document.add(tomlkit.nl())
    document.add("profile", tomlkit.item("default"))
    target = _table({**answers.target, "probe": "photos"})
    if answers.transform:
        target.add("transform", _table(answers.transform))
    document.add("targets", _within(answers.name, target))
    document.add("probes", _within("photos", _table(_probe(answers.images))))
    form = _FORMATS.get(Path(answers.concepts).suffix.lower())
    concepts = {"file": answers.concepts, **({"format": form} if form else {})}
    document.add("concepts", _table({**concepts, "template": "a photo of a {}"}))
    document.add("vision_language", _table({"model": answers.vision_language}))
    drawn = {
        "pipeline": answers.generator,
        "prompt": "realistic photo of a close up of {}",
        **answers.drawing,
        "n_images": 16,
    }
    document.add("generator", _table(drawn))
    return tomlkit.dumps(document)


def _table(values: Mapping[str, Any]) -> Table:
    table = tomlkit.table()
    for key, value in values.items():
        item = tomlkit.item(value)
        if key in _COMMENTS:
            item.comment(_COMMENTS[key])
        table.add(key, item)
    return table


def _within(name: str, table: Table) -> Table:
    outer = tomlkit.table(is_super_table=True)
    outer.add(name, table)
    return outer
