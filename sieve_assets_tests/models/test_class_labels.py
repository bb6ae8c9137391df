"""Labels of probe sets and the classes they mean."""

import json

import pytest
from transformers import ViTConfig

from sieve_assets import study_targets
from sieve_assets.models.class_labels import class_labels, classes_of


def settings_of(network):
    return study_targets.Target(
        network=network, layer="x", reducer="none", width=1, maps="whole", rule="signed", probe="x"
    )


@pytest.mark.parametrize(
    "network",
    ["torchvision:resnet50@IMAGENET1K_V2", "timm:vit_base_patch16_224.augreg_in21k_ft_in1k"],
)
def test_imagenets_classes_are_known_by_number_and_by_name(network):
    accepted = class_labels(settings_of(network))

    labels = ["n01440764", "tench", "Goldfish", "great_white_shark", "crane", "n09999999", ""]
    assert len(accepted) == 1000
    assert classes_of(labels, accepted).tolist() == [0, 0, 1, 2, -1, -1, -1]


def test_other_classes_are_known_by_their_text_and_every_name_in_it(tmp_path):
    labels = {0: "traffic_light", 1: "cat, house cat", 2: "dog"}
    ViTConfig(id2label=labels).save_pretrained(tmp_path / "model")
    assert json.loads((tmp_path / "model" / "config.json").read_text())["id2label"]

    accepted = class_labels(settings_of(f"transformers:{tmp_path / 'model'}"))

    wanted = ["Traffic  light", "house_cat", "cat, house cat", "dog", "n01440764"]
    assert classes_of(wanted, accepted).tolist() == [0, 1, 1, 2, -1]


def test_a_label_that_means_several_classes_means_none():
    assert classes_of(["a", "b"], [{"a"}, {"a", "b"}, set()]).tolist() == [-1, 1]


def test_weights_that_do_not_name_their_classes_are_refused(resnet_settings):
    with pytest.raises(LookupError, match="weights that name their classes"):
        class_labels(resnet_settings)
