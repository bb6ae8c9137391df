"""Candidates for a neuron's name, from words, captions, or what a language model makes of these.

Bai et al., Interpreting Neurons in Deep Vision Networks with Language Models, TMLR 2025: what comes
before `describe_and_dissect`. The models are not here: texts in, texts out.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float, Int

from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_same_length,
    require_some,
    require_unit_norm,
)

_QUESTION = (
    "What do most of these descriptions of images have in common? Answer with a name of one to "
    "five words and nothing else. Descriptions: {}.\nName:"
)
_WRAPPING = " \t\"'`*.,;:!?()[]“”‘’"


def nearest_words(
    patches: Float[np.ndarray, "patch feature"],
    concepts: Float[np.ndarray, "concept feature"],
    *,
    count: int,
) -> Int[np.ndarray, " place"]:
    """The words that are nearest to most patches: candidates without a captioner.

    Args:
        patches: L2-normalised embeddings of the neuron's strongest patches.
        concepts: L2-normalised embeddings of the words.
        count: Candidates, at least 1.

    Returns:
        min(count, concepts) positions of words. Those that are the best word of more patches come
        first; of as many, those of higher mean cosine; of equal ones the lower position.

    Raises:
        ValueError: No patch or concept, an embedding not of norm 1, sizes that differ, or count
            below 1.

    Source: the project's, in place of captions.
    """
    where = "nearest_words"
    require_at_least(where, "count", count, 1)
    require_some(where, "patches", patches, axis=0)
    require_some(where, "concepts", concepts, axis=0)
    require_same_length(where, patches=patches.shape[1], concepts=concepts.shape[1])
    require_unit_norm(where, "patches", patches)
    require_unit_norm(where, "concepts", concepts)
    cosines = patches.astype(np.float64) @ concepts.astype(np.float64).T
    times = np.bincount(cosines.argmax(axis=1), minlength=len(concepts))
    return np.lexsort((-cosines.mean(axis=0), -times))[:count]


def most_frequent(texts: Sequence[str], *, count: int) -> list[str]:
    """The texts that come most often, as concepts: candidates without a language model.

    Args:
        texts: Captions, those of stronger patches first.
        count: Candidates, at least 1.

    Returns:
        At most `count` concepts, each once; of as many times the one that comes earlier.

    Raises:
        ValueError: No text holds a word, or count below 1.

    Source: the project's, in place of a language model.
    """
    require_at_least("most_frequent", "count", count, 1)
    words = [concept_in(text) for text in texts]
    found = _some("most_frequent", words)
    return sorted(found, key=lambda word: -words.count(word))[:count]


def merging_prompts(
    captions: Sequence[str], *, count: int, generator: np.random.Generator
) -> list[str]:
    """Questions to a language model: the same captions, the second time on in random order.

    Args:
        captions: Those of stronger patches first.
        count: Questions, at least 1.
        generator: Of the orders.

    Returns:
        One question a candidate.

    Raises:
        ValueError: No caption holds a word, or count below 1.

    Source: Bai et al., TMLR 2025 (candidate concept generation); the authors' describe_neurons.py
        asks five times, shuffling. The wording is the project's.
    """
    require_at_least("merging_prompts", "count", count, 1)
    _some("merging_prompts", [concept_in(text) for text in captions])
    said = [caption.strip().rstrip(" .") for caption in captions]
    orders = [list(range(len(said)))]
    orders += [generator.permutation(len(said)).tolist() for _ in range(count - 1)]
    texts = [", ".join(said[place] for place in order if said[place]) for order in orders]
    return [_QUESTION.format(text) for text in texts]


def merged_concepts(answers: Iterable[str]) -> list[str]:
    """The concepts in a language model's answers, each once, in their order.

    Args:
        answers: To `merging_prompts`.

    Returns:
        At least one.

    Raises:
        ValueError: No answer holds a word.

    Source: the authors' describe_neurons.py (lower case, no full stop, no repetition).
    """
    return _some("merged_concepts", [concept_in(answer) for answer in answers])


def concept_in(text: str) -> str:
    """What a text calls something: its first line that says anything, in lower case, unwrapped.

    Args:
        text: A caption or an answer, perhaps with a label before it ("Name: ..."), quotation marks
            around it or a full stop after it.

    Returns:
        The concept, or nothing if there is no letter and no digit.

    Source: the authors' DnD_models.py (what follows a colon) and describe_neurons.py.
    """
    for line in text.splitlines():
        said = line.strip(_WRAPPING).rpartition(":")[2]
        word = re.sub(r"\s+", " ", said).strip(_WRAPPING).lower()
        if any(letter.isalnum() for letter in word):
            return word
    return ""


def _some(where: str, words: Iterable[str]) -> list[str]:
    """The words that are some, each once."""
    found = list(dict.fromkeys(word for word in words if word))
    if not found:
        remedy = "Use another captioner or language model."
        raise ValueError(refusal(where, "a text with a word", "none", remedy))
    return found
