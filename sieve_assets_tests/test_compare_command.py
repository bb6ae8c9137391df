"""`sieve compare` is tested as a user calls it, on the tiny study and into a real instance."""

import pytest
from click.testing import CliRunner
from PIL import Image

from sieve_assets import demo
from sieve_assets.cli import main

COMPARED = {
    "n_reference = 4": "n_reference = 4\n\n[compare.www]\nn_images = 9\nalpha = 0.5\n\n"
    "[compare.linear]\nslope = 60.0\nshift = 0.13"
}


@pytest.fixture
def compare(finished, tmp_path, monkeypatch):
    """`compare(changes)` runs the command on the tiny study with changes to its file."""

    def called(changes, *arguments):
        study = finished.changed(tmp_path, changes)
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("SIEVE_STUDY", str(study.file))
        monkeypatch.setenv("SIEVE_DATA", str(study.data))
        monkeypatch.setenv("COLUMNS", "80")  # in which names are still to be seen
        monkeypatch.chdir(tmp_path)
        return CliRunner().invoke(main, ["compare", *arguments]), study

    return called


def test_methods_are_run_printed_and_drawn(compare, tmp_path):
    result, study = compare(COMPARED)

    assert result.exit_code == 0, result.output
    explainers = study.table("method_comparison", model="cnn")["explainer"].tolist()
    assert {"sieve", "www", "linear_explanations", "clip_dissect_wpmi"} <= set(explainers)
    said = result.output.split("comparison ─")[1]
    for text in (
        *("cnn: 6 neurons", "vit: 8 neurons", "SIEVE without Select", "WWW"),
        *("cnn: what each step adds", "vit: thresholds of the signed rule"),
    ):
        assert text in said
    files = sorted(path.name for path in (tmp_path / "comparison").iterdir())
    assert files == [
        f"{model}_{name}.png"
        for model in ("cnn", "vit")
        for name in ("ablation", "betas", "coverage", "distributions", "methods")
    ]
    for name in files:
        assert f"comparison/{name}" in said
        with Image.open(tmp_path / "comparison" / name) as image:
            assert image.format == "PNG"


def test_a_study_without_a_comparison_is_refused_before_anything_runs(
    compare, monkeypatch, tmp_path
):
    monkeypatch.setattr(demo, "run", lambda: pytest.fail("it ran"))

    result, study = compare({})

    assert result.exit_code == 1
    assert f"{study.file}: expected a section [compare], got none" in result.output
    assert "compare.toml" in result.output
    assert not (tmp_path / "comparison").exists()


def test_a_study_file_that_is_refused_is_told_without_a_traceback(compare):
    result, _ = compare({"n_images = 3": "n_images = 0"})

    assert result.exit_code == 1
    assert "generator.n_images: expected 1 or more, got 0" in result.output
    assert isinstance(result.exception, SystemExit)


def test_what_there_is_is_told_even_if_something_failed(compare, monkeypatch, tmp_path):
    def fail():
        raise SystemExit(1)

    monkeypatch.setattr(demo, "run", fail)

    result, _ = compare(COMPARED, "--out", "elsewhere")

    assert result.exit_code == 1
    assert "cnn: no method has named a neuron" in result.output
    assert not (tmp_path / "comparison").exists()
