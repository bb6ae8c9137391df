from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from sieve_assets.method.explainers.compositional import activation_ranges, explain_neurons
from sieve_assets.method.explainers.concept_masks import present_concepts
from sieve_assets.method.explainers.formulas import (
    Joined,
    Leaf,
    Operator,
    concepts_of,
    formula_text,
)
from sieve_assets.method.explainers.pixel_groups import PixelGroups

EVERY = 10**6
"""A beam that keeps all."""


def counts_of(hits, masks):
    groups = PixelGroups(n_neurons=len(hits), n_concepts=len(masks))
    groups.add(hits[:, None], present_concepts(masks[:, None]))
    return groups.counts()


def explained(hits, masks, beam_size=5, max_length=3):
    return list(explain_neurons(counts_of(hits, masks), beam_size=beam_size, max_length=max_length))


def pixels_of(formula, masks):
    """The pixels that a formula is true of."""
    if isinstance(formula, Leaf):
        return {pixel for pixel, is_there in enumerate(masks[formula.concept]) if is_there}
    left, right = pixels_of(formula.left, masks), pixels_of(Leaf(formula.concept), masks)
    if formula.operator == Operator.OR:
        return left | right
    return left & right if formula.operator == Operator.AND else left - right


def iou_of(formula, hit, masks):
    pixels, fired = pixels_of(formula, masks), {p for p, is_there in enumerate(hit) if is_there}
    return len(pixels & fired) / len(pixels | fired) if pixels | fired else 0.0


def beam_searched(hit, masks, beam_size, max_length):
    """Beam search over Python sets: every child of every formula of the beam, one by one."""
    leaves = [Leaf(concept) for concept in range(len(masks))]
    beam = trimmed([leaf for leaf in leaves if iou_of(leaf, hit, masks) > 0], hit, masks, beam_size)
    for _ in range(max_length - 1):
        children = [
            Joined(formula, operator, leaf.concept)
            for formula in beam
            for leaf in leaves
            for operator in Operator
            if leaf.concept not in concepts_of(formula)
        ]
        children = [child for child in children if iou_of(child, hit, masks) > 0]
        beam = trimmed(beam + children, hit, masks, beam_size)
    return beam


def trimmed(formulas, hit, masks, count):
    kept = {}
    for formula in sorted(formulas, key=lambda one: -iou_of(one, hit, masks)):
        kept.setdefault(frozenset(pixels_of(formula, masks)), formula)
    return list(kept.values())[:count]


def study(n_neurons=4, n_concepts=6, n_pixels=60, seed=0, share=0.35):
    generator = np.random.default_rng(seed)
    hits = generator.random((n_neurons, n_pixels)) < share
    return hits, generator.random((n_concepts, n_pixels)) < share


def test_a_neuron_that_is_a_formula_is_named_by_it():
    _, masks = study(n_pixels=400)
    hit = (masks[0] | masks[1]) & ~masks[2]
    [found] = explained(hit[None], masks)
    names = ["owl", "cat", "night", "sea", "red", "sky"]
    assert formula_text(found.formula, names) == "(owl OR cat) AND NOT night"
    assert found.iou == 1
    assert found.concept_iou < 1


def test_a_neuron_that_is_a_concept_keeps_the_shortest_formula():
    _, masks = study()
    [found] = explained(masks[3:4], masks)
    assert found == (Leaf(3), 1.0, 1.0)


def test_of_equal_concepts_the_first_is_taken():
    masks = np.array([[False, False], [True, True], [True, True]])
    [found] = explained(np.array([[True, False]]), masks)
    assert found == (Leaf(1), 0.5, 0.5)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000),
    beam_size=st.integers(1, 6),
    max_length=st.integers(1, 4),
    n_pixels=st.sampled_from([3, 8, 60]),
)
def test_formulas_agree_with_beam_search_over_sets_of_pixels(seed, beam_size, max_length, n_pixels):
    hits, masks = study(seed=seed, n_concepts=5, n_pixels=n_pixels)
    for hit, found in zip(hits, explained(hits, masks, beam_size, max_length), strict=True):
        expected = beam_searched(hit, masks, beam_size, max_length)
        if not expected:
            assert found == (None, 0, 0)
            continue
        assert found.iou == iou_of(found.formula, hit, masks) == iou_of(expected[0], hit, masks)
        assert found.formula == expected[0]
        assert found.concept_iou == max(iou_of(Leaf(c), hit, masks) for c in range(5))


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_that_keeps_all_finds_the_best_of_all_formulas(seed):
    hits, masks = study(n_neurons=1, n_concepts=4, seed=seed)
    every = [Leaf(concept) for concept in range(4)]
    for _ in range(2):
        every += [Joined(*parts) for parts in product(every, Operator, range(4))]
    best = max(iou_of(formula, hits[0], masks) for formula in set(every))
    [found] = explained(hits, masks, beam_size=EVERY)
    assert found.iou == best


@settings(max_examples=20)
@given(seed=st.integers(0, 100), data=st.data())
def test_the_order_of_pixels_and_neurons_does_not_matter(seed, data):
    hits, masks = study(seed=seed)
    pixels = data.draw(st.permutations(range(hits.shape[1])))
    neurons = data.draw(st.permutations(range(len(hits))))
    found = explained(hits, masks)
    moved = explained(hits[neurons][:, pixels], masks[:, pixels])
    assert moved == [found[neuron] for neuron in neurons]


def test_every_pixel_twice_changes_nothing():
    hits, masks = study()
    assert explained(np.tile(hits, 2), np.tile(masks, 2)) == explained(hits, masks)


def test_longer_formulas_and_a_beam_that_keeps_all_fit_no_worse():
    hits, masks = study(n_neurons=3)
    scores = [
        [found.iou for found in explained(hits, masks, beam_size, max_length)]
        for beam_size, max_length in [(5, 1), (5, 2), (5, 3), (EVERY, 3)]
    ]
    assert (np.diff(scores, axis=0) >= 0).all()
    assert scores[0] == [found.concept_iou for found in explained(hits, masks)]


def test_no_formula_names_a_concept_twice_or_one_that_changes_nothing():
    hits, masks = study(n_neurons=20)
    masks[5] = False
    for found in explained(hits, masks):
        concepts = concepts_of(found.formula)
        assert len(set(concepts)) == len(concepts)
        assert 5 not in concepts


def test_dead_neurons_and_empty_concepts_have_no_formula():
    hits, masks = study(n_neurons=2)
    hits[0] = False
    assert explained(hits, masks)[0] == (None, 0.0, 0.0)
    assert explained(hits, np.zeros_like(masks)) == [(None, 0.0, 0.0)] * 2


def test_one_concept_and_a_neuron_that_always_fires():
    masks = np.array([[True, False, False]])
    assert explained(np.ones((1, 3), dtype=bool), masks) == [(Leaf(0), 1 / 3, 1 / 3)]


def test_settings_below_one_are_refused():
    hits, masks = study()
    with pytest.raises(ValueError, match=r"^explain_neurons: expected beam_size of at least 1"):
        explained(hits, masks, beam_size=0)
    with pytest.raises(ValueError, match=r"^explain_neurons: expected max_length of at least 1"):
        explained(hits, masks, max_length=0)


def ranges_of(values, n_ranges=5, seed=0):
    return activation_ranges(
        np.asarray(values, dtype=np.float32),
        n_ranges=n_ranges,
        generator=np.random.default_rng(seed),
    )


def test_ranges_of_three_heaps_without_the_zeros():
    values = [0, 0, 0, 1, 1.5, 2, 10, 11, 30, 31]
    assert ranges_of(values, 3).tolist() == [[1, 2], [10, 11], [30, 31]]


def test_a_neuron_that_can_be_negative_keeps_its_zeros():
    assert ranges_of([-9, -8, 0, 0, 5], 3).tolist() == [[-9, -8], [0, 0], [5, 5]]


@pytest.mark.parametrize("seed", range(5))
def test_every_value_is_in_the_range_whose_mean_is_nearest(seed):
    values = np.random.default_rng(seed).standard_normal(3000).astype(np.float32)
    ranges = ranges_of(values, seed=seed)
    assert ranges.shape == (5, 2)
    assert (ranges[1:, 0] > ranges[:-1, 1]).all()
    is_within = (values[:, None] >= ranges[:, 0]) & (values[:, None] <= ranges[:, 1])
    assert (is_within.sum(axis=1) == 1).all()
    means = np.array([values[members].mean(dtype=np.float64) for members in is_within.T])
    distances = np.abs(values[:, None] - means)
    excess = distances[is_within] - distances.min(axis=1)
    assert excess.max() < 1e-6


HEAPS = [(-400, 2, 900), (-30, 1, 30), (5, 1, 400), (90, 3, 90), (300, 2, 7)]
"""Mean, standard deviation and size of each."""


@pytest.mark.parametrize("seed", range(5))
def test_ranges_of_heaps_are_the_clusters_that_scikit_learn_finds(seed):
    random = np.random.default_rng(seed)
    values = np.concatenate([random.normal(*heap) for heap in HEAPS]).round(1)
    labels = KMeans(5, n_init=10, random_state=0).fit(values[:, None]).labels_
    clusters = [values[labels == one] for one in range(5)]
    expected = sorted((one.min(), one.max()) for one in clusters)
    np.testing.assert_allclose(ranges_of(values, seed=seed), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["normal", "exponential", "lognormal"])
@pytest.mark.parametrize("seed", range(5))
def test_ranges_are_as_narrow_as_the_best_of_many_runs_of_k_means_on_all_values(kind, seed):
    values = getattr(np.random.default_rng(seed), kind)(size=800).astype(np.float32)
    values = np.repeat(values, 1 + 40 * (values > 1))  # the large ones many times
    best = KMeans(5, n_init=20, tol=0, random_state=0).fit(values[:, None].astype(float))
    spread = 0.0
    for low, high in ranges_of(values, seed=seed):
        members = values[(values >= low) & (values <= high)].astype(float)
        spread += ((members - members.mean()) ** 2).sum()
    assert spread <= 1.02 * best.inertia_


def test_ranges_do_not_depend_on_the_order_of_values_and_follow_their_scale():
    values = np.random.default_rng(1).exponential(size=2000).astype(np.float32)
    ranges = ranges_of(values)
    shuffled = np.random.default_rng(2).permutation(values)
    np.testing.assert_array_equal(ranges_of(shuffled), ranges)
    np.testing.assert_array_equal(ranges_of(4 * values), 4 * ranges)


def test_equal_values_count_by_their_number():
    values = [1.0] * 500 + [2.0] * 500 + [3.0, 9.0]
    assert ranges_of(values, 3).tolist() == [[1, 1], [2, 3], [9, 9]]


def test_few_distinct_values_give_few_ranges_and_dead_neurons_none():
    assert ranges_of([2, 2, 7]).tolist() == [[2, 2], [7, 7]]
    assert ranges_of([0, 0]).shape == (0, 2)
    assert ranges_of([]).shape == (0, 2)
    assert ranges_of([-3, -3]).tolist() == [[-3, -3]]


def test_values_are_unchanged():
    values = np.array([3.0, 0.0, 1.0])
    activation_ranges(values, n_ranges=2, generator=np.random.default_rng(0))
    assert values.tolist() == [3, 0, 1]


def test_no_ranges_and_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match=r"^activation_ranges: expected n_ranges of at least 1"):
        ranges_of([1.0], 0)
    with pytest.raises(ValueError, match=r"expected finite values, got nan for value 1\. "):
        ranges_of([1.0, np.nan])
