import hashlib
import os

import pytest

from sieve_assets_tests.image_sets.pictures import (
    HEIGHT,
    WIDTH,
    content,
    listing_of,
    opened,
    put,
)


def test_every_image_is_listed_once_in_order_with_what_is_known(tmp_path):
    for name in ("b/two.png", "a/b/three.png", "B/four.png", "one.png"):
        put(tmp_path / name, content(seed=len(name)))
    images, problems = listing_of(tmp_path)
    assert list(images["image_id"]) == ["B/four.png", "a/b/three.png", "b/two.png", "one.png"]
    assert list(images["label"]) == ["B", "b", "b", tmp_path.name]
    for image in images.to_dict("records"):
        path = tmp_path / image["image_id"]
        assert image["uri"] == str(path)
        assert image["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (image["width_px"], image["height_px"]) == (WIDTH, HEIGHT)
    assert list(problems.columns) == ["image_id", "reason"]
    assert len(problems) == 0


def test_a_relative_folder_gives_absolute_uris(tmp_path, monkeypatch):
    put(tmp_path / "photos" / "a.png", content())
    monkeypatch.chdir(tmp_path)
    images, _ = listing_of(tmp_path.relative_to(tmp_path) / "photos")
    monkeypatch.chdir("/")
    assert opened(images.loc[0, "uri"]).size == (WIDTH, HEIGHT)


def test_the_suffix_need_not_tell_the_format(tmp_path):
    put(tmp_path / "a.jpg", content(".png"))
    put(tmp_path / "b.JPEG", content(".jpg"))
    images, problems = listing_of(tmp_path)
    assert list(images["image_id"]) == ["a.jpg", "b.JPEG"]
    assert problems.empty


def test_hidden_files_and_other_files_are_ignored(tmp_path):
    put(tmp_path / "a.png", content())
    for name in (".a.png", "._a.png", ".cache/b.png", "notes.txt", "labels.csv", "png"):
        put(tmp_path / name, content())
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    images, problems = listing_of(tmp_path)
    assert list(images["image_id"]) == ["a.png"]
    assert problems.empty


def test_links_are_followed_but_not_in_circles(tmp_path):
    put(tmp_path / "real" / "a.png", content())
    folder = tmp_path / "photos"
    put(folder / "own.png", content())
    (folder / "one").symlink_to(tmp_path / "real")
    (folder / "two").symlink_to(tmp_path / "real")
    (folder / "file.png").symlink_to(tmp_path / "real" / "a.png")
    (folder / "circle").symlink_to(folder)
    (folder / "itself").symlink_to(folder / "itself")
    images, problems = listing_of(folder)
    assert list(images["image_id"]) == ["file.png", "one/a.png", "own.png", "two/a.png"]
    assert list(images["label"]) == ["photos", "one", "photos", "two"]
    assert problems.empty


def test_a_link_that_leads_nowhere_is_named(tmp_path):
    for number in range(99):
        put(tmp_path / f"good{number:02d}.png", content())
    (tmp_path / "lost.png").symlink_to(tmp_path / "nowhere.png")
    _, problems = listing_of(tmp_path)
    assert list(problems["image_id"]) == ["lost.png"]
    assert "No such file" in problems["reason"][0]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"expected a folder at {tmp_path}/photos"):
        listing_of(tmp_path / "photos")


def test_a_file_is_no_folder(tmp_path):
    path = put(tmp_path / "a.png", content())
    with pytest.raises(NotADirectoryError, match=f"{path}, got a file"):
        listing_of(path)
