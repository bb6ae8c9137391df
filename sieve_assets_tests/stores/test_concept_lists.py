"""Candidate words from every place they may be kept in, in order and once."""

import json
import sys

import nltk.data
import pytest

from sieve_assets.stores.concept_lists import (
    broden_rows,
    frequent_words,
    listings,
    names_of,
    origins,
    undrawable,
)
from sieve_assets.study import Concepts
from sieve_assets_tests.wordnets import NOUNS, write_wordnet

BRODEN = """\
number,name,category,frequency,coverage,syns
1,wall,object(10),0.1,0.2,
2,red-c,color(1),0.1,0.2,red
3,living_room-s,scene(1),0.1,0.2,
4,wall,object(1),0.1,0.2,
"""


# As in CLIP-Dissect's data folder: words as people say them, ImageNet's names with synonyms,
# Broden's labels with what is left of their suffixes; no line end after the last.
CLIP_DISSECT = {
    "3k.txt": "time\nI\nyear\n\nTuesday\njack-o'-lantern\ntime\nwater ",
    "imagenet_labels.txt": "tench, Tinca tinca\ncrane, bird\njack-o'-lantern\nmaillot\nmaillot",
    "broden_labels_clean.txt": "wine cellar-bottle storage\nshed\nred-c\nshed\npottedplant",
}
DEAL = {
    "Annual_Crop": ["Short, upright stem", "Broad, green leaves", "Trees/shrubs"],
    "croque_madame": ["B\u00e9chamel sauce", "Darker points (ears, tail, face)"],
    "empty": [],
    "Forest": ["Broad, green leaves", "Fallen leaves ", ""],
}


def found(**settings):
    return listings(Concepts(**settings), lambda target: [f"class of {target}", "dog"])


def listed(**settings):
    return names_of(found(**settings))


def test_sources_follow_each_other_and_a_word_counts_once(tmp_path):
    (tmp_path / "words.txt").write_text("cat\ndog\n\n")

    found = listed(file=tmp_path / "words.txt", words=["owl", "cat"], classes_of="net")

    assert found == ["cat", "dog", "owl", "class of net"]


def test_brodens_labels_are_read_as_one_says_them(tmp_path):
    (tmp_path / "label.csv").write_text(BRODEN)

    assert listed(file=tmp_path / "label.csv", format="broden") == ["wall", "red", "living room"]


def test_brodens_rows_keep_every_label_and_column():
    rows = broden_rows(BRODEN + "5,sky\n")

    assert [row["name"] for row in rows] == ["wall", "red", "living room", "wall", "sky"]
    assert rows[1] == {
        "number": "2",
        "name": "red",
        "category": "color(1)",
        "frequency": "0.1",
        "coverage": "0.2",
        "syns": "red",
    }
    assert rows[4]["category"] == ""


def test_another_table_is_not_brodens(tmp_path):
    (tmp_path / "label.csv").write_text("id,word\n1,wall\n")

    with pytest.raises(ValueError, match=r"label\.csv: .*a column name, got \['id', 'word'\]"):
        listed(file=tmp_path / "label.csv", format="broden")


def test_a_file_that_is_no_utf8_is_refused(tmp_path):
    (tmp_path / "words.txt").write_bytes("Bär".encode("latin-1"))

    with pytest.raises(ValueError, match=r"expected UTF-8 text in .*words\.txt"):
        listed(file=tmp_path / "words.txt")


@pytest.mark.parametrize(
    ("name", "expected", "dropped"),
    [
        ("3k.txt", ["time", "I", "year", "Tuesday", "jack-o'-lantern", "water"], [4, 7]),
        (
            "imagenet_labels.txt",
            ["tench, Tinca tinca", "crane, bird", "jack-o'-lantern", "maillot"],
            [5],
        ),
        (
            "broden_labels_clean.txt",
            ["wine cellar-bottle storage", "shed", "red-c", "pottedplant"],
            [4],
        ),
    ],
)
def test_clip_dissects_files_are_lines(tmp_path, name, expected, dropped):
    (tmp_path / name).write_bytes(CLIP_DISSECT[name].encode())

    [listing] = found(file=tmp_path / name)

    assert list(listing.concepts.names) == expected
    assert [line.line_number for line in listing.concepts.dropped] == dropped


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_deals_descriptors_are_all_classes_phrases_as_they_stand(tmp_path, mark):
    (tmp_path / "my_eurosat.json").write_text(mark + json.dumps(DEAL), encoding="utf-8")

    [listing] = found(file=tmp_path / "my_eurosat.json", format="descriptors")

    assert list(listing.concepts.names) == [
        "Short, upright stem",
        "Broad, green leaves",
        "Trees/shrubs",
        "Béchamel sauce",
        "Darker points (ears, tail, face)",
        "Fallen leaves",
    ]
    assert [line.reason for line in listing.concepts.dropped] == ["same as line 2", "blank"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('["stem"]', "got: Input should be .* object"),
        ('{"Forest": "Dense foliage"}', "got in 'Forest': Input should be a valid array"),
        ('{"Forest": ["Dense foliage", 3]}', "got in 'Forest' in 1: Input should be a .*string"),
        ("dog\ncat\n", "got: Invalid JSON"),
        ("{}", "at least one concept"),
        ('{"Forest": ["Dense\\nfoliage"]}', "U.000A in line 1"),
    ],
)
def test_what_is_no_descriptors_is_refused_with_the_place(tmp_path, text, reason):
    (tmp_path / "d.json").write_text(text)

    with pytest.raises(ValueError, match=rf"d\.json: .*{reason}"):
        listed(file=tmp_path / "d.json", format="descriptors")


def test_nouns_of_wordnet(tmp_path, monkeypatch):
    write_wordnet(tmp_path)
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])

    assert listed(wordnet="entity.n.01", words=["owl", "idea"]) == [
        "owl",
        "idea",
        *(name for name in NOUNS if name != "idea"),
    ]


def test_every_source_says_where_its_concepts_come_from(tmp_path):
    (tmp_path / "label.csv").write_text(BRODEN)

    everything = Concepts(
        file=tmp_path / "label.csv",
        format="broden",
        words=["owl"],
        n_frequent=3000,
        wordnet="artifact.n.01",
        classes_of="net",
    )

    assert origins(everything) == [
        "label.csv (Broden's labels)",
        "the study file",
        "the 3,000 most frequent words of 'en' by wordfreq (not CLIP-Dissect's list)",
        "WordNet's nouns from artifact.n.01 down",
        "the classes of net",
    ]
    without_wordnet = everything.model_copy(update={"wordnet": None, "n_frequent": 2})
    assert [len(one.concepts.names) for one in found(**dict(without_wordnet))] == [3, 1, 2, 2]


def test_what_cannot_be_drawn_is_told_of_english_words_and_by_wordnet_if_it_is_there(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    words = ["the", "quickly", "idea", "artifact", "7", "crosswalk"]

    without = undrawable(words)
    write_wordnet(tmp_path)

    assert without == {"the": "a function word", "7": "a number or sign"}
    assert list(undrawable(words)) == ["the", "quickly", "idea", "7"]
    assert undrawable(words, "de") == {}


def test_frequent_words_are_the_first_of_their_language():
    ten, thousand = listed(n_frequent=10), listed(n_frequent=1000)

    assert thousand[:10] == ten
    assert len(thousand) == 1000
    assert "the" in ten
    assert "der" in listed(n_frequent=10, language="de")


def test_an_unknown_language_is_refused_with_those_there_are():
    with pytest.raises(LookupError, match=r"got 'xx'\. They are .*de, .*en, "):
        frequent_words(10, "xx")


def test_a_missing_library_is_named_with_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "wordfreq", None)

    with pytest.raises(LookupError, match=r"pip install sieve_assets\[words\]"):
        frequent_words(10, "en")
