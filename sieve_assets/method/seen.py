"""What a target and a vision-language model saw of pictures, and how well words fit a neuron by it.

Not in the SIEVE paper: docs/method.md, section 3.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int

from sieve_assets.method.average_precisions import average_precisions, weighted_average_precisions
from sieve_assets.method.name_scores import name_scores
from sieve_assets.method.recognition import is_shown, shown_thresholds, word_ranks

_LEAST_COSINE = -2.0
"""Below every cosine."""


class Seen(NamedTuple):
    """What the models saw. Concepts are words that have pictures: references and hypotheses.

    A word with other pictures is another concept: of a hypothesis that was clear sooner there are
    fewer (`sequential_drawing`). Of concepts with as many pictures, no two are the same word.
    """

    studied: Int[np.ndarray, " studied"]
    """Positions of the studied neurons among all neurons."""
    probe: Float32[np.ndarray, "studied image"]
    """Their activations on the probe images."""
    pictures: Float32[np.ndarray, "picture neuron"]
    """All neurons' activations on the pictures."""
    thresholds: Float32[np.ndarray, " neuron"]
    """T of each neuron; nan for one that is not known, which then never fires."""
    drawn_for: Int[np.ndarray, " picture"]
    """The concept of each picture, in the order of their seeds."""
    is_reference: Bool[np.ndarray, " concept"]
    words: Int[np.ndarray, " concept"]
    """Each concept's place among all words."""
    texts: Float32[np.ndarray, "concept feature"]
    """Unit vectors of the concepts."""
    picture_cosines: Float64[np.ndarray, "picture word"]
    image_cosines: Float64[np.ndarray, "image concept"]
    is_candidate: Bool[np.ndarray, " word"]
    """Words that may fit pictures better than what they were drawn for: those of the concept set.

    Other texts, such as another method's phrases, are in nobody's way.
    """

    @property
    def is_rival(self) -> Bool[np.ndarray, " concept"]:
        """Concepts that names are held against: those of the concept set."""
        return self.is_candidate[self.words]


class Settings(NamedTuple):
    """How it is judged."""

    confidence: float
    percentile: float
    near_cosine: float
    n_best_words: int
    shown_percentile: float


def numbers_of(seen: Seen) -> Int[np.ndarray, " concept"]:
    """How many pictures each concept has."""
    return np.bincount(seen.drawn_for, minlength=len(seen.words))


class Shown(NamedTuple):
    """Where which concepts are shown, by `recognition`."""

    ranks: Int[np.ndarray, " concept"]
    is_drawable: Bool[np.ndarray, " concept"]
    in_images: Bool[np.ndarray, "image concept"]
    in_pictures: Bool[np.ndarray, "picture concept"]


def shown_in(seen: Seen, settings: Settings) -> Shown:
    """Which concepts can be drawn, and where they are shown; each in its own pictures."""
    asked = seen.words[seen.drawn_for]
    is_compared = seen.is_candidate | (np.arange(len(seen.is_candidate)) == asked[:, None])
    compared = np.where(is_compared, seen.picture_cosines, _LEAST_COSINE)
    numbers = numbers_of(seen)
    ranks, lines = np.full(len(numbers), -1), np.full(len(numbers), np.nan)
    for number in np.unique(numbers):
        concepts = numbers == number
        rows, words = concepts[seen.drawn_for], seen.words[concepts]
        ranks[concepts] = word_ranks(compared[rows], asked[rows])[words]
        lines[concepts] = shown_thresholds(
            seen.picture_cosines[rows], asked[rows], percentile=settings.shown_percentile
        )[words]
    in_pictures = is_shown(seen.picture_cosines[:, seen.words], lines)
    in_pictures[np.arange(len(asked)), seen.drawn_for] = True
    in_images = is_shown(seen.image_cosines, lines)
    return Shown(ranks, (ranks >= 0) & (ranks < settings.n_best_words), in_images, in_pictures)


class Scores(NamedTuple):
    """How well concepts say when neurons fire."""

    natural_ap: Float64[np.ndarray, "studied concept"]
    """`average_precisions` over the probe images."""
    drawn_ap: Float64[np.ndarray, "studied concept"]
    """The same over the pictures of a neuron's concepts; nan for the others."""
    score: Float64[np.ndarray, "studied concept"]
    """`name_scores` of both."""


def scores_of(
    studied: Int[np.ndarray, " some"],
    is_own: Bool[np.ndarray, "some concept"],
    seen: Seen,
    shown: Shown,
) -> Scores:
    """The scores of some of the studied neurons, each among its own concepts.

    Args:
        studied: Their positions among the studied.
        is_own: The concepts of each; a concept whose pictures do not show it scores 0.
        seen: Activations and cosines.
        shown: `shown_in` of these.

    Raises:
        ValueError: What the parts refuse.

    Source: docs/method.md, section 3.
    """
    natural = average_precisions(seen.probe[studied], shown.in_images)
    drawn = np.full(natural.shape, np.nan)
    for place, neuron in enumerate(seen.studied[studied]):
        concepts = np.flatnonzero(is_own[place])
        drawn[place, concepts] = _drawn_precisions(int(neuron), concepts, seen, shown)
    return Scores(
        natural,
        drawn,
        name_scores(natural, drawn, is_own & shown.is_drawable, is_rival=seen.is_rival),
    )


def _drawn_precisions(
    neuron: int, concepts: Int[np.ndarray, " some"], seen: Seen, shown: Shown
) -> Float64[np.ndarray, " some"]:
    """How well a neuron tells the pictures of each of some concepts, all of them as many."""
    rows = np.isin(seen.drawn_for, concepts)
    activations, in_pictures = seen.pictures[rows, neuron], shown.in_pictures[rows][:, concepts]
    numbers = numbers_of(seen)
    if np.ptp(numbers[concepts]) == 0:
        return average_precisions(activations[None], in_pictures)[0]
    weights = numbers[concepts].max() / numbers[seen.drawn_for[rows]]
    return weighted_average_precisions(activations, in_pictures, weights)
