"""What a model is: the same before it is loaded and after, and told without torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from sieve_assets import study
from sieve_assets.models.identity import generator_identity
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
