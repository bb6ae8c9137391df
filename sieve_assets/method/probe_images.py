"""Which probe images are held out: a share that depends on each image's id and on nothing else."""

import hashlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from sieve_assets.method.checked_inputs import require_between


def is_held_out(image_ids: Sequence[str], share: float) -> Bool[np.ndarray, " image"]:
    """Whether each image is kept away from selection, for tests on natural images later.

    By the hash of the id, so that an image stays on its side when others come or go, and a larger
    share holds out the same images and more. The paper holds nothing out (share 0).

    Args:
        image_ids: Ids of the probe images.
        share: Expected share held out, 0 to 1.

    Returns:
        True for a held-out image.

    Raises:
        ValueError: The share is outside 0 to 1.

    Source: docs/method.md, decision 21; not in the paper.
    """
    require_between("is_held_out", "held_out_share", share, 0.0, 1.0)
    return np.array([_uniform(image_id) < share for image_id in image_ids], dtype=bool)


def _uniform(image_id: str) -> float:
    """A number in [0, 1) from the first 53 bits of the id's SHA-256: exact in float64."""
    digest = hashlib.sha256(image_id.encode("utf-8")).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53
