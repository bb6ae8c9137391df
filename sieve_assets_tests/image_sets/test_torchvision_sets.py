"""Data sets of torchvision in its own layout, made here."""

import hashlib
import pickle

import numpy as np
import pytest
import torch
from torchvision import datasets

from sieve_assets.image_sets.listing import list_images, open_image
from sieve_assets.image_sets.torchvision_sets import TorchvisionSet
from sieve_assets_tests.image_sets.pictures import content, put


def md5(path):
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.fixture
def eurosat(tmp_path):
    for seed, name in enumerate(("Forest/Forest_1.jpg", "River/River_1.jpg", "River/River_2.jpg")):
        put(tmp_path / "eurosat" / "2750" / name, content(".jpg", seed=seed))
    return TorchvisionSet("EuroSAT", tmp_path)


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """CIFAR-10's test batch of three pictures, in its own pickles."""
    folder = tmp_path / "cifar-10-batches-py"
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3 * 32 * 32), dtype=np.uint8)
    batch = put(folder / "test_batch", pickle.dumps({"data": pixels, "labels": [1, 0, 1]}))
    meta = put(folder / "batches.meta", pickle.dumps({"label_names": ["airplane", "automobile"]}))
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", md5(batch)]])
    described = {"filename": "batches.meta", "key": "label_names", "md5": md5(meta)}
    monkeypatch.setattr(datasets.CIFAR10, "meta", described)
    return TorchvisionSet("CIFAR10", tmp_path, {"train": False}), pixels


def test_files_are_listed_where_they_lie_with_their_classes(eurosat, tmp_path):
    images, problems = list_images(eurosat)
    assert problems.empty
    assert images["image_id"][0] == "eurosat/2750/Forest/Forest_1.jpg"
    assert images["label"].tolist() == ["Forest", "River", "River"]
    assert images["uri"][2] == str(tmp_path / "eurosat/2750/River/River_2.jpg")
    assert eurosat.read(images["uri"][1]) == content(".jpg", seed=1)


def test_pictures_without_files_are_read_by_number_pixel_for_pixel(cifar):
    data, pixels = cifar
    images, problems = list_images(data)
    assert problems.empty
    assert images["image_id"].tolist() == ["0", "1", "2"]
    assert images["uri"][0] == "torchvision:CIFAR10#0"
    assert images["label"].tolist() == ["automobile", "airplane", "automobile"]
    opened = open_image(data, images["uri"][2], sha256=images["sha256"][2])
    expected = pixels[2].reshape(3, 32, 32).transpose(1, 2, 0)
    np.testing.assert_array_equal(np.asarray(opened), expected)


def test_imagenets_validation_set_has_its_names(tmp_path):
    classes = {"n01440764": ("tench", "Tinca tinca"), "n01443537": ("goldfish",)}
    torch.save((classes, ["n01440764"]), tmp_path / "meta.bin")
    put(tmp_path / "val" / "n01440764" / "ILSVRC2012_val_00000293.JPEG", content(".jpg"))
    put(tmp_path / "val" / "n01443537" / "ILSVRC2012_val_00000236.JPEG", content(".jpg", seed=1))
    images = list_images(TorchvisionSet("ImageNet", tmp_path, {"split": "val"})).images
    assert images["label"].tolist() == ["tench", "goldfish"]
    assert images["image_id"][0] == "val/n01440764/ILSVRC2012_val_00000293.JPEG"


@pytest.mark.parametrize(("split", "label"), [("val", "/a/airfield"), ("test", "")])
def test_places365_is_read_by_its_lists(tmp_path, monkeypatch, split, label):
    names = put(tmp_path / "categories_places365.txt", b"/a/airfield 0\n/z/zen_garden 1\n")
    line = "Places365_00000001.jpg" + (" 0" if split == "val" else "")
    lists = put(tmp_path / f"places365_{split}.txt", f"{line}\n".encode())
    put(tmp_path / f"{split}_256" / "Places365_00000001.jpg", content(".jpg"))
    of_class = datasets.Places365
    monkeypatch.setattr(of_class, "_CATEGORIES_META", (names.name, md5(names)))
    monkeypatch.setattr(of_class, "_FILE_LIST_META", {split: (lists.name, md5(lists))})
    data = TorchvisionSet("Places365", tmp_path, {"split": split, "small": True})
    images = list_images(data).images
    assert images[["image_id", "label"]].to_numpy().tolist() == [
        [f"{split}_256/Places365_00000001.jpg", label]
    ]


def test_the_state_changes_with_a_file(eurosat, cifar, tmp_path):
    for data, file in (
        (eurosat, "eurosat/2750/River/River_1.jpg"),
        (cifar[0], "cifar-10-batches-py/more"),
    ):
        before = data.state()
        assert before == data.state() != ""
        put(tmp_path / file, content(seed=9))
        assert data.state() != before


def test_a_data_set_that_is_not_there_is_named_and_has_no_state(tmp_path):
    data = TorchvisionSet("CIFAR10", tmp_path)
    assert data.state() == ""
    with pytest.raises(LookupError, match=rf"expected CIFAR10 in {tmp_path}, got: .*download"):
        list_images(data)


def test_a_changed_file_of_a_data_set_is_noticed_by_torchvisions_sum(cifar, tmp_path):
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(b"other")
    with pytest.raises(LookupError, match="not found or corrupted"):
        list_images(cifar[0])


def test_a_name_that_torchvision_does_not_know_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(LookupError, match=r"got 'EuroSat'.*EuroSAT"):
        list_images(TorchvisionSet("EuroSat", tmp_path))


@pytest.mark.usefixtures("eurosat")
def test_arguments_that_a_data_set_does_not_take_are_refused(tmp_path):
    data = TorchvisionSet("EuroSAT", tmp_path, {"split": "val"})
    with pytest.raises(ValueError, match=r"arguments that EuroSAT takes, got .*'split': 'val'"):
        list_images(data)
