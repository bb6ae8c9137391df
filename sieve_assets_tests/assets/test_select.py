"""Which neurons are selected, and their samples."""

import numpy as np
import pandas as pd
import pytest

from sieve_assets.assets.partitions import Share
from sieve_assets.assets.select import read_activations, read_distribution
from sieve_assets_tests.studies import DEAD, NEGATIVE, SPARSE, assert_same_rows

SELECT = ("neuron_ratios", "selected_samples")
VIT_RULE = 'width = 8\nmaps = "class_token_contributions"\nrule = "signed"'


def ratios(study, model):
    return study.table("neuron_ratios", model=model).set_index("neuron")


def test_each_status_is_given_for_its_reason(finished):
    found = ratios(finished, "cnn")

    assert found["status"][DEAD] == "dead"
    assert np.isnan(found["ratio"][DEAD])
    assert (found["status"][SPARSE], found["is_sparse"][SPARSE]) == ("selected", True)
    assert np.isinf(found["ratio"][SPARSE])
    others = found.drop([DEAD, SPARSE])
    assert ((others["ratio"] > 1.12) == (others["status"] == "selected")).all()
    assert set(others["status"]) == {"selected", "low_contrast"}
    assert not others["is_sparse"].any()


def test_each_target_has_its_own_rule_and_threshold(finished):
    found = finished.table("neuron_ratios").groupby("model")[["rule", "beta"]].first()

    assert found.loc["cnn"].tolist() == ["ratio", 1.12]
    assert found.loc["vit"].tolist() == ["signed", 1.6]


def test_only_selected_neurons_have_samples(finished):
    selected = finished.table("neuron_ratios").query("status == 'selected'")
    counts = finished.table("selected_samples").groupby(["model", "neuron"]).size()

    assert sorted(counts.index) == sorted(zip(selected["model"], selected["neuron"], strict=True))
    assert set(counts) == {6}


def test_a_neuron_that_is_never_positive_has_its_true_strongest_images(finished):
    """SemanticLens's defect: a running top-k that begins at 0 fills up with image -1."""
    images = finished.table("probe_activations", model="vit", neuron=NEGATIVE)
    held_out = finished.table("probe_images").set_index("image_id")["is_held_out"]
    eligible = images[~held_out[images["image_id"]].to_numpy()]

    samples = finished.table("selected_samples", model="vit", neuron=NEGATIVE)

    assert (images["activation"] < 0).all()
    best = eligible.sort_values(["activation", "image_id"], ascending=[False, True]).head(6)
    assert samples["image_id"].tolist() == best["image_id"].tolist()
    assert samples["activation"].tolist() == best["activation"].tolist()


def test_a_held_out_image_is_never_a_sample(finished):
    images = finished.table("probe_images")
    held_out = set(images.loc[images["is_held_out"], "image_id"])

    assert len(held_out) > 0
    assert not held_out & set(finished.table("selected_samples")["image_id"])


def test_more_images_held_out_change_ratios_and_samples(copied, tmp_path):
    """Every stage that leaves held-out images aside must be made again with them."""
    (tmp_path / "other").mkdir()
    more = copied.changed(
        tmp_path / "other", {"n_samples = 6": "n_samples = 6\nheld_out_share = 0.5"}
    )
    more.of_model("cnn", "probe_images", "probe_pass")
    more.of_model("cnn", "probe_activations", *SELECT)

    images = more.table("probe_images")
    held_out = set(images.loc[images["is_held_out"], "image_id"])
    assert len(held_out) > 20
    assert not held_out & set(more.table("selected_samples", model="cnn")["image_id"])
    assert (ratios(more, "cnn")["median"] != ratios(copied, "cnn")["median"]).any()
    before, after = (
        study.table("provenance", model="cnn", stage="neuron_ratios") for study in (copied, more)
    )
    assert (before["input_hash"] != after["input_hash"]).all()


def test_negative_activations_under_the_ratio_rule_are_refused(copied, tmp_path):
    (tmp_path / "other").mkdir()
    other = copied.changed(tmp_path / "other", {VIT_RULE: VIT_RULE.replace("signed", "ratio")})

    with pytest.raises(ValueError, match=r'got -.* Set rule = "signed" for this target\.'):
        other.of_model("vit", "neuron_ratios")

    assert_same_rows(other.table("neuron_ratios"), copied.table("neuron_ratios"), tolerance=0)


def test_a_gate_on_samples_keeps_those_above_beta(copied, tmp_path):
    (tmp_path / "other").mkdir()
    gated = copied.changed(tmp_path / "other", {"n_samples = 6": 'n_samples = 6\ngate = "sample"'})
    gated.of_model("cnn", *SELECT)

    medians = ratios(gated, "cnn")["median"]
    kept = []
    for neuron in medians.index:
        best = gated.table("probe_activations", model="cnn", neuron=neuron)
        images = gated.table("probe_images").query("not is_held_out")["image_id"]
        best = best[best["image_id"].isin(images)]
        best = best.sort_values(["activation", "image_id"], ascending=[False, True]).head(6)
        above = best["activation"] > 1.12 * medians[neuron]
        kept += [(neuron, image_id) for image_id in best.loc[above, "image_id"]]
    samples = gated.table("selected_samples", model="cnn")
    assert list(zip(samples["neuron"], samples["image_id"], strict=True)) == kept
    assert 0 < len(kept) < 36


def test_another_beta_selects_other_neurons_and_takes_their_samples_away(copied, tmp_path):
    (tmp_path / "other").mkdir()
    strict = copied.changed(tmp_path / "other", {"beta = 1.12": "beta = 3.0"})

    strict.of_model("cnn", *SELECT)

    selected = ratios(strict, "cnn").query("status == 'selected'").index
    before = set(copied.table("selected_samples", model="cnn")["neuron"])
    assert set(strict.table("selected_samples", model="cnn")["neuron"]) == set(selected) < before
    assert_same_rows(
        strict.table("selected_samples", model="vit"),
        copied.table("selected_samples", model="vit"),
        tolerance=0,
    )


def test_no_neuron_selected_is_no_failure(copied, tmp_path):
    (tmp_path / "other").mkdir()
    none = copied.changed(tmp_path / "other", {"beta_signed = 1.6": "beta_signed = 99.0"})

    assert none.of_model("vit", *SELECT).success
    rows = none.table("selected_samples", model="vit")
    assert isinstance(rows, pd.DataFrame)
    assert rows.empty


def test_one_neurons_activations_are_those_it_has_among_all(finished):
    bench, width = finished.bench(), 6
    together = read_activations(bench, Share("cnn", list(range(width)), []))
    for neuron in range(width):
        alone = read_activations(bench, Share("cnn", [neuron], []))
        np.testing.assert_array_equal(alone, together[[neuron]])
    stored = finished.table("neuron_activations", model="vit", neuron=3)["activation"][0]
    np.testing.assert_array_equal(read_distribution(bench, "vit", 3), stored)


def test_activations_that_are_not_stored_are_refused(finished):
    with pytest.raises(LookupError, match="cnn, neuron 6, got none stored"):
        read_distribution(finished.bench(), "cnn", 6)
