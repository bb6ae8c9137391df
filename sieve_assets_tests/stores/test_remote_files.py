"""Files at addresses: whole, put once, and a storage that is away for a while is waited for."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from upath import UPath

from sieve_assets.stores import remote_files
from sieve_assets.stores.arrays import ArrayStore
from sieve_assets.stores.content_files import (
    has_content,
    put_content,
    read_content,
    remove,
    sha256_of,
    size_of,
    write_changed,
)
from sieve_assets.stores.images import ImageStore

pytestmark = pytest.mark.cluster


@pytest.fixture
def root(bucket):
    return UPath(bucket) / "store"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(remote_files, "PATIENCE_S", 0.1)


def paused(server, seconds):
    """Stop a server for a while; joins when it goes on."""
    os.killpg(server.process.pid, signal.SIGSTOP)
    back = threading.Timer(seconds, os.killpg, (server.process.pid, signal.SIGCONT))
    back.start()
    return back


def test_content_comes_back_and_is_put_once(root):
    uri = put_content(root, b"content", ".bin")
    written = (root / uri).stat().st_mtime
    time.sleep(1.1)  # times have a resolution of a second
    assert put_content(root, b"content", ".bin") == uri
    assert (root / uri).stat().st_mtime == written
    assert read_content(root, uri, ".bin", verify=True) == b"content"
    assert size_of(root / uri) == len(b"content")
    assert has_content(root / uri, [sha256_of(b"content")])


def test_many_at_once_put_the_same(root):
    with ThreadPoolExecutor(8) as pool:
        uris = set(pool.map(lambda _: put_content(root, b"x" * 10_000, ".bin"), range(32)))
    [uri] = uris
    assert [path.name for path in root.rglob("*.bin")] == [uri.rpartition("/")[2]]


def test_a_truncated_file_is_put_anew(root):
    uri = put_content(root, b"content", ".bin")
    remote_files.write(root / uri, b"cont")
    assert not has_content(root / uri, [sha256_of(b"content")])
    assert put_content(root, b"content", ".bin") == uri
    assert read_content(root, uri, ".bin", verify=True) == b"content"


def test_what_another_process_removed_is_put_again(root):
    uri = put_content(root, b"content", ".bin")
    UPath(str(root / uri), use_listings_cache=False).unlink()
    assert put_content(root, b"content", ".bin") == uri
    assert read_content(root, uri, ".bin", verify=True) == b"content"


def test_a_file_that_is_not_there_is_said(root):
    uri = put_content(root, b"content", ".bin")
    remove(root / uri)
    remove(root / uri)
    assert size_of(root / uri) == 0
    assert not has_content(root / uri, [sha256_of(b"content")])
    with pytest.raises(FileNotFoundError, match="expected a stored file, got none"):
        read_content(root, uri, ".bin", verify=True)


def test_a_file_that_would_be_the_same_is_not_written(root):
    assert write_changed(root / "page.html", b"page")
    assert not write_changed(root / "page.html", b"page")
    assert write_changed(root / "page.html", b"another page")


def test_pictures_and_arrays_come_back(root):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    images, arrays = ImageStore(root / "images"), ArrayStore(root / "arrays")
    stored = images.put(Image.fromarray(pixels))
    np.testing.assert_array_equal(np.asarray(images.open(stored.uri, verify=True)), pixels)
    uri = arrays.put({"pixels": pixels})
    np.testing.assert_array_equal(arrays.open(uri, verify=True)["pixels"], pixels)
    assert images.is_whole(stored.uri)
    assert not arrays.is_whole(uri.replace(uri[:2], "00"))


def test_a_storage_that_is_stopped_for_a_while_is_waited_for(root, object_storage):
    put_content(root, b"before", ".bin")
    back = paused(object_storage, 3.0)
    began = time.monotonic()
    uri = put_content(root, b"after", ".bin")
    assert time.monotonic() - began > 2
    back.join()
    assert read_content(root, uri, ".bin", verify=True) == b"after"


@pytest.mark.usefixtures("impatient")
def test_a_storage_that_stays_away_is_told_without_a_secret():
    secret = os.environ.get("AWS_SECRET_ACCESS_KEY", "none is set")
    root = UPath("s3://bucket/store", endpoint_url="http://127.0.0.1:9", use_listings_cache=False)
    with pytest.raises(ConnectionError, match="expected to reach s3://bucket/store") as lost:
        put_content(root, b"content", ".bin")
    assert secret not in str(lost.value) + repr(lost.value.__cause__)


@pytest.mark.usefixtures("object_storage", "impatient")
def test_a_bucket_that_is_not_there_is_not_waited_for():
    with pytest.raises(FileNotFoundError, match=r"nobodys-bucket.* expected a bucket that is th"):
        put_content(UPath("s3://nobodys-bucket/store"), b"content", ".bin")
