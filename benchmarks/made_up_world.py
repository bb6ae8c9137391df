"""What is made up of a world: concepts, pictures of them, and what models see in these."""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmarks.photos import photo

N_FEATURES = 512
MAP_SIDE = 7
_KINDS = [
    *("red", "blue", "green", "yellow", "black", "white", "striped", "spotted"),
    *("wooden", "metal", "glass", "furry", "feathered", "round", "square", "small"),
    *("large", "old", "wet", "frozen", "burning", "flying", "sleeping", "broken"),
    *("painted", "distant", "crowded", "empty", "sunlit", "foggy"),
]
_THINGS = [
    *("cat", "dog", "horse", "owl", "fish", "frog", "snake", "spider", "beetle"),
    *("whale", "elephant", "giraffe", "car", "truck", "train", "bicycle", "boat"),
    *("aeroplane", "bridge", "tower", "house", "church", "castle", "tent", "chair"),
    *("table", "lamp", "clock", "cup", "bottle", "knife", "guitar", "drum", "camera"),
    *("book", "shoe", "hat", "glove", "tree", "flower", "mushroom", "leaf"),
    *("mountain", "river", "beach", "desert", "cloud", "moon", "street", "market"),
]


class Sizes(NamedTuple):
    """Of a made-up target."""

    neurons: int
    images: int
    concepts: int
    """Words of the concept set, at most 1,500."""
    pictures: int = 24
    """Of a concept."""
    topics: int = 60
    """Groups of concepts that mean the like."""


@dataclass(frozen=True)
class World:
    """What is made up: concepts as unit vectors, and how each neuron answers to them."""

    sizes: Sizes
    draws: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    @cached_property
    def words(self) -> list[str]:
        """The concept set."""
        words = [f"{kind} {thing}" for thing, kind in product(_THINGS, _KINDS)]
        return words[: self.sizes.concepts]

    @cached_property
    def texts(self) -> np.ndarray:
        """A unit vector a word; words of a topic are alike."""
        topics = unit(self.draws.standard_normal((self.sizes.topics, N_FEATURES)))
        own = unit(self.draws.standard_normal((len(self.words), N_FEATURES)))
        return unit(topics[np.arange(len(self.words)) % self.sizes.topics] + 0.8 * own)

    @cached_property
    def answers(self) -> np.ndarray:
        """What each concept adds to each neuron's activation, `[concept neuron]`.

        A neuron answers to one to three concepts, the more popular ones more often, and weakly to
        what is like them.
        """
        width, n_liked = self.sizes.neurons, max(1, len(self.words) // 2)
        cosines = np.maximum(self.texts @ self.texts.T, 0).astype(np.float32)
        liked = (n_liked * self.draws.random((3, width)) ** 1.3).astype(int)
        liked = np.where(np.arange(3)[:, None] < self.draws.integers(1, 4, width), liked, liked[0])
        strength = self.draws.uniform(3, 12, width).astype(np.float32)
        return strength * (cosines[:, liked] ** 2).max(axis=1)

    @cached_property
    def kind(self) -> np.ndarray:
        """Of each neuron: 0 is dead, 1 answers to everything alike, 2 is selective."""
        return self.draws.choice(3, self.sizes.neurons, p=[0.01, 0.14, 0.85])

    def activations(self, concepts: np.ndarray) -> np.ndarray:
        """Of all neurons on pictures of these concepts, `[picture neuron]`."""
        noise = self.draws.standard_gamma(0.5, (len(concepts), self.sizes.neurons))
        selective = noise + self.answers[concepts]
        return np.choose(self.kind, [0 * noise, 5 + noise / 10, selective]).astype(np.float32)

    def seen(self, concepts: np.ndarray, spread: float) -> np.ndarray:
        """Unit vectors of pictures of these concepts."""
        own = unit(self.draws.standard_normal((len(concepts), N_FEATURES)))
        return unit(self.texts[concepts] + spread * own).astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Divided by their norms."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def natural(number: int, size: tuple[int, int]) -> Image.Image:
    """A made-up photograph with texture of middle size too: as WebP as large as real ones."""
    draws = np.random.default_rng(number)
    pixels = np.asarray(photo(number, size)).astype(np.float32)
    for cells, strength in ((8, 7.0), (4, 4.0)):
        shape = (-(-size[1] // cells), -(-size[0] // cells))
        texture = Image.fromarray(draws.normal(0, strength, shape).astype(np.float32))
        pixels += np.asarray(texture.resize(size, Image.Resampling.BICUBIC))[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def object_maps(n_images: int) -> np.ndarray:
    """Where in its frame each image shows something, `[image row column]`, of at most 1."""
    centres = np.random.default_rng(1).uniform(1, MAP_SIDE - 2, (2, n_images, 1))
    near = [np.exp(-((np.arange(MAP_SIDE) - centre) ** 2) / 3) for centre in centres]
    return near[0][:, :, None] * near[1][:, None, :]
