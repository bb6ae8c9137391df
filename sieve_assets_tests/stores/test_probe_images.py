import hashlib
import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from sieve_assets.stores.probe_images import _examined, list_folder, open_image

FORMATS = {
    ".bmp": "BMP",
    ".gif": "GIF",
    ".jpg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".webp": "WEBP",
}
WIDTH, HEIGHT = 37, 23


def content(suffix=".png", mode="RGB", seed=0, **options):
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, FORMATS[suffix], **options)
    return file.getvalue()


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.fixture
def listed_with(tmp_path):
    """Lists a folder of 99 good images and the files given by name and content."""
    good = [put(tmp_path / f"good{number:02d}.png", content()) for number in range(99)]

    def listed(**files):
        for name, data in files.items():
            put(tmp_path / name, data)
        images, problems = list_folder(tmp_path)
        assert set(images["image_id"]) - set(files) == {path.name for path in good}
        return images[images["image_id"].isin(set(files))], problems

    return listed


def test_every_image_is_listed_once_in_order_with_what_is_known(tmp_path):
    for name in ("b/two.png", "a/b/three.png", "B/four.png", "one.png"):
        put(tmp_path / name, content(seed=len(name)))
    images, problems = list_folder(tmp_path)
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
    images, _ = list_folder(tmp_path.relative_to(tmp_path) / "photos")
    monkeypatch.chdir("/")
    assert open_image(images.loc[0, "uri"]).size == (WIDTH, HEIGHT)


@pytest.mark.filterwarnings("ignore:Truncated File Read")  # what Pillow says of a TIFF besides
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("share", [0, 0.02, 0.5, 0.95])
def test_a_file_that_ends_early_is_named_and_left_out(tmp_path, suffix, share, listed_with):
    bad = tmp_path / f"bad{suffix}"
    images, problems = listed_with(
        **{bad.name: content(suffix)[: int(len(content(suffix)) * share)]}
    )
    assert images.empty
    assert list(problems["image_id"]) == [bad.name]
    assert list(problems["reason"]) != [""]
    with pytest.raises(ValueError, match=f"open_image: expected an image at {bad}, got .+Repair"):
        open_image(str(bad))


def test_any_changed_byte_of_a_png_is_noticed(tmp_path):
    file = io.BytesIO()
    Image.linear_gradient("L").resize((WIDTH, HEIGHT)).save(file, "PNG")
    good = file.getvalue()
    path = put(tmp_path / "a.png", good)
    assert _examined(path) == (hashlib.sha256(good).hexdigest(), WIDTH, HEIGHT)
    for position in range(len(good) - 12):  # the last chunk only says that it is the last
        bad = bytearray(good)
        bad[position] ^= 0x10
        assert isinstance(_examined(put(path, bytes(bad))), str)


def test_what_only_has_an_images_name_is_named_and_left_out(listed_with):
    images, problems = listed_with(**{"text.jpg": b"no image"})
    assert images.empty
    assert problems.to_numpy().tolist() == [["text.jpg", "not an image of a known format"]]


@pytest.mark.parametrize(("n_good", "n_bad"), [(98, 1), (59, 1), (1, 1), (197, 2)])
def test_more_than_1_percent_unreadable_images_are_refused(tmp_path, n_good, n_bad):
    for number in range(n_good):
        put(tmp_path / f"good{number}.png", content())
    for number in range(n_bad):
        put(tmp_path / f"bad{number}.png", b"no image")
    expected = (
        f"list_folder: expected at most 1 % of the {n_good + n_bad} images below {tmp_path} to be "
        f"unreadable, got {n_bad} ('bad0.png': not an image of a known format"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}") as raised:
        list_folder(tmp_path)
    assert str(raised.value).endswith("Repair these files or take them out of the folder.")
    assert str(raised.value).count("'bad") == n_bad


def test_of_exactly_1_percent_unreadable_images_each_is_named(tmp_path):
    for number in range(198):
        put(tmp_path / f"good{number}.png", content())
    put(tmp_path / "empty.png", b"")
    put(tmp_path / "page.png", b"<html>")
    images, problems = list_folder(tmp_path)
    assert len(images) == 198
    assert list(problems["image_id"]) == ["empty.png", "page.png"]


def test_a_refusal_names_the_first_few_on_one_line(tmp_path):
    put(tmp_path / "z.png", content())
    for name in ("a b", 'c"d', "e\nf", "g'h", "ü写", "k", "l"):
        put(tmp_path / f"{name}.png", b"")
    with pytest.raises(ValueError, match="got 7 ") as raised:
        list_folder(tmp_path)
    message = str(raised.value)
    assert "\n" not in message
    for name in (
        "'a b.png'",
        "'c\"d.png'",
        "'e\\nf.png'",
        '"g\'h.png"',
        "'k.png'",
        "; and 2 more)",
    ):
        assert name in message


def test_names_of_any_kind_are_listed_as_they_are_and_opened(tmp_path):
    names = ["a b.png", "c'd\"e.png", "f\ng.png", "'; DROP TABLE probe_images; --.png"]
    names += [
        "ü/写真.png",
        "<script>.png",
        "%s {} $x$.png",
        "[red].png",
        "-rf.png",
        "\u202egnp.png",
    ]
    for number, name in enumerate(names):
        put(tmp_path / name, content(seed=number))
    images, problems = list_folder(tmp_path)
    assert problems.empty
    assert list(images["image_id"]) == sorted(names)
    for image in images.to_dict("records"):
        opened = open_image(image["uri"], sha256=image["sha256"])
        expected = content(seed=names.index(image["image_id"]))
        assert opened.tobytes() == Image.open(io.BytesIO(expected)).tobytes()


def test_files_with_the_same_content_are_as_many_images(tmp_path):
    for name in ("a.png", "b.png", "c/a.png"):
        put(tmp_path / name, content())
    images, _ = list_folder(tmp_path)
    assert list(images["image_id"]) == ["a.png", "b.png", "c/a.png"]
    assert images["sha256"].nunique() == 1


def test_the_suffix_need_not_tell_the_format(tmp_path):
    put(tmp_path / "a.jpg", content(".png"))
    put(tmp_path / "b.JPEG", content(".jpg"))
    images, problems = list_folder(tmp_path)
    assert list(images["image_id"]) == ["a.jpg", "b.JPEG"]
    assert problems.empty


def test_hidden_files_and_other_files_are_ignored(tmp_path):
    put(tmp_path / "a.png", content())
    for name in (".a.png", "._a.png", ".cache/b.png", "notes.txt", "labels.csv", "png"):
        put(tmp_path / name, content())
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    images, problems = list_folder(tmp_path)
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
    images, problems = list_folder(folder)
    assert list(images["image_id"]) == ["file.png", "one/a.png", "own.png", "two/a.png"]
    assert list(images["label"]) == ["photos", "one", "photos", "two"]
    assert problems.empty


def test_a_link_that_leads_nowhere_is_named(tmp_path, listed_with):
    (tmp_path / "lost.png").symlink_to(tmp_path / "nowhere.png")
    _, problems = listed_with()
    assert list(problems["image_id"]) == ["lost.png"]
    assert "No such file" in problems["reason"][0]


def test_a_name_that_no_table_can_hold_is_reported():
    assert _examined(Path(os.fsdecode(b"\xff.png"))) == "its name is not UTF-8"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_sizes_are_those_of_the_image_as_people_see_it(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    put(tmp_path / f"a{suffix}", content(suffix, exif=exif))
    images, _ = list_folder(tmp_path)
    size = (images["width_px"][0], images["height_px"][0])
    assert size == open_image(images.loc[0, "uri"]).size
    assert size == ((WIDTH, HEIGHT) if orientation <= 4 else (HEIGHT, WIDTH))


def test_an_image_is_turned_as_its_orientation_says(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned a quarter to the right
    put(tmp_path / "a.png", content(exif=exif))
    put(tmp_path / "b.png", content())
    turned, plain = (np.asarray(open_image(str(tmp_path / f"{name}.png"))) for name in "ab")
    np.testing.assert_array_equal(turned, np.rot90(plain, k=-1))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"expected a folder at {tmp_path}/photos"):
        list_folder(tmp_path / "photos")


def test_a_file_is_no_folder(tmp_path):
    path = put(tmp_path / "a.png", content())
    with pytest.raises(NotADirectoryError, match=f"{path}, got a file"):
        list_folder(path)


def test_a_folder_without_images_is_refused(tmp_path):
    put(tmp_path / "notes.txt", b"")
    with pytest.raises(ValueError, match=f"expected images below {tmp_path}, got no file with"):
        list_folder(tmp_path)


def test_a_folder_without_readable_images_is_refused_with_an_example(tmp_path):
    put(tmp_path / "a.png", b"")
    put(tmp_path / "b.png", b"")
    with pytest.raises(ValueError, match=r"got 2 that are not, e\.g\. 'a\.png': not an image"):
        list_folder(tmp_path)


def test_a_removed_image_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"an image at {tmp_path}/a.png, got no file"):
        open_image(str(tmp_path / "a.png"))
