"""Datasets in the layouts that datasets and the hub have, made here."""

import sys

import datasets
import pyarrow.parquet
import pytest
from PIL import Image

from sieve_assets.image_sets import hugging_face
from sieve_assets.image_sets.hugging_face import HuggingFaceSet
from sieve_assets.image_sets.listing import list_images, open_image
from sieve_assets_tests.image_sets.pictures import content, put

N_ROWS = 25
NAMES = ["cat", "dog"]


def encoded(number):
    return content(".jpg", seed=number)


@pytest.fixture
def rows():
    images = [{"bytes": encoded(number), "path": None} for number in range(N_ROWS)]
    features = datasets.Features(
        {
            "id": datasets.Value("string"),
            "photo": datasets.Image(),
            "kind": datasets.ClassLabel(names=NAMES),
        }
    )
    kinds = [-1, *(number % 2 for number in range(1, N_ROWS))]
    ids = [f"id {number}" for number in range(N_ROWS)]
    columns = {"id": ids, "photo": images, "kind": kinds}
    return datasets.Dataset.from_dict(columns, features=features)


@pytest.fixture
def hub_folder(rows, tmp_path, monkeypatch):
    """Parquet files as the hub keeps them, in two shards of small groups of rows."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    for number in range(2):
        file = tmp_path / "hub" / "data" / f"validation-0000{number}-of-00002.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        shard = rows.shard(2, number, contiguous=True)
        pyarrow.parquet.write_table(shard.data.table, file, row_group_size=4)
    return tmp_path / "hub"


@pytest.fixture
def saved(rows, tmp_path):
    rows.save_to_disk(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture
def saved_splits(rows, tmp_path):
    datasets.DatasetDict({"validation": rows, "train": rows}).save_to_disk(tmp_path / "splits")
    return tmp_path / "splits"


@pytest.mark.parametrize(
    ("layout", "is_stream"),
    [("hub_folder", False), ("hub_folder", True), ("saved", False), ("saved_splits", False)],
)
def test_rows_are_listed_and_read_in_any_order(request, layout, is_stream):
    folder = request.getfixturevalue(layout)
    data = HuggingFaceSet(folder, "validation", streaming=is_stream)
    images, problems = list_images(data)
    assert problems.empty
    assert images["image_id"].tolist() == [f"{number:02d}" for number in range(N_ROWS)]
    assert images["label"].tolist() == ["", *(NAMES[number % 2] for number in range(1, N_ROWS))]
    for number in (24, 0, 13, 12, 3):
        assert data.read(images["uri"][number]) == encoded(number)
    assert open_image(data, images["uri"][5], sha256=images["sha256"][5]).size == (37, 23)


def test_a_stream_reads_one_group_of_rows_for_a_row(hub_folder, monkeypatch):
    data = HuggingFaceSet(hub_folder, "validation", streaming=True)
    uris = [item.uri for item in data.items()]
    asked = []
    original = pyarrow.parquet.ParquetFile.read_row_group
    monkeypatch.setattr(
        pyarrow.parquet.ParquetFile,
        "read_row_group",
        lambda file, group, **rest: asked.append(group) or original(file, group, **rest),
    )
    for number in (20, 20, 21, 0):
        assert data.read(uris[number]) == encoded(number)
    assert asked == [1, 2, 0]  # of the second file, whose first row is number 13; and the first


def test_a_folder_of_images_as_datasets_reads_it(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    put(tmp_path / "photos" / "cat" / "a.png", content(seed=1))
    put(tmp_path / "photos" / "dog" / "b.png", content(seed=2))
    data = HuggingFaceSet(tmp_path / "photos", "train")
    images = list_images(data).images
    assert images["label"].tolist() == NAMES
    assert data.read(images["uri"][1]) == content(seed=2)
    with pytest.raises(ValueError, match=r"expected Parquet files to stream .*a\.png"):
        list(HuggingFaceSet(tmp_path / "photos", "train", streaming=True).items())


def test_columns_may_be_named(hub_folder):
    data = HuggingFaceSet(hub_folder, "validation", image="photo", label="id", streaming=True)
    assert [item.label for item in data.items()][:2] == ["id 0", "id 1"]


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image": "kind"}, r"a column of images .* got kind\. Of images are: \['photo'\]"),
        ({"label": "kinds"}, r"a column of labels .* got 'kinds'.*kind"),
        ({"split": "vaildation"}, "validation"),
    ],
)
def test_what_is_not_in_a_dataset_is_refused(hub_folder, settings, message, is_stream):
    how = {"split": "validation", **settings}
    with pytest.raises(LookupError, match=message):
        list(HuggingFaceSet(hub_folder, how.pop("split"), streaming=is_stream, **how).items())


def test_a_dataset_without_images_is_refused(tmp_path):
    rows = datasets.Dataset.from_dict({"text": ["a", "b"]})
    rows.save_to_disk(tmp_path / "texts")
    with pytest.raises(LookupError, match=r"got none\. Of images are: \[\]; others: \['text'\]"):
        list(HuggingFaceSet(tmp_path / "texts", "train").items())


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_hub_that_is_not_reached_is_named(monkeypatch, is_stream):
    monkeypatch.setattr(hugging_face._imported().config, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(LookupError, match="expected the dataset nobody/nothing, split val, got:"):
        list(HuggingFaceSet("nobody/nothing", "val", streaming=is_stream).items())


def test_without_the_package_it_is_said_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(LookupError, match=r"pip install sieve_assets\[datasets\]"):
        list(HuggingFaceSet(tmp_path, "train").items())


def test_the_state_changes_with_a_file_or_with_what_is_asked_for(hub_folder):
    data = HuggingFaceSet(hub_folder, "validation")
    before = data.state()
    assert before == HuggingFaceSet(hub_folder, "validation").state()
    assert before != HuggingFaceSet(hub_folder, "train").state()
    put(hub_folder / "data" / "train-0.parquet", b"x")
    assert data.state() != before
    named = HuggingFaceSet("org/name", "train", revision="abc")
    assert named.state() != HuggingFaceSet("org/name", "train").state()


def test_pictures_that_only_have_a_path_are_read_from_it(tmp_path):
    file = put(tmp_path / "a.png", content(seed=3))
    features = datasets.Features({"image": datasets.Image()})
    rows = datasets.Dataset.from_dict({"image": [str(file)]}, features=features)
    rows.save_to_disk(tmp_path / "saved")
    data = HuggingFaceSet(tmp_path / "saved", "train")
    [item] = data.items()
    assert item.label == ""
    assert Image.open(file).size == (37, 23)
    assert data.read(item.uri) == content(seed=3)
