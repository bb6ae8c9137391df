"""Class names by the metadata of every library's weights."""

import pytest
from transformers import ViTConfig

from sieve_assets import study_targets
from sieve_assets.models.class_names import class_names, classes_of_neurons

PLACES = "/a/airfield 0\n/a/apartment_building/outdoor 1\n/b/bar 2\n"
OF_IMAGENET = "torchvision:resnet50@IMAGENET1K_V1"


def settings_of(network, **others):
    said = {
        "network": network,
        "layer": "x",
        "reducer": "none",
        "width": 1,
        "maps": "whole",
        "rule": "signed",
        "probe": "x",
    }
    return study_targets.Target(**said | others)


def with_file(folder, text, **others):
    file = folder / "classes.txt"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return settings_of(OF_IMAGENET, class_names=file, **others)


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


def test_a_file_names_classes_by_whole_lines_and_concepts_by_the_first_of_them(tmp_path):
    target = with_file(tmp_path, "\ufefftench, Tinca tinca\r\n\r\ngreat_white shark\n", width=2)

    assert classes_of_neurons(target) == ["tench, Tinca tinca", "great white shark"]
    assert class_names(target) == ["tench", "great white shark"]


def test_the_list_of_places365_is_read_as_it_is(tmp_path):
    target = with_file(tmp_path, PLACES, width=3)
    assert classes_of_neurons(target) == ["airfield", "apartment building/outdoor", "bar"]


def test_a_list_in_another_order_than_its_numbers_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected class 1 in line 2 of .*, got '/b/bar 2'"):
        classes_of_neurons(with_file(tmp_path, "/a/airfield 0\n/b/bar 2\n", width=2))


@pytest.mark.parametrize("width", [2, 4])
def test_another_number_of_classes_than_of_neurons_is_refused(tmp_path, width):
    with pytest.raises(
        ValueError, match=rf"expected {width} lines, one a neuron, got 3 in .*classes"
    ):
        classes_of_neurons(with_file(tmp_path, PLACES, width=width))


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected UTF-8 text in .*classes\.txt"):
        classes_of_neurons(with_file(tmp_path, b"\xff\xfe", width=1))


def test_the_library_s_names_are_those_of_neurons_if_there_are_as_many():
    found = classes_of_neurons(settings_of(OF_IMAGENET, width=1000))
    assert (len(found), found[:2]) == (1000, ["tench", "goldfish"])
    assert classes_of_neurons(settings_of(OF_IMAGENET, width=512)) == []
    by_timm = settings_of("timm:vit_base_patch16_224.augreg_in21k_ft_in1k", width=1000)
    assert classes_of_neurons(by_timm)[0] == "tench, Tinca tinca"


def test_pooled_channels_and_directions_are_no_classes(tmp_path):
    pooled = {"reducer": "mean", "maps": "feature_map"}
    directions = study_targets.Directions(file=tmp_path / "d.safetensors")
    assert classes_of_neurons(with_file(tmp_path, PLACES, width=3, **pooled)) == []
    assert classes_of_neurons(with_file(tmp_path, PLACES, width=3, directions=directions)) == []


def test_weights_that_do_not_say_have_no_classes(resnet_settings):
    target = resnet_settings.model_copy(update={"reducer": "none", "width": 5})
    assert classes_of_neurons(target) == []
