"""The top samples are the strongest images, as a stream keeps them; the gate drops weak ones."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sieve_assets.method.probe_pass import merge_strongest
from sieve_assets.method.selected_samples import passes_gate, top_samples

LEVELS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(1, 9)),
    elements=st.integers(-3, 3).map(float),
)


def by_picking(row, count):
    """Take the largest that is left, the first of several, over and over."""
    left = dict(enumerate(row.tolist()))
    picked = []
    while left and len(picked) < count:
        best = max(left.values())
        position = next(place for place, value in left.items() if value == best)
        picked.append(position)
        del left[position]
    return picked


def test_the_strongest_come_first():
    activations = np.array([[1, 9, 5], [3, 2, 4]], dtype=np.float32)
    assert top_samples(activations, count=2).tolist() == [[1, 2], [2, 0]]


@settings(max_examples=40)
@given(activations=LEVELS, count=st.integers(1, 6))
def test_ties_go_to_the_lower_position_as_picking_one_by_one_does(activations, count):
    expected = [by_picking(row, count) for row in activations]
    assert top_samples(activations, count=count).tolist() == expected


@settings(max_examples=20)
@given(activations=LEVELS)
def test_they_are_the_images_that_the_stream_keeps(activations):
    images = torch.from_numpy(activations.T.copy())
    kept = merge_strongest(
        None, images, torch.zeros(*images.shape, 1, 1), torch.arange(len(images)), count=4
    )
    assert top_samples(activations, count=4).tolist() == kept.positions.tolist()


def test_an_all_negative_neuron_has_its_true_top_samples():
    activations = -np.arange(1, 8, dtype=np.float32)[None]
    assert top_samples(activations, count=3).tolist() == [[0, 1, 2]]


def test_positive_factors_and_other_neurons_change_nothing_nor_does_the_call_change_its_input():
    activations = np.random.default_rng(0).standard_normal((4, 50)).astype(np.float32)
    before = activations.copy()
    whole = top_samples(activations, count=20)
    assert np.array_equal(whole[2:3], top_samples(activations[2:3] * 8, count=20))
    assert np.array_equal(activations, before)


def test_fewer_images_than_samples_give_them_all():
    assert top_samples(np.zeros((2, 3), dtype=np.float32), count=20).tolist() == [[0, 1, 2]] * 2


def test_the_gate_keeps_samples_above_beta_times_the_median_only():
    activations = np.array([[1, 1, 1, 10, 11], [0, 0, 0, 0, 1], [4, 4, 4, 4, 4]], dtype=np.float32)
    samples = np.array([[11, 10, 1], [1, 0, 0], [4, 4, 4]], dtype=np.float32)
    kept = passes_gate(samples, activations, rule="ratio", normalise="none", beta=10.0)
    assert kept.tolist() == [[True, False, False], [True, False, False], [False] * 3]


def test_the_signed_gate_agrees_with_its_formula():
    activations = np.random.default_rng(1).standard_normal((3, 101)).astype(np.float32)
    samples = np.sort(activations, axis=1)[:, :-21:-1].copy()
    kept = passes_gate(samples, activations, rule="signed", normalise="none", beta=1.5)
    for row, strongest, passes in zip(activations, samples, kept, strict=True):
        median = sorted(row.tolist())[50]
        mad = sorted(abs(value - median) for value in row.tolist())[50]
        expected = [(value - median) / (1.4826 * mad) > 1.5 for value in strongest.tolist()]
        assert passes.tolist() == expected
    assert kept.any()
    assert not kept.all()


def test_bad_activations_and_counts_are_refused():
    activations = np.zeros((2, 3), dtype=np.float32)
    with pytest.raises(ValueError, match=r"^top_samples: expected count of at least 1, got 0"):
        top_samples(activations, count=0)
    activations[1, 2] = np.nan
    with pytest.raises(
        ValueError, match=r"^top_samples: expected finite activations, got nan for neuron 1\. Check"
    ):
        top_samples(activations, count=1)
    with pytest.raises(ValueError, match=r"^activation_ratios: expected finite activations, got"):
        passes_gate(activations, activations, rule="ratio", normalise="none", beta=10.0)


@settings(max_examples=40)
@given(
    activations=LEVELS,
    betas=st.tuples(st.floats(-3, 3), st.floats(-3, 3)).map(sorted),
    rule=st.sampled_from(["signed", "ratio"]),
)
def test_the_gate_opens_no_wider_for_a_higher_beta_and_keeps_the_strongest(
    activations, betas, rule
):
    samples = np.take_along_axis(activations, top_samples(activations, count=5), axis=1)
    low, high = (
        passes_gate(samples, activations, rule=rule, normalise="minmax", beta=beta)
        for beta in betas
    )
    assert not (high & ~low).any()
    assert (np.diff(low.astype(int), axis=1) <= 0).all()  # strongest first: once shut, it stays so
