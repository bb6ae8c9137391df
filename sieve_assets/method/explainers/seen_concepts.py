"""Which of an image's concepts lie in the part of it that a network sees."""

from sieve_assets.method.explainers.concept_masks import ConceptMasks, present_concepts
from sieve_assets.method.patch_embeddings import Box, box_in_original


def seen_concepts(shown: ConceptMasks, *, resize_px: int, crop_px: int) -> ConceptMasks:
    """The concepts in the part of an image that a network sees, at the masks' own resolution.

    Maps lie over the network's input frame, and masks over the whole image: what the centre crop
    cuts off the image is cut off its masks.

    Args:
        shown: Of the whole image; masks of any size with the image's proportions.
        resize_px: Length of the image's shorter side after the resize.
        crop_px: Side of the centre crop.

    Returns:
        The concepts that are in the frame, to the nearest pixel of the masks.

    Raises:
        ValueError: A size is below 1.

    Source: docs/method.md, decision 6: the resize and crop of `box_in_original`.
    """
    n_rows, n_columns = shown.masks.shape[1:]
    box = box_in_original(
        Box(0.0, 0.0, float(crop_px), float(crop_px)),
        width_px=n_columns,
        height_px=n_rows,
        resize_px=resize_px,
        crop_px=crop_px,
    )
    inside = present_concepts(shown.masks[:, box.y0 : box.y1, box.x0 : box.x1])
    return ConceptMasks(shown.concepts[inside.concepts], inside.masks)
