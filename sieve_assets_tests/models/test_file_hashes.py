"""Content hashes: what changes them, and what does not."""

import os
from pathlib import Path

import pytest

from sieve_assets.models.file_hashes import content_hash


def test_a_files_hash_is_that_of_its_bytes(tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"abc")

    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert content_hash(file) == known


def folder(root, files: dict[str, str]):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


FILES = {"config.json": "{}", "unet/weights.bin": "1", "unet/config.json": "2"}


def test_a_folders_hash_does_not_depend_on_place_or_time_or_hidden_files_or_its_card(tmp_path):
    first = folder(tmp_path / "first", FILES)
    second = folder(tmp_path / "second", dict(reversed(FILES.items())))
    folder(second, {".cache/lock": "x", "unet/.DS_Store": "y", "README.md": "a card"})
    os.utime(second / "config.json", (1, 1))

    assert content_hash(first) == content_hash(second)


@pytest.mark.parametrize(
    "change",
    [
        {"unet/weights.bin": "3"},
        {"new": ""},
        {"unet/config.json": "1", "unet/weights.bin": "2"},
    ],
)
def test_a_folders_hash_changes_with_any_file(tmp_path, change):
    before = content_hash(folder(tmp_path / "first", FILES))

    assert content_hash(folder(tmp_path / "second", FILES | change)) != before


def test_a_renamed_file_changes_the_hash(tmp_path):
    root = folder(tmp_path / "folder", FILES)
    before = content_hash(root)

    (root / "config.json").rename(root / "other.json")

    assert content_hash(root) != before


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(LookupError, match="where there is nothing"):
        content_hash(tmp_path / "nowhere")


def test_an_empty_folder_is_said(tmp_path):
    with pytest.raises(ValueError, match="which is empty"):
        content_hash(tmp_path)


def test_a_file_replaced_by_another_of_the_same_size_and_time_is_read_again(tmp_path):
    file, other = tmp_path / "weights", tmp_path / "other"
    file.write_bytes(b"abc")
    before = content_hash(file)
    other.write_bytes(b"abd")
    seen = file.stat()
    os.utime(other, ns=(seen.st_atime_ns, seen.st_mtime_ns))

    other.replace(file)

    assert content_hash(file) != before


def test_a_file_that_may_not_have_changed_is_not_read_again(tmp_path, monkeypatch):
    file = tmp_path / "weights"
    file.write_bytes(b"xyz")
    before = content_hash(file)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("read again"))

    assert content_hash(file) == before
