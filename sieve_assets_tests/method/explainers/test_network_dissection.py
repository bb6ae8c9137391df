import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.explainers import network_dissection
from sieve_assets.method.explainers.concept_masks import ConceptMasks, present_concepts
from sieve_assets.method.explainers.network_dissection import Overlaps, best_labels
from sieve_assets.method.patch_embeddings import upsample_map


def study(n_images=6, n_neurons=4, n_concepts=5, side=8, seed=0):
    generator = np.random.default_rng(seed)
    maps = generator.standard_normal((n_images, n_neurons, 3, 3)).astype(np.float32)
    masks = generator.random((n_images, n_concepts, side, side)) < 0.2
    masks &= (generator.random((n_images, n_concepts)) < 0.6)[:, :, None, None]
    thresholds = np.linspace(0, 1, n_neurons)
    return maps, masks, thresholds


def overlaps_of(maps, masks, thresholds, categories=None, batch=4):
    overlaps = Overlaps(thresholds=thresholds, n_concepts=masks.shape[1], categories=categories)
    for start in range(0, len(maps), batch):
        some = slice(start, start + batch)
        overlaps.add(maps[some], [present_concepts(one) for one in masks[some]])
    return overlaps


def counted(maps, masks, thresholds, categories):
    """Eq. 1, pixel by pixel, with the maps upsampled as patches are."""
    n_neurons, n_concepts, side = maps.shape[1], masks.shape[1], masks.shape[2]
    shared = np.zeros((n_neurons, n_concepts), dtype=int)
    either = np.zeros((n_neurons, n_concepts), dtype=int)
    for image_maps, image_masks in zip(maps, masks, strict=True):
        for neuron in range(n_neurons):
            is_above = upsample_map(image_maps[neuron], frame_px=side) > thresholds[neuron]
            for concept in range(n_concepts):
                of_category = [
                    image_masks[other].any()
                    for other in range(n_concepts)
                    if categories is None or categories[other] == categories[concept]
                ]
                if categories is not None and not any(of_category):
                    continue
                for row in range(side):
                    for column in range(side):
                        one, other = is_above[row, column], image_masks[concept, row, column]
                        shared[neuron, concept] += one and other
                        either[neuron, concept] += one or other
    return shared, either


def test_overlap_of_a_neuron_that_fires_on_the_right_half():
    maps = np.array([[[[0.0, 2.0]]]])
    masks = np.array([[[[False, True]], [[True, True]], [[True, False]]]])
    overlaps = overlaps_of(maps, masks, np.array([1.0]))
    assert overlaps.intersections().tolist() == [[1, 1, 0]]
    assert overlaps.unions().tolist() == [[1, 2, 2]]
    assert overlaps.iou().tolist() == [[1, 0.5, 0]]


def test_a_neurons_pixels_count_only_where_the_category_is_shown():
    # Concept 0 is a colour, 1 a scene and 2 a colour; the second image shows a colour only.
    maps = np.full((2, 1, 1, 1), 3.0)
    masks = np.zeros((2, 3, 2, 2), dtype=bool)
    masks[0, 0, 0], masks[0, 1] = True, True
    masks[1, 2, 0, 0] = True
    categories = np.array([0, 1, 0])
    assert overlaps_of(maps, masks, np.zeros(1), categories).unions().tolist() == [[8, 4, 8]]
    assert overlaps_of(maps, masks, np.zeros(1), None).unions().tolist() == [[8, 8, 8]]


@pytest.mark.parametrize("categories", [None, np.array([0, 1, 1, 2, 4])])
def test_counts_agree_with_equation_1_pixel_by_pixel(categories):
    maps, masks, thresholds = study()
    found = overlaps_of(maps, masks, thresholds, categories)
    shared, either = counted(maps, masks, thresholds, categories)
    np.testing.assert_array_equal(found.intersections(), shared)
    np.testing.assert_array_equal(found.unions(), either)
    np.testing.assert_allclose(found.iou(), shared / either)


@settings(max_examples=20)
@given(batch=st.integers(1, 8), seed=st.integers(0, 50), data=st.data())
def test_neither_batches_nor_order_matter(batch, seed, data):
    maps, masks, thresholds = study(seed=seed)
    categories = np.array([0, 1, 1, 2, 2])
    order = data.draw(st.permutations(range(len(maps))))
    one = overlaps_of(maps, masks, thresholds, categories)
    other = overlaps_of(maps[order], masks[order], thresholds, categories, batch=batch)
    np.testing.assert_array_equal(one.intersections(), other.intersections())
    np.testing.assert_array_equal(one.unions(), other.unions())


def test_neurons_and_concepts_have_the_same_counts_whatever_others_there_are():
    maps, masks, thresholds = study()
    together = overlaps_of(maps, masks, thresholds).iou()
    alone = overlaps_of(maps[:, 2:3], masks[:, [4, 1]], thresholds[2:3]).iou()
    np.testing.assert_array_equal(alone[0], together[2, [4, 1]])


def test_images_may_have_masks_of_other_sizes():
    maps, masks, thresholds = study(n_images=2)
    sizes = [masks[0], masks[1, :, :3, :5]]
    overlaps = Overlaps(thresholds=thresholds, n_concepts=5, categories=None)
    overlaps.add(maps, [present_concepts(one) for one in sizes])
    parts = [
        overlaps_of(maps[[i]], one[None], thresholds).intersections() for i, one in enumerate(sizes)
    ]
    np.testing.assert_array_equal(overlaps.intersections(), sum(parts))


def test_a_dead_neuron_and_a_concept_without_pixels_overlap_nothing(recwarn):
    maps, masks, _ = study()
    maps[:, 0] = 0
    masks[:, 3] = False
    iou = overlaps_of(maps, masks, np.zeros(4)).iou()
    assert not iou[0].any()
    assert not iou[:, 3].any()
    dead_on_empty = overlaps_of(maps[:, :1], masks[:, 3:4], np.zeros(1))
    assert dead_on_empty.iou().tolist() == [[0]]
    assert not recwarn.list


def test_inputs_and_what_was_counted_are_unchanged():
    maps, masks, thresholds = study()
    copies = [one.copy() for one in (maps, masks, thresholds)]
    overlaps = overlaps_of(maps, masks, thresholds)
    before = overlaps.iou()
    overlaps.intersections()[:] = 0
    np.testing.assert_array_equal(overlaps.iou(), before)
    for before, now in zip(copies, (maps, masks, thresholds), strict=True):
        np.testing.assert_array_equal(before, now)


def test_the_best_label_is_the_first_of_equals_and_above_the_least_overlap():
    iou = np.array([[0.1, 0.3, 0.3], [0.0, 0.04, 0.02], [0.0, 0.0, 0.041], [0.0, 0.0, 0.0]])
    found = best_labels(iou, min_iou=0.04)
    assert found.concepts.tolist() == [1, -1, 2, -1]
    assert found.iou.tolist() == [0.3, 0.04, 0.041, 0]


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"^Overlaps: expected n_concepts of at least 1, got 0"):
        Overlaps(thresholds=np.zeros(1), n_concepts=0, categories=None)
    with pytest.raises(ValueError, match=r"got 2 in concepts, 1 in categories\. "):
        Overlaps(thresholds=np.zeros(1), n_concepts=2, categories=np.zeros(1, dtype=int))
    with pytest.raises(ValueError, match=r"expected least category of at least 0, got -1"):
        Overlaps(thresholds=np.zeros(1), n_concepts=2, categories=np.array([0, -1]))
    with pytest.raises(ValueError, match=r"expected finite thresholds, got nan for neuron 1\. "):
        Overlaps(thresholds=np.array([0, np.nan]), n_concepts=2, categories=None)


def test_images_that_do_not_fit_are_refused_before_any_is_counted(monkeypatch):
    maps, masks, thresholds = study(n_images=2)
    shown = [present_concepts(one) for one in masks]
    overlaps = Overlaps(thresholds=thresholds, n_concepts=5, categories=None)
    unknown = ConceptMasks(np.array([5]), masks[0, :1])
    not_finite = maps.copy()
    not_finite[1, 0, 0, 0] = np.inf
    with pytest.raises(ValueError, match=r"got 2 in maps, 1 in shown\. "):
        overlaps.add(maps, shown[:1])
    with pytest.raises(ValueError, match=r"got 3 in maps, 4 in thresholds\. "):
        overlaps.add(maps[:, :3], shown)
    with pytest.raises(ValueError, match=r"expected finite maps, got inf for image 1\. "):
        overlaps.add(not_finite, shown)
    with pytest.raises(ValueError, match=r"expected ascending positions below 5, got \[5\]\. "):
        overlaps.add(maps, [shown[0], unknown])
    with pytest.raises(ValueError, match=r"expected masks' pixels of at least 1, got 0\. "):
        overlaps.add(maps, [shown[0], present_concepts(np.zeros((5, 0, 3), dtype=bool))])
    monkeypatch.setattr(network_dissection, "_MOST_PIXELS", 63)
    with pytest.raises(ValueError, match=r"expected masks of at most 63 pixels, got 8 x 8\. "):
        overlaps.add(maps, shown)
    assert not overlaps.unions().any()


def test_no_concepts_and_overlaps_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match=r"^best_labels: .* one of the concepts, got none"):
        best_labels(np.zeros((2, 0)), min_iou=0.04)
    with pytest.raises(ValueError, match=r"expected finite overlaps, got nan for neuron 0\. "):
        best_labels(np.array([[np.nan]]), min_iou=0.04)
