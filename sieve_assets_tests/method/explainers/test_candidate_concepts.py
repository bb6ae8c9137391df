"""Candidates from words, captions and answers."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.explainers.candidate_concepts import (
    concept_in,
    merged_concepts,
    merging_prompts,
    most_frequent,
    nearest_words,
)


def unit(n_rows, features=4, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n_rows, features))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_the_word_of_most_patches_comes_first_and_then_the_one_nearest_on_average():
    concepts = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0.8, 0]])
    patches = np.array([[0, 1.0, 0], [0, 1, 0], [1, 0, 0]])
    # Word 1 is the best of two patches, word 0 of one; word 3 (mean .73) beats word 2 (mean 0).
    assert nearest_words(patches, concepts, count=4).tolist() == [1, 0, 3, 2]
    assert nearest_words(patches, concepts, count=2).tolist() == [1, 0]


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), n_patches=st.integers(1, 8), count=st.integers(1, 9))
def test_nearest_words_agree_with_loops(seed, n_patches, count):
    patches, concepts = unit(n_patches, seed=seed), unit(7, seed=seed + 1)
    table = [[sum(map(float, p * c)) for c in concepts] for p in patches]
    times = Counter(row.index(max(row)) for row in table)
    means = [sum(column) / n_patches for column in zip(*table, strict=True)]
    expected = sorted(range(7), key=lambda word: (-times[word], -round(means[word], 6)))
    assert nearest_words(patches, concepts, count=count).tolist() == expected[:count]


def test_words_do_not_depend_on_the_order_of_patches():
    patches, concepts = unit(9), unit(6, seed=1)
    again = nearest_words(patches[::-1].copy(), concepts, count=4)
    assert again.tolist() == nearest_words(patches, concepts, count=4).tolist()


def test_equal_words_keep_their_order():
    concept = unit(1)
    assert nearest_words(unit(3, seed=2), concept.repeat(3, 0), count=3).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("patches", "concepts", "count", "message"),
    [
        (unit(0), unit(3), 1, "patches"),
        (unit(3), unit(0), 1, "concepts"),
        (unit(3), unit(3, features=5), 1, "features|patches"),
        (2 * unit(3), unit(3), 1, "norm"),
        (unit(3), 2 * unit(3), 1, "norm"),
        (unit(3), unit(3), 0, "count"),
    ],
)
def test_what_is_no_embedding_is_refused(patches, concepts, count, message, unchecked):
    with pytest.raises(ValueError, match=rf"nearest_words: expected .*({message})"):
        unchecked(nearest_words)(patches, concepts, count=count)


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("A red cat.", "a red cat"),
        ('  "Striped  Textures"\n\nThey all have stripes.', "striped textures"),
        ("Name: Dog-like animals", "dog-like animals"),
        ("\n ... \n**Snow**", "snow"),
        ("Sure: here it is: night", "night"),
        ("Answer:\ncat", "answer"),
        ("été", "été"),
        ("3", "3"),
        ("", ""),
        ("- * .\n!", ""),
    ],
)
def test_a_concept_is_the_first_thing_that_a_text_says(text, concept):
    assert concept_in(text) == concept


def test_the_captions_that_come_most_often_are_candidates():
    captions = ["a fish", "A dog.", "a cat", "a dog", "", "a cat", "a cow", "a dog"]
    assert most_frequent(captions, count=3) == ["a dog", "a cat", "a fish"]
    assert most_frequent(captions, count=9) == ["a dog", "a cat", "a fish", "a cow"]


def test_a_question_holds_every_caption_and_the_first_keeps_their_order():
    captions = ["a cat on snow.", "a dog", "", "a cow in a field"]
    prompts = merging_prompts(captions, count=4, generator=np.random.default_rng(0))
    assert len(prompts) == 4
    assert "a cat on snow, a dog, a cow in a field." in prompts[0]
    assert len(set(prompts)) > 1
    for prompt in prompts:
        assert sorted(prompt) == sorted(prompts[0])
        assert all(caption.rstrip(".") in prompt for caption in captions)


def test_orders_are_those_of_the_generator():
    captions = [f"thing {number}" for number in range(9)]
    one, same, other = (
        merging_prompts(captions, count=3, generator=np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one[0] == other[0]
    assert one[1:] != other[1:]


def test_concepts_in_answers_come_once_each():
    assert merged_concepts(["Snow.", "a cat", "", "snow", "A cat"]) == ["snow", "a cat"]


def test_texts_without_a_word_are_refused():
    generator = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"merged_concepts: expected a text with a word, got none"):
        merged_concepts(["", "..."])
    with pytest.raises(ValueError, match=r"most_frequent: expected a text with a word"):
        most_frequent(["", "."], count=2)
    with pytest.raises(ValueError, match=r"merging_prompts: expected a text with a word"):
        merging_prompts([], count=2, generator=generator)


@pytest.mark.parametrize("count", [0, -1])
def test_counts_below_one_are_refused(count):
    with pytest.raises(ValueError, match=r"most_frequent: expected count"):
        most_frequent(["a"], count=count)
    with pytest.raises(ValueError, match=r"merging_prompts: expected count"):
        merging_prompts(["a"], count=count, generator=np.random.default_rng(0))
