"""Class names by the metadata of every library's weights."""

import pytest
from transformers import ViTConfig

from sieve_assets import study_targets
from sieve_assets.models.class_names import class_names


def settings_of(network):
    return study_targets.Target(
        network=network,
        layer="x",
        reducer="none",
        width=1,
        maps="whole",
        rule="signed",
        probe="x",
    )


@pytest.mark.parametrize(
    "network",
    ["torchvision:resnet50@IMAGENET1K_V2", "timm:vit_base_patch16_224.augreg_in21k_ft_in1k"],
)
def test_imagenets_classes_are_named_by_their_first_word(network):
    names = class_names(settings_of(network))

    assert (len(names), names[:2]) == (1000, ["tench", "goldfish"])
    assert not any("," in name for name in names)


def test_a_classifier_of_transformers_says_its_labels(tmp_path):
    labels = {0: "traffic_light", 1: "cat, house cat", 10: "owl", 2: "dog"}
    ViTConfig(id2label=labels).save_pretrained(tmp_path / "model")

    found = class_names(settings_of(f"transformers:{tmp_path / 'model'}"))

    assert found == ["traffic light", "cat", "dog", "owl"]


def test_weights_that_do_not_say_are_refused(resnet_settings):
    with pytest.raises(LookupError, match="weights that name their classes, got timm:resnet18"):
        class_names(resnet_settings)
