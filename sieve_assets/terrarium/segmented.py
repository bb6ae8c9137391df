"""Scenes with exact masks of every concept: the world's own images for methods that need masks.

Not here: what neurons do on them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
from PIL import Image

from sieve_assets.image_sets.ahead import NEAR, Threads
from sieve_assets.method.explainers.concept_masks import ConceptMasks
from sieve_assets.terrarium.captions import Concept, Kind, concept_set
from sieve_assets.terrarium.oracle_scenes import EMPTY_SHARE, UNBIASED_POSE
from sieve_assets.terrarium.renderer import draw_scene, object_mask, renderer_identity
from sieve_assets.terrarium.scenes import Scene, unbiased_scenes

SEGMENTED_SCENES = 4000
"""Of the whole world without bias: some thirty of each object."""
SEGMENTED_SEED = 1_000_033
"""Other scenes than the oracle's, which judge the names."""
VERSION = "1"
"""Raised whenever the same scene gives other masks."""


@dataclass(frozen=True)
class SegmentedScenes:
    """Unbiased scenes with masks of the world's concepts.

    Attributes:
        n_scenes: How many; those of a smaller set are the first of a larger one.
    """

    n_scenes: int

    @property
    def names(self) -> list[str]:
        """The world's concepts: objects, kinds, backgrounds, and objects on backgrounds."""
        return [concept.text for concept in _concepts()]

    @property
    def categories(self) -> None:
        """None: it is known of every pixel whether it shows a concept, so every scene counts."""
        return None

    @property
    def identity(self) -> Mapping[str, object]:
        """Everything that pictures and masks depend on."""
        how = (VERSION, SEGMENTED_SEED, EMPTY_SHARE, asdict(UNBIASED_POSE))
        world = renderer_identity()
        return {"n_scenes": self.n_scenes, "how": how, "world": world, "names": self.names}

    @property
    def readers(self) -> Threads:
        """Who draws them best."""
        return NEAR

    def items(self) -> list[Scene]:
        """Return the scenes."""
        return unbiased_scenes(
            self.n_scenes,
            seed=SEGMENTED_SEED,
            empty_share=EMPTY_SHARE,
            pose=UNBIASED_POSE,
            only_drawn=False,
        )

    def picture(self, item: Scene) -> Image.Image:
        """Return a scene's picture."""
        return Image.fromarray(draw_scene(item).image)

    def masks(self) -> Iterator[ConceptMasks]:
        """Yield the masks of each scene, in order."""
        return map(masks_of, self.items())


def masks_of(scene: Scene) -> ConceptMasks:
    """Return where a scene shows each concept: a background is where its object is not.

    A name for an object, for its kind, or for it on this background, is where the object is.
    """
    mask = object_mask(scene)
    concepts, is_background = _true_of(Kind(scene.thing, scene.background))
    masks = np.where(is_background[:, None, None], ~mask, mask)
    is_seen = masks.any(axis=(1, 2))
    return ConceptMasks(concepts[is_seen], masks[is_seen])


@cache
def _concepts() -> tuple[Concept, ...]:
    return tuple(concept for concept in concept_set() if concept.is_of_the_world)


@cache
def _true_of(kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """The concepts true of such scenes, and which of them are about the background alone."""
    concepts = [place for place, one in enumerate(_concepts()) if one.is_true_of(kind)]
    alone = [_concepts()[place] for place in concepts]
    is_background = [concept.thing is None and concept.family is None for concept in alone]
    return np.array(concepts, np.intp), np.array(is_background, np.bool_)
