"""The reference concepts are a fixed sample that other concepts hardly change."""

import pytest
from scipy import stats

from sieve_assets.method.reference_pictures import reference_concepts

CONCEPTS = [f"word {number}" for number in range(300)]


def test_draws_so_many_in_the_order_of_the_concept_set():
    drawn = reference_concepts(CONCEPTS, count=20, seed=0)
    assert len(drawn) == len(set(drawn)) == 20
    assert drawn == [concept for concept in CONCEPTS if concept in drawn]


def test_a_larger_sample_holds_a_smaller_one():
    few, many = (set(reference_concepts(CONCEPTS, count=count, seed=0)) for count in (20, 60))
    assert few < many


def test_order_and_repeats_of_the_concept_set_make_no_difference():
    drawn = set(reference_concepts(CONCEPTS, count=20, seed=0))
    assert drawn == set(reference_concepts(CONCEPTS[::-1] + CONCEPTS, count=20, seed=0))


def test_one_concept_more_replaces_one_at_most():
    before = set(reference_concepts(CONCEPTS, count=20, seed=0))
    for number in range(50):
        after = set(reference_concepts([*CONCEPTS, f"new {number}"], count=20, seed=0))
        assert len(before - after) <= 1


def test_each_concept_is_as_likely():
    n_seeds, places = 200, {concept: place for place, concept in enumerate(CONCEPTS)}
    counts = [0] * 10
    for seed in range(n_seeds):
        for concept in reference_concepts(CONCEPTS, count=30, seed=seed):
            counts[places[concept] // 30] += 1
    assert stats.chisquare(counts).pvalue > 1e-3


def test_a_small_set_is_taken_whole():
    assert reference_concepts(["owl", "cat"], count=5, seed=0) == ["owl", "cat"]
    assert reference_concepts([], count=5, seed=0) == []
    assert reference_concepts(["owl"], count=0, seed=0) == []


def test_refuses_a_negative_count():
    with pytest.raises(ValueError, match="count of at least 0, got -1"):
        reference_concepts(CONCEPTS, count=-1, seed=0)
