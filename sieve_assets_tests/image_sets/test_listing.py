import hashlib
import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from sieve_assets.image_sets.folders import Folder
from sieve_assets.image_sets.image_set import Item
from sieve_assets.image_sets.listing import _examined
from sieve_assets_tests.image_sets.pictures import (
    FORMATS,
    HEIGHT,
    WIDTH,
    content,
    listing_of,
    opened,
    put,
)


def examined(path):
    return _examined(Folder(path.parent), Item(path.name, str(path), ""))


@pytest.fixture
def listed_with(tmp_path):
    """Lists a folder of 99 good images and the files given by name and content."""
    good = [put(tmp_path / f"good{number:02d}.png", content()) for number in range(99)]

    def listed(**files):
        for name, data in files.items():
            put(tmp_path / name, data)
        images, problems = listing_of(tmp_path)
        assert set(images["image_id"]) - set(files) == {path.name for path in good}
        return images[images["image_id"].isin(set(files))], problems

    return listed


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
        opened(str(bad))


def test_any_changed_byte_of_a_png_is_noticed(tmp_path):
    file = io.BytesIO()
    Image.linear_gradient("L").resize((WIDTH, HEIGHT)).save(file, "PNG")
    good = file.getvalue()
    path = put(tmp_path / "a.png", good)
    assert examined(path) == (hashlib.sha256(good).hexdigest(), WIDTH, HEIGHT)
    for position in range(len(good) - 12):  # the last chunk only says that it is the last
        bad = bytearray(good)
        bad[position] ^= 0x10
        assert isinstance(examined(put(path, bytes(bad))), str)


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
        f"list_images: expected at most 1 % of the {n_good + n_bad} images in the folder "
        f"{tmp_path} to be unreadable, got {n_bad} ('bad0.png': not an image of a known format"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}") as raised:
        listing_of(tmp_path)
    assert str(raised.value).endswith("Repair these files or take them out.")
    assert str(raised.value).count("'bad") == n_bad


def test_of_exactly_1_percent_unreadable_images_each_is_named(tmp_path):
    for number in range(198):
        put(tmp_path / f"good{number}.png", content())
    put(tmp_path / "empty.png", b"")
    put(tmp_path / "page.png", b"<html>")
    images, problems = listing_of(tmp_path)
    assert len(images) == 198
    assert list(problems["image_id"]) == ["empty.png", "page.png"]


def test_a_refusal_names_the_first_few_on_one_line(tmp_path):
    put(tmp_path / "z.png", content())
    for name in ("a b", 'c"d', "e\nf", "g'h", "ü写", "k", "l"):
        put(tmp_path / f"{name}.png", b"")
    with pytest.raises(ValueError, match="got 7 ") as raised:
        listing_of(tmp_path)
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
    images, problems = listing_of(tmp_path)
    assert problems.empty
    assert list(images["image_id"]) == sorted(names)
    for image in images.to_dict("records"):
        picture = opened(image["uri"], sha256=image["sha256"])
        expected = content(seed=names.index(image["image_id"]))
        assert picture.tobytes() == Image.open(io.BytesIO(expected)).tobytes()


def test_files_with_the_same_content_are_as_many_images(tmp_path):
    for name in ("a.png", "b.png", "c/a.png"):
        put(tmp_path / name, content())
    images, _ = listing_of(tmp_path)
    assert list(images["image_id"]) == ["a.png", "b.png", "c/a.png"]
    assert images["sha256"].nunique() == 1


def test_a_name_that_no_table_can_hold_is_reported():
    assert examined(Path(os.fsdecode(b"\xff.png"))) == "its name is not UTF-8"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_sizes_are_those_of_the_image_as_people_see_it(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    put(tmp_path / f"a{suffix}", content(suffix, exif=exif))
    images, _ = listing_of(tmp_path)
    size = (images["width_px"][0], images["height_px"][0])
    assert size == opened(images.loc[0, "uri"]).size
    assert size == ((WIDTH, HEIGHT) if orientation <= 4 else (HEIGHT, WIDTH))


def test_an_image_is_turned_as_its_orientation_says(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned a quarter to the right
    put(tmp_path / "a.png", content(exif=exif))
    put(tmp_path / "b.png", content())
    turned, plain = (np.asarray(opened(str(tmp_path / f"{name}.png"))) for name in "ab")
    np.testing.assert_array_equal(turned, np.rot90(plain, k=-1))


def test_a_folder_without_images_is_refused(tmp_path):
    put(tmp_path / "notes.txt", b"")
    with pytest.raises(ValueError, match=f"expected images in the folder {tmp_path}, got none"):
        listing_of(tmp_path)


def test_a_folder_without_readable_images_is_refused_with_an_example(tmp_path):
    put(tmp_path / "a.png", b"")
    put(tmp_path / "b.png", b"")
    with pytest.raises(ValueError, match=r"got 2 that are not, e\.g\. 'a\.png': not an image"):
        listing_of(tmp_path)


def test_a_removed_image_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"an image at {tmp_path}/a.png, got no file"):
        opened(str(tmp_path / "a.png"))
