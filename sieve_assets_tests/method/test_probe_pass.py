"""The strongest samples of a stream are those of the whole, however it is cut."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.probe_pass import StrongestSamples, merge_strongest, strongest_of

COUNT = 4


def stream(activations, maps, chunks, count=COUNT):
    """The result after the chunks, each a list of positions."""
    first, *others = (torch.tensor(chunk, dtype=torch.int64) for chunk in chunks)
    kept = merge_strongest(None, activations[first], maps[first], first, count=count)
    for at in others:
        kept = merge_strongest(kept, activations[at], maps[at], at, count=count)
    return kept


def by_sorting(activations, maps, count=COUNT):
    """The definition: sort Python tuples of (-activation, position) for each neuron."""
    positions, values, kept_maps = [], [], []
    for neuron in range(activations.shape[1]):
        pairs = [(-activations[i, neuron].item(), i) for i in range(len(activations))]
        best = [position for _, position in sorted(pairs)[:count]]
        positions.append(best)
        values.append([activations[i, neuron].item() for i in best])
        kept_maps.append(torch.stack([maps[i, neuron] for i in best]))
    return StrongestSamples(torch.tensor(positions), torch.tensor(values), torch.stack(kept_maps))


def assert_same(one, other):
    for left, right in zip(one, other, strict=True):
        assert torch.equal(left, right)


def observations(n_images=13, n_neurons=3, seed=0, levels=None):
    """Activations, and maps that are different everywhere."""
    generator = torch.Generator().manual_seed(seed)
    activations = torch.randn(n_images, n_neurons, generator=generator)
    if levels:
        activations = torch.floor(activations * levels) / levels
    maps = torch.arange(n_images * n_neurons * 6.0).reshape(n_images, n_neurons, 2, 3)
    return activations, maps


def test_two_chunks_of_one_neuron():
    maps = torch.tensor([[[[0.0]]], [[[10.0]]]])
    first = merge_strongest(None, torch.tensor([[1.0], [3.0]]), maps, torch.tensor([0, 1]), count=2)
    both = merge_strongest(
        first, torch.tensor([[2.0], [0.0]]), maps + 5, torch.tensor([2, 3]), count=2
    )
    assert both.positions.tolist() == [[1, 2]]
    assert both.activations.tolist() == [[3.0, 2.0]]
    assert both.maps.flatten().tolist() == [10.0, 5.0]


@settings(max_examples=40)
@given(data=st.data())
def test_any_cut_of_the_stream_in_any_order_gives_the_sorted_whole(data):
    activations, maps = observations(
        n_images=data.draw(st.integers(1, 12)), seed=data.draw(st.integers(0, 99)), levels=2
    )
    order = data.draw(st.permutations(range(len(activations))))
    cuts = data.draw(st.lists(st.integers(0, len(order)), max_size=4).map(sorted))
    edges = [0, *cuts, len(order)]
    chunks = [order[a:b] for a, b in pairwise(edges)]
    assert_same(stream(activations, maps, chunks), by_sorting(activations, maps))


@pytest.mark.parametrize("size", [1, 2, 5, 12, 13, 50])
def test_chunk_borders_and_a_short_last_chunk_change_nothing(size):
    activations, maps = observations()
    chunks = [list(range(i, min(i + size, 13))) for i in range(0, 13, size)]
    assert_same(stream(activations, maps, chunks), by_sorting(activations, maps))


@pytest.mark.gpu
def test_positions_may_be_on_another_device_than_activations():
    activations, maps = observations()
    positions = torch.arange(len(activations))
    found = None
    for part in positions.split(5):
        found = merge_strongest(
            found, activations[part].cuda(), maps[part].cuda(), part, count=COUNT
        )
    assert_same(StrongestSamples(*(one.cpu() for one in found)), by_sorting(activations, maps))


def test_an_all_negative_neuron_keeps_its_true_strongest_images():
    activations, maps = observations()
    activations = -activations.abs() - 1
    kept = stream(activations, maps, [[0, 1, 2], [3, 4], list(range(5, 13))])
    assert_same(kept, by_sorting(activations, maps))
    assert (kept.positions >= 0).all()
    assert (kept.activations < 0).all()


def test_equal_activations_are_ordered_by_position_even_if_the_later_came_first():
    activations, maps = torch.zeros(6, 2), observations(6, 2)[1]
    kept = stream(activations, maps, [[5, 3], [4, 0], [2, 1]])
    assert kept.positions.tolist() == [[0, 1, 2, 3]] * 2


def test_a_neuron_does_not_depend_on_the_others():
    activations, maps = observations()
    whole = stream(activations, maps, [list(range(13))])
    alone = stream(activations[:, 1:2], maps[:, 1:2], [list(range(7)), list(range(7, 13))])
    assert_same(alone, StrongestSamples(*(values[1:2] for values in whole)))


def test_fewer_images_than_places_give_fewer_places_and_an_empty_chunk_none():
    activations, maps = observations(n_images=2)
    kept = stream(activations, maps, [[], [1], [], [0]])
    assert_same(kept, by_sorting(activations, maps))
    assert kept.positions.shape == (3, 2)
    assert stream(activations, maps, [[]]).positions.shape == (3, 0)


def test_kinds_of_numbers_are_kept_and_inputs_unchanged():
    activations, maps = observations()
    before = activations.clone(), maps.clone()
    kept = stream(activations, maps.half(), [[2, 1], [0]])
    assert (kept.positions.dtype, kept.activations.dtype) == (torch.int64, torch.float32)
    assert kept.maps.dtype == torch.float16
    copy = StrongestSamples(*(values.clone() for values in kept))
    at = torch.tensor([7])
    merge_strongest(kept, activations[at], maps[at].half(), at, count=COUNT)
    assert_same(kept, copy)
    assert torch.equal(activations, before[0])
    assert torch.equal(maps, before[1])


@pytest.mark.parametrize("size", [1, 5, 6, 13])
def test_shards_of_the_probe_set_that_were_observed_apart_give_the_whole(size):
    activations, maps = observations(levels=2)
    shards = [list(range(i, min(i + size, 13))) for i in range(0, 13, size)]
    apart = [stream(activations, maps, [shard[:2], shard[2:]]) for shard in shards]
    assert_same(strongest_of(apart, count=COUNT), by_sorting(activations, maps))
    assert_same(strongest_of(reversed(apart), count=COUNT), by_sorting(activations, maps))
    assert_same(strongest_of(apart, count=2), by_sorting(activations, maps, count=2))


def test_shards_that_overlap_differ_in_width_or_are_missing_are_refused():
    activations, maps = observations()
    part = stream(activations, maps, [[0, 1]])
    with pytest.raises(ValueError, match=r"^strongest_of: expected each position once, got positi"):
        strongest_of([part, stream(activations, maps, [[1, 2]])], count=COUNT)
    with pytest.raises(ValueError, match=r"^strongest_of: .* got 3 in kept, 2 in neurons\. "):
        strongest_of([part, stream(activations[:, 1:], maps[:, 1:], [[0, 2, 3]])], count=COUNT)
    with pytest.raises(ValueError, match=r"^strongest_of: expected at least one part, got none\. "):
        strongest_of([], count=COUNT)
    with pytest.raises(ValueError, match=r"^strongest_of: expected count of at least 1, got 0\. "):
        strongest_of([part], count=0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_an_activation_that_is_not_finite_is_refused_with_its_neuron_and_image(bad):
    activations, maps = observations()
    activations[4, 2] = bad
    with pytest.raises(ValueError, match=r"^merge_strongest: .*for neuron 2, probe position 4\. "):
        stream(activations, maps, [[3, 4]])


@pytest.mark.parametrize("chunks", [[[1, 1]], [[0, 1], [2, 1]]])
def test_an_image_that_comes_twice_is_refused(chunks):
    activations, maps = observations()
    with pytest.raises(ValueError, match=r"expected each position once, got position 1 twice\. "):
        stream(activations, maps, chunks)


def test_no_places_are_refused():
    activations, maps = observations()
    with pytest.raises(ValueError, match=r"expected count of at least 1, got 0"):
        stream(activations, maps, [[0]], count=0)


def test_sizes_that_differ_are_refused(unchecked):
    activations, maps = observations()
    merge, at = unchecked(merge_strongest), torch.arange(13)
    kept = stream(activations[:, :2], maps[:, :2], [[0, 1]])
    for arguments in [
        (None, activations, maps[:5], at),
        (None, activations, maps, at[:5]),
        (None, activations, maps[:, :2], at),
        (kept, activations[2:], maps[2:], at[2:]),
    ]:
        with pytest.raises(ValueError, match=r"^merge_strongest: expected as many in each of "):
            merge(*arguments, count=COUNT)
