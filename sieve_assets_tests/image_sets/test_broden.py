"""A small Broden folder of the layout of Network Dissection's release."""

import numpy as np
import pytest
from PIL import Image

from sieve_assets.image_sets.broden import Broden
from sieve_assets.image_sets.image_set import Item
from sieve_assets.image_sets.listing import list_images

CATEGORIES = """\
name,first,last,count,frequency
color,10,11,2,3
object,12,300,3,2
part,300,400,2,1
scene,500,500,1,1
"""
LABELS = """\
number,name,category,frequency,coverage,syns
10,red-c,color(2),2,1.0,
11,blue-c,color(3),3,1.0,
12,living_room-s,scene(1),1,0.5,
258,owl,object(2),2,0.1,
300,wing,object(1);part(4),5,0.1,feather
301,beak,part(1);object(1),2,0.1,
"""
INDEX = """\
image,split,ih,iw,sh,sw,color,object,part,scene
a/one.jpg,train,4,6,2,3,a/one_color.png,a/one_object.png,a/one_part.png;a/one_part2.png,12
b/two.jpg,val,4,6,2,3,b/two_color.png,,,0
b/none.jpg,val,4,6,2,3,,,,
"""
LABEL_IMAGES = {
    "a/one_color.png": [[10, 10, 11], [0, 11, 11]],
    "a/one_object.png": [[0, 258, 258], [0, 0, 300]],
    "a/one_part.png": [[300, 0, 0], [0, 0, 0]],
    "a/one_part2.png": [[301, 0, 300], [0, 0, 0]],
    "b/two_color.png": [[11, 11, 11], [11, 11, 11]],
}


def label_image(numbers):
    """Red + 256 green; blue is of no use."""
    numbers = np.array(numbers)
    return Image.fromarray(
        np.stack([numbers % 256, numbers // 256, np.full_like(numbers, 9)], axis=2).astype(np.uint8)
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "category.csv").write_text(CATEGORIES)
    (tmp_path / "label.csv").write_text(LABELS)
    (tmp_path / "index.csv").write_text(INDEX)
    for name, numbers in LABEL_IMAGES.items():
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        label_image(numbers).save(path)
    for name in ("a/one.jpg", "b/two.jpg", "b/none.jpg"):
        Image.new("RGB", (6, 4), "red").save(tmp_path / "images" / name)
    return tmp_path


def replace(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_labels_are_concepts_in_the_order_of_their_table(folder):
    broden = Broden(folder)
    assert broden.categories() == ["color", "object", "part", "scene"]
    assert [tuple(concept) for concept in broden.concepts()] == [
        (10, "red", 0),
        (11, "blue", 0),
        (12, "living room", 3),
        (258, "owl", 1),
        (300, "wing", 2),
        (301, "beak", 1),
    ]


def test_masks_are_what_the_label_images_say_of_each_pixel(folder):
    one, two, none = Broden(folder).images()
    assert (one.image_id, one.uri) == ("a/one.jpg", str(folder / "images" / "a" / "one.jpg"))
    assert one.shown.concepts.tolist() == [0, 1, 2, 3, 4, 5]
    assert one.shown.masks.astype(int).tolist() == [
        [[1, 1, 0], [0, 0, 0]],
        [[0, 0, 1], [0, 1, 1]],
        [[1, 1, 1], [1, 1, 1]],
        [[0, 1, 1], [0, 0, 0]],
        [[1, 0, 1], [0, 0, 1]],
        [[1, 0, 0], [0, 0, 0]],
    ]
    assert (two.image_id, two.shown.concepts.tolist()) == ("b/two.jpg", [1])
    assert two.shown.masks.all()
    assert (none.image_id, none.shown.masks.shape) == ("b/none.jpg", (0, 2, 3))


def test_whole_image_labels_may_be_several(folder):
    replace(folder / "index.csv", "two_color.png,,,0", "two_color.png,,,12;258")
    _, two, _ = Broden(folder).images()
    assert two.shown.concepts.tolist() == [1, 2, 3]
    assert two.shown.masks.all()


def test_many_images_come_in_the_order_of_the_index(folder):
    row = "b/two.jpg,val,4,6,2,3,b/two_color.png,,,0\n"
    names = [f"b/{number:03d}.jpg" for number in range(150)]
    rows = [row.replace("b/two.jpg", name) for name in names]
    (folder / "index.csv").write_text(INDEX.splitlines(keepends=True)[0] + "".join(rows))
    assert [image.image_id for image in Broden(folder).images()] == names


def test_it_is_a_set_of_images_like_others(folder):
    broden = Broden(folder)
    [first, *_] = broden.items()
    assert first == Item("a/one.jpg", str(folder / "images" / "a" / "one.jpg"), "")
    assert broden.read(first.uri) == (folder / "images" / "a" / "one.jpg").read_bytes()
    assert str(folder) in broden.where
    images, problems = list_images(broden)
    assert list(images["image_id"]) == ["a/one.jpg", "b/none.jpg", "b/two.jpg"]
    assert problems.empty


def test_a_relative_folder_gives_absolute_uris(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    broden = Broden(folder.relative_to(folder.parent))
    assert next(iter(broden.items())).uri == str(folder / "images" / "a" / "one.jpg")
    assert next(broden.images()).uri == str(folder / "images" / "a" / "one.jpg")


@pytest.mark.parametrize("name", ["label.csv", "images/a/one_color.png", "images/a/one.jpg"])
def test_the_state_changes_with_every_file(folder, name):
    broden = Broden(folder)
    before = broden.state()
    assert before == broden.state()
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    assert broden.state() != before


def test_a_set_that_is_not_there_has_no_state(tmp_path):
    assert Broden(tmp_path).state() == ""


@pytest.mark.parametrize("table", ["category.csv", "label.csv", "index.csv"])
def test_a_missing_table_is_named(folder, table):
    (folder / table).unlink()
    with pytest.raises(FileNotFoundError, match=rf"^broden: expected {table} in .* got nothing\. "):
        list(Broden(folder).images())


@pytest.mark.parametrize(
    ("table", "old", "new", "reason"),
    [
        ("category.csv", "name,first", "kind,first", r"a column name in .*category\.csv, got \['k"),
        ("label.csv", "number,name", "id,name", r"a column number in .*label\.csv, got \['id'"),
        ("label.csv", "name,category,", "name,kind,", r"a column category in .*label\.csv"),
        ("index.csv", "image,split", "file,split", r"a column image in .*index\.csv, got \['file'"),
        ("index.csv", ",sh,", ",rows,", r"a column sh in .*index\.csv"),
        ("index.csv", ",sw,", ",columns,", r"a column sw in .*index\.csv"),
        ("index.csv", ",part,", ",parts,", r"a column part in .*index\.csv"),
    ],
)
def test_a_missing_column_is_named_with_its_table(folder, table, old, new, reason):
    replace(folder / table, old, new)
    with pytest.raises(ValueError, match=rf"^broden: expected {reason}"):
        list(Broden(folder).images())


def test_a_missing_name_column_is_reported_as_for_concept_lists(folder):
    replace(folder / "label.csv", "number,name", "number,word")
    with pytest.raises(ValueError, match=r"Broden's label\.csv with a column name, got \['number'"):
        Broden(folder).concepts()


@pytest.mark.parametrize(
    ("table", "old", "new", "reason"),
    [
        ("label.csv", "258,owl", "x,owl", r"expected a number as number in .*label\.csv, got 'x'"),
        ("label.csv", "258,owl", "10,owl", r"expected each number once in .*, got 10 twice"),
        ("label.csv", "scene(1)", "place(1)", r"category of label 12 in .*, got 'place\(1\)'"),
        ("index.csv", "two.jpg,val,4,6,2,3", "two.jpg,val,4,6,,3", "a number as sh in .*, got ''"),
        ("index.csv", "color.png,,,0", "color.png,,,13", "the scene labels of 'b/two.jpg', got 13"),
        ("index.csv", "color.png,,,0", "color.png,,,99999", "of 'b/two.jpg', got 99999"),
    ],
)
def test_a_number_that_is_none_or_not_known_is_named(folder, table, old, new, reason):
    replace(folder / table, old, new)
    with pytest.raises(ValueError, match=rf"^broden: .*{reason}"):
        list(Broden(folder).images())


def test_a_label_in_a_picture_that_the_table_lacks_is_named(folder):
    label_image([[0, 0, 0], [0, 259, 0]]).save(folder / "images" / "a" / "one_object.png")
    with pytest.raises(
        ValueError, match=r"numbers of label\.csv in the object labels of 'a/one\.jpg', got 259\. "
    ):
        list(Broden(folder).images())


def test_a_label_table_without_rows_is_refused(folder):
    (folder / "label.csv").write_text(LABELS.splitlines(keepends=True)[0])
    with pytest.raises(ValueError, match=r"^broden: expected labels in .*label\.csv, got none\. "):
        Broden(folder).concepts()


def test_a_label_image_that_is_missing_broken_or_of_another_size_is_named(folder):
    path = folder / "images" / "a" / "one_object.png"
    label_image([[0, 0], [0, 0]]).save(path)
    with pytest.raises(
        ValueError,
        match=r"expected 2 rows and 3 columns .* in 'a/one_object.png' .* got 2 and 2\. ",
    ):
        list(Broden(folder).images())
    path.write_bytes(b"no picture")
    with pytest.raises(
        ValueError, match=r"of 'a/one\.jpg' at .*got not an image of a known format"
    ):
        list(Broden(folder).images())
    path.unlink()
    with pytest.raises(
        FileNotFoundError, match=r"label image of 'a/one\.jpg' at .*one_object\.png, got nothing"
    ):
        list(Broden(folder).images())
