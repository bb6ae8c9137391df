"""Which concepts a vision-language model sees in an image: among its best words for it.

Not in the SIEVE paper: docs/method.md, section 3.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from sieve_assets.method.checked_inputs import (
    require_at_least,
    require_same_length,
    require_some,
    require_unit_norm,
)

_BLOCK_ROWS = 64
"""Images in one product, always: how a library rounds depends on the product's size."""


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


def is_recognised(
    found: Float[np.ndarray, "image concept"], *, count: int
) -> Bool[np.ndarray, "image concept"]:
    """Whether a concept is among the `count` best words for an image.

    Args:
        found: From `similarities`, over the whole concept set.
        count: Words an image, at least 1; 5 for the check of the generator.

    Returns:
        True for concepts with fewer than `count` better ones; equals are in or out together.

    Raises:
        ValueError: No concept, or count < 1.

    Source: docs/method.md, section 3: the generator check.
    """
    require_some("is_recognised", "concepts", found, axis=1)
    require_at_least("is_recognised", "count", count, 1)
    place = max(found.shape[1] - count, 0)
    return found >= np.partition(found, place, axis=1)[:, place : place + 1]


def n_recognised(
    is_seen: Bool[np.ndarray, "image concept"],
    asked: Int[np.ndarray, " image"],
) -> Int[np.ndarray, " concept"]:
    """In how many of the pictures drawn for a concept that concept is seen.

    Args:
        is_seen: From `is_recognised`.
        asked: Position of the concept that each picture was drawn for.

    Returns:
        One count a concept; 0 for one without pictures.

    Raises:
        ValueError: Sizes that differ.

    Source: docs/method.md, section 3: the generator check.
    """
    require_same_length("n_recognised", is_seen=len(is_seen), asked=len(asked))
    is_right = is_seen[np.arange(len(asked)), asked]
    return np.bincount(asked[is_right], minlength=is_seen.shape[1])
