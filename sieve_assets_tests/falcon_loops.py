"""FALCON by its formulas (docs/explainers.md) in loops, neuron by neuron; calls nothing of ours."""

import math
from statistics import fmean


def names_by_loops(layer, crop_of, images, texts, how):
    """What FALCON calls the neurons that it explains: {neuron: [(position of a text, score), ...]}.

    Args:
        layer: Activations, an image a row.
        crop_of: Gives the unit vector of a crop, from neuron and image.
        images: Unit vectors of whole images.
        texts: Unit vectors of the words.
        how: Settings by the names that they have in the study file.
    """
    rows = [scaled(row) for row in layer.tolist()]
    values = [value for row in rows for value in row]
    mean = fmean(values)
    level = mean + how["n_sigmas"] * math.sqrt(fmean((value - mean) ** 2 for value in values))
    found = {}
    for neuron in range(len(rows[0])):
        high = [image for image, row in enumerate(rows) if row[neuron] >= level]
        if len(high) < how["min_images"]:
            continue
        high = sorted(high, key=lambda image: -rows[image][neuron])[: how["max_images"]]
        crops = [crop_of(neuron, image) for image in high]
        if fmean(dot(one, other) for one in crops for other in crops) > how["min_similarity"]:
            low = contrast(rows, neuron, high, mean, how)
            found[neuron] = words(crops, [images[image] for image in low], texts, how)
    return found


def scaled(row):
    norm = math.sqrt(dot(row, row))
    return [value / norm if norm else 0.0 for value in row]


def dot(one, other):
    return math.fsum(float(a) * float(b) for a, b in zip(one, other, strict=True))


def contrast(rows, neuron, high, mean, how):
    """Images that the neuron is low on and all others are on as on those that it is high on."""
    others = [other for other in range(len(rows[0])) if other != neuron]
    centre = [fmean(rows[image][other] for image in high) for other in others]
    alike = {
        image: dot([row[other] for other in others], centre)
        for image, row in enumerate(rows)
        if row[neuron] < mean
    }
    best = sorted(alike, key=lambda image: -alike[image])[: how["n_contrast"]]
    return [image for image in best if alike[image] >= how["min_contrast_similarity"]]


def words(crops, against, texts, how):
    own, of_contrast = (scores(vectors, texts, how) for vectors in (crops, against))
    allowed = [
        text
        for text in range(len(texts))
        if own[text] > 0 and of_contrast[text] < how["max_contrast"]
    ]
    best = sorted(allowed, key=lambda text: -own[text])[: how["n_words"]]
    return [(text, own[text]) for text in best]


def scores(vectors, texts, how):
    """Of each text: the mean over pictures of its probability where it is among the best."""
    found = [0.0] * len(texts)
    for vector in vectors:
        powers = [math.exp(how["scale"] * dot(vector, text)) for text in texts]
        best = sorted(range(len(texts)), key=lambda text: -powers[text])[: how["n_captions"]]
        for text in best:
            found[text] += powers[text] / math.fsum(powers) / len(vectors)
    return found
