import json
import subprocess
import sys
from pathlib import Path

import pytest

from sieve_assets.settings_hash import settings_hash, settings_text
from sieve_assets.study import Select
from sieve_assets_tests.test_study_targets import TRANSFORM, target


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
    code = (
        "from sieve_assets.settings_hash import settings_hash;"
        "from sieve_assets.study import Select;"
        "print(settings_hash(Select(), {'b': 1.5, 'a': 'é'}))"
    )
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


def test_the_text_says_what_is_hashed_without_paths():
    said = {"b": 1, "a": {"file": Path("/here"), "share": 2.5}}

    assert settings_text(said) == '{"a":{"share":2.5},"b":1}'
    assert settings_text([said]) != settings_text(said)
