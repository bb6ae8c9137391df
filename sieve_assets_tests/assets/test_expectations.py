"""What is expected of neurons of which nothing is stored, and what is known of the others."""

from types import SimpleNamespace

import numpy as np
import pytest

from sieve_assets.assets.expectations import Concepts, Expectations
from sieve_assets.assets.outlook import Outlook
from sieve_assets.method.planned_work import Amount, counted, new_concepts

EVERY = np.ones(6, dtype=bool)


def tried(**found):
    """A rehearsal that has found what the test says, and nothing else."""
    return SimpleNamespace(**found)


def test_what_is_stored_needs_no_try(finished):
    found = Expectations(Outlook(finished.bench(), "cnn"), tried())

    is_selected, is_known = found.selection
    assert is_known.all()
    assert is_selected.sum() == 4
    concepts = found.concepts(EVERY)
    assert concepts.are_known
    expected = finished.table("concept_hypotheses", model="cnn")["concept"]
    assert set(concepts.listed) == set(expected)
    assert found.notes == []


def test_a_neuron_without_clusters_is_expected_to_have_as_many_as_the_others(copied):
    [neuron] = copied.table("clusters", model="cnn")["neuron"].drop_duplicates().head(1)
    copied.forget("cnn", "clusters", "concept_hypotheses", neurons=[neuron])
    found = Expectations(Outlook(copied.bench(), "cnn"), tried())

    concepts = found.concepts(EVERY)

    others = copied.table("concept_hypotheses", model="cnn").query("neuron != @neuron")["concept"]
    mean = copied.table("clusters").groupby(["model", "neuron"])["n_clusters"].max().mean()
    listed = others.nunique()
    assert len(concepts.listed) == listed
    assert concepts.guessed == pytest.approx(new_concepts(2 * mean, n_names=12, n_taken=listed))
    assert concepts.most == min(2 * 3, 12 - listed), "6 samples in 3 clusters at most, 2 names each"
    assert found.notes[0].startswith(f"clusters a neuron: {mean:.1f} expected, the mean of those")


def test_without_anything_stored_the_try_decides(empty):
    selected = np.array([1, 0, 0, 1, 0, 0], dtype=bool)
    rehearsal = tried(
        selected=selected,
        sample=SimpleNamespace(n_images=1234),
        observed=SimpleNamespace(activations=np.zeros((50, 6))),
        cropped=SimpleNamespace(n_clusters=1.5),
    )
    found = Expectations(Outlook(empty.bench(), "cnn"), rehearsal)

    np.testing.assert_array_equal(found.selection[0], selected)
    assert not found.selection[1].any()
    assert (found.n_samples == 6).all()
    concepts = found.concepts(EVERY)
    assert concepts.listed == []
    assert concepts.guessed == pytest.approx(new_concepts(2 * 1.5 * 2, n_names=12, n_taken=0))
    assert concepts.most == 12
    assert found.notes == [
        "neurons selected: estimated from 50 of 1,234 probe images",
        "clusters a neuron: 1.5 expected, the mean of some neurons that were tried",
        "distinct concepts: expected as if every name were as likely; real ones repeat more",
    ]


def test_amounts_follow_the_concepts():
    assert Concepts(["dog"], 0, 0, are_known=True).amount(3, 5) == counted(3)
    open_ones = Concepts(["dog"], 2, 4, are_known=False)
    assert open_ones.amount(3, 5) == Amount(13, 23, "estimated")
    assert open_ones.amount(3, 5, most=11) == Amount(13, 14, "estimated")
