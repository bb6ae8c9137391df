"""What kinds of controls there are, and what is told of a pair that nothing else is known of."""

import logging

import numpy as np
import pandas as pd

from sieve_assets.assets.control_kinds import EXPECTED, Subject
from sieve_assets.assets.errands import Errand
from sieve_assets.assets.reference_pictures import references

TABLES = ("pictures", "picture_embeddings", "picture_activations")


def test_every_kind_has_something_that_is_expected_of_it():
    assert set(EXPECTED.values()) == {"fail", "untestable", "pass", "reported"}
    assert len(EXPECTED) == 6


def subject_of(study, tested):
    errand = Errand(study.bench(), "verdict_controls", "cnn", "run", logging.getLogger())
    return Subject(errand, tested)


def test_a_pair_tells_its_own_neuron_unless_another_is_named(finished):
    subject = subject_of(finished, pd.DataFrame())
    plain = subject.pairs(np.array([4, 2]), ["cat", "dog"])
    told = subject.pairs(np.array([0, 1]), ["cat", "dog"], told=np.array([9, 7]), draw=3)

    assert plain["told"].tolist() == [4, 2]
    assert plain["draw"].tolist() == [0, 0]
    assert plain["n_pictures"].tolist() == [3, 3]
    assert plain[["quality", "oracle_true"]].isna().all(axis=None)
    assert told[["told", "draw"]].to_numpy().tolist() == [[9, 3], [7, 3]]


def test_what_is_drawn_anyway_are_references_and_hypotheses_each_once(finished):
    chosen = references(finished.bench())
    tested = pd.DataFrame({"neuron": [1, 1], "concept": [chosen[0], "a thing"]})

    subject = subject_of(finished, tested)

    assert subject.drawn == [*chosen, "a thing"]
    pairs = subject.pairs(np.array([1, 2, 3]), ["a thing", "a thing", chosen[0]])
    assert subject.witnesses(pairs).concepts == [*chosen, "a thing"]
    assert not subject.has_known_truth
    draws = [subject.generator(number).random() for number in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_pictures_that_the_bank_lacks_are_drawn_and_embedded_and_looked_at_if_asked_for(copied):
    subject = subject_of(copied, pd.DataFrame())
    counts = [len(copied.table(one)) for one in TABLES]

    subject.have(["a new thing"], is_observed=False)
    unseen = [len(copied.table(one)) for one in TABLES]
    subject.have(["a new thing"], is_observed=True)
    seen = [len(copied.table(one)) for one in TABLES]

    assert [after - before for before, after in zip(counts, unseen, strict=True)] == [3, 3, 0]
    assert [after - before for before, after in zip(counts, seen, strict=True)] == [3, 3, 3]
