from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from sieve_assets.study_values import (
    Count,
    ExistingFile,
    ExistingFolder,
    FolderOrHubName,
    Name,
    Network,
    OpenShare,
    Percentile,
    Positive,
    Share,
    Silhouette,
    Template,
)


def accepts(kind, value):
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "inside", "outside"),
    [
        (Count, [1, 50], [0, -1, 1.0, True, "3"]),
        (Positive, [1, 0.01], [0, -1, True, "3"]),
        (Share, [0, 0.5, 1], [-0.01, 1.01, True]),
        (OpenShare, [0.01, 0.99], [0, 1]),
        (Percentile, [50, 99.9], [0, 100]),
        (Silhouette, [-1, 0, 1], [-1.1, 1.1]),
        (Name, ["resnet18", "a-B_9"], ["", "a|b", "a,b", "a b", "a.b", "ä"]),
        (Network, ["timm:resnet18", "torchvision:vit_b_16"], ["resnet18", "tim:resnet18", "timm:"]),
        (
            Template,
            ["{}", "a {} on grass"],
            ["", "dog", "{} and {}", "{name}", "{} {name}", "{{}}"],
        ),
    ],
)
def test_values_inside_are_accepted_and_values_outside_are_not(kind, inside, outside):
    assert [value for value in inside if not accepts(kind, value)] == []
    assert [value for value in outside if accepts(kind, value)] == []


def read_in(folder, kind, value):
    return TypeAdapter(kind).validate_python(value, context={"folder": folder})


def test_paths_are_relative_to_the_study_file(tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "weights.pth").touch()
    assert read_in(tmp_path / "here", ExistingFile, "../weights.pth") == tmp_path / "weights.pth"
    assert read_in(tmp_path, ExistingFolder, "here") == tmp_path / "here"
    assert read_in(tmp_path, ExistingFolder, str(tmp_path / "here")) == tmp_path / "here"


def test_a_folder_is_not_a_file_and_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "weights.pth").touch()
    with pytest.raises(ValidationError, match="a file at"):
        read_in(tmp_path, ExistingFile, ".")
    with pytest.raises(ValidationError, match="a folder at"):
        read_in(tmp_path, ExistingFolder, "weights.pth")


def test_a_missing_file_is_refused_with_the_nearest_names(tmp_path):
    (tmp_path / "weights.pth").touch()
    with pytest.raises(ValidationError, match=r"Did you mean weights\.pth\?"):
        read_in(tmp_path, ExistingFile, "weigths.pth")


def test_a_missing_folder_is_refused_with_the_last_that_exists(tmp_path):
    with pytest.raises(ValidationError, match=f"{tmp_path} is the last that exists"):
        read_in(tmp_path, ExistingFile, "no/such/file")


def test_a_folder_or_hub_name_is_a_path_when_it_leads_somewhere(tmp_path):
    (tmp_path / "data" / "clip").mkdir(parents=True)
    assert read_in(tmp_path, FolderOrHubName, "data/clip") == tmp_path / "data" / "clip"
    for name in ("ViT-B-16", "stabilityai/stable-diffusion-xl-base-1.0", "hf-hub:timm/ViT-B-16"):
        assert read_in(tmp_path, FolderOrHubName, name) == name


@pytest.mark.parametrize("value", ["data/clip", "./clip", "/no/clip", "data/terrarium/clip"])
def test_what_can_only_be_a_path_must_exist(tmp_path, value):
    (tmp_path / "data").mkdir()
    with pytest.raises(ValidationError, match="a folder at"):
        read_in(tmp_path, FolderOrHubName, value)


def test_a_folder_or_hub_name_is_not_a_number(tmp_path):
    with pytest.raises(ValidationError, match="in quotes"):
        read_in(tmp_path, FolderOrHubName, 3)


def test_without_a_study_file_paths_stay_as_they_are():
    assert TypeAdapter(ExistingFile).validate_python(Path("no/file")) == Path("no/file")
    assert TypeAdapter(FolderOrHubName).validate_python(Path("clip")) == Path("clip")
    assert TypeAdapter(FolderOrHubName).validate_python("clip") == "clip"
