"""WWW: names a neuron by all words that fit its strongest images nearly as well as the best does.

Ahn, Kim and Kim, "WWW: A Unified Framework for Explaining What, Where and Why of Neural Networks by
Interpretation of Neuron Concepts", CVPR 2024: its concept discovery ("what"), that is adaptive
cosine similarity and adaptive selection. Published settings are those of the authors'
concept_matching.py.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_same_length,
    require_some,
    require_unit_norm,
)
from sieve_assets.method.concept_hypotheses import CheckedConcepts, best_concepts, concept_scores
from sieve_assets.method.explainers.probe_inputs import (
    require_probe,
    strongest_images,
    summed_embeddings,
)


class SelectedWords(NamedTuple):
    """One entry a name, by neuron and within a neuron best first; a neuron may have none."""

    neurons: Int[np.ndarray, " name"]
    """Position of the neuron among the scores' rows."""
    places: Int[np.ndarray, " name"]
    """0 for the neuron's best word."""
    concepts: Int[np.ndarray, " name"]
    """Position of the word in the concept set."""
    scores: Float64[np.ndarray, " name"]


def adaptive_cosines(
    activations: Float[np.ndarray, "image neuron"],
    image_embeddings: Float[np.ndarray, "image feature"],
    concept_embeddings: Float[np.ndarray, "concept feature"],
    base_embedding: Float[np.ndarray, " feature"],
    *,
    n_images: int,
) -> Float64[np.ndarray, "neuron concept"]:
    """Sum over a neuron's strongest images of cos(image, word in template) - cos(image, template).

    Taking off the bare template leaves what the word adds to it. As sums of cosines are cosines'
    sums, this is one product of summed embeddings and differences.

    A neuron's scores are the same to the last bit whatever other neurons are in the call. The
    authors' code works through images in equal parts: where a part ends amid a neuron's images, the
    neuron is split and those after it get their neighbours' names, and a remainder is never read.

    Fewer images than `n_images`: all are used, so that scores are sums of fewer terms. Ties in
    activation go by lower position.

    Args:
        activations: Activations over the probe set (arbitrary units).
        image_embeddings: L2-normalised embeddings of the same whole images.
        concept_embeddings: L2-normalised embeddings of the words in the template, in the authors'
            code "A photo of a {word}".
        base_embedding: L2-normalised embedding of the template without word, there "A photo of a".
        n_images: Strongest images a neuron, at least 1; 40 in the authors' code.

    Returns:
        Scores between -2 and 2 times the number of images; below 0 for a word that fits the images
        worse than no word.

    Raises:
        ValueError: There is no image, neuron or concept, sizes differ, an embedding is not of norm
            1, an activation is not finite, or n_images < 1.

    Source: WWW, CVPR 2024, adaptive cosine similarity.
    """
    where = "adaptive_cosines"
    require_probe(where, activations, image_embeddings, concept_embeddings)
    n_features = image_embeddings.shape[1]
    require_same_length(where, image_features=n_features, base_features=len(base_embedding))
    require_unit_norm(where, "the base template", base_embedding[None])
    require_at_least(where, "n_images", n_images, 1)
    images = strongest_images(activations, count=n_images)
    added = concept_embeddings.astype(np.float64) - base_embedding.astype(np.float64)
    # Differences need no norm of 1 here: the score is the difference of two cosines.
    return concept_scores(summed_embeddings(image_embeddings, images), CheckedConcepts(added))


def adaptive_selection(
    scores: Float64[np.ndarray, "neuron concept"], *, alpha: float
) -> SelectedWords:
    """All words of a neuron that score above alpha times its best word.

    A neuron whose best score is 0 or negative gets no word: alpha times it is no less than it. So
    the authors' code has it, and it is what the scores mean: no word fits the images better than
    the bare template does, and the neuron stays unnamed, which its coverage shows. A negative best
    is not stretched into a threshold of its own.

    Args:
        scores: From `adaptive_cosines`.
        alpha: Share of the best score, at least 0 and below 1; 0.95 in the authors' code.

    Returns:
        The names; of a neuron with a positive best score at least one; ties by lower position.

    Raises:
        ValueError: There is no concept, a score is not finite, or alpha is out of its range.

    Source: WWW, CVPR 2024, adaptive selection.
    """
    where = "adaptive_selection"
    require_some(where, "concepts", scores, axis=1)
    if not 0 <= alpha < 1:
        expected = "alpha of at least 0 and below 1"
        raise ValueError(refusal(where, expected, alpha, "Change alpha."))
    order = best_concepts(scores, count=scores.shape[1])
    ranked = np.take_along_axis(scores, order, axis=1)
    neurons, places = np.nonzero(ranked > alpha * ranked[:, :1])
    return SelectedWords(neurons, places, order[neurons, places], ranked[neurons, places])
