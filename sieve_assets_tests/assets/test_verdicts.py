"""Every hypothesis has a verdict with a reason, and q-values are over the whole target."""

import pytest
from scipy import stats

KEY = ["model", "neuron", "concept"]


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
