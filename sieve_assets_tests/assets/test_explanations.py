"""Rows of explanations: each neuron's names in order, none for an empty place."""

import numpy as np
import pytest

from sieve_assets.assets.explanations import comparison, named_neurons
from sieve_assets.study_compare import Compare
from sieve_assets.study_file import load_study


def test_every_name_has_a_row_with_its_place_and_score_and_no_name_has_none():
    rows = named_neurons(
        "net",
        "method",
        neurons=np.array([7, 2]),
        concepts=np.array([[1, -1, 0], [-1, -1, -1]]),
        scores=np.array([[0.5, 9.0, 0.25], [9.0, 9.0, 9.0]]),
        names=["cat", "dog"],
    )

    columns = ["model", "neuron", "explainer", "place", "concept", "score"]
    assert rows[columns].to_numpy().tolist() == [
        ["net", 7, "method", 0, "dog", 0.5],
        ["net", 7, "method", 2, "cat", 0.25],
    ]


def test_a_study_without_the_section_has_nothing_to_compare(study_folder):
    study = load_study(study_folder.file)
    with pytest.raises(LookupError, match=r"expected a section \[compare\] in the study, got none"):
        comparison(study)
    assert comparison(study.model_copy(update={"compare": Compare()})) == Compare()
