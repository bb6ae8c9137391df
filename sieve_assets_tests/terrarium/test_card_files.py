"""Cards on disk: figures are replaced, people's words stay."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from sieve_assets.terrarium.card_files import BEGIN, END, figure_text, n_parameters, write_card
from sieve_assets.terrarium.cards import CARDS
from sieve_assets.terrarium.measures import Figure
from sieve_assets.terrarium.train import SCHEDULES

CARD = CARDS["terrarium_resnet"]
FIGURES = [Figure("object right", 0.9344, 1200), Figure("seconds a picture", 0.0614, 8)]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "part").mkdir()
    save_file({"a": np.zeros((2, 3), np.float16)}, tmp_path / "model.safetensors")
    save_file({"b": np.zeros(5, np.float16)}, tmp_path / "part" / "other.safetensors")
    return tmp_path


def test_a_card_says_what_was_measured_and_how_it_was_trained(folder):
    path = write_card(folder, CARD, FIGURES, measured_on="2026-01-02, 2 CPU cores")

    text = path.read_text(encoding="utf-8")
    assert path == folder / "README.md"
    assert text.startswith("# terrarium_resnet\n")
    assert "Measured on 2026-01-02, 2 CPU cores:" in text
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "| object right | 93.4% | 1,200 |" in text
    assert "| seconds a picture | 0.061 s | 8 |" in text
    assert "11 parameters, 0.0 MB in half" in text
    assert f"{SCHEDULES['terrarium_resnet'].n_steps:,} steps of" in text


def test_only_pictures_are_compared_with_rendered_scenes(folder):
    figures = [Figure("object right", 0.5, 4, reference=0.75), FIGURES[1]]

    text = write_card(folder, CARD, figures, measured_on="today").read_text(encoding="utf-8")

    assert "| Figure | Value | Rendered scenes | Pictures |" in text
    assert "| object right | 50.0% | 75.0% | 4 |" in text
    assert "| seconds a picture | 0.061 s |  | 8 |" in text


def test_measuring_again_replaces_the_figures_and_keeps_people_s_words(folder):
    path = write_card(folder, CARD, FIGURES, measured_on="2026-01-02")
    words = path.read_text(encoding="utf-8").replace("**Limits.**", "**Limits, in my words.**")
    path.write_text(words, encoding="utf-8")

    write_card(folder, CARD, [Figure("object right", 0.5, 7)], measured_on="2026-02-03")

    text = path.read_text(encoding="utf-8")
    assert "in my words" in text
    assert "| object right | 50.0% | 7 |" in text
    assert "2026-01-02" not in text
    assert text.split(BEGIN)[0] == words.split(BEGIN)[0]
    assert text.split(END)[1] == words.split(END)[1]


@pytest.mark.parametrize("text", ["# A card\n", f"{BEGIN}\n{BEGIN}\n{END}\n"])
def test_a_card_without_its_markers_is_not_overwritten(folder, text):
    (folder / "README.md").write_text(text)

    with pytest.raises(ValueError, match="Put them back"):
        write_card(folder, CARD, FIGURES, measured_on="today")

    assert (folder / "README.md").read_text() == text


def test_parameters_are_counted_below_the_folder(folder):
    assert n_parameters(folder) == 11


def test_seconds_are_not_shares():
    assert [figure_text(figure) for figure in FIGURES] == ["93.4%", "0.061 s"]
