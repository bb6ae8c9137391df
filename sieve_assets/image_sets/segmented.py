"""Images with concepts drawn into them, for methods that need to know where concepts are.

Such are Broden's, and the embedded world's own scenes (`terrarium.segmented`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from jaxtyping import Int
from PIL import Image

from sieve_assets.image_sets.ahead import Threads
from sieve_assets.image_sets.broden import Broden, BrodenConcept
from sieve_assets.image_sets.listing import open_image
from sieve_assets.method.explainers.concept_masks import ConceptMasks


class SegmentedImages(Protocol):
    """Images whose concepts are known by pixel, in an order of their own."""

    @property
    def names(self) -> Sequence[str]:
        """Of the concepts, by position."""
        ...

    @property
    def categories(self) -> Int[np.ndarray, " concept"] | None:
        """Category of each concept; None if every image has been searched for all of them."""
        ...

    @property
    def identity(self) -> Mapping[str, object]:
        """What changes whenever pictures or masks may have; cheap to ask for."""
        ...

    @property
    def readers(self) -> Threads:
        """Who opens the pictures best."""
        ...

    def items(self) -> Sequence[Any]:
        """What stands for each image."""
        ...

    def picture(self, item: Any) -> Image.Image:
        """An image by what stands for it; several threads may ask at once."""
        ...

    def masks(self) -> Iterator[ConceptMasks]:
        """Where each image shows which concepts, in the order of `items`."""
        ...


@dataclass(frozen=True)
class SegmentedBroden:
    """A release of Broden.

    Attributes:
        broden: Its folder.
    """

    broden: Broden

    @property
    def names(self) -> list[str]:
        """Of the labels; several may have one name."""
        return [concept.name for concept in self._concepts]

    @property
    def categories(self) -> Int[np.ndarray, " concept"]:
        """Position of each label's category in category.csv."""
        return np.array([concept.category for concept in self._concepts])

    @property
    def identity(self) -> Mapping[str, object]:
        """The state of the files."""
        return {"broden": self.broden.state()}

    @property
    def readers(self) -> Threads:
        """As Broden's."""
        return self.broden.readers

    def items(self) -> list[str]:
        """The images' files."""
        return [item.uri for item in self.broden.items()]

    def picture(self, item: str) -> Image.Image:
        """An image by its file."""
        return open_image(self.broden, item)

    def masks(self) -> Iterator[ConceptMasks]:
        """Where each image shows which labels."""
        return (image.shown for image in self.broden.images())

    @cached_property
    def _concepts(self) -> list[BrodenConcept]:
        return self.broden.concepts()
