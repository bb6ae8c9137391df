"""What pictures of a concept show, and which images show it."""

import numpy as np
import pytest

from sieve_assets.method.recognition import (
    is_shown,
    shown_thresholds,
    similarities,
    word_ranks,
)


def unit(n_rows, features=16, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n_rows, features))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_similarities_that_one_can_work_out():
    images, concepts = np.array([[1.0, 0.0], [0.6, 0.8]]), np.array([[0.0, 1.0], [0.8, 0.6]])
    np.testing.assert_allclose(similarities(images, concepts), [[0.0, 0.8], [0.8, 0.96]])


def test_similarities_do_not_depend_on_what_else_is_in_the_call():
    images, concepts = unit(150), unit(9, seed=1)
    whole = similarities(images, concepts)
    np.testing.assert_allclose(whole, images.astype(float) @ concepts.T.astype(float), atol=1e-12)
    for part in (slice(0, 1), slice(3, 70), slice(149, 150)):
        np.testing.assert_array_equal(similarities(images[part], concepts), whole[part])


def made_up(seed=2):
    """Similarities with ties, and what each picture was drawn for: not every concept has any."""
    generator = np.random.default_rng(seed)
    return generator.integers(0, 6, (40, 12)) / 6, generator.integers(0, 9, 40)


def test_a_wider_word_is_found_in_its_pictures_together_though_in_none_of_them():
    # words: owl, dog, animal; pictures of an owl and of a dog, asked for "animal"
    found = np.array([[0.9, 0.1, 0.6], [0.1, 0.9, 0.6]])
    assert word_ranks(found, np.array([2, 2])).tolist() == [-1, -1, 0]
    assert word_ranks(found[:1], np.array([2])).tolist() == [-1, -1, 1]


def test_ranks_agree_with_the_definition_in_loops():
    found, asked = made_up()
    ranks = word_ranks(found, asked)
    for concept in range(12):
        own = [row for row, drawn_for in zip(found, asked, strict=True) if drawn_for == concept]
        if not own:
            assert ranks[concept] == -1
            continue
        means = [np.mean([row[word] for row in own]) for word in range(12)]
        assert ranks[concept] == sum(mean > means[concept] + 1e-12 for mean in means)


def test_thresholds_are_percentiles_of_the_concepts_own_pictures():
    found, asked = made_up()
    thresholds = shown_thresholds(found, asked, percentile=25.0)
    for concept in range(12):
        own = np.sort(found[asked == concept, concept])
        if len(own) == 0:
            assert np.isnan(thresholds[concept])
            continue
        place = (len(own) - 1) * 0.25
        below, above = own[int(np.floor(place))], own[int(np.ceil(place))]
        expected = below + (place - np.floor(place)) * (above - below)
        assert thresholds[concept] == pytest.approx(expected)


def test_the_order_of_pictures_makes_no_difference():
    found, asked = made_up()
    order = np.random.default_rng(3).permutation(len(asked))
    np.testing.assert_array_equal(word_ranks(found, asked), word_ranks(found[order], asked[order]))
    np.testing.assert_array_equal(
        shown_thresholds(found, asked, percentile=5.0),
        shown_thresholds(found[order], asked[order], percentile=5.0),
    )


def test_an_image_shows_what_reaches_its_threshold():
    found = np.array([[0.2, 0.5, 0.9], [0.3, 0.4, 0.1]])
    assert is_shown(found, np.array([0.3, 0.5, np.nan])).tolist() == [
        [False, True, False],
        [True, False, False],
    ]


def test_inputs_are_unchanged():
    images, concepts = unit(5), unit(7, seed=1)
    asked = np.array([0, 0, 1, 2, 2])
    copies = images.copy(), concepts.copy(), asked.copy()
    found = similarities(images, concepts)
    before = found.copy()
    word_ranks(found, asked)
    is_shown(found, shown_thresholds(found, asked, percentile=5.0))
    for copy, now in zip((*copies, before), (images, concepts, asked, found), strict=True):
        np.testing.assert_array_equal(copy, now)


def test_refuses_what_it_cannot_compare(unchecked):
    with pytest.raises(ValueError, match="embeddings of images with norm 1"):
        similarities(2 * np.eye(2), np.eye(2))
    with pytest.raises(ValueError, match="embeddings of concepts with norm 1"):
        similarities(np.eye(2), 2 * np.eye(2))
    with pytest.raises(ValueError, match="as many in each of found, asked"):
        unchecked(word_ranks)(np.zeros((2, 3)), np.array([0]))
    with pytest.raises(ValueError, match="as many in each of found, asked"):
        unchecked(shown_thresholds)(np.zeros((2, 3)), np.array([0]), percentile=5.0)
    with pytest.raises(ValueError, match="percentile between 0 and 100, got 101"):
        shown_thresholds(np.zeros((1, 3)), np.array([0]), percentile=101.0)
    with pytest.raises(ValueError, match="as many in each of concepts, thresholds"):
        unchecked(is_shown)(np.zeros((2, 3)), np.zeros(2))
