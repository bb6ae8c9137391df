"""A concept file gives the same concepts however it was saved."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.concept_sets import DroppedLine, parse_concepts

WORDS = st.lists(st.sampled_from(["dog", "red fox", "Dog", "naïve café", "a|b, {c}"]), min_size=1)


def test_one_concept_a_line():
    assert parse_concepts("dog\nred fox\n") == (("dog", "red fox"), ())


def test_blank_lines_windows_line_ends_and_duplicates_give_the_same_labels():
    clean = parse_concepts("dog\nred fox\ncat\n").names
    assert parse_concepts("dog\r\n\r\nred fox\r\n  dog \r\n\tcat").names == clean
    assert parse_concepts("\n\ndog\n \nred fox\nred fox\ncat\n\n").names == clean
    assert parse_concepts("\ufeffdog\rred fox\rcat\r").names == clean


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
