"""Each concept's pictures are counted for every neuron, and its strongest neurons are found."""

import numpy as np
import pytest
from scipy import stats

from sieve_assets.method.activation_rates import activation_rates
from sieve_assets.method.concept_rates import (
    ConceptRates,
    concept_rates,
    strongest_neurons,
    total_rates,
)


def made_up(n_pictures=60, n_neurons=7, n_concepts=5, seed=0):
    generator = np.random.default_rng(seed)
    activations = generator.standard_normal((n_pictures, n_neurons)).astype(np.float32)
    concepts = generator.integers(0, n_concepts, n_pictures)
    return activations, concepts, generator.standard_normal(n_neurons).astype(np.float32)


def test_one_that_one_can_work_out():
    activations = np.array([[3.0, 0.0], [1.0, 0.0], [2.5, 9.0]])
    found = concept_rates(activations, np.array([2, 0, 2]), np.array([1.0, 0.0]), n_concepts=3)
    assert found.n_active.tolist() == [[0, 0], [0, 0], [2, 1]]  # 1 is not above 1, nor 0 above 0
    assert found.n_pictures.tolist() == [1, 0, 2]
    best = strongest_neurons(found, count=1, confidence=0.95)
    assert best.neurons.tolist() == [[0], [0], [0]]
    assert best.activation_rate[[0, 2], 0].tolist() == [0, 1]


def test_counts_agree_with_equation_4_in_a_loop():
    activations, concepts, thresholds = made_up()
    found = concept_rates(activations, concepts, thresholds, n_concepts=5)
    for concept in range(5):
        pictures = [row for row, one in enumerate(concepts.tolist()) if one == concept]
        assert found.n_pictures[concept] == len(pictures)
        for neuron, threshold in enumerate(thresholds.tolist()):
            n_active = sum(activations[row, neuron].item() > threshold for row in pictures)
            assert found.n_active[concept, neuron] == n_active


def test_rates_and_intervals_are_those_of_the_neurons_own_stage():
    activations, _, thresholds = made_up(n_pictures=24)
    found = concept_rates(activations, np.zeros(24, np.int64), thresholds, n_concepts=1)
    best = strongest_neurons(found, count=7, confidence=0.9)
    expected = activation_rates(activations.T, thresholds, confidence=0.9)
    (neurons,) = best.neurons
    assert sorted(neurons.tolist()) == list(range(7))
    assert best.n_active[0].tolist() == expected.n_active[neurons].tolist()
    for ours, theirs in (
        (best.activation_rate, expected.activation_rate),
        (best.ci_low, expected.ci_low),
        (best.ci_high, expected.ci_high),
    ):
        np.testing.assert_array_equal(ours[0], theirs[neurons])


def test_the_strongest_come_first_and_of_equals_the_lower_number():
    rates = ConceptRates(np.array([[2, 4, 0, 4, 2], [0, 1, 0, 0, 0]]), np.array([4, 2]))
    best = strongest_neurons(rates, count=3, confidence=0.95)
    assert best.neurons.tolist() == [[1, 3, 0], [1, 0, 2]]
    assert best.activation_rate.tolist() == [[1, 1, 0.5], [0.5, 0, 0]]
    for concept, n_pictures in enumerate((4, 2)):
        for place, n_active in enumerate(best.n_active[concept].tolist()):
            expected = stats.binomtest(n_active, n_pictures).proportion_ci(0.95, method="wilson")
            ends = best.ci_low[concept, place], best.ci_high[concept, place]
            assert ends == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert strongest_neurons(rates, count=9, confidence=0.95).neurons.shape == (2, 5)


@pytest.mark.parametrize("size", [1, 7, 60])
def test_parts_of_any_size_add_up_to_the_whole(size):
    activations, concepts, thresholds = made_up()
    whole = concept_rates(activations, concepts, thresholds, n_concepts=5)
    parts = [
        concept_rates(activations[rows], concepts[rows], thresholds, n_concepts=5)
        for rows in (slice(start, start + size) for start in range(0, 60, size))
    ]
    first = parts[0].n_active.copy()
    total = total_rates(iter(parts))
    np.testing.assert_array_equal(total.n_active, whole.n_active)
    np.testing.assert_array_equal(total.n_pictures, whole.n_pictures)
    np.testing.assert_array_equal(parts[0].n_active, first)


def test_order_of_pictures_changes_nothing():
    activations, concepts, thresholds = made_up()
    order = np.random.default_rng(1).permutation(60)
    before = concept_rates(activations, concepts, thresholds, n_concepts=5)
    after = concept_rates(activations[order], concepts[order], thresholds, n_concepts=5)
    np.testing.assert_array_equal(before.n_active, after.n_active)


def test_float64_activations_are_compared_as_the_float32_they_are_stored_as():
    threshold = np.array([0.1], np.float32)
    as_float64 = np.array([[0.1], [float(threshold[0]) + 1e-10], [0.2]])
    found = concept_rates(as_float64, np.zeros(3, np.int64), threshold, n_concepts=1)
    assert found.n_active.tolist() == [[1]]


def test_a_neuron_without_a_threshold_is_never_active():
    activations, concepts, thresholds = made_up()
    before = concept_rates(activations, concepts, thresholds, n_concepts=5)
    thresholds[2] = np.nan
    found = concept_rates(activations, concepts, thresholds, n_concepts=5)
    assert (found.n_active[:, 2] == 0).all()
    others = [0, 1, 3, 4, 5, 6]
    np.testing.assert_array_equal(found.n_active[:, others], before.n_active[:, others])


def test_a_concept_without_pictures_has_no_rate():
    _, _, thresholds = made_up()
    nothing = np.zeros((0, 7)), np.zeros(0, np.int64)
    found = concept_rates(*nothing, thresholds, n_concepts=2)
    assert found.n_active.tolist() == [[0] * 7] * 2
    best = strongest_neurons(found, count=2, confidence=0.95)
    for values in (best.activation_rate, best.ci_low, best.ci_high):
        assert np.isnan(values).all()


def test_inputs_are_unchanged():
    inputs = made_up()
    copies = [values.copy() for values in inputs]
    rates = concept_rates(*inputs, n_concepts=5)
    counts = rates.n_active.copy()
    strongest_neurons(rates, count=2, confidence=0.95)
    np.testing.assert_array_equal(counts, rates.n_active)
    for before, now in zip(copies, inputs, strict=True):
        np.testing.assert_array_equal(before, now)


def test_refuses_what_it_cannot_count(unchecked):
    activations, concepts, thresholds = made_up(n_pictures=3)
    for bad in (-1, 5):
        with pytest.raises(ValueError, match=rf"concepts from 0 to 4, got {bad} for picture 1\. "):
            concept_rates(activations, np.array([0, bad, 1]), thresholds, n_concepts=5)
    with pytest.raises(ValueError, match="n_concepts of at least 1, got 0"):
        concept_rates(activations, concepts, thresholds, n_concepts=0)
    with pytest.raises(ValueError, match="finite activations, got nan for picture 0"):
        concept_rates(activations * np.nan, concepts, thresholds, n_concepts=5)
    with pytest.raises(ValueError, match="finite thresholds, got inf for neuron with one 0"):
        concept_rates(activations, concepts, thresholds + np.inf, n_concepts=5)
    with pytest.raises(ValueError, match="got 3 in pictures, 2 in concepts"):
        unchecked(concept_rates)(activations, concepts[:2], thresholds, n_concepts=5)
    with pytest.raises(ValueError, match="got 7 in neurons, 6 in thresholds"):
        unchecked(concept_rates)(activations, concepts, thresholds[:6], n_concepts=5)


def test_refuses_what_it_cannot_add_or_rank(unchecked):
    rates = ConceptRates(np.zeros((2, 3), np.int64), np.array([1, 1]))
    other = ConceptRates(np.zeros((1, 3), np.int64), np.array([1]))
    with pytest.raises(ValueError, match="total_rates: expected at least one part, got none"):
        total_rates([])
    with pytest.raises(ValueError, match=r"expected \(2, 3\) concepts and neurons in every part"):
        total_rates([rates, other])
    with pytest.raises(ValueError, match="strongest_neurons: expected count of at least 1, got 0"):
        strongest_neurons(rates, count=0, confidence=0.95)
    with pytest.raises(ValueError, match="confidence between 0 and 1, got 95"):
        strongest_neurons(rates, count=1, confidence=95.0)
    with pytest.raises(ValueError, match="got 2 in n_active, 1 in n_pictures"):
        unchecked(strongest_neurons)(
            ConceptRates(rates.n_active, other.n_pictures), count=1, confidence=0.95
        )
