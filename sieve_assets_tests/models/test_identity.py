"""What a model is: the same before it is loaded and after, and told without torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from sieve_assets import study
from sieve_assets.models.identity import (
    generator_identity,
    target_identity,
    vision_language_hash,
)
from sieve_assets.models.target import load_target


def test_identities_are_those_of_the_loaded_models(finished):
    bench = finished.bench()

    assert (
        bench.target_hash("cnn")
        == load_target("cnn", bench.study.targets["cnn"], device="cpu", batch_size=1).weights_hash
    )
    assert bench.vision_language_hash == bench.vision_language.weights_hash
    assert bench.generator_identity == bench.generator.identity


def test_identities_need_no_torch(finished):
    code = """
import sys
from sieve_assets.assets.resources import Workbench
bench = Workbench(study_file=sys.argv[1], data=sys.argv[2])
assert len(bench.target_hash("cnn")) == len(bench.vision_language_hash) == 64
assert bench.generator_identity["steps"] == 2
assert "torch" not in sys.modules
"""
    command = [sys.executable, "-c", code, str(finished.file), str(finished.data)]
    subprocess.run(command, cwd=Path(__file__).parents[2], check=True)


def test_a_folder_that_is_no_pipeline_is_refused(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"0")
    settings = study.Generator(pipeline=tmp_path, steps=2, guidance=1.0, size_px=64)

    with pytest.raises(ValueError, match=r"without a readable model_index\.json"):
        generator_identity(settings, tmp_path)


PLAIN = {
    *("pipeline", "pipeline_class", "scheduler", "negative_prompt", "precision"),
    *("steps", "guidance", "size_px"),
}
"""What the identity of a generator was made of before other settings came: it must stay."""


def test_settings_that_are_absent_are_not_part_of_what_a_model_is(finished):
    bench = finished.bench()
    target, words = bench.study.targets["cnn"], bench.study.vision_language

    assert bench.generator_identity.keys() == PLAIN
    assert "precision" not in target_identity(target)
    assert vision_language_hash(words, "w") == "w"
    for precision in ("bfloat16", "float16"):
        lower = {"precision": precision}
        assert target_identity(target.model_copy(update=lower))["precision"] == precision
        assert vision_language_hash(words.model_copy(update=lower), "w") != "w"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"scheduler": "DDIMScheduler"}, "scheduler"),
        ({"scheduler_args": {"steps_offset": 2}}, "scheduler"),
        ({"variant": "fp16"}, "variant"),
        ({"call_args": {"clip_skip": 1}}, "call_args"),
        ({"precision": "bfloat16"}, "precision"),
        ({"batch_size": 3}, None),
        ({"memory": "slices"}, None),
        ({"memory": "offload"}, None),
        ({"compile": True}, None),
        ({"n_images": 7}, None),
    ],
)
def test_just_what_changes_pictures_changes_what_a_generator_is(finished, change, named):
    settings = finished.bench().study.generator
    before = generator_identity(settings, settings.pipeline)

    after = generator_identity(settings.model_copy(update=change), settings.pipeline)

    assert {key for key in after if after[key] != before.get(key)} == ({named} - {None})
