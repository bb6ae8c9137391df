"""The study file that is written for a new target: complete, commented, valid."""

import tomllib

import pytest

from sieve_assets.study import Generator, Study
from sieve_assets.study_template import Answers, generator_settings, study_text

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
    return Answers(**(given | more))


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
        ("stabilityai/sdxl-turbo", {"steps": 1, "guidance": 0.0, "size_px": 512}),
        ("stabilityai/stable-diffusion-xl-base-1.0", {"steps": 30, "size_px": 1024}),
        ("black-forest-labs/FLUX.1-schnell", {"steps": 4, "guidance": 0.0}),
        ("stable-diffusion-v1-5/stable-diffusion-v1-5", {"guidance": 7.5, "size_px": 512}),
    ],
)
def test_a_generator_gets_the_settings_of_its_family(name, expected):
    found = generator_settings(name)

    assert expected.items() <= found.items()
    assert Generator(pipeline=name, **found).steps == found["steps"]
