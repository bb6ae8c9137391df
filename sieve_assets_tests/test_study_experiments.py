"""What a study file says of experiments on neurons."""

import pytest

from sieve_assets.study_experiments import NeuronAblation
from sieve_assets.study_file import load_study
from sieve_assets.study_problems import StudyError

SECTION = '\n[compare.neuron_ablation]\nlabels = {small = "labels.txt"}\n'


@pytest.fixture
def with_labels(study_folder):
    (study_folder.root / "labels.txt").touch()
    study_folder.file.write_text(study_folder.file.read_text() + SECTION)
    return study_folder


def only_problem(file):
    with pytest.raises(StudyError) as caught:
        load_study(file)
    [problem] = caught.value.problems
    return problem


def test_labels_are_files_beside_the_study_by_target(with_labels):
    found = load_study(with_labels.file).compare.neuron_ablation

    assert found == NeuronAblation(labels={"small": with_labels.root / "labels.txt"})
    assert found.value == "rest"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("small = ", "smal = ", "compare.neuron_ablation.labels"),
        ('"labels.txt"', '"label.txt"', "compare.neuron_ablation.labels.small"),
        ("labels = ", 'value = "median"\nlabels = ', "compare.neuron_ablation.value"),
    ],
)
def test_what_is_wrong_is_refused_by_its_key(with_labels, old, new, key):
    text = with_labels.file.read_text()
    start = text.index(SECTION)
    with_labels.file.write_text(text[:start] + text[start:].replace(old, new))

    assert only_problem(with_labels.file).key.startswith(key)


def test_another_probe_set_is_named_by_target_and_must_be_one_of_the_study(study_folder):
    text = study_folder.file.read_text()
    section = '\n[compare.domain_shift.probes]\nsmall = "photos"\n'
    study_folder.file.write_text(text + section)
    assert load_study(study_folder.file).compare.domain_shift.probes == {"small": "photos"}

    study_folder.file.write_text(text + section.replace('"photos"', '"photo"'))
    problem = only_problem(study_folder.file)
    assert problem.key == "compare.domain_shift.probes.small"
    assert "Did you mean photos?" in problem.remedy
