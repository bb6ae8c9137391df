"""That a workbench loads models once, and what with."""

import subprocess
import sys
from pathlib import Path

import pytest

from sieve_assets.assets.resources import Workbench


def test_device_and_batch_size_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("SIEVE_DEVICE", "cuda:1")
    monkeypatch.setenv("SIEVE_BATCH_SIZE", "7")

    assert (Workbench().device, Workbench().batch_size) == ("cuda:1", 7)
    assert Workbench(batch_size=3).batch_size == 3


def test_the_device_is_found_and_pictures_have_a_batch_size_of_their_own(finished, monkeypatch):
    monkeypatch.delenv("SIEVE_DEVICE", raising=False)
    monkeypatch.setattr("sieve_assets.models.devices.device_for", lambda wanted: f"found {wanted}")
    bench = finished.bench(batch_size=5)

    assert (bench.device, bench._best_device) == ("auto", "found auto")
    assert bench.pictures_at_once == 5
    bench.study.generator.__dict__["batch_size"] = 2
    assert bench.pictures_at_once == 2


def test_models_are_loaded_once_and_are_those_of_the_study(finished):
    bench = finished.bench()

    for model, width in (("cnn", 6), ("vit", 8)):
        assert bench.target(model) is bench.target(model)
        assert (bench.target(model).name, bench.target(model).width) == (model, width)
    assert bench.vision_language is bench.vision_language
    assert bench.generator is bench.generator
    assert bench.generator.identity["steps"] == 2


def test_an_unknown_target_is_refused(finished):
    with pytest.raises(LookupError):
        finished.bench().target("gnn")


def test_reading_results_loads_no_model(finished):
    code = """
import sys
from sieve_assets.assets.resources import Workbench
bench = Workbench(study_file=sys.argv[1], data=sys.argv[2])
assert len(bench.warehouse.read("SELECT * FROM neuron_ratios")) == 14
assert "torch" not in sys.modules
"""
    command = [sys.executable, "-c", code, str(finished.file), str(finished.data)]
    subprocess.run(command, cwd=Path(__file__).parents[2], check=True)
