from pathlib import Path

import pytest
from pydantic import TypeAdapter

from sieve_assets.image_sets.addresses import Address
from sieve_assets.image_sets.folders import Folder
from sieve_assets.image_sets.hugging_face import HuggingFaceSet
from sieve_assets.image_sets.opening import image_set_of
from sieve_assets.image_sets.tars import Shards
from sieve_assets.image_sets.torchvision_sets import TorchvisionSet
from sieve_assets.study_probes import Probe

CASES = [
    ({"kind": "folder", "path": "/a"}, Folder(Path("/a"))),
    (
        {"kind": "folder", "path": "s3://a/b", "storage_options": {"anon": True}},
        Address("s3://a/b", {"anon": True}),
    ),
    ({"kind": "webdataset", "shards": "/a/{0..9}.tar"}, Shards(["/a/{0..9}.tar"])),
    (
        {
            "kind": "datasets",
            "dataset": "org/name",
            "split": "val",
            "config": "small",
            "revision": "abc",
            "image_column": "photo",
            "label_column": "species",
            "streaming": True,
        },
        HuggingFaceSet(
            "org/name",
            "val",
            config="small",
            revision="abc",
            image="photo",
            label="species",
            streaming=True,
        ),
    ),
]


@pytest.mark.parametrize(("said", "expected"), CASES)
def test_what_the_study_file_says_is_the_set(said, expected):
    assert image_set_of(TypeAdapter(Probe).validate_python(said)) == expected


def test_a_data_set_of_torchvision_has_its_arguments_and_downloads_only_if_asked_to():
    said = {"kind": "torchvision", "dataset": "CIFAR10", "root": "/a", "args": {"train": False}}
    found = image_set_of(TypeAdapter(Probe).validate_python(said))
    assert isinstance(found, TorchvisionSet)
    assert (found.name, found.root, found.arguments) == ("CIFAR10", Path("/a"), {"train": False})
    assert not found.download
    assert image_set_of(TypeAdapter(Probe).validate_python({**said, "download": True})).download
