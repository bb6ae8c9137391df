from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.explainers import pixel_groups
from sieve_assets.method.explainers.concept_masks import ConceptMasks, present_concepts
from sieve_assets.method.explainers.pixel_groups import PixelGroups


def study(n_images=5, n_neurons=3, n_concepts=4, n_pixels=30, seed=0):
    generator = np.random.default_rng(seed)
    hits = generator.random((n_images, n_neurons, 1, n_pixels)) < 0.3
    masks = generator.random((n_images, n_concepts, 1, n_pixels)) < 0.3
    return hits, masks


def grouped(hits, masks):
    groups = PixelGroups(n_neurons=hits.shape[1], n_concepts=masks.shape[1])
    for image_hits, image_masks in zip(hits, masks, strict=True):
        groups.add(image_hits, present_concepts(image_masks))
    return groups.counts()


def as_tables(counts):
    """Pixels, and pixels of each neuron, by set of concepts."""
    members, hits = counts.members.toarray(), counts.hits.toarray()
    keys = [frozenset(np.flatnonzero(column).tolist()) for column in members.T]
    assert len(set(keys)) == len(keys)
    sizes = dict(zip(keys, counts.sizes.tolist(), strict=True))
    of_neurons = [{key: n for key, n in zip(keys, row.tolist(), strict=True) if n} for row in hits]
    return sizes, of_neurons


def counted(hits, masks):
    """The same, pixel by pixel."""
    sizes, of_neurons = Counter(), [Counter() for _ in range(hits.shape[1])]
    for image_hits, image_masks in zip(hits, masks, strict=True):
        for pixel in np.ndindex(image_masks.shape[1:]):
            key = frozenset(np.flatnonzero(image_masks[(slice(None), *pixel)]).tolist())
            sizes[key] += 1
            for neuron, counter in enumerate(of_neurons):
                if image_hits[(neuron, *pixel)]:
                    counter[key] += 1
    return sizes, of_neurons


def test_pixels_with_the_same_concepts_are_one_group():
    masks = np.array([[[True, True, False, False]], [[False, True, False, False]]])
    hits = np.array([[[True, True, True, False]]])
    counts = grouped(hits[None], masks[None])
    assert as_tables(counts) == (
        {frozenset({0}): 1, frozenset({0, 1}): 1, frozenset(): 2},
        [{frozenset({0}): 1, frozenset({0, 1}): 1, frozenset(): 1}],
    )


@settings(max_examples=25)
@given(
    n_concepts=st.sampled_from([1, 4, 31, 32, 33, 70]),
    n_images=st.integers(0, 4),
    seed=st.integers(0, 100),
)
def test_counts_agree_with_a_table_filled_pixel_by_pixel(n_concepts, n_images, seed):
    hits, masks = study(n_images, n_concepts=n_concepts, seed=seed)
    assert as_tables(grouped(hits, masks)) == counted(hits, masks)


@pytest.mark.parametrize(("block", "pending"), [(7, 2**22), (2**20, 3), (1, 1)])
def test_neither_blocks_nor_when_counts_are_added_nor_order_matter(monkeypatch, block, pending):
    hits, masks = study()
    expected = as_tables(grouped(hits, masks))
    monkeypatch.setattr(pixel_groups, "_BLOCK_PIXELS", block)
    monkeypatch.setattr(pixel_groups, "_MOST_PENDING", pending)
    assert as_tables(grouped(hits[::-1], masks[::-1])) == expected


def test_images_can_come_together_as_one_row_of_pixels():
    hits, masks = study()
    together = [np.concatenate(list(one), axis=2)[None] for one in (hits, masks)]
    assert as_tables(grouped(*together)) == as_tables(grouped(hits, masks))


def test_counts_can_be_asked_for_between_images():
    hits, masks = study()
    groups = PixelGroups(n_neurons=3, n_concepts=4)
    for image_hits, image_masks in zip(hits, masks, strict=True):
        groups.add(image_hits, present_concepts(image_masks))
        before = groups.counts()
        tables = as_tables(before)
    assert as_tables(before) == tables == counted(hits, masks)


def test_earlier_counts_do_not_change_with_later_images():
    hits, masks = study()
    groups = PixelGroups(n_neurons=3, n_concepts=4)
    groups.add(hits[0], present_concepts(masks[0]))
    first = groups.counts()
    groups.add(hits[1], present_concepts(masks[1]))
    groups.counts()
    assert as_tables(first) == counted(hits[:1], masks[:1])


def test_inputs_are_unchanged():
    hits, masks = study()
    copies = hits.copy(), masks.copy()
    grouped(hits, masks)
    np.testing.assert_array_equal(hits, copies[0])
    np.testing.assert_array_equal(masks, copies[1])


def test_nothing_at_all_gives_no_groups():
    counts = PixelGroups(n_neurons=2, n_concepts=3).counts()
    assert counts.members.shape == (3, 0)
    assert counts.hits.shape == (2, 0)
    assert counts.sizes.shape == (0,)


def test_neurons_that_fire_nowhere_and_images_without_concepts_count():
    counts = grouped(np.zeros((1, 2, 2, 2), dtype=bool), np.zeros((1, 3, 2, 2), dtype=bool))
    assert as_tables(counts) == ({frozenset(): 4}, [{}, {}])
    assert grouped(np.zeros((1, 0, 2, 2), dtype=bool), np.ones((1, 3, 2, 2), bool)).sizes == [4]


def test_what_does_not_fit_is_refused(unchecked):
    with pytest.raises(ValueError, match=r"^PixelGroups: expected n_concepts of at least 1, got 0"):
        PixelGroups(n_neurons=1, n_concepts=0)
    add = unchecked(PixelGroups.add)
    groups = PixelGroups(n_neurons=2, n_concepts=3)
    shown = ConceptMasks(np.array([1]), np.ones((1, 2, 2), dtype=bool))
    with pytest.raises(ValueError, match=r"got 1 in is_hit, 2 in neurons\. "):
        add(groups, np.ones((1, 2, 2), dtype=bool), shown)
    with pytest.raises(ValueError, match=r"got 3 in hit_columns, 2 in mask_columns\. "):
        add(groups, np.ones((2, 2, 3), dtype=bool), shown)
    with pytest.raises(ValueError, match=r"got 1 in hit_rows, 2 in mask_rows\. "):
        add(groups, np.ones((2, 1, 2), dtype=bool), shown)
    with pytest.raises(ValueError, match=r"expected ascending positions below 3, got \[3\]\. "):
        add(groups, np.ones((2, 2, 2), dtype=bool), ConceptMasks(np.array([3]), shown.masks))
