import io
import tarfile

import fsspec
import pytest

from sieve_assets.image_sets.ahead import FAR, NEAR
from sieve_assets.image_sets.listing import list_images, open_image
from sieve_assets.image_sets.tars import Shards
from sieve_assets_tests.image_sets.pictures import content, put

MEMBERS = {
    "00/a.cls": b"3\n",
    "00/a.jpg": content(".jpg", seed=1),
    "00/a.seg.png": content(seed=2),
    "00/b.PNG": content(seed=3),
    "00/b.json": b'{"label": "tench", "url": "x"}',
    "00/c.webp": content(".webp", seed=4),
    "00/c.txt": b"a caption",
    "00/.hidden.png": b"",
}


def tar(members, mode="w"):
    """A tar file's bytes."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


@pytest.fixture
def shards(tmp_path):
    put(tmp_path / "photos-000.tar", tar(MEMBERS))
    put(tmp_path / "photos-001.tar", tar({"z.png": content(seed=5)}))
    return Shards([str(tmp_path / "photos-{000..001}.tar")])


def test_images_are_listed_by_shard_with_their_class_and_read_in_place(shards, tmp_path):
    images, problems = list_images(shards)
    assert problems.empty
    assert images["image_id"].tolist() == [
        "photos-000.tar/00/a.jpg",
        "photos-000.tar/00/b.PNG",
        "photos-000.tar/00/c.webp",
        "photos-001.tar/z.png",
    ]
    assert images["label"].tolist() == ["3", "tench", "", ""]
    given = [MEMBERS["00/a.jpg"], MEMBERS["00/b.PNG"], MEMBERS["00/c.webp"], content(seed=5)]
    assert [shards.read(uri) for uri in images["uri"]] == given
    assert images["uri"].str.startswith(f"{tmp_path}/photos-00").all()
    assert open_image(shards, images["uri"][0], sha256=images["sha256"][0]).size == (37, 23)


def test_wildcards_and_lists_name_the_same_shards(shards, tmp_path):
    names = list_images(shards).images["image_id"].tolist()
    assert list_images(Shards([str(tmp_path / "*.tar")])).images["image_id"].tolist() == names
    both = [str(tmp_path / f"photos-00{number}.tar") for number in (0, 1)]
    assert list_images(Shards(both)).images["image_id"].tolist() == names


def test_shards_at_an_address_are_read_there():
    system = fsspec.filesystem("memory")
    system.pipe("/bucket/x.tar", tar(MEMBERS))
    shards = Shards(["memory://bucket/x.tar"])
    images = list_images(shards).images
    assert [shards.read(uri) for uri in images["uri"]][:1] == [MEMBERS["00/a.jpg"]]
    system.rm("/bucket", recursive=True)


def test_the_state_changes_with_a_shard(shards, tmp_path):
    before = shards.state()
    assert before == shards.state() != ""
    assert len(list_images(shards).images) == 4
    put(tmp_path / "photos-001.tar", tar({"y.png": content(seed=6), "z.png": content(seed=5)}))
    assert shards.state() != before
    assert len(list_images(shards).images) == 5


def test_a_shard_that_is_not_there_is_named_and_has_no_state(tmp_path):
    shards = Shards([str(tmp_path / "photos-{000..001}.tar")])
    assert shards.state() == ""
    with pytest.raises(FileNotFoundError, match=r"a shard at .*photos-000\.tar, got nothing"):
        list_images(shards)


@pytest.mark.parametrize("data", [tar(MEMBERS, "w:gz"), b"no tar at all"])
def test_a_compressed_shard_is_refused(tmp_path, data):
    put(tmp_path / "a.tar", data)
    with pytest.raises(ValueError, match=r"an uncompressed tar file at .*/a\.tar.*Decompress it"):
        list_images(Shards([str(tmp_path / "a.tar")]))


def test_shards_of_the_same_name_are_refused(tmp_path):
    for folder in ("one", "two"):
        put(tmp_path / folder / "a.tar", tar({"z.png": content()}))
    with pytest.raises(ValueError, match=r"each name once .*'a\.tar/z\.png' at .*/one/.* and at"):
        list_images(Shards([str(tmp_path / "*" / "a.tar")]))


@pytest.mark.parametrize(("name", "data"), [("z.json", b"{"), ("z.cls", b"\xff")])
def test_a_label_that_cannot_be_read_is_refused(tmp_path, name, data):
    put(tmp_path / "a.tar", tar({"z.png": content(), name: data}))
    with pytest.raises(ValueError, match=rf"in {name} in .*a\.tar, got .*Repair or remove it"):
        list_images(Shards([str(tmp_path / "a.tar")]))


def test_a_part_of_a_shard_that_is_no_image_is_left_out_and_named(tmp_path):
    members = {f"{number:03d}.png": content() for number in range(99)}
    put(tmp_path / "a.tar", tar({**members, "bad.png": b"no image"}))
    images, problems = list_images(Shards([str(tmp_path / "a.tar")]))
    assert len(images) == 99
    assert problems["image_id"].tolist() == ["a.tar/bad.png"]


def test_shards_of_this_machine_are_read_by_other_threads_than_those_at_an_address(tmp_path):
    near, far = str(tmp_path / "a.tar"), "memory://a.tar"
    assert Shards([near]).readers == NEAR
    assert Shards([near, far]).readers == FAR
