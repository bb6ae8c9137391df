"""The concepts of linear explanations, against the same fit on all images at once."""

import math
from functools import partial
from itertools import product

import numpy as np
import pytest

from sieve_assets.method.explainers import linear_names as module
from sieve_assets.method.explainers.linear_explanations import fit_explanations
from sieve_assets.method.explainers.linear_moments import (
    concept_activations,
    moments,
)
from sieve_assets.method.explainers.linear_names import (
    Fit,
    ImageParts,
    Presence,
    image_parts,
    linear_names,
)

PRESENCE = Presence(slope=10.0, shift=-0.3, n_strongest=5, min_mean=0.5, min_std=1e-5)
FIT = Fit(penalty=0.05, l1_share=0.99, max_terms=4, min_gain=0.02, width=3)
PARTS = partial(image_parts, validation_share=0.1, test_share=0.2)
named = partial(linear_names, presence=PRESENCE, fit=FIT)


def unit(n_rows, features=6, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n_rows, features))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def study(n_images=400, n_concepts=7, n_neurons=5, seed=0):
    """Neurons that are sums of some concepts' activations, with noise."""
    generator = np.random.default_rng(seed)
    images, concepts = unit(n_images, seed=seed), unit(n_concepts, seed=seed + 1)
    present = concept_activations(images, concepts, slope=10.0, shift=-0.3)
    weights = generator.choice([-2.0, 0.0, 0.0, 1.0, 3.0], (n_concepts, n_neurons))
    noise = 0.3 * generator.standard_normal((n_images, n_neurons))
    return (present @ weights + noise).astype(np.float32), images, concepts


def ids(count):
    return [f"image-{number}" for number in range(count)]


def test_parts_have_the_sizes_asked_for_and_every_image_once():
    parts = PARTS(ids(50), seed=0)
    assert [len(part) for part in parts] == [35, 5, 10]
    assert sorted(np.concatenate(parts).tolist()) == list(range(50))
    assert all((np.diff(part) > 0).all() for part in parts)


def test_an_image_is_in_the_same_part_wherever_it_is_listed():
    names = ids(40)
    order = np.random.default_rng(1).permutation(40)
    for found, again in zip(
        PARTS(names, seed=3), PARTS([names[one] for one in order], seed=3), strict=True
    ):
        assert {names[one] for one in found} == {names[order[one]] for one in again}


def test_another_seed_gives_other_parts():
    assert PARTS(ids(40), seed=0).test.tolist() != PARTS(ids(40), seed=1).test.tolist()


def test_the_fewest_images_give_parts_of_one_and_fewer_are_refused():
    assert [len(part) for part in PARTS(ids(3), seed=0)] == [1, 1, 1]
    with pytest.raises(ValueError, match="image_parts: expected at least 3 images, got 2"):
        PARTS(ids(2), seed=0)


def by_formulas(activations, images, concepts, parts, *, shift):
    """Names and scores by docs/explainers.md, each fit on the images themselves."""
    present = 1 / (1 + np.exp(-10.0 * (images.astype(float) @ concepts.T.astype(float) + shift)))
    seen = present[np.concatenate(parts[:2])]
    shows = (np.sort(seen, axis=0)[-5:].mean(axis=0) >= 0.5) & (seen.std(axis=0) >= 1e-5)
    own = present[parts.train]
    columns = (present - own.mean(axis=0)) / own.std(axis=0)
    names, scores = [], []
    for values in activations.T.astype(float):
        target = (values - values[parts.train].mean()) / values[parts.train].std()
        ranking = ranked(columns[parts.train], target[parts.train], np.flatnonzero(shows))
        terms, weights = searched(columns, target, ranking, parts)
        names.append([term for term, weight in zip(terms, weights, strict=True) if weight > 0])
        said = columns[parts.test][:, terms] @ weights
        scores.append(np.corrcoef(said, values[parts.test])[0, 1] if terms else np.nan)
    return names, scores


def ranked(columns, target, candidates):
    """Coordinate descent on |y - Xw|^2 / 2n + .05 (.99 |w| + .01 w^2 / 2); then by correlation."""
    weights = dict.fromkeys(candidates, 0.0)
    for _, one in product(range(300), candidates):
        rest = target - sum(weights[other] * columns[:, other] for other in set(weights) - {one})
        pull = (columns[:, one] @ rest) / len(target)
        weights[one] = np.sign(pull) * max(abs(pull) - 0.05 * 0.99, 0) / (1 + 0.05 * 0.01)
    return sorted(candidates, key=lambda one: (-weights[one], -(columns[:, one] @ target)))


def searched(columns, target, ranking, parts):
    """Terms in the order found, with the weights of least squares on the training images."""
    terms, weights, reached, dropped = [], np.zeros(0), 0.0, set()
    while len(terms) < 4:
        tried = [one for one in ranking if one not in dropped.union(terms)][:3]
        fits = {}
        for one in sorted(tried):
            some = columns[:, [*terms, one]]
            found = np.linalg.lstsq(some[parts.train], target[parts.train], rcond=None)[0]
            said = some[parts.validation] @ found
            fits[one] = np.corrcoef(said, target[parts.validation])[0, 1], found
        least = 0.02 if terms else 1e-12
        poor = {one for one, (correlation, _) in fits.items() if correlation - reached < least}
        if len(poor) == len(fits):
            break
        dropped |= poor if terms else set()
        best = max(fits, key=lambda one: fits[one][0])
        terms, (reached, weights) = [*terms, best], fits[best]
    return terms, weights


def test_steps_are_the_places_in_which_longer_searches_add_terms():
    activations, images, concepts = study()
    present = concept_activations(images, concepts, slope=10.0, shift=-0.3)
    sums = [moments(present[part], activations[part]) for part in PARTS(ids(400), seed=0)[:2]]
    runs = [
        fit_explanations(
            *sums, is_candidate=np.ones(7, bool), **FIT._replace(max_terms=most)._asdict()
        )
        for most in range(1, 5)
    ]
    for neuron, (terms, steps) in enumerate(zip(runs[-1].concepts, runs[-1].steps, strict=True)):
        assert sorted(steps[terms >= 0]) == list(range((terms >= 0).sum()))
        assert (steps[terms < 0] == -1).all()
        for most, run in enumerate(runs, 1):
            is_early = (steps >= 0) & (steps < most)
            assert set(terms[is_early]) == set(run.concepts[neuron]) - {-1}
    assert (runs[-1].steps >= 1).any(axis=1).sum() > 1


@pytest.mark.parametrize(("seed", "shift"), [(0, -0.3), (3, -0.3), (2, -0.85), (4, -0.8)])
def test_names_are_the_terms_of_positive_weight_in_the_order_found(seed, shift):
    activations, images, concepts = study(seed=seed)
    parts = PARTS(ids(400), seed=0)
    names, scores = by_formulas(activations, images, concepts, parts, shift=shift)
    presence = PRESENCE._replace(shift=shift)
    found = named(activations, images, concepts, parts, presence=presence)
    listed = [[one for one in row if one >= 0] for row in found.concepts.tolist()]
    assert listed == names
    assert max(map(len, names)) > 1
    assert min(map(len, names)) < FIT.max_terms
    for neuron, row in enumerate(names):
        got = found.scores[neuron, : len(row)]
        np.testing.assert_allclose(got, [scores[neuron]] * len(row), atol=1e-5)
        assert np.isnan(found.scores[neuron, len(row) :]).all()


def test_a_term_that_weakens_the_neuron_is_no_name():
    _, images, concepts = study()
    present = concept_activations(images, concepts, slope=10.0, shift=-0.3).astype(np.float64)
    activations = (3 * present[:, [2]] - 2 * present[:, [4]]).astype(np.float32)
    parts, all_tried = PARTS(ids(400), seed=0), FIT._replace(width=7)
    found = named(activations, images, concepts, parts, fit=all_tried)
    assert found.concepts.tolist() == [[2, -1, -1, -1]]
    assert found.scores[0, 0] == pytest.approx(1, abs=1e-4)  # of both terms


def test_blocks_change_scores_by_rounding_only(monkeypatch):
    activations, images, concepts = study()
    parts = PARTS(ids(400), seed=0)
    whole = named(activations, images, concepts, parts)
    monkeypatch.setattr(module, "_BLOCK_IMAGES", 37)
    monkeypatch.setattr(module, "_BLOCK_CONCEPTS", 3)
    found = named(activations, images, concepts, parts)
    np.testing.assert_array_equal(found.concepts, whole.concepts)
    np.testing.assert_allclose(found.scores, whole.scores, atol=1e-9)


def test_what_nothing_explains_has_no_name(recwarn):
    activations, images, concepts = study()
    nothing_shown = named(
        activations,
        images,
        concepts,
        PARTS(ids(400), seed=0),
        presence=PRESENCE._replace(shift=-1.0),
    )
    assert (nothing_shown.concepts == -1).all()
    few = named(activations[:3], images[:3], concepts, PARTS(ids(3), seed=0))
    assert (few.concepts == -1).all()
    assert not recwarn.list


def test_one_concept_explains_or_does_not():
    _, images, concepts = study()
    present = concept_activations(images, concepts[:1], slope=10.0, shift=-0.3)
    activations = np.hstack([present, -present])
    found = named(activations, images, concepts[:1], PARTS(ids(400), seed=0))
    assert found.concepts[:, 0].tolist() == [0, -1]
    assert found.scores[0, 0] == pytest.approx(1, abs=1e-6)
    assert math.isnan(found.scores[1, 0])


def test_activations_that_are_not_finite_are_refused():
    activations, images, concepts = study()
    parts = ImageParts(np.arange(300), np.arange(300, 350), np.arange(350, 400))
    activations[7, 2] = np.nan
    with pytest.raises(ValueError, match="linear_names: expected finite activations"):
        named(activations, images, concepts, parts)


def test_inputs_are_unchanged():
    given = study()
    copies = [values.copy() for values in given]
    named(*given, PARTS(ids(400), seed=0))
    for before, now in zip(copies, given, strict=True):
        np.testing.assert_array_equal(before, now)
