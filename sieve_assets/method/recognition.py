"""What a vision-language model sees in images, and whether pictures show what they should.

Not in the SIEVE paper: docs/method.md, section 3.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from sieve_assets.method.checked_inputs import (
    require_between,
    require_same_length,
    require_unit_norm,
)

_BLOCK_ROWS = 64
"""Images in one product, always: how a library rounds depends on the product's size."""
_EQUAL = 1e-12
"""Means that differ by rounding are equal."""


def similarities(
    images: Float[np.ndarray, "image feature"], concepts: Float[np.ndarray, "concept feature"]
) -> Float64[np.ndarray, "image concept"]:
    """The cosine of every image and every concept.

    In float64 and in blocks of one size, so that what else is in the call changes nothing.

    Args:
        images: L2-normalised embeddings of images.
        concepts: L2-normalised embeddings of concepts.

    Returns:
        Cosines, -1 to 1.

    Raises:
        ValueError: An embedding is not of norm 1.
    """
    require_unit_norm("similarities", "images", images)
    require_unit_norm("similarities", "concepts", concepts)
    vectors = concepts.astype(np.float64).T
    found = np.empty((len(images), vectors.shape[1]))
    block = np.zeros((_BLOCK_ROWS, images.shape[1]))
    for start in range(0, len(images), _BLOCK_ROWS):
        some = images[start : start + _BLOCK_ROWS]
        block[: len(some)] = some
        found[start : start + len(some)] = (block @ vectors)[: len(some)]
    return found


def word_ranks(
    found: Float[np.ndarray, "picture concept"], asked: Int[np.ndarray, " picture"]
) -> Int[np.ndarray, " concept"]:
    """How many words fit the pictures of each concept better than the concept does.

    Over a concept's pictures together, as a cluster of patches is named: a picture of an owl fits
    "owl" better than "animal", but pictures of an owl, a dog and a fish fit "animal" best.

    Args:
        found: From `similarities`, over the whole concept set.
        asked: Position of the concept that each picture was drawn for.

    Returns:
        0 for a concept that fits its own pictures best; -1 for one without pictures.

    Raises:
        ValueError: Sizes that differ.

    Source: docs/statistics.md, "Recognition"; SIEVE, Eq. 2.
    """
    require_same_length("word_ranks", found=len(found), asked=len(asked))
    ranks = np.full(found.shape[1], -1)
    for concept in np.unique(asked):
        mean = found[asked == concept].mean(axis=0)
        ranks[concept] = (mean > mean[concept] + _EQUAL).sum()
    return ranks


def shown_thresholds(
    found: Float[np.ndarray, "picture concept"],
    asked: Int[np.ndarray, " picture"],
    *,
    percentile: float,
) -> Float64[np.ndarray, " concept"]:
    """The similarity from which on an image counts as showing a concept.

    Nearly all of the concept's own pictures reach it: they say what the model's cosines mean for
    this concept. To be among an image's best words would not do, since there a wider word never is.

    Args:
        found: From `similarities`.
        asked: Position of the concept that each picture was drawn for.
        percentile: Of the concept's own pictures, that many lie below; 5.

    Returns:
        One a concept; nan for one without pictures.

    Raises:
        ValueError: Sizes that differ, or a percentile outside 0 to 100.

    Source: docs/method.md, section 3.
    """
    require_same_length("shown_thresholds", found=len(found), asked=len(asked))
    require_between("shown_thresholds", "percentile", percentile, 0.0, 100.0)
    thresholds = np.full(found.shape[1], np.nan)
    for concept in np.unique(asked):
        thresholds[concept] = np.percentile(found[asked == concept, concept], percentile)
    return thresholds


def is_shown(
    found: Float[np.ndarray, "image concept"], thresholds: Float[np.ndarray, " concept"]
) -> Bool[np.ndarray, "image concept"]:
    """Whether an image shows a concept; never for a concept without a threshold.

    Args:
        found: From `similarities`.
        thresholds: From `shown_thresholds`.

    Returns:
        True from the threshold on.

    Raises:
        ValueError: Sizes that differ.
    """
    require_same_length("is_shown", concepts=found.shape[1], thresholds=len(thresholds))
    return found >= thresholds
