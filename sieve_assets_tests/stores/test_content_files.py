import contextlib
import hashlib
import os
import resource
from concurrent.futures import ThreadPoolExecutor

import pytest

from sieve_assets.stores.content_files import (
    has_content,
    put_content,
    read_content,
    sha256_of,
    write_atomically,
    write_changed,
)


def files_below(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


@contextlib.contextmanager
def full_disk():
    """No file of this process may grow beyond 1,000 bytes, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_is_named_after_its_content(tmp_path):
    uri = put_content(tmp_path, b"content", ".bin")
    digest = hashlib.sha256(b"content").hexdigest()
    assert uri == f"{digest[:2]}/{digest}.bin"
    assert (tmp_path / uri).read_bytes() == b"content"
    assert read_content(tmp_path, uri, ".bin", verify=True) == b"content"


def test_writing_twice_leaves_one_copy(tmp_path):
    first = put_content(tmp_path, b"content", ".bin")
    written = (tmp_path / first).stat()
    assert put_content(tmp_path, b"content", ".bin") == first
    assert files_below(tmp_path) == [first]
    assert (tmp_path / first).stat().st_mtime_ns == written.st_mtime_ns
    assert (tmp_path / first).stat().st_ino == written.st_ino


def test_writing_at_the_same_time_leaves_one_copy(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        uris = set(pool.map(lambda _: put_content(tmp_path, b"x" * 10_000, ".bin"), range(32)))
    assert files_below(tmp_path) == list(uris)


def test_a_damaged_file_is_written_anew(tmp_path):
    uri = put_content(tmp_path, b"content", ".bin")
    (tmp_path / uri).write_bytes(b"cont")
    assert put_content(tmp_path, b"content", ".bin") == uri
    assert read_content(tmp_path, uri, ".bin", verify=True) == b"content"


def test_a_full_disk_leaves_no_file_and_names_the_one_it_was_for(tmp_path):
    name = sha256_of(b"x" * 2000)
    reason = rf"2000 bytes, got: File too large.*{name}\.bin"
    with full_disk(), pytest.raises(OSError, match=reason):
        put_content(tmp_path, b"x" * 2000, ".bin")
    assert files_below(tmp_path) == []


def test_an_interruption_leaves_no_file(tmp_path, monkeypatch):
    def interrupt(_descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", b"content")
    assert files_below(tmp_path) == []


def test_a_process_killed_while_writing_leaves_no_file_of_that_name(tmp_path, start_process):
    code = """
import os, sys
from pathlib import Path
from sieve_assets.stores.content_files import write_atomically
os.fsync = lambda descriptor: os.kill(os.getpid(), 9)
write_atomically(Path(sys.argv[1]), b"content")
"""
    assert start_process(code, tmp_path / "file").wait(timeout=60) == -9
    assert not (tmp_path / "file").exists()
    write_atomically(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_failed_write_leaves_the_old_file(tmp_path):
    write_atomically(tmp_path / "file", b"old")
    with full_disk(), pytest.raises(OSError, match="expected to write 2000 bytes"):
        write_atomically(tmp_path / "file", b"x" * 2000)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert files_below(tmp_path) == ["file"]


def test_who_is_reading_the_old_file_reads_on(tmp_path):
    write_atomically(tmp_path / "file", b"old")
    with (tmp_path / "file").open("rb", buffering=0) as reader:
        write_atomically(tmp_path / "file", b"new and longer")
        assert reader.read() == b"old"
    assert (tmp_path / "file").read_bytes() == b"new and longer"


def test_a_root_that_is_a_file_is_named(tmp_path):
    (tmp_path / "root").touch()
    with pytest.raises(OSError, match="root"):
        put_content(tmp_path / "root", b"content", ".bin")


def test_others_may_read_what_the_umask_lets_them(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_changed_content_is_found_when_asked(tmp_path):
    uri = put_content(tmp_path, b"content", ".bin")
    (tmp_path / uri).write_bytes(b"contemt")
    assert read_content(tmp_path, uri, ".bin", verify=False) == b"contemt"
    with pytest.raises(ValueError, match=rf"{uri}.*got 7 bytes with SHA-256 .*Run `sieve mend`"):
        read_content(tmp_path, uri, ".bin", verify=True)


def test_a_missing_file_is_named_with_the_remedy(tmp_path):
    uri = f"ab/ab{'0' * 62}.bin"
    with pytest.raises(FileNotFoundError, match=f"{uri}.*run `sieve mend`"):
        read_content(tmp_path, uri, ".bin", verify=False)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/etc/passwd",
        f"ab/ab{'0' * 62}.png",
        f"cd/ab{'0' * 62}.bin",
        f"../ab/ab{'0' * 62}.bin",
        f"ab/ab{'0' * 62}.bin\n",
    ],
)
def test_a_uri_of_something_else_is_refused(tmp_path, uri):
    with pytest.raises(ValueError, match=r"expected a uri like 'ab/<sha256>\.bin'"):
        read_content(tmp_path, uri, ".bin", verify=False)


def test_only_what_has_changed_is_written(tmp_path):
    path = tmp_path / "folder" / "page.html"
    assert write_changed(path, b"one")
    before = path.stat()
    assert not write_changed(path, b"one")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert write_changed(path, b"two")
    assert path.read_bytes() == b"two"
    assert files_below(tmp_path) == ["folder/page.html"]


def test_a_file_has_a_content_by_its_hash(tmp_path):
    path = tmp_path / "page.html"
    assert not has_content(path, [sha256_of(b"one")])
    path.write_bytes(b"one")
    assert has_content(path, [sha256_of(b"one")])
    assert not has_content(path, [sha256_of(b"two")])
