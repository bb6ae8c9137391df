import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import v2

from sieve_assets.method.explainers.concept_masks import ConceptMasks
from sieve_assets.method.explainers.seen_concepts import seen_concepts


def shown(*masks):
    return ConceptMasks(np.arange(3, 3 + len(masks)), np.array(masks, dtype=bool))


def test_a_whole_square_image_keeps_its_masks():
    masks = shown(np.eye(6), np.ones((6, 6)))
    found = seen_concepts(masks, resize_px=32, crop_px=32)
    assert found.concepts.tolist() == [3, 4]
    np.testing.assert_array_equal(found.masks, masks.masks)


def test_what_the_crop_cuts_off_the_image_is_cut_off_its_masks():
    border, middle = np.ones((8, 8)), np.zeros((8, 8))
    border[1:7, 1:7], middle[3, 4] = 0, 1
    found = seen_concepts(shown(border, middle), resize_px=32, crop_px=24)
    assert found.concepts.tolist() == [4]
    np.testing.assert_array_equal(found.masks, middle[None, 1:7, 1:7])


@pytest.mark.parametrize("size", [(40, 60), (60, 40), (50, 50)])
def test_a_wide_or_high_image_is_cut_as_the_network_cuts_it(size):
    """A mask as a picture goes through the network's own resize and crop."""
    mask = np.zeros(size, bool)
    mask[size[0] // 3 : size[0] // 2, 12:27] = True
    cut = v2.CenterCrop(160)(v2.Resize(200)(Image.fromarray(mask.astype(np.uint8) * 255)))
    [found] = seen_concepts(shown(mask), resize_px=200, crop_px=160).masks
    enlarged = Image.fromarray(found.astype(np.uint8) * 255).resize((160, 160), Image.NEAREST)
    assert ((np.asarray(cut) > 127) != (np.asarray(enlarged) > 127)).mean() < 0.02


def test_an_image_without_concepts_has_none_in_the_frame():
    nothing = ConceptMasks(np.empty(0, int), np.empty((0, 8, 12), bool))
    found = seen_concepts(nothing, resize_px=4, crop_px=4)
    assert found.concepts.tolist() == []
    assert found.masks.shape == (0, 8, 8)


def test_inputs_are_unchanged():
    masks = shown(np.eye(8))
    seen_concepts(masks, resize_px=32, crop_px=16)
    np.testing.assert_array_equal(masks.masks, np.eye(8)[None])


def test_no_size_is_refused():
    with pytest.raises(ValueError, match=r"expected resize_px of at least 1, got 0"):
        seen_concepts(shown(np.eye(4)), resize_px=0, crop_px=0)
