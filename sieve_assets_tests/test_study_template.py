"""The study file that is written for a new target: complete, commented, valid."""

import tomllib
from pathlib import Path

import pytest

from sieve_assets.generator_families import settings_to_write
from sieve_assets.study import Generator, Study
from sieve_assets.study_template import Answers, study_text

TARGET = {
    "network": "timm:resnet50.a1_in1k",
    "layer": "layer4",
    "reducer": "mean",
    "width": 2048,
    "maps": "feature_map",
    "rule": "ratio",
}
TRANSFORM = {"resize_px": 256, "crop_px": 224, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.2]}


def answers(**more):
    given = {
        "name": "mine",
        "target": TARGET,
        "transform": {},
        "images": "my photos",
        "concepts": "words.txt",
        "vision_language": "ViT-B-16:openai",
        "generator": "stabilityai/sd-turbo",
    }
    given |= more
    return Answers(**{"drawing": settings_to_write(given["generator"]), **given})


@pytest.mark.parametrize("transform", [{}, TRANSFORM])
def test_the_text_is_a_study_that_says_what_was_answered(transform):
    target = TARGET | ({"weights": "w.pth"} if transform else {})
    text = study_text(answers(target=target, transform=transform))

    study = Study.model_validate(tomllib.loads(text))

    [(name, found)] = study.targets.items()
    assert name == "mine"
    assert (found.network, found.width, found.probe) == ("timm:resnet50.a1_in1k", 2048, "photos")
    assert (found.transform is None) == (not transform)
    assert str(study.probes["photos"].path) == "my photos"
    assert study.generator.steps == 1
    assert "# pictures a concept" in text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stabilityai/sd-turbo", {"steps": 1, "guidance": 0.0, "precision": "float32"}),
        ("black-forest-labs/FLUX.1-dev", {"steps": 28, "memory": "offload"}),
        ("x/sdxl-lightning", {"scheduler_args": {"timestep_spacing": "trailing"}}),
    ],
)
def test_a_generator_gets_the_settings_of_its_family(name, expected):
    text = study_text(answers(generator=name))

    said = tomllib.loads(text)["generator"]
    assert expected.items() <= said.items()
    assert Generator.model_validate(said).steps == said["steps"]
    assert "# denoising steps a picture" in text


@pytest.mark.parametrize(
    ("file", "form"), [("words.txt", "lines"), ("l.csv", "broden"), ("d.JSON", "descriptors")]
)
def test_the_format_of_the_concepts_is_that_of_their_files_suffix(file, form):
    said = tomllib.loads(study_text(answers(concepts=file)))

    assert Study.model_validate(said).concepts.format == form


def test_paths_are_as_the_studys_folder_sees_them_and_names_on_a_hub_stay(tmp_path, monkeypatch):
    (tmp_path / "work" / "clip").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    typed = answers(
        target={"network": "transformers:clip", "weights": "../w.pth"},
        images=str(tmp_path / "photos"),
        concepts="lists/words.txt",
        vision_language="clip",
        generator="./drawer",
    )

    below = typed.in_folder(tmp_path / "studies")
    beside = typed.in_folder(tmp_path / "work")
    apart = typed.in_folder(Path("/elsewhere"))
    named = answers().in_folder(tmp_path / "studies")

    assert below.target == {"network": "transformers:../work/clip", "weights": "../w.pth"}
    assert (below.images, below.concepts) == (str(tmp_path / "photos"), "../work/lists/words.txt")
    assert (below.vision_language, below.generator) == ("../work/clip", "../work/drawer")
    assert beside == answers(**vars(typed) | {"generator": "drawer"})
    assert apart.concepts == str(tmp_path / "work" / "lists" / "words.txt")
    assert apart.target["network"] == f"transformers:{tmp_path / 'work' / 'clip'}"
    assert (named.vision_language, named.generator) == ("ViT-B-16:openai", "stabilityai/sd-turbo")
    assert named.target == TARGET
