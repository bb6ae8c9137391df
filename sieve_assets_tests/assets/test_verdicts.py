"""Every hypothesis has a verdict with a reason, and q-values are over the whole target."""

import numpy as np
import pytest
from scipy import stats

from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.recomputation import verdicts_of
from sieve_assets_tests.studies import CONCEPTS

KEY = ["model", "neuron", "concept"]
LINES = {"min_rate": 0.4, "min_score": 0.3, "max_q": 0.7}
UNUSED = ["activation_rate", "ci_low", "ci_high", "ar_to_report", "natural_ap", "null_ar"]
"""Columns that no verdict rests on."""


def test_every_hypothesis_has_a_verdict_and_a_reason(finished):
    found, rows = finished.table("verdicts"), finished.table("evidence")
    assert len(found) == len(rows)
    assert found[KEY].equals(rows[KEY])
    assert set(found["verdict"]) <= {"verified", "refuted", "untestable", "ambiguous"}
    assert (found["reason"].str.len() > 10).all()
    assert found["is_complete"].all()


def test_q_values_are_over_all_hypotheses_of_a_target(finished):
    for model in ("cnn", "vit"):
        found = finished.table("verdicts", model=model)
        p_values = finished.table("evidence", model=model)["p_value"]
        expected = stats.false_discovery_control(p_values, method="bh")
        assert found["q_value"].tolist() == pytest.approx(expected.tolist())
        assert set(found["n_hypotheses"]) == {len(found)}


def test_what_cannot_be_seen_in_its_pictures_is_untestable(finished):
    rows = finished.table("verdicts").merge(finished.table("evidence"), on=KEY)
    is_unseen = rows["word_rank"] >= 5
    assert (rows.loc[is_unseen, "verdict"] == "untestable").all()
    assert not (rows.loc[~is_unseen, "verdict"] == "untestable").any()


def test_other_lines_give_other_verdicts_without_looking_again(copied, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    study = copied.changed(folder, {"n_reference = 4": "n_reference = 4\nn_best_words = 12"})
    before = copied.table("picture_activations")

    study.of_model("cnn", "evidence")
    study.of_model("cnn", "verdicts")

    assert "untestable" not in set(study.table("verdicts", model="cnn")["verdict"])
    assert len(study.table("picture_activations")) == len(before)


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_verdicts_are_those_of_the_stored_evidence(finished, model):
    found, rows = finished.table("verdicts", model=model), finished.table("evidence", model=model)
    assert found["verdict"].tolist() == verdicts_of(rows)


@pytest.fixture(scope="module")
def by_lot(finished, tmp_path_factory):
    """The tiny study with evidence drawn by lot for 12 names of each neuron, judged anew."""
    lines = "n_reference = 4\n" + "\n".join(f"{name} = {one}" for name, one in LINES.items())
    study = finished.changed(tmp_path_factory.mktemp("lot"), {"n_reference = 4": lines})
    lots = np.random.default_rng(3)
    rows = study.table("evidence", model="vit").iloc[[0] * 96]
    low, width = lots.random((2, len(rows))) / [[1.2], [2]]
    rows = rows.assign(
        neuron=np.repeat(range(8), 12),
        concept=CONCEPTS * 8,
        p_value=lots.random(len(rows)) ** 2,
        word_rank=lots.integers(0, 7, len(rows)),
        matched_low=low,
        matched_ar=low + width / 2,
        matched_high=low + width,
        **{name: lots.random(len(rows)) for name in UNUSED},
        reported_ar=lots.random(len(rows)),
        score=lots.random(len(rows)),
    )
    scope = rows[["model"]].drop_duplicates()
    study.bench().warehouse.replace(Replacement("evidence", rows, scope))
    study.of_model("vit", "verdicts")
    return study


@pytest.mark.parametrize(
    ("used", "other"),
    [
        *(("reported_ar", one) for one in ("matched_ar", "matched_low", "ar_to_report")),
        *(("matched_low", "ci_low"), ("matched_high", "ci_high"), ("score", "natural_ap")),
        *(("p_value", "null_ar"), ("word_rank", "neuron_rank")),
    ],
)
def test_each_column_of_the_evidence_says_its_own(by_lot, used, other):
    rows = by_lot.table("evidence", model="vit")
    expected = verdicts_of(rows, **LINES)
    assert by_lot.table("verdicts", model="vit")["verdict"].tolist() == expected
    assert len(set(expected)) == 4
    assert verdicts_of(rows.assign(**{used: rows[other]}), **LINES) != expected
