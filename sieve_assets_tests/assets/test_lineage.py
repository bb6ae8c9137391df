"""What is absent or out of date is refused by name, before anything is computed."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from sieve_assets.assets.lineage import input_hash
from sieve_assets.assets.pipeline import STAGES
from sieve_assets_tests.studies import BY_NEURON, assert_same_rows

STAGE = {stage.name: stage for stage in STAGES}


def other_folder(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def with_own(kind, study, tmp_path):
    """The study with a copy of its scenes or its CNN's weights; the place of the copy."""
    settings = study.bench().study
    place = settings.probes["scenes"].path if kind == "scenes" else settings.targets["cnn"].weights
    copy = shutil.copytree if kind == "scenes" else shutil.copy
    own = copy(place, tmp_path / Path(place).name)
    return study.changed(other_folder(tmp_path), {str(place): str(own)}), Path(own)


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage.reads], ids=lambda s: s.name)
def test_a_stage_names_what_must_be_made_before_it(empty, stage):
    first = re.escape(stage.reads[0].name)

    with pytest.raises(LookupError, match=rf"^{stage.name}: .*got nothing.*Materialize {first} "):
        empty.of_model("cnn", stage.name)

    assert empty.table("provenance").empty


def test_what_is_absent_for_some_neurons_is_told_with_them(finished, tmp_path):
    study = finished.anew(tmp_path)
    study.of_model("cnn", "probe_images", "probe_pass")
    study.of_model("cnn", "probe_activations", neurons=[1, 2])

    with pytest.raises(LookupError, match="probe_activations of cnn, neurons 0, 3, 4, 5 as it"):
        study.of_model("cnn", "neuron_ratios")
    study.of_model("cnn", "neuron_ratios", neurons=[1, 2])


def test_a_changed_image_must_go_through_every_stage(copied, tmp_path):
    study, scenes = with_own("scenes", copied, tmp_path)
    Image.new("RGB", (64, 64), "red").save(min(scenes.rglob("*.png")))
    study.of_model("cnn", "probe_images")

    for stage in ("selected_samples", "verified_concepts"):
        with pytest.raises(LookupError, match=r"probe_pass of cnn as .* Materialize probe_pass"):
            study.of_model("cnn", stage)
    study.of_model("cnn", "probe_pass")
    with pytest.raises(LookupError, match=r"probe_activations of cnn, neurons .* replaced since"):
        study.of_model("cnn", "clusters")
    study.of_model("cnn", *BY_NEURON[:4], neurons=[1, 2])
    study.of_model("cnn", "clusters", neurons=[1, 2])


def test_images_that_two_targets_share_are_new_for_both(copied, tmp_path):
    study, scenes = with_own("scenes", copied, tmp_path)
    Image.new("RGB", (64, 64), "red").save(min(scenes.rglob("*.png")))
    study.of_model("cnn", "probe_images")

    with pytest.raises(LookupError, match=r"expected probe_pass of vit .* replaced since"):
        study.of_model("vit", "neuron_ratios")


def test_the_same_images_elsewhere_are_no_change(copied, tmp_path):
    study, _ = with_own("scenes", copied, tmp_path)

    study.of_model("cnn", "probe_images", "probe_pass")
    study.of_model("cnn", "patch_embeddings", "clusters")

    assert_same_rows(study.table("clusters"), copied.table("clusters"), tolerance=0)


@pytest.mark.parametrize("stage", ["patch_embeddings", "activation_rates"])
def test_changed_weights_do_not_meet_the_old_pass(copied, tmp_path, stage):
    study, weights = with_own("weights", copied, tmp_path)
    study.of_model("cnn", stage, neurons=[3])  # the same weights elsewhere
    state = load_file(weights)
    state["layer4.0.bn2.bias"] += 1
    save_file(state, weights)

    with pytest.raises(LookupError, match=r"probe_pass of cnn .* got what another model made"):
        study.of_model("cnn", stage, neurons=[3])
    study.of_model("vit", stage, neurons=[7])


def test_words_are_not_compared_with_patches_of_another_model(copied, tmp_path):
    folder = copied.bench().study.vision_language.model
    own = shutil.copytree(folder, tmp_path / "clip")
    state = load_file(own / "open_clip_model.safetensors")
    state["text_projection"] *= 2
    save_file(state, own / "open_clip_model.safetensors")
    study = copied.changed(other_folder(tmp_path), {str(folder): str(own)})

    with pytest.raises(LookupError, match=r"expected patch_embeddings of cnn, .* another model"):
        study.of_model("cnn", "concept_hypotheses")


def test_input_hashes_name_each_stage_with_its_output():
    outputs = {("clusters", 3): "a", ("patch_embeddings", 3): "b", ("clusters", 4): "c"}
    text = '[["clusters","a"],["patch_embeddings","b"]]'

    found = input_hash(STAGE["concept_hypotheses"], 3, outputs)

    assert found == hashlib.sha256(text.encode()).hexdigest()


def test_the_input_of_a_whole_model_is_of_all_its_neurons():
    outputs = {("activation_rates", 4): "a", ("activation_rates", 3): "b", ("clusters", 4): "c"}
    text = '[["activation_rates",[[3,"b"],[4,"a"]]]]'

    found = input_hash(STAGE["verified_concepts"], -1, outputs)

    assert found == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("changes", "stage", "upstream"),
    [
        ({"[hypothesize]": "[hypothesize]\ncrop_padding = 0.3"}, "clusters", "patch_embeddings"),
        ({"beta = 1.12": "beta = 1.9"}, "generated_image_sets", "neuron_ratios"),
        ({"guidance = 3.0": "guidance = 2.0"}, "activation_rates", "generated_image_sets"),
    ],
)
def test_what_other_settings_made_is_not_gone_on_from(copied, tmp_path, changes, stage, upstream):
    study = copied.changed(other_folder(tmp_path), changes)

    with pytest.raises(LookupError, match=rf"expected {upstream} of cnn.* with other settings"):
        study.of_model("cnn", stage)
