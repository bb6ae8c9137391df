"""What classes lose by a neuron, against loops, and cases one can check in the head."""

import numpy as np
import pytest

from sieve_assets.method.neuron_ablation import (
    Answers,
    accuracy_drops,
    answers,
    concept_shares,
    effects,
    held_values,
    linear_answers,
    linear_logits,
    ranked,
    shares_of_others,
)


@pytest.fixture
def layer():
    """Activations, a head, classes and values: 40 images, 5 neurons, 4 classes, none of class 3."""
    random = np.random.default_rng(0)
    activations = np.maximum(random.normal(size=(40, 5)), 0).astype(np.float32)
    weight, bias = random.normal(size=(4, 5)), random.normal(size=4)
    values = np.array([0, 0.5, -1, 0, 2], np.float32)
    classes = random.integers(3, size=40)
    return activations, weight.astype(np.float32), bias.astype(np.float32), classes, values


def by_loops(activations, weight, bias, classes, neuron, value):
    """Right or not, and the own logit, image by image, with a layer whose neuron has the value."""
    found = []
    for one, own in zip(activations.tolist(), classes.tolist(), strict=True):
        changed = [value if at == neuron else a for at, a in enumerate(one)]
        logits = [
            sum(w * a for w, a in zip(row, changed, strict=True)) + b
            for row, b in zip(weight.tolist(), bias.tolist(), strict=True)
        ]
        found.append((logits.index(max(logits)) == own, logits[own]))
    return found


def test_answers_with_a_neuron_held_are_those_of_the_whole_head(layer):
    activations, weight, bias, classes, values = layer
    logits = linear_logits(activations, weight, bias)

    found = list(linear_answers(logits, classes, activations, weight, values))

    assert len(found) == 5
    for neuron, one in enumerate(found):
        expected = by_loops(activations, weight, bias, classes, neuron, float(values[neuron]))
        assert one.is_right.tolist() == [is_right for is_right, _ in expected]
        np.testing.assert_allclose(one.own_logit, [own for _, own in expected], atol=1e-5)


def test_neurons_taken_apart_give_the_same_and_inputs_stay(layer):
    activations, weight, bias, classes, values = layer
    logits = linear_logits(activations, weight, bias)
    before = [one.copy() for one in (logits, activations, weight, values)]

    whole = list(linear_answers(logits, classes, activations, weight, values))
    [part] = linear_answers(logits, classes, activations[:, 2:3], weight[:, 2:3], values[2:3])

    np.testing.assert_array_equal(part.is_right, whole[2].is_right)
    np.testing.assert_array_equal(part.own_logit, whole[2].own_logit)
    for one, other in zip(before, (logits, activations, weight, values), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_classes_lose_is_counted_image_by_image(layer):
    activations, weight, bias, classes, values = layer
    logits = linear_logits(activations, weight, bias)
    before = answers(logits, classes)
    held = list(linear_answers(logits, classes, activations, weight, values))

    found = effects(before, held, classes, n_classes=4)

    for neuron, one in enumerate(held):
        for number in range(4):
            own = [at for at in range(40) if classes[at] == number]
            lost = sum(before.is_right[at] and not one.is_right[at] for at in own)
            won = sum(one.is_right[at] and not before.is_right[at] for at in own)
            fallen = [float(before.own_logit[at]) - float(one.own_logit[at]) for at in own]
            assert (found.lost[neuron, number], found.won[neuron, number]) == (lost, won)
            assert found.logit_drop[neuron, number] == pytest.approx(sum(fallen) / max(len(own), 1))
    assert found.lost.sum() > 0
    assert found.won.sum() > 0


def test_of_equal_logits_the_first_class_is_the_answer():
    found = answers(np.ones((2, 3), np.float32), np.array([0, 1]))

    assert found.is_right.tolist() == [True, False]


def test_a_drop_is_what_is_lost_less_what_is_won():
    before = Answers(np.array([True, True, False, True]), np.zeros(4, np.float32))
    held = Answers(np.array([False, True, True, False]), np.ones(4, np.float32))

    found = effects(before, [held], np.array([0, 0, 0, 1]), n_classes=3)

    drops = accuracy_drops(found, np.array([3, 1, 0]))
    assert drops.tolist() == [[0, 1, 0]]
    assert found.logit_drop.tolist() == [[-1, -1, 0]]


def test_neurons_are_held_at_their_mean_or_at_zero():
    activations = np.array([[1, -2], [3, 0]], np.float32)

    assert held_values(activations, at_mean=True).tolist() == [2, -1]
    assert held_values(activations, at_mean=False).tolist() == [0, 0]


def test_classes_are_told_by_their_drop_if_they_have_enough_images():
    drops = np.array([[0.1, 0.5, 0.9, 0.5], [0.0, -0.1, 0.9, -0.2]])

    found = ranked(drops, np.array([10, 10, 9, 10]), min_images=10, count=3)

    assert found.classes[0].tolist() == [1, 3, 0]
    assert found.is_told.tolist() == [[True, True, True], [True, False, False]]
    assert found.classes[1, 0] == 0


def test_no_class_is_told_if_none_has_enough_images():
    found = ranked(np.ones((2, 3)), np.array([1, 2, 0]), min_images=3, count=5)

    assert found.classes.shape == (2, 3)
    assert not found.is_told.any()


def test_a_class_shows_a_concept_in_a_share_of_its_images():
    shows = np.array([[True, False], [False, False], [True, True]])

    found = concept_shares(shows, np.array([0, 0, 2]), n_classes=3)

    np.testing.assert_array_equal(found, [[0.5, 0], [np.nan, np.nan], [1, 1]])


def test_chance_is_the_mean_over_the_other_neurons():
    contained = np.array([[1.0, 0.0, 0.5], [0.25, 1.0, 0.75], [0.0, 0.0, 1.0]])

    assert shares_of_others(contained).tolist() == [0.25, 0.5, 0]
    assert np.isnan(shares_of_others(np.ones((1, 1)))).all()
