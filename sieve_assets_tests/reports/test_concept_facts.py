"""What is told of a concept set: size, sources, what was dropped and what cannot be drawn."""

import nltk.data
import pytest

from sieve_assets.reports.concept_facts import concept_facts
from sieve_assets.stores.concept_lists import listings
from sieve_assets.study import Concepts
from sieve_assets_tests.wordnets import write_wordnet


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    return tmp_path


def told(**settings):
    how = Concepts(**settings)
    return concept_facts(how, listings(how, lambda _: ["dog", "quickly"]))


def test_everything_is_told(folder):
    (folder / "words.txt").write_text("dog\n\nowl\ndog\n")

    facts = told(file=folder / "words.txt", words=["7", "owl"], classes_of="net")

    assert facts == {
        "concepts": 4,
        "from": "2 from words.txt (one concept a line); 2 from the study file; "
        "2 from the classes of net",
        "dropped": "2: '' in line 2 of words.txt (one concept a line) (blank), "
        "'dog' in line 4 of words.txt (one concept a line) (same as line 1)",
        "in more than one source": 2,
        "cannot be drawn": "1: '7' (a number or sign) (without WordNet, which knows abstract "
        "words)",
    }


def test_frequent_words_are_not_taken_for_clip_dissects():
    assert "wordfreq (not CLIP-Dissect's list)" in told(n_frequent=30)["from"]


def test_wordnet_tells_of_abstract_words(folder):
    write_wordnet(folder)

    facts = told(words=["owl"], classes_of="net")

    assert facts["cannot be drawn"] == "1: 'quickly' (abstract in every sense (adv.all in WordNet))"
    assert facts["dropped"] == "none"


def test_of_many_the_first_are_named():
    facts = told(words=[str(number) for number in range(1234)])

    assert facts["cannot be drawn"].startswith("1,234: '0' (a number or sign), '1'")
    assert "'9' (a number or sign), …" in facts["cannot be drawn"]
    assert "'10'" not in facts["cannot be drawn"]


def test_words_of_another_language_are_not_judged():
    facts = told(words=["die"], n_frequent=5, language="de")

    assert facts["cannot be drawn"] == "none (not looked for: 'de' is not English)"
