"""The strongest images of every neuron, kept while a probe set streams past, with their maps."""

# torch leaves `unique` and `item` untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Sequence
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
    require_at_least("merge_strongest", "count", count, 1)
    _check_chunk(kept, activations, maps, positions)
    of_each_neuron = positions.expand(activations.shape[1], -1)
    chunk = StrongestSamples(of_each_neuron, activations.T, maps.transpose(0, 1))
    if kept is None:
        return _strongest(chunk, count)
    return strongest_of([kept, chunk], count=count)


def strongest_of(parts: Sequence[StrongestSamples], *, count: int) -> StrongestSamples:
    """The strongest images among those kept of several parts of a probe set.

    Args:
        parts: Of the same neurons, each position in one part only; at least one part.
        count: Places a neuron, at least 1.

    Returns:
        min(count, images kept) places for every neuron.

    Raises:
        ValueError: No part, or count < 1.

    Source: SIEVE, Sec. 3.2; parts are the project's.
    """
    require_at_least("strongest_of", "count", count, 1)
    require_at_least("strongest_of", "number of parts", len(parts), 1)
    joined = (torch.cat(fields, dim=1) for fields in zip(*parts, strict=True))
    return _strongest(StrongestSamples(*joined), count)


def _strongest(samples: StrongestSamples, count: int) -> StrongestSamples:
    """The first `count` places in the order (-activation, position)."""
    by_position = torch.argsort(samples.positions, dim=1)
    activations = samples.activations.gather(1, by_position)
    by_activation = torch.argsort(activations, dim=1, descending=True, stable=True)
    order = by_position.gather(1, by_activation[:, :count])
    neurons = torch.arange(len(order), device=order.device)[:, None]
    return StrongestSamples(*(values[neurons, order] for values in samples))


def _check_chunk(
    kept: StrongestSamples | None, activations: Tensor, maps: Tensor, positions: Tensor
) -> None:
    where = "merge_strongest"
    require_same_length(
        where, activations=len(activations), maps=len(maps), positions=len(positions)
    )
    require_same_length(where, activations=activations.shape[1], maps=maps.shape[1])
    is_bad = ~torch.isfinite(activations)
    if is_bad.any():
        image, neuron = (int(place) for place in is_bad.nonzero()[0])
        got = f"{activations[image, neuron].item()} for neuron {neuron}"
        got += f", probe position {positions[image].item()}"
        remedy = "Check the target's transform and precision."
        raise ValueError(refusal(where, "finite activations", got, remedy))
    if kept is not None:
        require_same_length(where, kept=len(kept.positions), activations=activations.shape[1])
    before: Tensor = positions[:0] if kept is None else kept.positions.unique()
    seen = torch.cat([positions, before])
    in_order = seen.sort().values
    is_again = in_order[1:] == in_order[:-1]
    if is_again.any():
        got = f"position {in_order[1:][is_again][0].item()} twice"
        remedy = "Pass each probe image once; begin anew with kept=None."
        raise ValueError(refusal(where, "each position once", got, remedy))
