"""FALCON's words: those that fit the crops a neuron is high on and not its contrast images.

Kalibhat et al., Identifying Interpretable Subspaces in Image Representations, ICML 2023; their
code is NehaKalibhat/falcon-explain. The images are in `falcon_images`. Words there come from the
captions of LAION-400M; here from any texts, which may be the words themselves.
"""

# scipy ships no types: what comes from it is annotated where it is used.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

import numpy as np
from jaxtyping import Bool, Float, Float64, Int
from scipy import special

from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_finite,
    require_same_length,
    require_some,
    require_unit_norm,
)

_BLOCK_PATCHES = 64
"""Patches in one product, always: how a library rounds depends on the product's size."""


def mean_similarities(
    patches: Float[np.ndarray, "patch feature"],
    neurons: Int[np.ndarray, " patch"],
    *,
    n_neurons: int,
) -> Float64[np.ndarray, " neuron"]:
    """The mean cosine over all pairs of a neuron's crops, each crop's with itself among them.

    So the authors' code has it, and so it is the squared norm of the mean embedding. n crops whose
    distinct pairs have the mean c give (1 + (n - 1) c) / n.

    Args:
        patches: L2-normalised embeddings of crops.
        neurons: Whose crop each is: `NeuronImages.neurons` of `high_images`.
        n_neurons: Neurons of the layer.

    Returns:
        Between 0 and 1; nan for a neuron without a crop.

    Raises:
        ValueError: An embedding not of norm 1, sizes that differ, or a neuron that is none.

    Source: the authors' get_interpretable_features.py.
    """
    counts = _counts("mean_similarities", patches, neurons, n_neurons)
    totals = np.zeros((n_neurons, patches.shape[1]))
    np.add.at(totals, neurons, patches.astype(np.float64))
    squares = (totals**2).sum(axis=1)
    return np.divide(squares, counts**2, out=np.full(n_neurons, np.nan), where=counts > 0)


def is_interpretable(
    similarities: Float64[np.ndarray, " neuron"], *, min_similarity: float
) -> Bool[np.ndarray, " neuron"]:
    """Whether the neuron's crops are alike enough to be named at all.

    Args:
        similarities: From `mean_similarities`.
        min_similarity: Strictly above it; 0.8 in the authors' code (CLIP ViT-B/32).

    Returns:
        False also for a neuron without a crop.

    Source: Kalibhat et al., ICML 2023; the authors' get_interpretable_features.py.
    """
    return similarities > min_similarity


def word_scores(
    patches: Float[np.ndarray, "patch feature"],
    neurons: Int[np.ndarray, " patch"],
    captions: Float[np.ndarray, "caption feature"],
    *,
    has_word: Bool[np.ndarray, "caption concept"] | None,
    n_neurons: int,
    scale: float,
    n_captions: int,
) -> Float64[np.ndarray, "neuron concept"]:
    """How probable each word is, on the average over a neuron's pictures.

    A picture's captions have the probabilities softmax(scale cos); its n_captions most probable
    count, and a word has the probability of the best of them that it is in. The probability and not
    the cosine, as in the authors' code: cosines of CLIP are above 0.1 for nearly any picture and
    word, so the rule of `best_words` would leave none. The authors take the softmax over each shard
    of LAION's captions alone; here it is over all.

    Args:
        patches: L2-normalised embeddings of the crops, or of the contrast images as a whole.
        neurons: Whose each is.
        captions: L2-normalised embeddings of texts.
        has_word: Which candidate word is in which text; None: each text is one candidate itself.
        n_neurons: Neurons of the layer.
        scale: 100 in the authors' code, CLIP's own.
        n_captions: 5 in the authors' code.

    Returns:
        Between 0 and 1; all 0 for a neuron without a picture.

    Raises:
        ValueError: No text, an embedding not of norm 1, sizes that differ, a neuron that is none,
            or n_captions below 1.

    Source: Kalibhat et al., ICML 2023; caption_images and parse_captions of the authors' code.
    """
    where = "word_scores"
    require_at_least(where, "n_captions", n_captions, 1)
    counts = _counts(where, patches, neurons, n_neurons)
    require_some(where, "captions", captions, axis=0)
    require_unit_norm(where, "captions", captions)
    require_same_length(where, patches=patches.shape[1], captions=captions.shape[1])
    if has_word is not None:
        require_same_length(where, captions=len(captions), has_word=len(has_word))
    texts, most = captions.astype(np.float64).T, min(n_captions, len(captions))
    totals = np.zeros((n_neurons, len(captions) if has_word is None else has_word.shape[1]))
    block = np.zeros((_BLOCK_PATCHES, patches.shape[1]))
    for start in range(0, len(patches), _BLOCK_PATCHES):
        some = patches[start : start + _BLOCK_PATCHES]
        block[: len(some)] = some
        found = _best_captions(scale * (block @ texts)[: len(some)], most)
        words = found if has_word is None else _best_of_words(found, has_word, most)
        for neuron, scores in zip(neurons[start:], words, strict=False):
            totals[neuron] += scores
    return totals / np.maximum(counts, 1)[:, None]


def best_words(
    scores: Float64[np.ndarray, "neuron concept"],
    contrast_scores: Float64[np.ndarray, "neuron concept"],
    *,
    max_contrast: float,
    count: int,
) -> Int[np.ndarray, "neuron place"]:
    """Each neuron's best words that the contrast images do not have as well.

    Args:
        scores: From `word_scores` of the crops.
        contrast_scores: From `word_scores` of the contrast images.
        max_contrast: A word that has so much there, or more, is out; 0.1 in the authors' code.
        count: Words a neuron, at least 1; 8 in the authors' code.

    Returns:
        min(count, concepts) positions of words, best first, ties by lower position; -1 where there
        are no more: a word that is in no caption, of score 0, is no word.

    Raises:
        ValueError: A score is not finite, or count below 1.

    Source: Kalibhat et al., ICML 2023 (contrastive concept extraction).
    """
    require_at_least("best_words", "count", count, 1)
    remedy = "Pass what word_scores returns."
    for what, values in (("scores", scores), ("contrast scores", contrast_scores)):
        require_finite("best_words", what, values, row="neuron", remedy=remedy)
    is_allowed = (scores > 0) & (contrast_scores < max_contrast)
    order = np.argsort(-np.where(is_allowed, scores, -1), axis=1, kind="stable")[:, :count]
    return np.where(np.take_along_axis(is_allowed, order, axis=1), order, -1)


def _counts(
    where: str,
    patches: Float[np.ndarray, "_ _"],
    neurons: Int[np.ndarray, " _"],
    n_neurons: int,
) -> Int[np.ndarray, " neuron"]:
    """How many patches each neuron has, after the checks of both functions that take patches."""
    require_same_length(where, patches=len(patches), neurons=len(neurons))
    require_unit_norm(where, "patches", patches)
    is_none = (neurons < 0) | (neurons >= n_neurons)
    if is_none.any():
        got = int(neurons[np.argmax(is_none)])
        remedy = "Pass positions in the layer."
        raise ValueError(refusal(where, f"neurons from 0 to {n_neurons - 1}", got, remedy))
    return np.bincount(neurons, minlength=n_neurons)


def _best_captions(
    logits: Float64[np.ndarray, "patch caption"], count: int
) -> Float64[np.ndarray, "patch caption"]:
    """The probabilities of each row's best captions, ties by lower position; 0 for all others."""
    probabilities: Float64[np.ndarray, "patch caption"] = special.softmax(logits, axis=1)
    least = np.partition(logits, -count, axis=1)[:, -count, None]
    is_above, is_tied = logits > least, logits == least
    n_free = count - is_above.sum(axis=1, keepdims=True)
    is_best = is_above | (is_tied & (is_tied.cumsum(axis=1) <= n_free))
    return np.where(is_best, probabilities, 0.0)


def _best_of_words(
    captions: Float64[np.ndarray, "patch caption"],
    has_word: Bool[np.ndarray, "caption concept"],
    count: int,
) -> Float64[np.ndarray, "patch concept"]:
    """For each word the largest probability of a caption that it is in.

    Only the rows' best captions are looked at: all others are 0.
    """
    best = np.argsort(-captions, axis=1, kind="stable")[:, :count]
    probabilities = np.take_along_axis(captions, best, axis=1)
    return np.where(has_word[best], probabilities[:, :, None], 0.0).max(axis=1)
