"""Pictures drawn once and shared, activation rates on the right ones, and the filter over them."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file, save_file

from sieve_assets.assets.picture_bank import generator_name
from sieve_assets.models.generator import DiffusersGenerator
from sieve_assets.models.target import NeuronTarget
from sieve_assets_tests.studies import BY_NEURON, FIRST, assert_same_rows

VERIFY = ("generated_image_sets", "activation_rates")
KEY = ["model", "neuron", "cluster", "concept"]


def other_folder(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def test_a_picture_is_drawn_once_for_all_neurons_and_targets_that_share_its_concept(finished):
    links, bank = (finished.table(name) for name in ("generated_image_sets", "pictures"))
    concepts = finished.table("concept_hypotheses").groupby("model")["concept"].agg(set)

    assert concepts["cnn"] & concepts["vit"]
    references = finished.table("reference_pictures")
    drawn = concepts["cnn"] | concepts["vit"] | set(references["concept"])
    of_controls = set(finished.table("verdict_controls")["concept"]) - drawn
    is_control = bank["prompt"].isin(list(of_controls))
    assert is_control.sum() == 3 * len(of_controls) > 0
    bank = bank[~is_control]
    assert len(bank) == 3 * len(drawn)
    assert {*links["picture_id"], *references["picture_id"]} == set(bank["picture_id"])
    assert len(links) == 3 * len(finished.table("concept_hypotheses"))
    assert links["picture_id"].duplicated().any()
    distinct = links.drop_duplicates(["concept", "seed", "uri"])
    assert not distinct.duplicated(["concept", "seed"]).any()
    assert (
        bank["prompt"].tolist()
        == bank["picture_id"]
        .map(pd.concat([links, references]).groupby("picture_id")["concept"].first())
        .tolist()
    )


def test_a_hypothesis_has_its_pictures_by_seed(finished):
    sets = finished.table("generated_image_sets").groupby(KEY)["seed"].agg(list)
    hypotheses = finished.table("concept_hypotheses")

    assert set(sets.index) == set(hypotheses[KEY].itertuples(index=False, name=None))
    assert all(seeds == [0, 1, 2] for seeds in sets)


def test_nothing_is_drawn_or_observed_a_second_time(finished, copied, count):
    drawn = count(DiffusersGenerator, "draw")
    observed = count(NeuronTarget, "activations")

    copied.of_model("cnn", *VERIFY)

    assert drawn == observed == []
    for table in ("pictures", "picture_activations", *VERIFY):
        assert_same_rows(copied.table(table), finished.table(table), tolerance=0)


def test_more_pictures_a_concept_are_added_to_those_there_are(copied, tmp_path, count):
    more = copied.changed(other_folder(tmp_path), {"n_images = 3": "n_images = 4"})
    n_concepts = copied.table("concept_hypotheses", model="cnn")["concept"].nunique()
    drawn = count(DiffusersGenerator, "draw")

    more.of_model("cnn", *VERIFY, batch_size=2)

    assert sum(drawn) == n_concepts
    assert len(more.table("pictures")) == len(copied.table("pictures")) + n_concepts
    assert set(more.table("activation_rates", model="cnn")["n_images"]) == {4}
    assert set(more.table("activation_rates", model="vit")["n_images"]) == {3}


@pytest.mark.parametrize(
    "changes",
    [
        {"steps = 2": "steps = 3"},
        {"guidance = 3.0": "guidance = 2.0"},
        {"n_images = 3": 'n_images = 3\nprompt = "a photo of {}"'},
        {"n_images = 3": 'n_images = 3\nnegative_prompt = "a cat"'},
    ],
    ids=["steps", "guidance", "prompt", "negative prompt"],
)
def test_pictures_drawn_otherwise_are_other_pictures(copied, tmp_path, count, changes):
    study = copied.changed(other_folder(tmp_path), changes)
    neuron = int(copied.table("concept_hypotheses", model="cnn")["neuron"].iloc[0])
    n_concepts = copied.table("concept_hypotheses", model="cnn", neuron=neuron)["concept"].nunique()
    drawn = count(DiffusersGenerator, "draw")

    study.of_model("cnn", *VERIFY, neurons=[neuron])

    assert sum(drawn) == 3 * n_concepts
    before, after = (
        one.table("generated_image_sets", model="cnn", neuron=neuron) for one in (copied, study)
    )
    assert not set(before["picture_id"]) & set(after["picture_id"])
    assert not set(before["uri"]) & set(after["uri"])
    seen = study.table("picture_activations", model="cnn")["picture_id"]
    assert set(after["picture_id"]) <= set(seen)


def test_another_pipeline_draws_anew(copied, tmp_path):
    old = copied.bench().study.generator.pipeline
    shutil.copytree(old, tmp_path / "drawer")
    folder = other_folder(tmp_path)
    study = copied.changed(folder, {str(old): str(tmp_path / "drawer")})
    same = generator_name(study.bench())
    weights = tmp_path / "drawer" / "vae" / "diffusion_pytorch_model.safetensors"
    state = load_file(weights)
    state["decoder.conv_out.bias"] += 0.1
    save_file(state, weights, metadata={"format": "pt"})

    assert same == generator_name(copied.bench())
    assert generator_name(study.bench()) != same
    assert same.startswith("drawer@")


def test_rates_are_of_the_targets_own_weights(copied, tmp_path):
    """Pictures are seen again by changed weights; what the old ones made of them stays unused."""
    weights = Path(copied.bench().study.targets["cnn"].weights)
    state = load_file(weights)
    state["layer4.0.bn2.bias"] += 1
    save_file(state, tmp_path / "cnn.safetensors")
    study = copied.changed(
        other_folder(tmp_path), {str(weights): str(tmp_path / "cnn.safetensors")}
    )

    with pytest.raises(LookupError, match=r"expected probe_pass of cnn .* another model made"):
        study.of_model("cnn", "activation_rates")
    study.of_model("cnn", "probe_pass")
    study.of_model("cnn", *BY_NEURON)

    old, new = (one.table("picture_activations", model="cnn") for one in (copied, study))
    assert len(new) > len(old)
    assert new["weights_hash"].nunique() == 2
    current = study.bench().target("cnn").weights_hash
    seen = new[new["weights_hash"] == current].set_index("picture_id")["activation"]
    for rate in study.table("activation_rates", model="cnn").itertuples():
        links = study.table(
            "generated_image_sets", model="cnn", neuron=rate.neuron, cluster=rate.cluster
        )
        pictures = links.loc[links["concept"] == rate.concept, "picture_id"]
        active = [seen[picture][rate.neuron] > np.float32(rate.threshold) for picture in pictures]
        assert rate.n_active == sum(active)


def test_pictures_not_yet_seen_are_observed_one_by_one_alike(finished):
    bench = finished.bench(batch_size=1)
    uris = finished.table("pictures").set_index("picture_id")["uri"]

    for model in ("cnn", "vit"):
        for seen in finished.table("picture_activations", model=model).itertuples():
            [alone] = bench.target(model).activations([bench.images.open(uris[seen.picture_id])])
            np.testing.assert_allclose(seen.activation, alone, rtol=1e-5, atol=1e-5)


def test_the_filter_keeps_what_is_not_below_the_mean_of_its_target(finished):
    for _, rows in finished.table("verified_concepts").groupby("model"):
        rates = rows["activation_rate"]
        assert set(rows["n_hypotheses"]) == {len(rows)}
        assert rows["is_complete"].all()
        assert rows["initial_mean_ar"].tolist() == pytest.approx([rates.mean()] * len(rows))
        is_kept = rows["paper_kept"]
        assert is_kept.tolist() == (rates >= rates.mean() - 1e-12).tolist()
        assert rows["final_mean_ar"].tolist() == pytest.approx([rates[is_kept].mean()] * len(rows))
    assert not finished.table("verified_concepts")["paper_kept"].all()


def test_a_target_is_complete_only_when_each_neuron_was_tested(finished, tmp_path):
    study = finished.anew(tmp_path)
    study.of_model("cnn", *FIRST)
    study.of_model("cnn", *BY_NEURON, neurons=[1, 2, 3])
    study.of_model("cnn", "verified_concepts")
    some = study.table("verified_concepts")

    assert set(some["neuron"]) <= {1, 3}
    assert not some["is_complete"].any()
    study.of_model("cnn", *BY_NEURON)
    study.of_model("cnn", "verified_concepts")
    assert_same_rows(
        study.table("verified_concepts"),
        finished.table("verified_concepts", model="cnn"),
        tolerance=1e-12,
    )


def test_a_neurons_status_follows_from_its_hypotheses(finished):
    statuses = finished.table("neuron_status").set_index(["model", "neuron"])["status"]
    kept = finished.table("verified_concepts").groupby(["model", "neuron"])["paper_kept"].any()

    selected = finished.table("neuron_ratios").set_index(["model", "neuron"])["status"]
    for place, status in statuses.items():
        tested = {True: "verified", False: "unverified"}
        assert status == (tested[kept[place]] if place in kept.index else selected[place])
    assert {"verified", "unverified", "low_contrast", "dead"} <= set(statuses)


def test_a_target_without_hypotheses_ends_well(copied, tmp_path):
    study = copied.changed(other_folder(tmp_path), {"beta_signed = 1.6": "beta_signed = 99.0"})

    study.of_model("vit", *BY_NEURON[1:])
    result = study.of_model("vit", "verified_concepts")

    told = result.asset_materializations_for_node("verified_concepts")[0].metadata
    assert told["hypotheses"].value == 0
    for table in ("concept_hypotheses", *VERIFY, "verified_concepts"):
        assert study.table(table, model="vit").empty
        assert len(study.table(table, model="cnn")) == len(copied.table(table, model="cnn")) > 0
