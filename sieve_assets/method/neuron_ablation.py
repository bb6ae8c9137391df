"""What a neuron is to the classes: what they lose once it is held at a value.

Not here: how a network is made to hold it, and where the class of an image comes from.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int


class Answers(NamedTuple):
    """What a network says of images, as far as it is about their own classes.

    Attributes:
        is_right: Whether the class has the largest logit; of equal ones the first class counts.
        own_logit: The logit of the class (arbitrary units).
    """

    is_right: Bool[np.ndarray, " image"]
    own_logit: Float32[np.ndarray, " image"]


class Effects(NamedTuple):
    """What becomes of the classes when a neuron is held.

    Attributes:
        lost: Images of a class that were right and are wrong.
        won: Images of a class that were wrong and are right.
        logit_drop: How much lower a class's logit is on its own images, in the mean; 0 without any.
    """

    lost: Int[np.ndarray, "neuron class"]
    won: Int[np.ndarray, "neuron class"]
    logit_drop: Float64[np.ndarray, "neuron class"]


def answers(
    logits: Float32[np.ndarray, "image class"], classes: Int[np.ndarray, " image"]
) -> Answers:
    """What logits say of images of these classes."""
    own = logits[np.arange(len(classes)), classes]
    return Answers(logits.argmax(1) == classes, own)


def effects(
    before: Answers,
    held: Iterable[Answers],
    classes: Int[np.ndarray, " image"],
    *,
    n_classes: int,
) -> Effects:
    """What becomes of the classes by the answers as they are and with each of some neurons held.

    Args:
        before: With no neuron held.
        held: For each neuron.
        classes: Of the images.
        n_classes: How many there are.
    """
    n_images = np.bincount(classes, minlength=n_classes)
    lost: list[np.ndarray] = []
    won: list[np.ndarray] = []
    drops: list[np.ndarray] = []
    for one in held:
        is_lost, is_won = before.is_right & ~one.is_right, ~before.is_right & one.is_right
        fallen = before.own_logit.astype(np.float64) - one.own_logit
        lost.append(np.bincount(classes[is_lost], minlength=n_classes))
        won.append(np.bincount(classes[is_won], minlength=n_classes))
        total = np.bincount(classes, weights=fallen, minlength=n_classes)
        drops.append(total / np.maximum(n_images, 1))
    return Effects(np.array(lost), np.array(won), np.array(drops))


def held_values(
    activations: Float32[np.ndarray, "image neuron"], *, at_mean: bool
) -> Float32[np.ndarray, " neuron"]:
    """What neurons are held at: the mean over the images, else 0."""
    found = np.zeros(activations.shape[1], dtype=np.float64)
    if at_mean:
        np.mean(activations, axis=0, dtype=np.float64, out=found)
    return found.astype(np.float32)


def linear_logits(
    activations: Float32[np.ndarray, "image neuron"],
    weight: Float32[np.ndarray, "class neuron"],
    bias: Float32[np.ndarray, " class"],
) -> Float32[np.ndarray, "image class"]:
    """What a linear head gives."""
    return activations @ weight.T + bias


def linear_answers(
    logits: Float32[np.ndarray, "image class"],
    classes: Int[np.ndarray, " image"],
    activations: Float32[np.ndarray, "image neuron"],
    weight: Float32[np.ndarray, "class neuron"],
    values: Float32[np.ndarray, " neuron"],
) -> Iterator[Answers]:
    """Answers with each neuron held that a linear head reads, without a forward pass.

    Holding neuron i at v adds (v - a_i) W[:, i] to the logits. Images on which it has that value
    anyway are left alone.

    Args:
        logits: Of the images.
        classes: Theirs.
        activations: Of some neurons.
        weight: Of the head, for these neurons.
        values: What each of them is held at.

    Source: SIEVE, Fig. 6; docs/explainers.md.
    """
    before = answers(logits, classes)
    for neuron, value in enumerate(values):
        moved = np.flatnonzero(activations[:, neuron] != value)
        step = value - activations[moved, neuron]
        found = answers(logits[moved] + step[:, None] * weight[:, neuron], classes[moved])
        is_right, own_logit = before.is_right.copy(), before.own_logit.copy()
        is_right[moved], own_logit[moved] = found
        yield Answers(is_right, own_logit)


class Ranked(NamedTuple):
    """The classes that lose most by each neuron's ablation.

    Attributes:
        classes: Greatest drop first; of equal drops the first class.
        is_told: Whether the class loses, or is the first that has enough images.
    """

    classes: Int[np.ndarray, "neuron place"]
    is_told: Bool[np.ndarray, "neuron place"]


def accuracy_drops(
    found: Effects, n_images: Int[np.ndarray, " class"]
) -> Float64[np.ndarray, "neuron class"]:
    """Share of each class's images that are lost, less the share that is won; 0 without any."""
    return (found.lost - found.won) / np.maximum(n_images, 1)


def ranked(
    drops: Float64[np.ndarray, "neuron class"],
    n_images: Int[np.ndarray, " class"],
    *,
    min_images: int,
    count: int,
) -> Ranked:
    """Each neuron's classes by what they lose.

    Args:
        drops: Of accuracy or of a logit.
        n_images: Of each class.
        min_images: Classes with fewer are left out: one image would be much of their accuracy.
        count: Classes a neuron, at most.
    """
    counted = np.where(n_images < max(min_images, 1), -np.inf, drops)
    classes = np.argsort(-counted, axis=1, kind="stable")[:, :count]
    found = np.take_along_axis(counted, classes, axis=1)
    is_told = found > 0
    is_told[:, 0] = found[:, 0] > -np.inf
    return Ranked(classes, is_told)


def concept_shares(
    shows: Bool[np.ndarray, "image concept"],
    classes: Int[np.ndarray, " image"],
    *,
    n_classes: int,
) -> Float64[np.ndarray, "class concept"]:
    """Share of a class's images that show a concept; NaN for a class without images.

    Args:
        shows: Whether an image shows a concept.
        classes: Of the images.
        n_classes: How many there are.
    """
    counts = np.zeros((n_classes, shows.shape[1]))
    np.add.at(counts, classes, shows)
    n_images = np.bincount(classes, minlength=n_classes)[:, None]
    return np.divide(counts, n_images, out=np.full_like(counts, np.nan), where=n_images > 0)


def shares_of_others(
    contained: Float[np.ndarray, "neuron neuron"],
) -> Float64[np.ndarray, " neuron"]:
    """What chance gives: the mean over all other neurons' names in a neuron's place.

    Args:
        contained: How far the class of the neuron of a row shows the name of that of a column.

    Returns:
        NaN for a neuron that has no others.
    """
    others = contained.sum(1) - contained.diagonal()
    n_others = len(contained) - 1
    return others / n_others if n_others else np.full(len(contained), np.nan)
