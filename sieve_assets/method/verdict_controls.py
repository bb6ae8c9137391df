"""Names whose verdict is known before any evidence is looked at: what the verdict is tried on.

Not in the SIEVE paper: docs/method.md, section 3.
"""

# scipy and scikit-learn ship no types: what comes from them is annotated where it is used.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import hashlib
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int
from scipy.optimize import linear_sum_assignment
from sklearn.linear_model import LogisticRegression

from sieve_assets.method.activation_rates import wilson_interval
from sieve_assets.method.average_precisions import average_precisions
from sieve_assets.method.checked_inputs import refusal, require_at_least, require_same_length

WORD_LENGTH = 10
"""Letters of a word that means nothing: no language's words have so many without a vowel."""
_CONSONANTS = "bcdfghjklmnpqrstvwxz"


class Permuted(NamedTuple):
    """Activations that no longer have to do with the images they stand for."""

    probe: Float32[np.ndarray, "neuron image"]
    pictures: Float32[np.ndarray, "picture neuron"]


class Planted(NamedTuple):
    """Directions of a layer that know a concept each."""

    weight: Float32[np.ndarray, "concept neuron"]
    """Of each neuron's activation in each direction."""
    held_out_ap: Float64[np.ndarray, " concept"]
    """Average precision on the images that a direction was not fitted on."""


class Share(NamedTuple):
    """How many of some controls were verified, with the Wilson interval of their share."""

    n: int
    n_verified: int
    low: float
    high: float


def permuted(
    probe: Float32[np.ndarray, "neuron image"],
    pictures: Float32[np.ndarray, "picture neuron"],
    *,
    generator: np.random.Generator,
) -> Permuted:
    """Each neuron's activations given to other images, anew for every neuron.

    How often and how strongly a neuron fires stays what it was; on what, is left to chance.

    Args:
        probe: Activations on the probe images.
        pictures: Activations on the drawn pictures.
        generator: Of the permutations.

    Returns:
        The same values in another order, by neuron.

    Raises:
        ValueError: Not the same neurons.

    Source: docs/method.md, section 3.
    """
    require_same_length("permuted", probe=len(probe), pictures=pictures.shape[1])
    return Permuted(generator.permuted(probe, axis=1), generator.permuted(pictures, axis=0))


def exchanged_names(
    neurons: Int[np.ndarray, " hypothesis"],
    concepts: Int[np.ndarray, " hypothesis"],
    is_near: Bool[np.ndarray, "concept concept"],
    *,
    generator: np.random.Generator,
) -> Int[np.ndarray, " hypothesis"]:
    """To which neuron each hypothesis's name goes when names are shuffled among neurons.

    Every neuron gives away its names and gets as many, none of them near one of its own. Of all
    ways to do so a random one: the assignment of least cost where allowed pairs cost random numbers
    and others more than all these together.

    Args:
        neurons: Of each hypothesis.
        concepts: Of each hypothesis: its position in `is_near`.
        is_near: Which concepts are as good as the same; symmetric. Each is near itself.
        generator: Of the costs.

    Returns:
        A neuron for each hypothesis; -1 if no neuron may have its name, or all that may are taken.

    Raises:
        ValueError: Sizes that differ.

    Source: docs/method.md, section 3.
    """
    require_same_length("exchanged_names", neurons=len(neurons), concepts=len(concepts))
    of_name, row = np.unique(neurons, return_inverse=True)
    is_barred = np.zeros((len(of_name), len(is_near)), dtype=bool)
    np.logical_or.at(is_barred, row, (is_near | np.eye(len(is_near), dtype=bool))[concepts])
    is_allowed: Bool[np.ndarray, "hypothesis hypothesis"] = ~is_barred[row][:, concepts].T
    costs: Float64[np.ndarray, "hypothesis hypothesis"] = generator.random(is_allowed.shape)
    costs[~is_allowed] += len(neurons) + 1
    giver, place = linear_sum_assignment(costs)
    found = np.full(len(neurons), -1)
    found[giver] = np.where(is_allowed[giver, place], neurons[place], -1)
    return found


def meaningless_words(
    count: int, *, known: Collection[str], generator: np.random.Generator
) -> list[str]:
    """Words of consonants that name nothing in any language.

    Args:
        count: Words to make, each once.
        known: Concepts that none of them may be.
        generator: Of the letters.

    Returns:
        The words.

    Raises:
        ValueError: The count is negative.

    Source: docs/method.md, section 3.
    """
    require_at_least("meaningless_words", "count", count, 0)
    taken = {concept.casefold() for concept in known}
    words: list[str] = []
    while len(words) < count:
        word = "".join(generator.choice(list(_CONSONANTS), WORD_LENGTH))
        if word not in taken:
            taken.add(word)
            words.append(word)
    return words


def hashed_sample(ids: Sequence[str], *, count: int, seed: int) -> Int[np.ndarray, " some"]:
    """Positions of so many ids, drawn by the hash of each with the seed, in rising order.

    Drawn that way a sample stays what it is but for a few when others come or go.

    Args:
        ids: Each once.
        count: How many; all of fewer.
        seed: Another seed draws others.

    Returns:
        Positions.

    Raises:
        ValueError: The count is negative.

    Source: docs/method.md, section 3.
    """
    require_at_least("hashed_sample", "count", count, 0)
    lots = [hashlib.sha256(f"{seed} {one}".encode()).digest() for one in ids]
    drawn = sorted(range(len(ids)), key=lambda position: lots[position])[:count]
    return np.array(sorted(drawn), np.int64)


def planted_directions(
    activations: Float32[np.ndarray, "image neuron"],
    is_shown: Bool[np.ndarray, "image concept"],
    *,
    generator: np.random.Generator,
) -> Planted:
    """Linear probes of a layer for known concepts, fitted on half of the images of each kind.

    Logistic regression on standardised activations. The intercept is left out: a threshold that
    follows from the activations themselves takes it back.

    Args:
        activations: Of the layer (arbitrary units).
        is_shown: Which concept is in which image: in two at least, and not in two at least.
        generator: Of the halves.

    Returns:
        Directions, and how well each tells the concept's images in the other half.

    Raises:
        ValueError: Sizes that differ, or a concept that is shown, or not shown, in fewer than two.

    Source: docs/method.md, section 3.
    """
    where = "planted_directions"
    require_same_length(where, activations=len(activations), is_shown=len(is_shown))
    n_shown = is_shown.sum(axis=0)
    is_bad = (n_shown < 2) | (len(is_shown) - n_shown < 2)  # noqa: PLR2004 (one in each half)
    if is_bad.any():
        concept = int(np.argmax(is_bad))
        got = f"{n_shown[concept]} of {len(is_shown)} for concept {concept}"
        raise ValueError(refusal(where, "concepts shown in some images", got, "Leave it out."))
    mean = activations.mean(axis=0, dtype=np.float64)
    spread = activations.std(axis=0, dtype=np.float64)  # exactly 0 if a neuron never changes
    scaled = ((activations - mean) / np.where(spread > 0, spread, 1)).astype(np.float32)
    weight = np.empty((is_shown.shape[1], activations.shape[1]), np.float32)
    precision = np.empty(is_shown.shape[1])
    for concept, shown in enumerate(is_shown.T):
        fits = _half(shown, generator)
        model = LogisticRegression(max_iter=1000).fit(scaled[fits], shown[fits])
        weight[concept] = model.coef_[0] / np.where(spread > 0, spread, 1)
        held_out = (activations[~fits] @ weight[concept])[None]
        precision[concept] = average_precisions(held_out, shown[~fits, None])[0, 0]
    return Planted(weight, precision)


def along(
    activations: Float32[np.ndarray, "image neuron"], weight: Float32[np.ndarray, "concept neuron"]
) -> Float32[np.ndarray, "image concept"]:
    """Activations of directions on images: what a target of these directions would give.

    Args:
        activations: Of the layer's neurons.
        weight: Of each neuron in each direction.

    Returns:
        The weighted sums.

    Source: docs/method.md, section 3.
    """
    return activations @ weight.T


def _half(
    is_shown: Bool[np.ndarray, " image"], generator: np.random.Generator
) -> Bool[np.ndarray, " image"]:
    """Half of the images that show something, and half of the others."""
    chosen = np.zeros(len(is_shown), dtype=bool)
    for members in (np.flatnonzero(is_shown), np.flatnonzero(~is_shown)):
        chosen[generator.permutation(members)[: len(members) // 2]] = True
    return chosen


def verified_share(is_verified: Bool[np.ndarray, " control"], *, confidence: float) -> Share:
    """How many of some controls were verified, and the interval of their share.

    Args:
        is_verified: Of each control; one at least.
        confidence: Of the interval.

    Returns:
        Counts and interval.

    Raises:
        ValueError: No control, or a confidence out of range.

    Source: docs/method.md, section 3.
    """
    n_verified: Int[np.ndarray, " one"] = np.array([is_verified.sum()], np.int64)
    interval = wilson_interval(n_verified, len(is_verified), confidence=confidence)
    return Share(
        len(is_verified), int(n_verified[0]), float(interval.low[0]), float(interval.high[0])
    )
