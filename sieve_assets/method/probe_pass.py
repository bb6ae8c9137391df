"""The strongest images of every neuron, kept while a probe set streams past, with their maps."""

# torch leaves `unique` and `item` untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sieve_assets.method.checked_inputs import refusal, require_at_least, require_same_length


class StrongestSamples(NamedTuple):
    """Every neuron's strongest images so far, strongest first; ties by lower position."""

    positions: Int[Tensor, "neuron place"]
    """Position of the image in the probe set."""
    activations: Float[Tensor, "neuron place"]
    maps: Float[Tensor, "neuron place row column"]
    """The neuron's map of that image."""


def merge_strongest(
    kept: StrongestSamples | None,
    activations: Float[Tensor, "image neuron"],
    maps: Float[Tensor, "image neuron row column"],
    positions: Int[Tensor, " image"],
    *,
    count: int,
) -> StrongestSamples:
    """The strongest images among those kept and those of one more chunk.

    Order is (-activation, position), a total order, so any chunking of the probe set, in any
    order, gives the same result. There is no fill value: a neuron that is negative everywhere gets
    its true strongest images, and fewer images than `count` give fewer places.

    Args:
        kept: The result so far; None before the first chunk.
        activations: The chunk's activations (arbitrary units).
        maps: The chunk's maps, kept as they are.
        positions: The chunk's positions in the probe set, each only once over all chunks.
        count: Places a neuron, at least 1.

    Returns:
        min(count, images seen) places for every neuron.

    Raises:
        ValueError: An activation is not finite, a position comes twice, sizes differ or count < 1.

    Source: SIEVE, Sec. 3.2 (the top 20 samples); streaming is the project's.
    """
    where = "merge_strongest"
    n_images, n_neurons = activations.shape
    require_same_length(where, activations=n_images, maps=len(maps), positions=len(positions))
    require_same_length(where, activations=n_neurons, maps=maps.shape[1])
    _check_once(where, positions)
    of_each_neuron = positions.expand(n_neurons, n_images)
    chunk = StrongestSamples(of_each_neuron, activations.T, maps.transpose(0, 1))
    return _merged(where, [chunk] if kept is None else [kept, chunk], count)


def strongest_of(parts: Iterable[StrongestSamples], *, count: int) -> StrongestSamples:
    """The strongest images of several parts of a probe set, each with its own strongest.

    The same as `merge_strongest` over all the parts' images, if each part kept at least `count`.

    Args:
        parts: Each part's result, positions counted over the whole probe set; one is held at a
            time besides the result.
        count: Places a neuron, at least 1.

    Returns:
        min(count, images kept in all parts) places for every neuron.

    Raises:
        ValueError: No part, a position in two parts, parts of different widths, an activation that
            is not finite, or count < 1.

    Source: SIEVE, Sec. 3.2 (the top 20 samples); streaming is the project's.
    """
    return _merged("strongest_of", parts, count)


def _merged(where: str, parts: Iterable[StrongestSamples], count: int) -> StrongestSamples:
    require_at_least(where, "count", count, 1)
    kept = None
    for part in parts:
        _check_finite(where, part)
        if kept is not None:
            _check_apart(where, kept, part)
        kept = _strongest([part] if kept is None else [kept, part], count)
    if kept is None:
        remedy = "Observe at least one image that is not held out."
        raise ValueError(refusal(where, "at least one part", "none", remedy))
    return kept


def _check_apart(where: str, kept: StrongestSamples, part: StrongestSamples) -> None:
    require_same_length(where, kept=len(kept.positions), neurons=len(part.positions))
    is_one_chunk = part.positions.stride(0) == 0  # then every neuron has the same positions
    new = part.positions[0] if is_one_chunk else part.positions.unique()
    _check_once(where, torch.cat([kept.positions.unique(), new]))


def _strongest(parts: list[StrongestSamples], count: int) -> StrongestSamples:
    """The first `count` places of all parts in the order (-activation, position)."""
    all_positions = torch.cat([part.positions for part in parts], dim=1)
    all_activations = torch.cat([part.activations for part in parts], dim=1)
    by_position = torch.argsort(all_positions, dim=1)
    activations = all_activations.gather(1, by_position)
    by_activation = torch.argsort(activations, dim=1, descending=True, stable=True)
    order = by_position.gather(1, by_activation[:, :count])
    positions, activations = all_positions.gather(1, order), all_activations.gather(1, order)
    return StrongestSamples(positions, activations, _maps_at(parts, order))


def _maps_at(
    parts: list[StrongestSamples], order: Int[Tensor, "neuron place"]
) -> Float[Tensor, "neuron place row column"]:
    """The maps at places counted through all parts; only these are copied, as most are dropped."""
    maps = parts[0].maps.new_empty(*order.shape, *parts[0].maps.shape[2:])
    start = 0
    for part in parts:
        n_places = part.maps.shape[1]
        neurons, places = torch.where((order >= start) & (order < start + n_places))
        maps[neurons, places] = part.maps[neurons, order[neurons, places] - start]
        start += n_places
    return maps


def _check_finite(where: str, samples: StrongestSamples) -> None:
    is_bad = ~torch.isfinite(samples.activations)
    if is_bad.any():
        neuron, place = (int(index) for index in is_bad.nonzero()[0])
        got = f"{samples.activations[neuron, place].item()} for neuron {neuron}"
        got += f", probe position {samples.positions[neuron, place].item()}"
        remedy = "Check the target's transform and precision."
        raise ValueError(refusal(where, "finite activations", got, remedy))


def _check_once(where: str, positions: Int[Tensor, " image"]) -> None:
    in_order = positions.sort().values
    is_again = in_order[1:] == in_order[:-1]
    if is_again.any():
        got = f"position {in_order[1:][is_again][0].item()} twice"
        remedy = "Pass each probe image once; begin anew without what was kept."
        raise ValueError(refusal(where, "each position once", got, remedy))
