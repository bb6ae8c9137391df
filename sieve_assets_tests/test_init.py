"""`sieve init`, as it is typed."""

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from sieve_assets.cli import main
from sieve_assets.study_file import load_study


def check(file):
    return CliRunner().invoke(main, ["check", "--study", str(file)])


def init(folder, *more):
    (folder / "photos").mkdir(exist_ok=True)
    arguments = {
        "--network": "timm:resnet18",
        "--network-args": '{"channels": [4, 4, 8, 8], "layers": [1, 1, 1, 1]}',
        "--weights": str(folder / "small.safetensors"),
        "--classes": "3",
        "--images": str(folder / "photos"),
        "--concepts": str(folder / "concepts.txt"),
        "--vision-language": str(folder / "clip"),
        "--generator": str(folder / "drawer"),
        "--out": str(folder / "new.toml"),
    }
    flags = [part for pair in arguments.items() for part in pair]
    return CliRunner().invoke(main, ["init", *flags, *more])


def test_a_new_study_is_written_and_passes_the_check(checked_study):
    result = init(checked_study.root)

    assert result.exit_code == 0, result.output
    assert "new.toml: 8 neurons in 'layer4'" in result.output
    checked = check(checked_study.root / "new.toml")
    assert checked.output.startswith("target resnet18: ok, 8 neurons in 'layer4'\nconcepts: ok, ")


def test_paths_typed_here_are_right_in_a_study_of_another_folder(checked_study, monkeypatch):
    monkeypatch.chdir(checked_study.root)
    (checked_study.root / "clip").mkdir(exist_ok=True)

    result = init(Path(), "--out", "studies/new/sieve.toml", "--generator", "stabilityai/sd-turbo")

    assert result.exit_code == 0, result.output
    study = load_study(checked_study.root / "studies" / "new" / "sieve.toml")
    assert study.targets["resnet18"].weights == checked_study.root / "small.safetensors"
    assert study.probes["photos"].path == checked_study.root / "photos"
    assert study.concepts.file == checked_study.root / "concepts.txt"
    assert study.vision_language.model == checked_study.root / "clip"
    assert study.generator.pipeline == "stabilityai/sd-turbo"


def test_a_generator_of_ones_own_is_written_with_its_family_and_size(checked_study, monkeypatch):
    monkeypatch.chdir(checked_study.root)
    for name, said in {
        "model_index": {"_class_name": "StableDiffusionXLPipeline"},
        "unet/config": {"sample_size": 64},
        "vae/config": {"block_out_channels": [1, 1, 1, 1]},
    }.items():
        file = Path("my-lightning", f"{name}.json")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(said))

    result = init(Path(), "--out", "new/sieve.toml", "--generator", "./my-lightning")

    assert result.exit_code == 0, result.output
    generator = load_study(checked_study.root / "new" / "sieve.toml").generator
    assert (generator.steps, generator.size_px) == (4, 512)
    assert generator.scheduler == "EulerDiscreteScheduler"


def test_a_study_that_would_be_refused_is_not_written(checked_study):
    result = init(checked_study.root, "--generator", "./nowhere")

    assert result.exit_code == 1
    assert "generator.pipeline: expected a folder at" in result.output
    assert not (checked_study.root / "new.toml").exists()


def test_a_study_that_is_there_is_not_written_over(checked_study):
    (checked_study.root / "new.toml").write_text("mine")

    result = init(checked_study.root)

    assert result.exit_code == 1
    assert "expected a new file" in result.output
    assert (checked_study.root / "new.toml").read_text() == "mine"


def test_a_network_that_cannot_be_loaded_writes_nothing(checked_study):
    result = init(checked_study.root, "--classes", "7")

    assert result.exit_code == 1
    assert "expected the weights of this network" in result.output
    assert not (checked_study.root / "new.toml").exists()


def test_what_is_not_given_is_asked_for():
    result = CliRunner().invoke(main, ["init"], input="timm:resnet18\n")

    assert "Network: timm:resnet18" in result.output
    assert "Folder of images" in result.output


@pytest.mark.parametrize(
    ("images", "kind", "key"),
    [("s3://bucket/photos", "folder", "path"), ("/a/b-{0..9}.tar", "webdataset", "shards")],
)
def test_images_may_be_at_an_address_or_in_tar_files(checked_study, images, kind, key):
    result = init(checked_study.root, "--images", images)

    assert result.exit_code == 0, result.output
    said = tomllib.loads((checked_study.root / "new.toml").read_text())
    assert said["probes"]["photos"] == {"kind": kind, key: images}


def test_a_folder_of_images_that_is_not_there_is_refused(checked_study):
    result = init(checked_study.root, "--images", "nowhere")

    assert result.exit_code == 2
    assert "'nowhere' does not exist" in result.output
    assert not (checked_study.root / "new.toml").exists()
