"""`sieve check` says what there is to compare, and refuses what is not there in a line."""

import pytest

from sieve_assets.compare_check import tell_comparison
from sieve_assets.study_file import load_study
from sieve_assets_tests.text_checkpoints import save_language_model, save_sentence_model

AS_CLASSES = {
    'layer = "layer4"\nreducer = "mean"\nwidth = 6\nmaps = "feature_map"\nrule = "ratio"': (
        'layer = "fc"\nreducer = "none"\nwidth = 3\nmaps = "whole"\nrule = "signed"'
    ),
}
"""The study's first target with its outputs as neurons."""


@pytest.fixture
def told(finished, tmp_path, capsys):
    """`told(changes)` gives whether all is right, and what is said."""

    def checked(changes):
        (tmp_path / "data").mkdir(exist_ok=True)
        is_right = tell_comparison(load_study(finished.anew(tmp_path, changes).file))
        return is_right, capsys.readouterr().out

    return checked


@pytest.fixture
def classes(finished):
    """`AS_CLASSES` with the names of a file beside the study."""
    file = finished.file.parent / "classes.txt"
    return {**AS_CLASSES, f'class_names = "{file}"': 'class_names = "classes.txt"'}


def with_model(name):
    return {"n_reference = 4": f'n_reference = 4\n\n[compare]\ntext_model = "{name}"'}


def test_a_study_that_compares_nothing_says_nothing(told):
    assert told({}) == (True, "")


def test_classes_are_told_by_the_first_and_the_last(told, classes, tmp_path):
    (tmp_path / "classes.txt").write_text("owl\ncat, house cat\ndog\n")
    assert told(classes) == (True, "target cnn: its neurons are 3 classes, 'owl' to 'dog'\n")


def test_too_few_classes_are_refused_beside_the_target(told, classes, tmp_path):
    (tmp_path / "classes.txt").write_text("owl\ncat\n")
    is_right, said = told(classes)
    assert not is_right
    assert said.startswith("target cnn: class_names: expected 3 lines, one a neuron, got 2 in ")


def test_a_sentence_model_is_loaded(told, tmp_path):
    save_sentence_model(tmp_path / "sentences")
    assert told(with_model("sentences")) == (True, "compare.text_model: ok, 16 features a text\n")


def test_a_model_of_another_kind_is_refused(told, tmp_path):
    save_language_model(tmp_path / "words")
    is_right, said = told(with_model("words"))
    assert not is_right
    assert said.startswith("compare.text_model: load_sentence_model: expected a model that sent")


def test_a_name_that_the_hub_does_not_give_is_refused(told):
    is_right, said = told(with_model("nobody/no-such-sentences"))
    assert not is_right
    assert "compare.text_model: checkpoint: expected a folder, or a name on Hugging Face" in said
