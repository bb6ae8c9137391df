from pathlib import Path

import pytest
from pydantic import ValidationError

from sieve_assets.study import (
    Concepts,
    Generator,
    Hypothesize,
    Select,
    Target,
    Transform,
    Verify,
)
from sieve_assets.study_file import load_study

TRANSFORM = Transform(resize_px=8, crop_px=8, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def target(**changes):
    settings = {
        "network": "timm:resnet18",
        "weights": Path("somewhere.safetensors"),
        "n_classes": 2,
        "layer": "layer4",
        "reducer": "mean",
        "width": 8,
        "maps": "feature_map",
        "rule": "ratio",
        "transform": TRANSFORM,
        "probe": "scenes",
    }
    return Target(**(settings | changes))


def test_defaults_are_those_of_the_paper_where_it_gives_them():
    select = Select()
    assert (select.beta, select.n_samples, select.percentile) == (10, 20, 99)
    assert select.gate == "neuron"
    assert Hypothesize().n_concepts == 2


def test_every_setting_says_what_it_means():
    for section in (Transform, Target, Concepts, Generator, Select, Hypothesize, Verify):
        unexplained = [key for key, field in section.model_fields.items() if not field.description]
        assert unexplained == []


def test_every_default_of_the_method_names_its_source():
    for section in (Select, Hypothesize, Verify):
        for key, field in section.model_fields.items():
            assert "SIEVE" in field.description or "method.md" in field.description, key


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Select().beta = 4.0


def test_settings_made_in_code_keep_their_paths_and_need_no_files():
    assert target().weights == Path("somewhere.safetensors")
    assert target(probe="anything").probe == "anything"


@pytest.mark.parametrize(
    ("reducer", "maps"), [("class_token", "feature_map"), ("mean", "class_token_contributions")]
)
def test_maps_that_the_reducer_cannot_have_are_refused(reducer, maps):
    with pytest.raises(ValidationError, match="maps that go with reducer"):
        target(reducer=reducer, maps=maps)


def test_a_crop_larger_than_the_resized_picture_is_refused():
    with pytest.raises(ValidationError, match="at most resize_px = 8"):
        Transform(**(TRANSFORM.model_dump() | {"crop_px": 9}))


def test_the_widest_target_gives_the_number_of_neurons(study_folder):
    text = study_folder.file.read_text()
    second = text[: text.index("[probes")].replace("targets.small", "targets.wide")
    study_folder.file.write_text(text + second.replace("width = 8", "width = 21"))
    assert load_study(study_folder.file).n_neurons == 21
