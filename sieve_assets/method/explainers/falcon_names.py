"""FALCON from the crops on: which neurons are named, against which images, with which words.

Source: Kalibhat et al., ICML 2023. The steps are in `falcon_images` and `falcon`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Float64, Int

from sieve_assets.method.checked_inputs import require_same_length
from sieve_assets.method.explainers.falcon import (
    best_words,
    is_interpretable,
    mean_similarities,
    word_scores,
)
from sieve_assets.method.explainers.falcon_images import NeuronImages, contrast_images


class FalconNames(NamedTuple):
    """Every neuron's words, best first."""

    concepts: Int[np.ndarray, "neuron place"]
    """Positions of words; -1 where there are no more."""
    scores: Float64[np.ndarray, "neuron place"]
    """Their scores over the neuron's crops; 0 where there is no word."""


def falcon_names(
    scaled: Float32[np.ndarray, "image neuron"],
    high: NeuronImages,
    crops: Float[np.ndarray, "sample feature"],
    images: Float[np.ndarray, "image feature"],
    concepts: Float[np.ndarray, "concept feature"],
    *,
    low: float,
    min_similarity: float,
    min_contrast_similarity: float,
    n_contrast: int,
    scale: float,
    n_captions: int,
    max_contrast: float,
    n_words: int,
) -> FalconNames:
    """The words that fit the crops of a neuron whose crops are alike, and not its contrast images.

    Each word is a text of its own.

    Args:
        scaled: From `scaled_activations`.
        high: From `high_images`.
        crops: L2-normalised embeddings of their crops, in the same order.
        images: L2-normalised embeddings of all images, whole.
        concepts: L2-normalised embeddings of the words.
        low: `LayerLevels.mean`.
        min_similarity: As in `is_interpretable`.
        min_contrast_similarity: As in `contrast_images`.
        n_contrast: `max_images` of `contrast_images`.
        scale: As in `word_scores`.
        n_captions: As in `word_scores`.
        max_contrast: As in `best_words`.
        n_words: `count` of `best_words`.

    Returns:
        No word for a neuron that is high on too few images, or whose crops are not alike.

    Raises:
        ValueError: Sizes differ, or as the steps say.

    Source: Kalibhat et al., ICML 2023; the authors' explain_feature_group.py.
    """
    where = "falcon_names"
    require_same_length(where, high_images=len(high.images), crops=len(crops))
    require_same_length(where, activations=len(scaled), images=len(images))
    n_neurons = scaled.shape[1]
    similarities = mean_similarities(crops, high.neurons, n_neurons=n_neurons)
    is_alike = is_interpretable(similarities, min_similarity=min_similarity)[high.neurons]
    named = NeuronImages(high.neurons[is_alike], high.images[is_alike])
    contrast = contrast_images(
        scaled, named, level=low, min_similarity=min_contrast_similarity, max_images=n_contrast
    )
    of_crops, of_contrast = (
        word_scores(
            vectors,
            neurons,
            concepts,
            has_word=None,
            n_neurons=n_neurons,
            scale=scale,
            n_captions=n_captions,
        )
        for vectors, neurons in (
            (crops[is_alike], named.neurons),
            (images[contrast.images], contrast.neurons),
        )
    )
    best = best_words(of_crops, of_contrast, max_contrast=max_contrast, count=n_words)
    scores = np.take_along_axis(of_crops, np.maximum(best, 0), axis=1)
    return FalconNames(best, np.where(best >= 0, scores, 0.0))
