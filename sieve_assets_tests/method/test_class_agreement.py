"""Names against classes by loops over pairs, and means with their intervals."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from sieve_assets.method.class_agreement import (
    ClassCosines,
    agreement,
    class_cosines,
    is_class_name,
    share_of,
)


def units(count, seed):
    vectors = np.random.default_rng(seed).normal(size=(count, 5)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def agreed(own, others=None, *, n_neurons=4, seed=0):
    own = np.asarray(own, dtype=float)
    others = np.zeros_like(own) if others is None else np.asarray(others, dtype=float)
    return agreement(
        ClassCosines(own, others),
        n_neurons=n_neurons,
        confidence=0.9,
        n_resamples=200,
        generator=np.random.default_rng(seed),
    )


def test_a_name_is_held_against_its_own_class_and_the_mean_of_the_others():
    names, classes, neuron = units(6, 1), units(4, 2), np.array([3, 0, 0, 2, 1, 3])

    found = class_cosines(names, classes, neuron)

    for place, own in enumerate(neuron):
        cosines = [float(np.dot(names[place].astype(float), one.astype(float))) for one in classes]
        others = [one for number, one in enumerate(cosines) if number != own]
        assert found.own[place] == pytest.approx(cosines[own])
        assert found.others[place] == pytest.approx(sum(others) / 3)


def test_a_class_s_own_name_has_cosine_one_and_an_opposite_one_minus_one():
    classes = np.eye(3, dtype=np.float32)
    names = np.stack([classes[1], -classes[1]])

    found = class_cosines(names, classes, np.array([1, 1]))

    assert found.own.tolist() == [1, -1]
    assert found.others.tolist() == [0, 0]


def test_names_may_come_in_any_order():
    names, classes, neuron = units(6, 1), units(4, 2), np.array([3, 0, 0, 2, 1, 3])
    order = np.random.default_rng(0).permutation(6)

    found = class_cosines(names, classes, neuron)
    moved = class_cosines(names[order], classes, neuron[order])

    np.testing.assert_allclose(moved.own, found.own[order], rtol=1e-12)
    np.testing.assert_allclose(moved.others, found.others[order], rtol=1e-12)


def test_one_class_has_no_others_and_no_names_have_no_cosines():
    alone = class_cosines(units(2, 1), units(1, 2), np.array([0, 0]))
    assert np.isnan(alone.others).all()
    assert np.isfinite(alone.own).all()
    nothing = class_cosines(units(0, 1), units(3, 2), np.array([], dtype=int))
    assert len(nothing.own) == len(nothing.others) == 0


@pytest.mark.parametrize("neuron", [4, -1])
def test_a_neuron_without_a_class_is_refused(neuron):
    with pytest.raises(ValueError, match=rf"neurons below 4, got {neuron}\. Name every class"):
        class_cosines(units(2, 1), units(4, 2), np.array([0, neuron]))


def test_vectors_that_are_not_finite_or_of_other_sizes_are_refused():
    names, classes, neuron = units(2, 1), units(4, 2), np.array([0, 1])
    wrong = names.copy()
    wrong[1, 2] = np.nan
    with pytest.raises(ValueError, match="finite vectors of names, got nan for name 1"):
        class_cosines(wrong, classes, neuron)
    with pytest.raises(ValueError, match="at least one of the classes"):
        class_cosines(names, classes[:0], neuron)
    with pytest.raises((ValueError, TypeCheckError), match="class_cosines"):
        class_cosines(names, classes, neuron[:1])


@pytest.mark.parametrize(
    ("name", "is_own"),
    [
        ("tench", True),
        ("Tinca  tinca", False),
        ("tinca tinca", True),
        (" Tench", True),
        ("tench, Tinca tinca", True),
        ("ench", False),
        ("fish", False),
    ],
)
def test_a_name_is_the_class_s_own_if_the_class_lists_it(name, is_own):
    assert is_class_name(name, "tench, Tinca tinca") == is_own


def test_the_mean_is_over_neurons_with_its_interval_and_their_share():
    own = [0.2, 0.4, 0.9]

    found = agreed(own, [0.1, 0.2, 0.6], n_neurons=12)

    assert (found.n_named, found.coverage) == (3, 0.25)
    assert found.own.mean == pytest.approx(0.5)
    assert 0.2 <= found.own.low < 0.5 < found.own.high <= 0.9
    assert found.others == pytest.approx(0.3)
    assert found == agreed(own, [0.1, 0.2, 0.6], n_neurons=12)


def test_without_a_name_or_without_cosines_there_is_no_mean():
    nobody = agreed([])
    assert (nobody.n_named, nobody.coverage) == (0, 0)
    assert np.isnan([*nobody.own, nobody.others]).all()
    blind = agreed([np.nan, np.nan], [np.nan, np.nan])
    assert (blind.n_named, blind.coverage) == (2, 0.5)
    assert np.isnan([*blind.own, blind.others]).all()


def test_cosines_of_which_some_are_missing_and_too_many_names_are_refused():
    with pytest.raises(ValueError, match="finite values, got nan for neuron 1"):
        agreed([0.5, np.nan])
    with pytest.raises(ValueError, match="n_neurons"):
        agreed([0.5, 0.6, 0.7], n_neurons=2)


def test_a_share_is_of_those_there_are():
    assert share_of(np.array([True, False, False, True])) == 0.5
    assert np.isnan(share_of(np.array([], dtype=bool)))
