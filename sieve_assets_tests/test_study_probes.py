from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from sieve_assets.study_probes import FolderProbe, Probe, WebDatasetProbe


def read(said, folder):
    """A probe set, as it is read from a study file in `folder`."""
    return TypeAdapter(Probe).validate_python(said, context={"folder": folder})


def test_paths_are_relative_to_the_study_file_and_addresses_are_not(tmp_path):
    (tmp_path / "photos").mkdir()
    assert read({"kind": "folder", "path": "photos"}, tmp_path).path == tmp_path / "photos"
    assert read({"kind": "folder", "path": "s3://b/photos"}, tmp_path).path == "s3://b/photos"
    shards = read({"kind": "webdataset", "shards": ["a-{0..9}.tar", "gs://b/c.tar"]}, tmp_path)
    assert shards.patterns == [f"{tmp_path}/a-{{0..9}}.tar", "gs://b/c.tar"]
    said = {"kind": "torchvision", "dataset": "EuroSAT", "root": "data"}
    assert read(said, tmp_path).root == tmp_path / "data"
    said = {"kind": "datasets", "dataset": "photos", "split": "train"}
    assert read(said, tmp_path).dataset == tmp_path / "photos"
    assert read({**said, "dataset": "org/name"}, tmp_path).dataset == "org/name"


def test_a_folder_that_is_not_there_is_refused_with_the_nearest(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(ValidationError, match=r"a folder at .*/photo\b.*photos"):
        read({"kind": "folder", "path": "photo"}, tmp_path)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"kind": "webdataset", "shards": []}, "at least one tar file"),
        ({"kind": "tar", "shards": "a.tar"}, "terrarium"),
        ({"kind": "datasets", "dataset": "a/b"}, "split"),
        ({"kind": "folder", "path": "s3://b", "storage_option": {}}, "storage_option"),
    ],
)
def test_what_is_no_probe_set_is_refused(tmp_path, said, message):
    with pytest.raises(ValidationError, match=message):
        read(said, tmp_path)


def test_made_in_code_paths_stay_as_they_are():
    assert FolderProbe(kind="folder", path=Path("a")).path == Path("a")
    assert WebDatasetProbe(kind="webdataset", shards="memory://a.tar").patterns == [
        "memory://a.tar"
    ]
