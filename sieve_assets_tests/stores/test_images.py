import hashlib

import numpy as np
import pytest
from PIL import Image

from sieve_assets.stores.images import ImageStore


@pytest.fixture
def store(tmp_path):
    return ImageStore(tmp_path / "images")


def picture(seed=0, height=5, width=7):
    generator = np.random.default_rng(seed)
    return Image.fromarray(generator.integers(0, 256, (height, width, 3), dtype=np.uint8))


def files_of(store):
    return [path for path in store.root.rglob("*") if path.is_file()]


def test_pixels_come_back_as_they_were(store):
    image = picture()
    stored = store.put(image)
    found = store.open(stored.uri, verify=True)
    assert found.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(found), np.asarray(image))


def test_the_hash_is_that_of_the_file(store):
    stored = store.put(picture())
    content = (store.root / stored.uri).read_bytes()
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert stored.uri == f"{stored.sha256[:2]}/{stored.sha256}.png"


def test_putting_twice_leaves_one_copy(store):
    assert store.put(picture()) == store.put(picture())
    assert len(files_of(store)) == 1
    store.put(picture(seed=1))
    assert len(files_of(store)) == 2


def test_only_pixels_count(store):
    noted = picture()
    noted.info.update(icc_profile=b"profile", comment="note", dpi=(300, 300))
    assert store.put(noted) == store.put(picture())
    assert "comment" in noted.info


def test_the_store_can_be_moved(store, tmp_path):
    stored = store.put(picture())
    store.root.rename(tmp_path / "elsewhere")
    assert ImageStore(tmp_path / "elsewhere").open(stored.uri).size == (7, 5)


@pytest.mark.parametrize("mode", ["RGBA", "L", "P", "I;16"])
def test_an_image_that_is_not_rgb_is_refused(store, mode):
    with pytest.raises(ValueError, match=f"expected an RGB image, got mode {mode}. Convert"):
        store.put(Image.new(mode, (2, 2)))
    assert not store.root.exists()


@pytest.mark.parametrize("n_bytes", [0, 10, 60, -1])
def test_a_truncated_file_is_found_without_being_asked(store, n_bytes):
    stored = store.put(picture(height=40, width=40))
    path = store.root / stored.uri
    path.write_bytes(path.read_bytes()[:n_bytes][:-20])
    with pytest.raises(ValueError, match=f"{stored.uri}: .* no whole PNG .*Run `sieve mend`"):
        store.open(stored.uri)
    with pytest.raises(ValueError, match=f"{stored.uri}: .* with SHA-256"):
        store.open(stored.uri, verify=True)


def test_another_picture_under_the_name_is_found_when_asked(store):
    stored, other = store.put(picture()), store.put(picture(seed=1))
    (store.root / stored.uri).write_bytes((store.root / other.uri).read_bytes())
    store.open(stored.uri)
    with pytest.raises(ValueError, match=f"got .* bytes with SHA-256 {other.sha256}"):
        store.open(stored.uri, verify=True)


def test_a_picture_that_is_not_there_is_named(store):
    with pytest.raises(FileNotFoundError, match="expected a stored file, got none"):
        store.open(f"ab/ab{'0' * 62}.png")


def test_a_uri_of_another_store_is_refused(store):
    with pytest.raises(ValueError, match="expected a uri like"):
        store.open(f"ab/ab{'0' * 62}.safetensors")
