"""The methods' figures, recounted from the stored rows; and which number knows the truth."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from sieve_assets.assets.control_explanations import CONTROLS
from sieve_assets.assets.method_comparison import (
    OF_METHODS,
    PHRASES,
    SCORES,
    WITH_CONTROLS,
    judged_names,
)
from sieve_assets_tests import counted_names as counted
from sieve_assets_tests.methods import NAMES

WIDTH = {"cnn": 6, "vit": 8}


@pytest.fixture(params=["methods", "varied"])
def study(request):
    """What tiny networks do, and what is drawn by lot."""
    return request.getfixturevalue(request.param)


def rows_of(study, model):
    """Each method's stored row with its judged names."""
    names = counted.judged_names(study, model)
    rows = study.table("method_comparison", model=model).to_dict("records")
    assert {row["explainer"] for row in rows} == set(names)
    return [(row, names[row["explainer"]]) for row in rows]


def same(*expected):
    return pytest.approx(list(expected), nan_ok=True)


@pytest.mark.parametrize("model", WIDTH)
def test_rates_and_coverage_are_those_of_the_first_names(study, model):
    for row, names in rows_of(study, model):
        first, kept = counted.first_names(names), counted.kept_names(names)
        assert row["n_neurons"] == WIDTH[model]
        assert row["n_named"] == len(first)
        assert row["coverage"] == pytest.approx(len(first) / WIDTH[model])
        assert row["kept_coverage"] == pytest.approx(len(kept) / WIDTH[model])
        for name, some in (("mean_ar", first), ("kept_ar", kept)):
            rates = [one["activation_rate"] for one in some]
            assert row[name] == pytest.approx(sum(rates) / len(rates))


def test_a_verified_neuron_counts_once_by_the_pictures_that_did_not_decide(varied):
    several = 0
    for model, width in WIDTH.items():
        for row, names in rows_of(varied, model):
            verified = [one for one in names if one["verdict"] == "verified"]
            chosen = counted.verified_names(names)
            several += len(verified) > len(chosen) > 0
            assert row["verified_coverage"] == pytest.approx(len(chosen) / width)
            reported = [one["ar_to_report"] for one in chosen]
            assert row["verified_ar"] == pytest.approx(counted.mean_of(reported), nan_ok=True)
    assert several


@pytest.mark.parametrize("model", WIDTH)
def test_intervals_are_those_of_a_bootstrap_over_neurons(study, model):
    for row, names in rows_of(study, model):
        values = {
            "mean_ar": [one["activation_rate"] for one in counted.first_names(names)],
            "kept_ar": [one["activation_rate"] for one in counted.kept_names(names)],
            "verified_ar": [one["ar_to_report"] for one in counted.verified_names(names)],
        }
        found = counted.intervals_of(*values.values(), generator=counted.draws())
        for name, ends in zip(values, found, strict=True):
            assert [row[f"{name}_low"], row[f"{name}_high"]] == same(*ends), name


@pytest.mark.parametrize("model", WIDTH)
def test_the_curve_and_equal_coverage_are_those_of_neurons_coming_in_one_by_one(study, model):
    rows = rows_of(study, model)
    [own] = [names for row, names in rows if row["explainer"] == "sieve"]
    sieve = counted.curve_of(counted.verified_names(own))
    for row, names in rows:
        curve = counted.curve_of(counted.chosen_names(names))
        coverage = [(place + 1) / WIDTH[model] for place in range(len(curve))]
        assert row["curve_coverage"].tolist() == same(*coverage)
        assert row["curve_ar"].tolist() == same(*curve)
        n_both = min(len(curve), len(sieve))
        expected = [math.nan] * 3
        if n_both:
            expected = [n_both / WIDTH[model], curve[n_both - 1], sieve[n_both - 1]]
        assert [row[name] for name in ("equal_coverage", "equal_ar", "sieve_equal_ar")] == same(
            *expected
        )


def test_shares_of_true_names_are_known_for_the_embedded_world_only(study):
    truth = study.table("compared_truth", model="cnn")
    nameable = set(truth.loc[truth["oracle_true"], "neuron"])
    assert 0 < len(nameable) < truth["neuron"].nunique()
    for row, names in rows_of(study, "cnn"):
        kinds = {
            "first": counted.first_names(names),
            "kept": counted.kept_names(names),
            "verified": counted.verified_names(names),
        }
        for kind, chosen in kinds.items():
            is_true = [one["is_true"] for one in chosen]
            assert row[f"true_{kind}"] == pytest.approx(counted.mean_of(is_true), nan_ok=True)
        for kind in ("first", "verified"):
            right = {one["neuron"] for one in kinds[kind] if one["is_true"]}
            assert row[f"recall_{kind}"] == pytest.approx(len(right) / len(nameable))
    unknown = study.table("method_comparison", model="vit").filter(regex="^(true|recall)_")
    assert unknown.shape[1] == 5
    assert unknown.isna().all(axis=None)


def labelled(study):
    """The distinct names that each row of `score_truth` is about, by label."""
    by_method = counted.judged_names(study, "cnn")
    groups = dict(by_method)
    groups[WITH_CONTROLS] = groups[OF_METHODS] = groups[PHRASES] = []
    for explainer, names in by_method.items():
        words = [one for one in names if one["concept"] in NAMES]
        groups[WITH_CONTROLS] = groups[WITH_CONTROLS] + words
        groups[PHRASES] = groups[PHRASES] + [one for one in names if one not in words]
        if explainer not in CONTROLS.values():
            groups[OF_METHODS] = groups[OF_METHODS] + words
    return {
        label: list({(one["neuron"], one["concept"]): one for one in some}.values())
        for label, some in groups.items()
    }


def value_of(name, score):
    """The score as a number; what is not known is below all."""
    value = float(name["verdict"] == "verified") if score == "verdict" else name[score]
    return -math.inf if math.isnan(value) else value


def test_each_row_of_scores_is_about_its_own_names(study):
    rows, groups = study.table("score_truth"), labelled(study)

    assert study.table("score_truth", model="vit").empty
    assert set(rows["labels"]) == {label for label, names in groups.items() if names}
    for label, some in rows.groupby("labels"):
        assert sorted(some["score"]) == sorted([*SCORES, "verdict"])
        assert set(some["n_names"]) == {len(groups[label])}
        assert set(some["n_true"]) == {sum(one["is_true"] for one in groups[label])}


def test_aurocs_are_those_of_scikit_learn(study):
    groups, n_known = labelled(study), 0
    for row in study.table("score_truth").to_dict("records"):
        is_true = [one["is_true"] for one in groups[row["labels"]]]
        if len(set(is_true)) < 2:
            assert np.isnan([row["auroc"], row["auroc_low"], row["auroc_high"]]).all()
            continue
        values = [max(value_of(one, row["score"]), -1e9) for one in groups[row["labels"]]]
        assert row["auroc"] == pytest.approx(roc_auc_score(is_true, values))
        assert row["auroc_low"] <= row["auroc"] <= row["auroc_high"]
        n_known += row["labels"] == PHRASES
    assert n_known == len(SCORES) + 1


@pytest.mark.parametrize("label", [WITH_CONTROLS, OF_METHODS, PHRASES, "sieve"])
def test_intervals_of_aurocs_are_those_of_a_bootstrap_over_neurons(varied, label):
    names = labelled(varied)[label]
    neurons = sorted({one["neuron"] for one in names})
    for row in varied.table("score_truth", labels=label).to_dict("records"):
        generator = counted.draws()
        pairs, draws = list(pairs_of(names, row["score"])), []
        for _ in range(counted.N_RESAMPLES):
            drawn = [neurons[one] for one in generator.integers(len(neurons), size=len(neurons))]
            draws.append(area(pairs, {one: drawn.count(one) for one in neurons}))
        expected = counted.percentiles_of(draws)
        assert [row["auroc_low"], row["auroc_high"]] == same(*expected), row["score"]


def pairs_of(names, score):
    """The neurons of each true name and each other one, and how far the true one is higher."""
    for one, other in itertools.product(names, names):
        if one["is_true"] and not other["is_true"]:
            high, low = value_of(one, score), value_of(other, score)
            yield one["neuron"], other["neuron"], (high > low) + (high == low) / 2


def area(pairs, times):
    """The share of pairs in which the true name is higher, each as often as its neurons."""
    n_pairs = sum(times[one] * times[other] for one, other, _ in pairs)
    better = sum(times[one] * times[other] * won for one, other, won in pairs)
    return better / n_pairs if n_pairs else math.nan


def test_names_are_joined_once_a_method(methods):
    rows = judged_names(methods.bench(), "cnn")

    assert isinstance(rows, pd.DataFrame)
    assert not rows.duplicated(["explainer", "neuron", "concept"]).any()
    assert not rows.columns.duplicated().any()
