"""Which concepts every hypothesis is held against: a fixed sample of the concept set."""

import hashlib
from collections.abc import Sequence

from sieve_assets.method.checked_inputs import require_at_least


def reference_concepts(concepts: Sequence[str], *, count: int, seed: int) -> list[str]:
    """So many of the concepts, drawn by the hash of each with the seed.

    Drawn that way a sample stays what it is but for a few when the concept set grows or changes its
    order, so that pictures that were drawn serve on.

    Args:
        concepts: The concept set.
        count: Concepts to draw; 200 at least for p-values below .005.
        seed: Another seed draws other concepts.

    Returns:
        The sample in the order of the concept set; all of a smaller set.

    Raises:
        ValueError: The count is negative.

    Source: docs/method.md, section 3.
    """
    require_at_least("reference_concepts", "count", count, 0)
    distinct = dict.fromkeys(concepts)
    drawn = set(sorted(distinct, key=lambda concept: _lot(concept, seed))[:count])
    return [concept for concept in distinct if concept in drawn]


def _lot(concept: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} {concept}".encode()).digest()
