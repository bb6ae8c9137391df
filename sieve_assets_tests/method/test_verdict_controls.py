"""Controls are random where they must be and know what they must know, against slow references."""

import hashlib
import itertools

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from sieve_assets.method.verdict_controls import (
    along,
    exchanged_names,
    hashed_sample,
    meaningless_words,
    permuted,
    planted_directions,
    verified_share,
)


def generator(seed=0):
    return np.random.default_rng(seed)


def activations(n_images, n_neurons, seed=0):
    return generator(seed).normal(size=(n_images, n_neurons)).astype(np.float32)


def test_a_permuted_neuron_has_its_own_values_at_other_images():
    probe, pictures = activations(3, 500), activations(400, 3, seed=1)
    before = probe.copy(), pictures.copy()

    found = permuted(probe, pictures, generator=generator())

    np.testing.assert_array_equal(np.sort(found.probe, axis=1), np.sort(probe, axis=1))
    np.testing.assert_array_equal(np.sort(found.pictures, axis=0), np.sort(pictures, axis=0))
    for neuron in range(3):
        assert abs(np.corrcoef(found.probe[neuron], probe[neuron])[0, 1]) < 0.2
        assert abs(np.corrcoef(found.pictures[:, neuron], pictures[:, neuron])[0, 1]) < 0.2
    np.testing.assert_array_equal(probe, before[0])
    np.testing.assert_array_equal(pictures, before[1])


def test_neurons_are_permuted_each_for_itself():
    same = np.tile(np.arange(300, dtype=np.float32), (2, 1))

    found = permuted(same, same.T.copy(), generator=generator())

    assert (found.probe[0] != found.probe[1]).any()
    assert (found.pictures[:, 0] != found.pictures[:, 1]).any()


def test_the_same_generator_permutes_the_same_way():
    one, other = (
        permuted(activations(2, 50), activations(40, 2), generator=generator(7)) for _ in range(2)
    )
    np.testing.assert_array_equal(one.probe, other.probe)
    np.testing.assert_array_equal(one.pictures, other.pictures)


def test_other_neurons_on_pictures_than_on_images_are_refused(unchecked):
    with pytest.raises(ValueError, match=r"permuted: expected .*probe.*pictures"):
        unchecked(permuted)(activations(2, 5), activations(5, 3), generator=generator())


def test_two_neurons_exchange_their_names():
    found = exchanged_names(
        np.array([3, 8]), np.array([0, 1]), np.eye(2, dtype=bool), generator=generator()
    )
    assert found.tolist() == [8, 3]


def is_a_shuffle(found, neurons, concepts, is_near):
    """From the definition, in loops: no name near an own one, and no more than were given."""
    for neuron, concept in zip(found, concepts, strict=True):
        if neuron < 0:
            continue
        own = [one for who, one in zip(neurons, concepts, strict=True) if who == neuron]
        if any(is_near[one, concept] for one in own):
            return False
    return all((found == neuron).sum() <= (neurons == neuron).sum() for neuron in set(neurons))


@pytest.mark.parametrize("seed", range(8))
def test_names_go_only_where_they_may_and_as_many_as_can_be_placed(seed):
    random = generator(seed)
    neurons, concepts = random.integers(4, size=6), random.integers(5, size=6)
    near = random.random((5, 5)) < 0.2
    near = near | near.T | np.eye(5, dtype=bool)

    found = exchanged_names(neurons, concepts, near, generator=random)

    assert is_a_shuffle(found, neurons, concepts, near)
    most = max(
        sum(_may(neurons, concepts, near, from_, to) for from_, to in enumerate(order))
        for order in itertools.permutations(range(6))
    )
    assert (found >= 0).sum() == most


def _may(neurons, concepts, near, giver, taker):
    own = [concepts[one] for one in range(len(neurons)) if neurons[one] == neurons[taker]]
    return not any(near[one, concepts[giver]] for one in own)


def test_another_generator_shuffles_another_way():
    neurons, concepts = np.arange(40), np.arange(40)
    found = [
        exchanged_names(neurons, concepts, np.eye(40, dtype=bool), generator=generator(seed))
        for seed in (1, 1, 2)
    ]
    assert found[0].tolist() == found[1].tolist() != found[2].tolist()
    assert sorted(found[0]) == list(range(40))


def test_a_name_that_no_neuron_may_have_goes_nowhere():
    alone = exchanged_names(
        np.array([2]), np.array([0]), np.eye(1, dtype=bool), generator=generator()
    )
    alike = exchanged_names(
        np.array([0, 1]), np.array([0, 1]), np.ones((2, 2), bool), generator=generator()
    )
    assert (alone.tolist(), alike.tolist()) == ([-1], [-1, -1])


def test_hypotheses_without_their_concepts_are_refused(unchecked):
    with pytest.raises(ValueError, match="exchanged_names: expected"):
        unchecked(exchanged_names)(
            np.array([0, 1]), np.array([0]), np.eye(1, dtype=bool), generator=generator()
        )


def test_meaningless_words_have_no_vowel_and_are_no_concepts():
    words = meaningless_words(50, known=["cat"], generator=generator())

    assert len(set(words)) == 50
    assert all(
        word.islower() and word.isalpha() and not set(word) & set("aeiouy") for word in words
    )
    again = meaningless_words(50, known=[words[0].upper()], generator=generator())
    assert again[:49] == words[1:]


def test_no_words_are_made_if_none_is_asked_for():
    assert meaningless_words(0, known=[], generator=generator()) == []
    with pytest.raises(ValueError, match="meaningless_words: expected"):
        meaningless_words(-1, known=[], generator=generator())


def test_a_hashed_sample_keeps_its_members_when_others_come():
    ids = [f"image {number}" for number in range(200)]

    sample = hashed_sample(ids, count=40, seed=3)
    more = hashed_sample([*ids, "new"], count=40, seed=3)

    assert len(sample) == 40
    assert (np.diff(sample) > 0).all()
    assert len(set(sample) - set(more)) <= 1
    assert set(sample) < set(hashed_sample(ids, count=41, seed=3))
    assert set(sample) != set(hashed_sample(ids, count=40, seed=4))
    assert hashed_sample(ids[:3], count=40, seed=3).tolist() == [0, 1, 2]
    assert hashed_sample([], count=4, seed=3).tolist() == []
    with pytest.raises(ValueError, match="hashed_sample: expected"):
        hashed_sample(ids, count=-1, seed=3)


@pytest.mark.parametrize("seed", [0, 3])
def test_a_hashed_sample_is_of_the_lowest_sha_256(seed):
    ids = [f"image {number}" for number in range(50)]
    sums = {one: hashlib.sha256(f"{seed} {one}".encode()).hexdigest() for one in ids}
    lowest = sorted(ids, key=sums.__getitem__)[:20]

    found = hashed_sample(ids, count=20, seed=seed)

    assert [ids[position] for position in found] == [one for one in ids if one in lowest]


def planted_layer(n_images=600, seed=0):
    """A layer in which one concept lies along a direction, and another is nowhere."""
    random = generator(seed)
    layer = random.normal(size=(n_images, 6)).astype(np.float32)
    shown = random.random((n_images, 2)) < 0.1
    layer[shown[:, 0]] += np.array([4, 0, -4, 0, 0, 0], np.float32)
    layer[:, 5] = 0.1  # a neuron that never changes; single precision has no such number
    return layer * np.array([1, 100, 1, 0.01, 1, 1], np.float32), shown


def test_a_concept_that_the_layer_holds_is_planted_and_another_is_not():
    layer, shown = planted_layer()
    before = layer.copy(), shown.copy()

    found = planted_directions(layer, shown, generator=generator())

    assert found.held_out_ap[0] > 0.95
    assert found.held_out_ap[1] < 0.4
    values = along(layer, found.weight)
    assert average_precision_score(shown[:, 0], values[:, 0]) > 0.95
    weight = found.weight[0] * layer.std(0)
    assert weight[0] > 0 > weight[2]
    assert np.abs(weight[[0, 2]]).min() > 5 * np.abs(weight[[1, 3, 4, 5]]).max()
    np.testing.assert_array_equal(layer, before[0])
    np.testing.assert_array_equal(shown, before[1])


@pytest.mark.parametrize("seed", range(3))
def test_planted_directions_are_logistic_regressions_of_half_of_each_kind(seed):
    layer, shown = planted_layer(seed=seed)
    found = planted_directions(layer, shown, generator=generator(seed))

    random, exact = generator(seed), layer.astype(float)
    spread = exact.std(axis=0)
    spread[5] = 1  # it never changes
    for concept, is_shown in enumerate(shown.T):
        halves = [random.permutation(np.flatnonzero(is_shown == kind)) for kind in (True, False)]
        fits = np.concatenate([half[: len(half) // 2] for half in halves])
        others = np.setdiff1d(np.arange(len(layer)), fits)
        model = LogisticRegression(solver="newton-cholesky", tol=1e-10)  # the other stops early
        model.fit((exact[fits] - exact.mean(axis=0)) / spread, is_shown[fits])
        weight = model.coef_[0] / spread
        np.testing.assert_allclose(found.weight[concept] * spread, model.coef_[0], atol=1e-2)
        expected = average_precision_score(is_shown[others], exact[others] @ weight)
        assert found.held_out_ap[concept] == pytest.approx(expected, abs=2e-3)


def test_the_scale_of_a_neuron_does_not_matter():
    layer, shown = planted_layer()
    scaled = layer * np.array([8, 1, 0.5, 1, 4, 1], np.float32)

    found, other = (
        planted_directions(one, shown, generator=generator()) for one in (layer, scaled)
    )

    np.testing.assert_allclose(found.held_out_ap, other.held_out_ap, atol=1e-3)
    np.testing.assert_allclose(along(layer, found.weight), along(scaled, other.weight), atol=0.02)


def test_directions_are_weighted_sums():
    layer, weight = activations(4, 3), activations(2, 3, seed=5)

    found = along(layer, weight)

    for image, direction in itertools.product(range(4), range(2)):
        expected = sum(layer[image, one] * weight[direction, one] for one in range(3))
        assert found[image, direction] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("n_shown", [0, 1, 19, 20])
def test_a_concept_that_is_in_too_few_images_or_in_all_is_refused(n_shown):
    shown = np.arange(20)[:, None] < n_shown
    with pytest.raises(
        ValueError, match=f"planted_directions: .* got {n_shown} of 20 for concept 0"
    ):
        planted_directions(activations(20, 2), shown, generator=generator())


def test_images_without_their_concepts_are_refused(unchecked):
    with pytest.raises(ValueError, match="planted_directions: expected"):
        unchecked(planted_directions)(
            activations(20, 2), np.ones((19, 1), bool), generator=generator()
        )


@pytest.mark.parametrize(("n", "n_verified"), [(200, 0), (20, 19), (1, 1), (37, 5)])
def test_the_interval_of_a_share_is_wilsons(n, n_verified):
    found = verified_share(np.arange(n) < n_verified, confidence=0.95)

    low, high = stats.binomtest(n_verified, n).proportion_ci(0.95, method="wilson")
    assert (found.n, found.n_verified) == (n, n_verified)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))


def test_two_hundred_failures_are_enough_to_say_less_than_two_percent():
    assert verified_share(np.zeros(200, bool), confidence=0.95).high < 0.02


def test_no_control_has_no_share():
    with pytest.raises(ValueError, match="n_images"):
        verified_share(np.zeros(0, bool), confidence=0.95)
