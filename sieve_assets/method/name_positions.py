"""Where names and the neurons that have them lie on a map on which near means alike.

Not in the SIEVE paper: for the neuron atlas.
"""

# scikit-learn and threadpoolctl ship no types: what comes from them is annotated where it is used.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import math

import numpy as np
from jaxtyping import Float, Float64, Int
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from sieve_assets.method.checked_inputs import (
    refusal,
    require_at_least,
    require_between,
    require_unit_norm,
)

_STEPS = 500
"""Of t-SNE: twice as many keep no more neighbours, of 2,048 names, and take twice the time."""
_FEWEST_NAMES = 4
"""That t-SNE is asked to arrange; fewer lie on a circle."""
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


def name_positions(
    vectors: Float[np.ndarray, "name feature"], *, perplexity: float, seed: int
) -> Float64[np.ndarray, "name place"]:
    """Places on a map, so that names that mean nearly the same lie side by side (t-SNE).

    Names are arranged in the order of their vectors and on one thread: neither their own order nor
    the number of cores changes the map. Names with the same vector have the same place.

    Args:
        vectors: L2-normalised embeddings of the names.
        perplexity: Neighbours of a name, roughly, at least 1; less where there are few names.
        seed: Of t-SNE.

    Returns:
        Places (x, y) from 0 to 1; distances in x and y have the same scale.

    Raises:
        ValueError: An embedding is not of norm 1, or perplexity < 1.

    Source: van der Maaten and Hinton 2008; van der Maaten 2014 (Barnes-Hut).
    """
    where = "name_positions"
    require_between(where, "perplexity", perplexity, 1.0, math.inf)
    require_unit_norm(where, "names", vectors)
    # As t-SNE takes them: names that differ by less have no distance, which it cannot divide by.
    known = vectors.astype(np.float32)
    distinct, place_of_name = np.unique(known, axis=0, return_inverse=True)
    if len(distinct) < _FEWEST_NAMES:
        angles = 2 * math.pi * np.arange(len(distinct)) / max(len(distinct), 1)
        return _fitted(_on_circle(np.ones(len(distinct)), angles))[place_of_name]
    tsne = TSNE(
        metric="cosine",
        init="pca",
        perplexity=min(perplexity, (len(distinct) - 1) / 3),
        random_state=seed,
        max_iter=_STEPS,
    )
    with threadpool_limits(1):
        places = np.asarray(tsne.fit_transform(distinct), np.float64)
    return _fitted(places)[place_of_name]


def neuron_positions(
    positions: Float[np.ndarray, "name place"],
    name_of_neuron: Int[np.ndarray, " neuron"],
    *,
    spacing: float,
) -> Float64[np.ndarray, "neuron place"]:
    """Places of neurons: around their name's, like the seeds of a sunflower, by neuron.

    The first neuron of a name has the name's own place, and no two of a name are nearer to each
    other than the spacing. If some would lie outside the map, everything moves and shrinks alike.

    Args:
        positions: From `name_positions`.
        name_of_neuron: Position of each neuron's name; -1 for a neuron without one.
        spacing: Distance of a name's second neuron from its first, as a share of the map.

    Returns:
        Places (x, y) from 0 to 1; nan for a neuron without a name.

    Raises:
        ValueError: A name that has no position, a position outside the map, or a spacing that is
            not between 0 and 1.

    Source: Vogel 1979, for the seeds of a sunflower.
    """
    where = "neuron_positions"
    require_between(where, "spacing", spacing, 0.0, 1.0)
    require_between(where, "the lowest position", float(positions.min(initial=0)), 0.0, 1.0)
    require_between(where, "the highest position", float(positions.max(initial=0)), 0.0, 1.0)
    require_at_least(where, "names of neurons", int(name_of_neuron.min(initial=-1)), -1)
    if name_of_neuron.max(initial=-1) >= len(positions):
        expected = f"names of neurons below {len(positions)}"
        remedy = "Pass a position for every name."
        raise ValueError(refusal(where, expected, int(name_of_neuron.max()), remedy))
    has_name = name_of_neuron >= 0
    names = name_of_neuron[has_name]
    places = np.full((len(name_of_neuron), positions.shape[1]), np.nan)
    order = _place_among_equals(names)
    seeds = _on_circle(spacing * np.sqrt(order), _GOLDEN_ANGLE * order)
    places[has_name] = _inside(positions[names] + seeds)
    return places


def _on_circle(
    radii: Float[np.ndarray, " point"], angles: Float[np.ndarray, " point"]
) -> Float64[np.ndarray, "point place"]:
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def _place_among_equals(names: Int[np.ndarray, " neuron"]) -> Int[np.ndarray, " neuron"]:
    """How many neurons before each have the same name."""
    order = np.argsort(names, kind="stable")
    first = np.searchsorted(names, names, sorter=order)
    places = np.empty(len(names), np.int64)
    places[order] = np.arange(len(names))
    return places - first


def _fitted(points: Float64[np.ndarray, "point place"]) -> Float64[np.ndarray, "point place"]:
    """Points moved and scaled alike in both directions, so that they just fit; one is amid."""
    if not len(points):
        return points
    low, high = points.min(axis=0), points.max(axis=0)
    span = (high - low).max()
    scaled = (points - (low + high) / 2) / (span if span > 0 else 1)
    return np.clip(scaled + 0.5, 0, 1)


def _inside(points: Float64[np.ndarray, "point place"]) -> Float64[np.ndarray, "point place"]:
    """Points moved and shrunk alike if one is outside; as they are if none is."""
    low, high = points.min(axis=0, initial=0), points.max(axis=0, initial=1)
    return np.clip((points - low) / (high - low).max(), 0, 1)
