"""Where the concepts are that an image shows; the many that it does not show take no memory."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from sieve_assets.method.checked_inputs import refusal, require_same_length


class ConceptMasks(NamedTuple):
    """The concepts that an image shows, and where. They may overlap."""

    concepts: Int[np.ndarray, " present"]
    """Positions in the concept set, ascending."""
    masks: Bool[np.ndarray, "present row column"]
    """True where the concept is."""


def present_concepts(masks: Bool[np.ndarray, "concept row column"]) -> ConceptMasks:
    """The masks of an image without those of concepts that it does not show.

    Args:
        masks: Of every concept.

    Returns:
        The masks that are True somewhere.
    """
    concepts = np.flatnonzero(masks.any(axis=(1, 2)))
    return ConceptMasks(concepts, masks[concepts])


def labelled_concepts(labels: Int[np.ndarray, "layer row column"]) -> ConceptMasks:
    """The masks that label images stand for.

    Args:
        labels: Position of each pixel's concept in the concept set, negative where there is none.
            A pixel with several concepts has each in another layer.

    Returns:
        A mask for each concept that occurs: True where any layer has it.
    """
    occurring = np.unique(labels)
    concepts = occurring[occurring >= 0]
    masks = np.zeros((len(concepts), *labels.shape[1:]), dtype=np.bool_)
    for layer in labels:
        masks |= layer == concepts[:, None, None]
    return ConceptMasks(concepts, masks)


def require_known_concepts(where: str, shown: ConceptMasks, n_concepts: int) -> None:
    """Refuse masks whose concepts are not positions in the concept set, ascending.

    Args:
        where: The function that checks.
        shown: The concepts of an image.
        n_concepts: Concepts in the set.

    Raises:
        ValueError: A concept is not in the set or comes twice, the order is another, or there are
            not as many masks as concepts.
    """
    concepts = shown.concepts
    require_same_length(where, concepts=len(concepts), masks=len(shown.masks))
    bounded = np.concatenate([[-1], concepts, [n_concepts]])
    if not (np.diff(bounded) > 0).all():
        expected = f"ascending positions below {n_concepts}"
        remedy = "Pass what present_concepts or labelled_concepts returns."
        raise ValueError(refusal(where, expected, concepts.tolist(), remedy))
