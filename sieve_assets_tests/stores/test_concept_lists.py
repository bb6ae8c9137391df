"""Candidate words from every place they may be kept in, in order and once."""

import sys

import pytest

from sieve_assets.stores.concept_lists import frequent_words, listed_concepts
from sieve_assets.study import Concepts

BRODEN = """\
number,name,category,frequency,coverage,syns
1,wall,object(10),0.1,0.2,
2,red-c,color(1),0.1,0.2,red
3,living_room-s,scene(1),0.1,0.2,
4,wall,object(1),0.1,0.2,
"""


def listed(**settings):
    return listed_concepts(Concepts(**settings), lambda target: [f"class of {target}", "dog"])


def test_sources_follow_each_other_and_a_word_counts_once(tmp_path):
    (tmp_path / "words.txt").write_text("cat\ndog\n\n")

    found = listed(file=tmp_path / "words.txt", words=["owl", "cat"], classes_of="net")

    assert found == ["cat", "dog", "owl", "class of net"]


def test_brodens_labels_are_read_as_one_says_them(tmp_path):
    (tmp_path / "label.csv").write_text(BRODEN)

    assert listed(file=tmp_path / "label.csv", format="broden") == ["wall", "red", "living room"]


def test_another_table_is_not_brodens(tmp_path):
    (tmp_path / "label.csv").write_text("id,word\n1,wall\n")

    with pytest.raises(ValueError, match=r"label\.csv: .*a column name, got \['id', 'word'\]"):
        listed(file=tmp_path / "label.csv", format="broden")


def test_a_file_that_is_no_utf8_is_refused(tmp_path):
    (tmp_path / "words.txt").write_bytes("Bär".encode("latin-1"))

    with pytest.raises(ValueError, match=r"expected UTF-8 text in .*words\.txt"):
        listed(file=tmp_path / "words.txt")


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
