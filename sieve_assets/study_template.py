"""The study file that `sieve init` writes: what was asked and found, with what can be changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomlkit
from tomlkit.items import Table

_GENERATORS = (
    ("turbo", {"steps": 1, "guidance": 0.0, "size_px": 512}),
    ("lightning", {"steps": 4, "guidance": 0.0, "size_px": 1024}),
    ("schnell", {"steps": 4, "guidance": 0.0, "size_px": 1024}),
    ("flux", {"steps": 28, "guidance": 3.5, "size_px": 1024}),
    ("pixart", {"steps": 20, "guidance": 4.5, "size_px": 1024}),
    ("xl", {"steps": 30, "guidance": 5.0, "size_px": 1024}),
    ("3.5", {"steps": 28, "guidance": 3.5, "size_px": 1024}),
)
"""What each family's own examples draw with, by a part of the name."""
_OTHER_GENERATOR = {"steps": 30, "guidance": 7.5, "size_px": 512}
_COMMENTS = {
    "layer": "any module: `sieve check` lists the nearest if there is no such one",
    "reducer": "mean, class_token, token_mean or none (docs/targets.md)",
    "width": "its neurons",
    "maps": "where in a picture a neuron looks (docs/targets.md)",
    "rule": "ratio if activations are never negative, otherwise signed",
    "resize_px": "check these four: what the network was trained with",
    "prompt": "a close-up, since names describe what was cropped",
    "n_images": "pictures a concept; the paper draws 50",
    "steps": "denoising steps a picture",
}


@dataclass(frozen=True)
class Answers:
    """What a study file is written from.

    Attributes:
        name: Of the target.
        target: Its settings but the transform.
        transform: Of the target; empty if its weights say it.
        images: Folder of the probe set.
        concepts: File of the concept set.
        vision_language: open_clip's folder or name.
        generator: diffusers' folder or name.
    """

    name: str
    target: Mapping[str, Any]
    transform: Mapping[str, Any]
    images: str
    concepts: str
    vision_language: str
    generator: str


def study_text(answers: Answers) -> str:
    """The study file, with a comment beside what one may want to change."""
    document = tomlkit.document()
    document.add(tomlkit.comment("What is studied. Every key: sieve_assets/study.py."))
    document.add(tomlkit.comment("`sieve check` says whether networks agree; `make ui` runs it."))
    document.add(tomlkit.nl())
    document.add("profile", tomlkit.item("default"))
    target = _table({**answers.target, "probe": "photos"})
    if answers.transform:
        target.add("transform", _table(answers.transform))
    document.add("targets", _within(answers.name, target))
    document.add("probes", _within("photos", _table({"kind": "folder", "path": answers.images})))
    document.add("concepts", _table({"file": answers.concepts, "template": "a photo of a {}"}))
    document.add("vision_language", _table({"model": answers.vision_language}))
    drawn = {
        "pipeline": answers.generator,
        "prompt": "realistic photo of a close up of {}",
        **generator_settings(answers.generator),
        "n_images": 16,
    }
    document.add("generator", _table(drawn))
    return tomlkit.dumps(document)


def generator_settings(name: str) -> dict[str, Any]:
    """Steps, guidance and size that suit a pipeline of this name."""
    known = (settings for part, settings in _GENERATORS if part in name.lower())
    return dict(next(known, _OTHER_GENERATOR))


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
