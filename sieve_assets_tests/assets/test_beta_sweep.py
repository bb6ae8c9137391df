"""SIEVE at other thresholds, recounted from the stored rows; at its own, it is SIEVE."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

from sieve_assets.assets.beta_sweep import BY_SAMPLE, beta_sweep, betas_of
from sieve_assets.assets.staleness import STALE, find_stale
from sieve_assets_tests import counted_names as counted
from sieve_assets_tests.methods import known_truth
from sieve_assets_tests.studies import DEAD, SHOWN, SPARSE

OWN = {"cnn": 1.12, "vit": 1.6}
TRIED = {
    "[compare.www]": "[compare]\nbetas = [1.02, 1.3]\nsigned_betas = [0.5, 1.7]\n\n[compare.www]"
}
BETAS = {"cnn": [1.02, 1.12, 1.3], "vit": [0.5, 1.6, 1.7]}


@pytest.fixture(scope="module")
def swept(varied, tmp_path_factory):
    """With thresholds between which the tiny networks' neurons lie."""
    study = varied.changed(tmp_path_factory.mktemp("swept"), TRIED)
    with known_truth():
        for model in OWN:
            study.of_model(model, "beta_sweep")
    return study


@pytest.fixture(autouse=True)
def _as_when_it_was_made() -> Iterator[None]:
    with known_truth():
        yield


def names_above(study, model, beta):
    """By neuron above the threshold, its names with their evidence and truth, by loops."""
    ratios = study.table("neuron_ratios", model=model).set_index("neuron")["ratio"]
    evidence, truth = (
        {
            (row["neuron"], row["concept"]): row
            for row in study.table(name, model=model).to_dict("records")
        }
        for name in ("compared_evidence", "compared_truth")
    )
    found = {neuron: [] for neuron, ratio in ratios.items() if ratio > beta}
    named = study.table("neuron_explanations", model=model, explainer="sieve_without_select")
    for row in named.sort_values(["neuron", "place"]).to_dict("records"):
        pair = (row["neuron"], row["concept"])
        if row["neuron"] in found:
            is_true = truth[pair]["oracle_true"] if truth else math.nan
            found[row["neuron"]].append(
                evidence[pair] | {"is_true": is_true, "place": row["place"]}
            )
    return found


@pytest.mark.parametrize("model", OWN)
def test_rows_are_those_of_loops_over_the_neurons_above_each_threshold(swept, model):
    rows = swept.table("beta_sweep", model=model).sort_values("beta")
    assert rows["beta"].tolist() == BETAS[model]
    for row in rows.to_dict("records"):
        found = names_above(swept, model, row["beta"])
        names = [one for some in found.values() for one in some]
        mean = sum(one["activation_rate"] for one in names) / len(names)
        kept = [one for one in names if one["activation_rate"] >= mean - 1e-12]
        assert row["n_selected"] == len(found)
        assert row["coverage"] == len(found) / row["n_neurons"]
        assert row["n_names"] == len(names)
        assert row["names_ar"] == pytest.approx(mean)
        assert row["names_ar_low"] <= row["names_ar"] <= row["names_ar_high"]
        assert row["n_kept_names"] == len(kept)
        assert row["kept_names_ar"] == pytest.approx(
            np.mean([one["activation_rate"] for one in kept])
        )
        assert row["true_names"] == pytest.approx(
            np.mean([one["is_true"] for one in names]), nan_ok=True
        )
        assert row["true_kept_names"] == pytest.approx(
            np.mean([one["is_true"] for one in kept]), nan_ok=True
        )
        is_verified = [any(one["verdict"] == "verified" for one in some) for some in found.values()]
        assert row["verified_coverage"] == sum(is_verified) / row["n_neurons"]


@pytest.mark.parametrize("model", OWN)
def test_figures_are_those_of_methods_with_the_neurons_above_each_threshold(swept, model):
    for row in swept.table("beta_sweep", model=model).to_dict("records"):
        names = [one for some in names_above(swept, model, row["beta"]).values() for one in some]
        first, kept = counted.first_names(names), counted.kept_names(names)
        verified, generator = counted.verified_names(names), counted.draws()
        values = {
            "mean_ar": [one["activation_rate"] for one in first],
            "kept_ar": [one["activation_rate"] for one in kept],
            "verified_ar": [one["ar_to_report"] for one in verified],
        }
        ends = list(counted.intervals_of(*values.values(), generator=generator))
        line = counted.mean_of([one["activation_rate"] for one in names]) - 1e-12
        several = {
            "names_ar": names,
            "kept_names_ar": [one for one in names if one["activation_rate"] >= line],
        }
        ends += [by_neurons(some, generator) for some in several.values()]
        for name, (low, high) in zip([*values, *several], ends, strict=True):
            found = [row[f"{name}_low"], row[f"{name}_high"]]
            assert found == pytest.approx([low, high], nan_ok=True), name
        for name, rates in values.items():
            assert row[name] == pytest.approx(counted.mean_of(rates), nan_ok=True)
        assert row["kept_coverage"] == pytest.approx(len(kept) / row["n_neurons"])
        is_true = [one["is_true"] for one in verified]
        assert row["true_verified"] == pytest.approx(counted.mean_of(is_true), nan_ok=True)


def by_neurons(names, generator):
    """The interval of the names' mean AR, where neurons are drawn with all their names."""
    rates = {}
    for one in names:
        rates.setdefault(one["neuron"], []).append(one["activation_rate"])
    several, means = list(rates.values()), []
    for _ in range(counted.N_RESAMPLES):
        drawn = [several[one] for one in generator.integers(len(several), size=len(several))]
        means.append(counted.mean_of([rate for some in drawn for rate in some]))
    return counted.percentiles_of(means)


def test_thresholds_make_a_difference_and_the_truth_is_known_of_one_target(swept):
    rows = swept.table("beta_sweep").sort_values(["model", "beta"])
    for _, some in rows.groupby("model"):
        assert some["n_selected"].is_monotonic_decreasing
        assert some["n_selected"].nunique() > 1
    assert rows.loc[rows["model"] == "cnn", "true_names"].notna().all()
    assert rows.loc[rows["model"] == "vit", "true_names"].isna().all()


@pytest.mark.parametrize("model", OWN)
def test_at_its_own_threshold_the_neurons_names_and_figures_are_sieves(swept, model):
    [row] = swept.table("beta_sweep", model=model, is_own=True).to_dict("records")
    [sieve] = swept.table("method_comparison", model=model, explainer="sieve").to_dict("records")
    own = swept.table("explanations", model=model, explainer="sieve")
    selected = swept.table("neuron_ratios", model=model, status="selected")["neuron"]

    found = names_above(swept, model, OWN[model])

    assert row["beta"] == OWN[model]
    assert set(found) == set(selected)
    assert sorted((one["neuron"], one["concept"]) for some in found.values() for one in some) == (
        sorted(zip(own["neuron"], own["concept"], strict=True))
    )
    assert row["n_names"] == len(own)
    alike = [
        *(
            f"{name}{end}"
            for name in ("mean_ar", "kept_ar", "verified_ar")
            for end in ("", "_low", "_high")
        ),
        *("kept_coverage", "verified_coverage", "true_verified"),
    ]
    for name in alike:
        assert row[name] == pytest.approx(sieve[name], nan_ok=True), name


def test_a_dead_neuron_is_never_selected_and_a_sparse_one_always(methods):
    """The default thresholds are far above what tiny random networks reach."""
    rows = methods.table("beta_sweep", model="cnn").sort_values("beta")
    ratios = methods.table("neuron_ratios", model="cnn").set_index("neuron")["ratio"]
    assert rows["beta"].tolist() == [1.12, 4.0, 6.0, 8.0, 10.0, 12.0]
    assert ratios[SPARSE] == np.inf
    assert np.isnan(ratios[DEAD])
    assert rows["n_selected"].iloc[-1] == (ratios == np.inf).sum()


def test_where_nothing_is_selected_there_is_a_row_without_means(swept, tmp_path):
    none = swept.changed(tmp_path, {"signed_betas = [0.5, 1.7]": "signed_betas = [1e30]"})
    none.of_model("vit", "beta_sweep")
    [row] = none.table("beta_sweep", model="vit", beta=1e30).to_dict("records")
    assert (row["n_selected"], row["coverage"], row["n_names"], row["n_kept_names"]) == (0, 0, 0, 0)
    assert (row["kept_coverage"], row["verified_coverage"]) == (0, 0)
    assert np.isnan([row[name] for name in ("names_ar", "mean_ar", "kept_ar", "verified_ar")]).all()


def test_other_thresholds_make_it_alone_stale_and_a_second_run_makes_nothing(swept, tmp_path):
    other = swept.changed(tmp_path, {"betas = [1.02, 1.3]": "betas = [1.02]"})
    stale = [(one.stage, one.model) for one in find_stale(other.bench()) if one.state == STALE]
    assert [one for one in stale if one[0] not in SHOWN] == [("beta_sweep", "cnn")]
    before = swept.table("provenance", stage="beta_sweep")
    swept.of_model("cnn", "beta_sweep")
    assert swept.table("provenance", stage="beta_sweep").equals(before)


def test_where_beta_admits_samples_there_is_nothing_to_try(swept, tmp_path):
    other = swept.changed(tmp_path, {"n_samples = 6": 'n_samples = 6\ngate = "sample"'})
    bench = other.bench()
    assert beta_sweep.recipe(bench, "cnn").status == BY_SAMPLE
    assert betas_of(bench.study, "vit") == BETAS["vit"]
