"""A database in WordNet's own format, read by NLTK."""

import shutil
import sys

import nltk.data
import pytest

from sieve_assets.stores.wordnet import noun_names, sense_kinds, wordnet_is_there
from sieve_assets_tests.wordnets import NOUNS, write_wordnet


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where NLTK looks, and nowhere else."""
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    return tmp_path


@pytest.fixture
def wordnet(folder):
    write_wordnet(folder)
    return folder


@pytest.mark.usefixtures("wordnet")
def test_all_nouns_are_below_entity_in_the_order_of_the_file_and_once():
    assert noun_names("entity.n.01") == NOUNS


@pytest.mark.usefixtures("wordnet")
@pytest.mark.parametrize(
    ("below", "expected"),
    [
        (
            "artifact.n.01",
            ["artifact", "artefact", "zebra crossing", "crosswalk", "Abbey Road"],
        ),
        ("crosswalk.n.01", ["zebra crossing", "crosswalk", "Abbey Road", "artifact"]),
        ("idea.n.01", ["idea"]),
    ],
)
def test_a_synset_gives_its_own_words_those_below_and_names_of_instances(below, expected):
    assert noun_names(below) == expected


@pytest.mark.usefixtures("wordnet")
def test_the_kinds_of_all_senses_of_a_word_are_known():
    assert sense_kinds("idea") == {"noun.cognition", "verb.cognition"}
    assert sense_kinds("Zebra crossing") == {"noun.artifact"}
    assert sense_kinds("crosswalks") == {"noun.artifact"}
    assert sense_kinds("quickly") == {"adv.all"}
    assert sense_kinds("unicorn") == frozenset()


@pytest.mark.usefixtures("wordnet")
@pytest.mark.parametrize("name", ["unicorn.n.01", "idea.n.09", "know.n.01"])
def test_an_unknown_synset_is_refused(name):
    with pytest.raises(LookupError, match=f"a noun synset of WordNet, got '{name}'.*artifact.n.01"):
        noun_names(name)


def test_the_archive_that_nltk_fetches_is_read_as_it_is(wordnet):
    corpora = wordnet / "corpora"
    shutil.make_archive(str(corpora / "wordnet"), "zip", corpora, "wordnet")
    shutil.rmtree(corpora / "wordnet")

    assert noun_names("entity.n.01") == NOUNS


def test_missing_files_are_named_with_where_they_are_looked_for_and_how_to_get_them(folder):
    with pytest.raises(LookupError) as raised:
        noun_names("entity.n.01")

    assert "corpora/wordnet.zip" in str(raised.value)
    assert str(folder) in str(raised.value)
    assert "python -m nltk.downloader wordnet" in str(raised.value)
    assert not wordnet_is_there()


def test_files_put_there_later_are_found(folder):
    assert not wordnet_is_there()

    write_wordnet(folder)

    assert wordnet_is_there()
    assert noun_names("idea.n.01") == ["idea"]


def test_a_missing_library_is_named_with_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "nltk", None)

    with pytest.raises(LookupError, match=r"expected nltk .*pip install sieve_assets\[words\]"):
        sense_kinds("dog")
