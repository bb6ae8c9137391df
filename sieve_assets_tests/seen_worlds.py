"""A small world of words, images, pictures and neurons, and what loops say of it."""

import numpy as np
from sklearn.metrics import average_precision_score

from sieve_assets.method.evidence import Hypotheses
from sieve_assets.method.seen import Seen, Settings

SETTINGS = Settings(
    confidence=0.95, percentile=90.0, near_cosine=0.9, n_best_words=2, shown_percentile=25.0
)
N_PICTURES = 6


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def small_world(seed=0, n_neurons=5, n_images=80, n_words=7):
    """Words as directions; an image and a picture hold one and some noise; neurons like some."""
    generator = np.random.default_rng(seed)
    texts = unit(generator.standard_normal((n_words, 6)))
    words = np.array([5, 0, 3, 2, 6])
    drawn_for = np.repeat(np.arange(len(words)), N_PICTURES)[generator.permutation(30)]

    def show(places):
        return unit(texts[places] + 0.5 * generator.standard_normal((len(places), 6)))

    images, pictures = show(generator.integers(0, n_words, n_images)), show(words[drawn_for])
    likes = generator.standard_normal((6, n_neurons))
    probe = np.maximum(images @ likes, 0).astype(np.float32)
    studied = np.array([3, 0, 4])
    seen = Seen(
        studied=studied,
        probe=probe.T[studied],
        pictures=np.maximum(pictures @ likes, 0).astype(np.float32),
        thresholds=np.percentile(probe, 90, axis=0).astype(np.float32),
        drawn_for=drawn_for,
        is_reference=np.array([True, False, True, True, False]),
        words=words,
        texts=texts[words],
        picture_cosines=pictures.astype(float) @ texts.astype(float).T,
        image_cosines=images.astype(float) @ texts[words].astype(float).T,
        is_candidate=np.ones(len(texts), dtype=bool),
    )
    pairs = [(0, 1), (0, 2), (1, 4), (2, 0), (2, 1)]
    return Hypotheses(*(np.array(part) for part in zip(*pairs, strict=True))), seen


def shown_in(seen, cosines, concept):
    """Whether each of the cosines reaches what a quarter of the concept's pictures are below."""
    word = seen.words[concept]
    own = seen.picture_cosines[seen.drawn_for == concept, word]
    return cosines >= np.percentile(own, 25)


def rank_of(seen, concept):
    """Words that fit the concept's pictures better."""
    means = seen.picture_cosines[seen.drawn_for == concept].mean(axis=0)
    return sum(means > means[seen.words[concept]] + 1e-12)


def precisions_of(seen, studied, names):
    """Average precisions of a neuron for some concepts: on the images, and on their pictures.

    In the latter every concept weighs the same, however many pictures there are of it.
    """
    is_counted = np.isin(seen.drawn_for, names)
    counts = np.bincount(seen.drawn_for[is_counted])
    weights = counts.max() / counts[seen.drawn_for[is_counted]]
    natural, drawn = {}, {}
    for one in names:
        truth = shown_in(seen, seen.image_cosines[:, one], one)
        natural[one] = average_precision_score(truth, seen.probe[studied])
        shown = shown_in(seen, seen.picture_cosines[:, seen.words[one]], one)
        shown |= seen.drawn_for == one
        drawn[one] = average_precision_score(
            shown[is_counted],
            seen.pictures[is_counted, seen.studied[studied]],
            sample_weight=weights,
        )
    return natural, drawn


def scores_by_loops(seen, studied, names):
    """The scores of those of a neuron's names that can be drawn."""
    natural, drawn = precisions_of(seen, studied, names)
    drawable = [one for one in names if rank_of(seen, one) < SETTINGS.n_best_words]
    return {
        one: (
            natural[one] / max(natural[other] for other in drawable)
            + drawn[one] / max(drawn[other] for other in drawable)
        )
        / 2
        for one in drawable
    }


def with_fewer(seen, concept, number):
    """The same, and the concept once more with its first pictures alone; the last of all."""
    rows = np.flatnonzero(seen.drawn_for == concept)[:number]
    return seen._replace(
        pictures=np.concatenate([seen.pictures, seen.pictures[rows]]),
        drawn_for=np.append(seen.drawn_for, np.full(number, len(seen.words))),
        is_reference=np.append(seen.is_reference, np.False_),
        words=np.append(seen.words, seen.words[concept]),
        texts=np.concatenate([seen.texts, seen.texts[[concept]]]),
        picture_cosines=np.concatenate([seen.picture_cosines, seen.picture_cosines[rows]]),
        image_cosines=np.concatenate(
            [seen.image_cosines, seen.image_cosines[:, [concept]]], axis=1
        ),
    )


def without(seen, concept, number):
    """The same with the first pictures of a concept alone."""
    rows = np.flatnonzero(seen.drawn_for == concept)[number:]
    return seen._replace(
        pictures=np.delete(seen.pictures, rows, axis=0),
        drawn_for=np.delete(seen.drawn_for, rows),
        picture_cosines=np.delete(seen.picture_cosines, rows, axis=0),
    )


def badly_drawn(seen, concept):
    """The same, but other words fit the pictures of a concept better."""
    cosines = seen.picture_cosines.copy()
    cosines[seen.drawn_for == concept, seen.words[concept]] -= 0.5
    return seen._replace(picture_cosines=cosines)
