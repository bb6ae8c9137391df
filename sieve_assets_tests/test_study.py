import json
import subprocess
import sys
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
    settings_hash,
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


def test_the_same_settings_have_the_same_hash_however_they_are_written():
    assert (
        settings_hash(Select(beta=10))
        == settings_hash(Select(beta=10.0))
        == settings_hash(Select())
    )
    assert settings_hash({"a": 1, "b": [2]}) == settings_hash({"b": [2], "a": 1})
    assert settings_hash(TRANSFORM) == settings_hash(json.loads(TRANSFORM.model_dump_json()))


def test_any_changed_setting_changes_the_hash():
    variants = [target(), target(width=9), target(layer="layer3"), target(rule="signed")]
    variants += [target(network_args={"a": 1}), target(network_args={"a": 2})]
    assert len({settings_hash(variant) for variant in variants}) == len(variants)
    assert settings_hash(1, 2) != settings_hash(2, 1)
    assert settings_hash("a", "b") != settings_hash("ab") != settings_hash(["a", "b"])


def test_the_hash_does_not_depend_on_where_files_lie():
    assert settings_hash(target()) == settings_hash(target(weights=Path("/moved/to.pth")))
    with_hub_name = [{"model": name} for name in ("ViT-B-16", "ViT-B-32")]
    assert settings_hash(with_hub_name[0]) != settings_hash(with_hub_name[1])


def test_the_hash_is_the_same_in_another_process():
    code = "from sieve_assets.study import *; print(settings_hash(Select(), {'b': 1.5, 'a': 'é'}))"
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert hashes == {settings_hash(Select(), {"b": 1.5, "a": "é"})}


def test_what_json_cannot_say_has_no_hash():
    with pytest.raises(TypeError, match="not JSON serializable"):
        settings_hash({"when": object()})


def test_a_number_that_is_not_finite_has_no_hash():
    with pytest.raises(ValueError, match="not JSON compliant"):
        settings_hash(float("nan"))
