import builtins

import fsspec
import pytest

from sieve_assets.image_sets.addresses import Address, place_of
from sieve_assets.image_sets.folders import Folder
from sieve_assets.image_sets.listing import list_images, open_image
from sieve_assets_tests.image_sets.pictures import content, put

NAMES = ("b/two.png", "a/b/three.png", "one.JPG", "a #1 ü%20.png")


@pytest.fixture
def bucket():
    """A folder in fsspec's memory; and the same files may be put elsewhere."""
    system = fsspec.filesystem("memory")
    for seed, name in enumerate(NAMES):
        system.pipe(f"/bucket/photos/{name}", content(seed=seed))
    system.pipe("/bucket/photos/.hidden/x.png", b"")
    system.pipe("/bucket/photos/notes.txt", b"")
    yield system
    system.rm("/bucket", recursive=True)


@pytest.mark.usefixtures("bucket")
def test_an_address_is_listed_and_read_as_a_folder_is(tmp_path):
    for seed, name in enumerate(NAMES):
        put(tmp_path / "photos" / name, content(seed=seed))
    here, there = Folder(tmp_path / "photos"), Address("memory://bucket/photos")
    expected, found = list_images(here).images, list_images(there).images
    same = ["image_id", "label", "sha256", "width_px", "height_px"]
    assert found[same].to_dict("records") == expected[same].to_dict("records")
    for uri, other in zip(found["uri"], expected["uri"], strict=True):
        assert uri.startswith("memory://")
        assert open_image(there, uri).tobytes() == open_image(here, other).tobytes()


def test_the_state_changes_with_a_file_and_not_without(bucket):
    photos = Address("memory://bucket/photos")
    before = photos.state()
    assert before == Address("memory://bucket/photos").state() != ""
    bucket.pipe("/bucket/photos/notes.txt", b"other notes")
    assert photos.state() == before
    bucket.pipe("/bucket/photos/one.JPG", content(seed=9))
    assert photos.state() != before


def test_an_address_with_nothing_is_named_and_has_no_state():
    with pytest.raises(FileNotFoundError, match="expected a folder at memory://nowhere, got noth"):
        list_images(Address("memory://nowhere"))
    assert Address("memory://nowhere").state() == ""


def test_an_image_that_is_gone_is_named(bucket):
    photos = Address("memory://bucket/photos")
    uri = list_images(photos).images["uri"][0]
    bucket.rm(uri)
    with pytest.raises(FileNotFoundError, match=r"expected an image at memory.*materialize"):
        open_image(photos, uri)


def test_a_kind_of_address_that_nobody_knows_is_refused_with_those_known():
    with pytest.raises(LookupError, match=r"got s4://bucket\. They are .*s3.*"):
        place_of("s4://bucket", {})


def test_a_missing_package_is_named_with_what_to_install(monkeypatch):
    original = builtins.__import__

    def without_gcsfs(name, *rest):
        if name.startswith("gcsfs"):
            raise ImportError(f"No module named {name!r}")
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_gcsfs)
    with pytest.raises(LookupError, match=r"reads gs://b/a.*sieve_assets\[addresses\]"):
        place_of("gs://b/a", {})


def test_an_address_that_is_not_reached_is_named():
    nobody = {"client_kwargs": {"endpoint_url": "http://127.0.0.1:9"}, "key": "a", "secret": "b"}
    photos = Address("s3://bucket/photos", nobody)
    with pytest.raises(ConnectionError, match=r"expected to reach s3://bucket/photos, got .*Check"):
        list_images(photos)


def test_s3_takes_its_options_without_asking_the_network():
    system, path = place_of("s3://bucket/photos", {"anon": True})
    assert path == "bucket/photos"
    assert system.anon
