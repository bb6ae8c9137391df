"""A concept file gives the same concepts however it was saved."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.concept_sets import DroppedLine, clean_concepts, parse_concepts

WORDS = st.lists(st.sampled_from(["dog", "red fox", "Dog", "naïve café", "a|b, {c}"]), min_size=1)


def test_one_concept_a_line():
    assert parse_concepts("dog\nred fox\n") == (("dog", "red fox"), ())


def test_blank_lines_windows_line_ends_and_duplicates_give_the_same_labels():
    clean = parse_concepts("dog\nred fox\ncat\n").names
    assert parse_concepts("dog\r\n\r\nred fox\r\n  dog \r\n\tcat").names == clean
    assert parse_concepts("\n\ndog\n \nred fox\nred fox\ncat\n\n").names == clean
    assert parse_concepts("\ufeffdog\rred fox\rcat\r").names == clean
    assert parse_concepts("\ufeffdog\nred fox\n\ufeffcat\n\ufeff").names == clean


def test_what_was_dropped_is_told_by_line_with_the_reason():
    dropped = parse_concepts("dog\n\n dog\ncat\ndog\n").dropped
    assert dropped == (
        DroppedLine(2, "", "blank"),
        DroppedLine(3, " dog", "same as line 1"),
        DroppedLine(5, "dog", "same as line 1"),
    )


def test_words_that_differ_in_case_or_in_inner_blanks_are_kept():
    assert parse_concepts("Turkey\nturkey\nice  cream\nice cream").names == (
        "Turkey",
        "turkey",
        "ice  cream",
        "ice cream",
    )


ODD = [
    "'; DROP TABLE concept_hypotheses; --",
    "<script>alert(1)</script>",
    "$5 and $x^2$",
    "[red]dog",
]
ODD += [
    "{} {0} %s",
    '"quoted"',
    "back\\slash",
    "a|b,c\ttab",
    "写真 🦊 e\u0301",
    "NULL",
    "-1",
    "=1+1",
]


def test_words_that_mean_something_elsewhere_are_words():
    assert parse_concepts("\n".join(ODD)) == (tuple(ODD), ())


def test_a_single_word_is_a_set():
    assert parse_concepts("dog") == (("dog",), ())


def test_a_line_too_long_for_a_concept_is_refused_with_its_number():
    assert parse_concepts("dog\n" + "x" * 1000 + " \n").names == ("dog", "x" * 1000)
    expected = (
        "parse_concepts: expected a word or phrase of at most 1000 characters a line, got 10000 "
        "characters in line 3. Put one concept on each line."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        parse_concepts("dog\n\n" + "x, y " * 1999 + "x y z")


def test_a_file_that_is_no_text_is_refused_with_the_line():
    with pytest.raises(ValueError, match=r"U\+0000 in line 1\. Save the file as UTF-8 text\.$"):
        parse_concepts("dog\ncat\n".encode("utf-16-le").decode("utf-8"))
    with pytest.raises(ValueError, match=r"control character U\+001B in line 2"):
        parse_concepts("dog\n\x1b[31mcat\n")


def test_a_list_is_cleaned_as_the_lines_of_a_text_are():
    assert clean_concepts(iter(["dog ", "", "red fox", "dog"])) == parse_concepts(
        "dog \n\nred fox\ndog"
    )


@pytest.mark.parametrize("end", ["\n", "\r"])
def test_an_entry_of_a_list_is_one_line(end):
    with pytest.raises(ValueError, match=rf"U\+000{ord(end):X} in line 2\. "):
        clean_concepts(["dog", f"red{end}fox"])


@settings(max_examples=50)
@given(text=st.text(st.sampled_from("ab \t\r\n'$[{\ufeffü"), max_size=30))
def test_what_was_read_and_written_again_is_the_same_set(text):
    try:
        names, dropped = parse_concepts(text)
    except ValueError as error:
        assert "blank lines" in str(error)  # noqa: PT017 (most texts are no error)
        return
    assert parse_concepts("\r\n".join(names)).names == names
    assert len(set(names)) == len(names)
    assert all(name == name.strip() != "" for name in names)
    assert [line.line_number for line in dropped] == sorted(line.line_number for line in dropped)


@settings(max_examples=50)
@given(words=WORDS, data=st.data())
def test_names_are_the_first_appearances_in_order_and_no_line_is_lost(words, data):
    ends = data.draw(st.lists(st.sampled_from(["\n", "\r\n"]), min_size=len(words),
                              max_size=len(words)))  # fmt: skip
    blanks = data.draw(st.lists(st.sampled_from(["", " ", "\t"]), min_size=len(words),
                                max_size=len(words)))  # fmt: skip
    text = "".join(b + w + b + e for w, e, b in zip(words, ends, blanks, strict=True))
    seen = []
    for word in words:
        if word not in seen:
            seen.append(word)
    concepts = parse_concepts(text)
    assert list(concepts.names) == seen
    assert len(concepts.names) + len(concepts.dropped) == len(words)
    assert parse_concepts("\n".join(concepts.names)) == (concepts.names, ())


@pytest.mark.parametrize("text", ["", "\n", " \r\n\t\r\n", "\ufeff"])
def test_a_set_without_concepts_is_refused(text):
    with pytest.raises(
        ValueError, match=r"^parse_concepts: expected at least one concept, got \d blank lines\. "
    ):
        parse_concepts(text)
