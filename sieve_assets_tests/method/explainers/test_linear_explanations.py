"""An explanation is the greedy search among the concepts that a sparse regression ranks first."""

import math

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet

from sieve_assets.method.explainers.linear_explanations import (
    LinearExplanations,
    fit_explanations,
    held_out_correlations,
)
from sieve_assets.method.explainers.linear_moments import moments

SETTINGS = {
    "penalty": 0.05,
    "l1_share": 0.99,
    "max_terms": 4,
    "min_gain": 0.02,
    "width": 3,
}


def study(n_images=300, n_concepts=8, n_neurons=5, seed=0, noise=0.5):
    """Neurons that are sums of up to four of the concepts, which depend on each other a little."""
    generator = np.random.default_rng(seed)
    present = generator.random((n_images, n_concepts))
    present[:, 1] = 0.7 * present[:, 0] + 0.3 * present[:, 1]
    weights = generator.standard_normal((n_concepts, n_neurons)) * 3
    weights[generator.random(weights.shape) < 0.5] = 0
    activations = present @ weights + noise * generator.standard_normal((n_images, n_neurons))
    return present, activations + 2


def explained(present, activations, n_train=200, is_candidate=None, **settings):
    everything = np.ones(present.shape[1], dtype=bool)
    return fit_explanations(
        moments(present[:n_train], activations[:n_train]),
        moments(present[n_train:], activations[n_train:]),
        is_candidate=everything if is_candidate is None else is_candidate,
        **{**SETTINGS, **settings},
    )


def terms(found, neuron):
    is_term = found.concepts[neuron] >= 0
    return dict(
        zip(found.concepts[neuron, is_term].tolist(), found.weights[neuron, is_term], strict=True)
    )


def least_squares(columns, target):
    """Weights and bias."""
    with_one = np.column_stack([columns, np.ones(len(columns))])
    solution = np.linalg.lstsq(with_one, target, rcond=None)[0]
    return solution[:-1], solution[-1]


def explained_by_loops(present, target, n_train, settings):
    """The search on the images themselves: regression, candidates one by one, correlation."""
    train, validation = slice(n_train), slice(n_train, None)
    standard = (present - present[train].mean(axis=0)) / present[train].std(axis=0)
    wanted = (target - target[train].mean()) / target[train].std()
    sparse = ElasticNet(
        alpha=settings["penalty"], l1_ratio=settings["l1_share"], tol=1e-10, max_iter=100_000
    )
    weights = sparse.fit(standard[train], wanted[train]).coef_
    pulls = [np.corrcoef(column, target[train])[0, 1] for column in present[train].T]
    ranking = sorted(range(len(weights)), key=lambda c: (-weights[c], -pulls[c]))
    chosen, rejected, best = [], set(), (0.0, [], target[train].mean())
    while len(chosen) < settings["max_terms"]:
        tried = [c for c in ranking if c not in chosen and c not in rejected][: settings["width"]]
        results = {}
        for concept in tried:
            columns = present[:, [*chosen, concept]]
            own, bias = least_squares(columns[train], target[train])
            said = columns[validation] @ own
            correlation = np.corrcoef(said, target[validation])[0, 1]
            if chosen and correlation - best[0] < settings["min_gain"]:
                rejected.add(concept)
            elif correlation > best[0]:
                results[concept] = (correlation, own, bias)
        if not results:
            break
        winner = max(results, key=lambda concept: results[concept][0])
        chosen.append(winner)
        best = results[winner]
    return dict(zip(chosen, best[1], strict=True)), best[2], best[0]


def test_a_neuron_that_is_one_concept_is_explained_by_it():
    present = np.random.default_rng(0).random((90, 3))
    found = explained(present, 5 * present[:, 1:2] - 1, n_train=60)
    assert found.concepts.tolist() == [[1, -1, -1, -1]]
    np.testing.assert_allclose(found.weights, [[5, 0, 0, 0]], atol=1e-9)
    np.testing.assert_allclose(found.biases, [-1], atol=1e-9)
    np.testing.assert_allclose(found.correlations, [1], atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_explanations_agree_with_a_search_on_the_images_themselves(seed):
    present, activations = study(seed=seed)
    found = explained(present, activations)
    n_terms = []
    for neuron, target in enumerate(activations.T):
        expected, bias, correlation = explained_by_loops(present, target, 200, SETTINGS)
        assert set(terms(found, neuron)) == set(expected)
        for concept, weight in terms(found, neuron).items():
            assert weight == pytest.approx(expected[concept], abs=1e-6)
        assert found.biases[neuron] == pytest.approx(bias, abs=1e-6)
        assert found.correlations[neuron] == pytest.approx(correlation, abs=1e-6)
        n_terms.append(len(expected))
    assert max(n_terms) > 1


def test_the_largest_weight_comes_first_and_a_concept_may_weaken_the_neuron():
    present = np.random.default_rng(1).random((300, 3))
    activations = (present @ np.array([2.0, -2.0, 3.0]))[:, None]
    found = explained(present, activations)
    assert found.concepts.tolist() == [[2, 0, 1, -1]]
    np.testing.assert_allclose(found.weights, [[3, 2, -2, 0]], atol=1e-9)


def test_only_candidates_are_terms_and_no_more_than_asked_for():
    present, activations = study(noise=0.0)
    is_candidate = np.arange(8) < 3
    found = explained(present, activations, is_candidate=is_candidate, min_gain=0.0)
    assert found.concepts.max() <= 2
    assert (found.concepts >= 0).sum(axis=1).max() == 3
    assert explained(present, activations, max_terms=1).concepts.shape == (5, 1)


def test_concepts_that_no_regression_weighs_are_tried_in_the_order_of_their_correlation():
    present, activations = study(noise=1.0, seed=3)
    heavy = explained(present, activations, penalty=9.0, width=1, max_terms=1)
    pulls = np.corrcoef(np.hstack([activations[:200], present[:200]]).T)[:5, 5:]
    is_found = heavy.concepts[:, 0] >= 0
    assert is_found.sum() == 4
    assert (heavy.concepts[:, 0] == pulls.argmax(axis=1))[is_found].all()


def test_a_copy_of_a_concept_changes_nothing_and_the_earlier_one_is_named():
    present, activations = study(seed=2)
    doubled = np.hstack([present, present])
    one = explained(present, activations, width=16)
    other = explained(doubled, activations, width=16)
    assert (one.concepts[:, 1] >= 0).any()
    for values, same in zip(one, other, strict=True):
        np.testing.assert_allclose(values, same, atol=1e-6)


def test_a_neuron_has_the_same_explanation_alone_and_in_any_company():
    present, activations = study(seed=4)
    together, alone = explained(present, activations), explained(present, activations[:, 2:3])
    for one, all_of_them in zip(alone, together, strict=True):
        np.testing.assert_allclose(one[0], all_of_them[2], atol=1e-9)


def test_explanations_follow_the_concepts_and_the_scale_of_the_neuron():
    present, activations = study(seed=5)
    order = np.random.default_rng(0).permutation(8)
    one, other = explained(present, activations), explained(present[:, order], 4 * activations - 3)
    for neuron in range(5):
        moved = {int(order[c]): weight for c, weight in terms(other, neuron).items()}
        expected = {c: 4 * weight for c, weight in terms(one, neuron).items()}
        assert moved == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose(other.biases, 4 * one.biases - 3, atol=1e-6)
    np.testing.assert_allclose(other.correlations, one.correlations, atol=1e-9)


def test_neurons_that_are_constant_or_that_nothing_explains_have_no_term(recwarn):
    present, activations = study()
    activations[:, 0] = 0.3
    activations[:200, 1] = 7.0
    activations[200:, 2] = -1.0
    found = explained(present, activations)
    assert (found.concepts[:3] == -1).all()
    assert not found.weights[:3].any()
    np.testing.assert_allclose(found.biases[:2], [0.3, 7.0])
    assert found.correlations[:3].tolist() == [0, 0, 0]
    nothing = explained(present, activations, is_candidate=np.zeros(8, dtype=bool))
    assert (nothing.concepts == -1).all()
    assert not recwarn.list


def test_a_concept_that_is_constant_on_either_set_is_no_term(recwarn):
    present, activations = study()
    present[:200, 3] = 0.25
    present[200:, 4] = 0.75
    found = explained(present, activations)
    assert not np.isin(found.concepts, [3, 4]).any()
    one_concept = explained(present[:, 3:4], activations)
    assert (one_concept.concepts == -1).all()
    assert not recwarn.list


def test_one_image_explains_nothing():
    present, activations = study(n_images=2)
    found = explained(present, activations, n_train=1)
    assert (found.concepts == -1).all()
    np.testing.assert_allclose(found.biases, activations[0])


def test_held_out_correlations_agree_with_the_sum_of_the_terms():
    present, activations = study(seed=6)
    found = explained(present, activations, n_train=150)
    new_present, new = study(seed=7)
    correlations = held_out_correlations(new_present, new, found)
    for neuron in range(5):
        said = [
            found.biases[neuron] + sum(w * row[c] for c, w in terms(found, neuron).items())
            for row in new_present
        ]
        expected = np.corrcoef(said, new[:, neuron])[0, 1]
        assert correlations[neuron] == pytest.approx(expected, abs=1e-9)
    again = held_out_correlations(present[150:], activations[150:], found)
    np.testing.assert_allclose(again, found.correlations, atol=1e-9)


def test_a_constant_neuron_or_explanation_has_no_correlation(recwarn):
    explanations = LinearExplanations(
        np.array([[0], [0], [-1], [1]]),
        np.array([[1.0], [1], [0], [1]]),
        np.zeros(4),
        np.zeros(4),
        np.array([[0], [0], [-1], [0]]),
    )
    present = np.array([[0.0, 0.5], [1, 0.5], [0, 0.5]])
    activations = np.array([[0.0, 5, 1, 1], [2, 5, 2, 2], [0, 5, 3, 3]])
    found = held_out_correlations(present, activations, explanations)
    np.testing.assert_allclose(found, [1, math.nan, math.nan, math.nan])
    assert not recwarn.list


def test_inputs_are_unchanged():
    present, activations = study()
    sums = moments(present, activations)
    given_arrays = *sums[1:], present, activations
    copies = [values.copy() for values in given_arrays]
    found = fit_explanations(sums, sums, is_candidate=np.ones(8, dtype=bool), **SETTINGS)
    held_out_correlations(present, activations, found)
    for before, now in zip(copies, given_arrays, strict=True):
        np.testing.assert_array_equal(before, now)


def test_settings_out_of_range_and_no_concept_are_refused():
    present, activations = study()
    for name, bad in (
        ("penalty", 0.0),
        ("l1_share", 1.5),
        ("min_gain", -0.1),
        ("max_terms", 0),
        ("width", 0),
    ):
        with pytest.raises(ValueError, match=rf"^fit_explanations: expected {name} "):
            explained(present, activations, **{name: bad})
    with pytest.raises(ValueError, match=r"^fit_explanations: expected at least one of the concep"):
        explained(present[:, :0], activations)


def test_sizes_that_differ_are_refused(unchecked):
    present, activations = study()
    one, fewer = moments(present, activations), moments(present[:, :7], activations[:, :4])
    less = moments(present, activations[:, :4])
    is_candidate = np.ones(8, dtype=bool)
    with pytest.raises(ValueError, match=r"got 8 in is_candidate, 8 in train, 7 in validation\. "):
        fit_explanations(one, fewer, is_candidate=is_candidate, **SETTINGS)
    with pytest.raises(ValueError, match=r"got 5 in train, 4 in validation\. "):
        fit_explanations(one, less, is_candidate=is_candidate, **SETTINGS)
    found = explained(present, activations)
    with pytest.raises(ValueError, match=r"got 2 in present, 300 in activations\. "):
        unchecked(held_out_correlations)(present[:2], activations, found)
    with pytest.raises(ValueError, match=r"got 4 in activations, 5 in explanations\. "):
        held_out_correlations(present, activations[:, :4], found)


def test_no_image_and_values_that_are_not_finite_are_refused():
    present, activations = study()
    found = explained(present, activations)
    with pytest.raises(ValueError, match=r"^held_out_correlations: .* one of the images, got none"):
        held_out_correlations(present[:0], activations[:0], found)
    bad, other = present.copy(), activations.copy()
    bad[3], other[4] = math.nan, math.inf
    with pytest.raises(ValueError, match=r"finite concept activations, got nan for image 3\. "):
        held_out_correlations(bad, activations, found)
    with pytest.raises(ValueError, match=r"expected finite activations, got inf for image 4\. "):
        held_out_correlations(present, other, found)
