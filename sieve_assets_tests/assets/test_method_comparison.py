"""The methods' figures, recounted from the stored rows; and which number knows the truth."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from sieve_assets.assets.control_explanations import CONTROLS
from sieve_assets.assets.method_comparison import SCORES, WITH_CONTROLS, judged_names
from sieve_assets_tests.methods import NAMES


def names_of(study, model):
    """Every judged name of each method, by loops: a dictionary a name."""
    evidence = {
        (row["neuron"], row["concept"]): row
        for row in study.table("compared_evidence", model=model).to_dict("records")
    }
    truth = {
        (row["neuron"], row["concept"]): row["oracle_true"]
        for row in study.table("compared_truth", model=model).to_dict("records")
    }
    found = {}
    for row in study.table("explanations", model=model).to_dict("records"):
        if row["place"] == 0 or row["explainer"].startswith("sieve"):
            pair = (row["neuron"], row["concept"])
            one = evidence[pair] | {"place": row["place"], "is_true": truth.get(pair)}
            found.setdefault(row["explainer"], []).append(one)
    return found


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_rates_and_coverage_are_those_of_the_first_names(methods, model):
    names = names_of(methods, model)
    rows = methods.table("method_comparison", model=model).to_dict("records")
    width = {"cnn": 6, "vit": 8}[model]

    assert {row["explainer"] for row in rows} == set(names)
    for row in rows:
        first = [one for one in names[row["explainer"]] if one["place"] == 0]
        rates = [one["activation_rate"] for one in first]
        mean = sum(rates) / len(rates)
        kept = [rate for rate in rates if rate >= mean]
        assert row["n_named"] == len(first)
        assert row["coverage"] == pytest.approx(len(first) / width)
        assert row["mean_ar"] == pytest.approx(mean)
        assert row["mean_ar_low"] <= row["mean_ar"] <= row["mean_ar_high"]
        assert row["kept_coverage"] == pytest.approx(len(kept) / width)
        assert row["kept_ar"] == pytest.approx(sum(kept) / len(kept))


def test_a_verified_neuron_counts_once_by_the_pictures_that_did_not_decide(methods):
    for model, width in (("cnn", 6), ("vit", 8)):
        names = names_of(methods, model)
        for row in methods.table("method_comparison", model=model).to_dict("records"):
            best = {}
            for one in sorted(names[row["explainer"]], key=lambda one: one["place"]):
                rival = best.get(one["neuron"])
                if one["verdict"] == "verified" and (
                    rival is None or one["ar_to_decide"] > rival["ar_to_decide"]
                ):
                    best[one["neuron"]] = one
            assert row["verified_coverage"] == pytest.approx(len(best) / width)
            if best:
                reported = [one["ar_to_report"] for one in best.values()]
                assert row["verified_ar"] == pytest.approx(np.mean(reported))
            else:
                assert np.isnan(row["verified_ar"])


def test_shares_of_true_names_are_known_for_the_embedded_world_only(methods):
    names = names_of(methods, "cnn")
    for row in methods.table("method_comparison", model="cnn").to_dict("records"):
        first = [one["is_true"] for one in names[row["explainer"]] if one["place"] == 0]
        assert row["true_first"] == pytest.approx(np.mean(first))
    assert methods.table("method_comparison", model="vit")["true_first"].isna().all()
    [oracle] = methods.table("method_comparison", explainer=CONTROLS["best"]).to_dict("records")
    assert oracle["true_first"] == pytest.approx(
        np.mean([one["is_true"] for one in names[CONTROLS["best"]]])
    )


def test_aurocs_are_those_of_scikit_learn_over_all_methods_names(methods):
    distinct = {}
    for some in names_of(methods, "cnn").values():
        distinct |= {
            (one["neuron"], one["concept"]): one for one in some if one["concept"] in NAMES
        }
    is_true = [one["is_true"] for one in distinct.values()]
    rows = methods.table("score_truth", labels=WITH_CONTROLS).set_index("score")

    assert set(rows.index) == {*SCORES, "verdict"}
    assert set(rows["n_names"]) == {len(distinct)}
    assert set(rows["n_true"]) == {sum(is_true)}
    for score in SCORES:
        values = [one[score] for one in distinct.values()]
        lowest = min((value for value in values if not np.isnan(value)), default=0.0) - 1
        known = [lowest if np.isnan(value) else value for value in values]
        assert rows.loc[score, "auroc"] == pytest.approx(roc_auc_score(is_true, known))
    verdicts = [one["verdict"] == "verified" for one in distinct.values()]
    assert rows.loc["verdict", "auroc"] == pytest.approx(roc_auc_score(is_true, verdicts))
    assert methods.table("score_truth", model="vit").empty


def test_names_are_joined_once_a_method(methods):
    rows = judged_names(methods.bench(), "cnn")

    assert not rows.duplicated(["explainer", "neuron", "concept"]).any()
    assert not rows.columns.duplicated().any()
