import numpy as np
import pytest

from sieve_assets.method.explainers.concept_masks import (
    ConceptMasks,
    labelled_concepts,
    present_concepts,
    require_known_concepts,
)


def test_concepts_that_are_nowhere_are_left_out():
    masks = np.zeros((3, 1, 2), dtype=bool)
    masks[2, 0, 1] = True
    shown = present_concepts(masks)
    assert shown.concepts.tolist() == [2]
    assert shown.masks.tolist() == [[[False, True]]]


def test_an_image_without_concepts_keeps_its_size():
    for shown in (
        present_concepts(np.zeros((4, 2, 3), dtype=bool)),
        labelled_concepts(np.full((1, 2, 3), -1)),
        labelled_concepts(np.zeros((0, 2, 3), dtype=int)),
    ):
        assert shown.concepts.tolist() == []
        assert shown.masks.shape == (0, 2, 3)


def test_label_images_give_the_masks_they_stand_for():
    labels = np.array([[[5, 5, -1]], [[0, -2, -1]], [[5, -1, 5]]])
    shown = labelled_concepts(labels)
    assert shown.concepts.tolist() == [0, 5]
    assert shown.masks.tolist() == [[[True, False, False]], [[True, True, True]]]


def test_label_images_agree_with_loops_over_pixels():
    labels = np.random.default_rng(0).integers(-2, 6, size=(3, 5, 4))
    shown = labelled_concepts(labels)
    for concept, mask in zip(shown.concepts, shown.masks, strict=True):
        for row in range(5):
            for column in range(4):
                assert mask[row, column] == any(layer[row, column] == concept for layer in labels)
    assert set(shown.concepts) == {label for label in labels.ravel().tolist() if label >= 0}
    dense = np.array([(labels == concept).any(axis=0) for concept in range(6)])
    for one, other in zip(shown, present_concepts(dense), strict=True):
        np.testing.assert_array_equal(one, other)


def test_inputs_are_unchanged_and_not_shared():
    labels, masks = np.array([[[1, -1]]]), np.array([[[True, False]]])
    labelled_concepts(labels)
    present_concepts(masks).masks[:] = False
    assert labels.tolist() == [[[1, -1]]]
    assert masks.tolist() == [[[True, False]]]


@pytest.mark.parametrize("concepts", [[0, 0], [1, 0], [-1, 0], [1, 3]])
def test_concepts_out_of_order_or_out_of_the_set_are_refused(concepts):
    shown = ConceptMasks(np.array(concepts), np.ones((2, 1, 1), dtype=bool))
    with pytest.raises(ValueError, match=r"^f: expected ascending positions below 3, got \["):
        require_known_concepts("f", shown, 3)


def test_a_mask_too_few_is_refused():
    shown = ConceptMasks(np.array([0, 1]), np.ones((1, 1, 1), dtype=bool))
    with pytest.raises(ValueError, match=r"^f: .* got 2 in concepts, 1 in masks\. "):
        require_known_concepts("f", shown, 3)


def test_concepts_of_the_set_are_accepted():
    require_known_concepts("f", ConceptMasks(np.array([0, 2]), np.ones((2, 1, 1), bool)), 3)
    require_known_concepts("f", ConceptMasks(np.array([], dtype=int), np.ones((0, 1, 1), bool)), 3)
