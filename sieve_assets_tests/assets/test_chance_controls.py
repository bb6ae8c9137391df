"""Controls by chance: as many as are needed, always the same, none without hypotheses."""

import logging

import numpy as np
import pandas as pd

from sieve_assets.assets.chance_controls import LEAST_ROWS, chance_controls, words_of
from sieve_assets.assets.control_kinds import MEANINGLESS, PERMUTED, Subject
from sieve_assets.assets.errands import Errand


def subject_of(study, tested=None):
    bench = study.bench()
    pairs = bench.warehouse.read(
        "SELECT neuron, concept, n_pictures FROM evidence WHERE model = 'vit' ORDER BY ALL"
    )
    errand = Errand(bench, "verdict_controls", "vit", "run", logging.getLogger())
    return Subject(errand, pairs if tested is None else tested)


def test_a_target_without_hypotheses_has_none(finished):
    none = pd.DataFrame({"neuron": [], "concept": []})
    assert list(chance_controls(subject_of(finished, none))) == []


def test_draws_are_made_until_there_are_enough_and_are_the_same_again(finished):
    first, again = (list(chance_controls(subject_of(finished))) for _ in range(2))

    n_hypotheses = len(finished.table("evidence", model="vit"))
    n_draws = sum(kind.control == PERMUTED for kind in first)
    assert n_draws == min(-(-LEAST_ROWS // n_hypotheses), 10)
    for one, other in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(one.pairs, other.pairs)
        if one.control == PERMUTED:
            np.testing.assert_array_equal(one.activations.probe, other.activations.probe)
    assert (first[0].activations.probe != first[1].activations.probe).any()


def test_neurons_take_the_meaningless_words_by_turns(finished):
    [kind] = [kind for kind in chance_controls(subject_of(finished)) if kind.control == MEANINGLESS]

    words = words_of(finished.bench())
    assert len(words) == 4
    expected = [words[place % 4] for place in range(len(kind.pairs))]
    assert kind.pairs["concept"].tolist() == expected
    assert kind.pairs["neuron"].is_monotonic_increasing
