"""The command that measures the shipped models, on a study whose generator knows nothing."""

import shutil

import pytest
from click.testing import CliRunner
from PIL import Image

from sieve_assets.study_file import load_study
from sieve_assets.terrarium import evaluate
from sieve_assets.terrarium.cards import CARDS
from sieve_assets.terrarium.evaluate import SHEET, Effort, folder_of, main
from sieve_assets.terrarium.world import DATA
from sieve_assets_tests.checkpoints import make_clip, make_pipeline


@pytest.fixture(scope="module")
def study_file(tmp_path_factory, tokenizer):
    """The study file that ships, with the shipped models and a random generator."""
    root = tmp_path_factory.mktemp("study")
    shutil.copytree(
        DATA, root / "data" / "terrarium", ignore=shutil.ignore_patterns("generator", "README.md")
    )
    pipeline = make_pipeline(make_clip(tokenizer), tokenizer)
    pipeline.save_pretrained(root / "data" / "terrarium" / "generator")
    shutil.copy(DATA.parents[1] / "sieve.toml", root)
    return root / "sieve.toml"


@pytest.fixture
def little(monkeypatch):
    monkeypatch.setattr(evaluate, "FULL", Effort(n_scenes=12, n_rounds=1))
    monkeypatch.setattr(evaluate, "QUICK", Effort(n_scenes=12, n_rounds=1))


def run(study_file, *arguments):
    result = CliRunner().invoke(main, ["--study", str(study_file), *arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.usefixtures("little")
def test_cards_and_the_sheet_are_written_beside_the_study(study_file):
    output = run(study_file)

    study = load_study(study_file)
    for name, card in CARDS.items():
        text = (folder_of(name, study) / "README.md").read_text(encoding="utf-8")
        assert text.startswith(f"# {card.title}\n")
        assert str(folder_of(name, study)) in output
    with Image.open(study_file.parent / SHEET) as sheet:
        assert sheet.size == (822, 974), "eight columns, eight rows"
    assert "object right, biased scenes" in output
    assert "(rendered: " in output


@pytest.mark.usefixtures("little")
def test_a_quick_look_writes_nothing(study_file):
    before = sorted(study_file.parent.rglob("*"))

    output = run(study_file, "--quick", "terrarium_resnet")

    assert sorted(study_file.parent.rglob("*")) == before
    assert "terrarium_resnet" in output
    assert "vision_language" not in output


def test_an_unknown_model_is_refused_with_the_known_ones(study_file):
    result = CliRunner().invoke(main, ["--study", str(study_file), "poetry"])

    assert result.exit_code != 0
    assert "'terrarium_vit'" in result.output
