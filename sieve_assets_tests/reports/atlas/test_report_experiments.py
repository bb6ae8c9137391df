"""Ablated neurons and other images on a report, where there are rows of them."""

import pytest

from sieve_assets.reports.atlas.report_experiments import experiments
from sieve_assets_tests.neuron_ablation_rows import neuron_ablation_of, store_neuron_ablation
from sieve_assets_tests.report_pages import subject_of
from sieve_assets_tests.shift_rows import nowhere_shown, shift_of, store_shift


@pytest.fixture
def study(finished, tmp_path):
    return finished.changed(tmp_path)


def test_without_rows_there_are_no_experiments(finished):
    assert experiments(subject_of(finished, "cnn")) == []


def test_classes_that_lose_are_told_with_what_chance_gives(study):
    store_neuron_ablation(study.bench().warehouse, neuron_ablation_of("cnn"))
    [section] = experiments(subject_of(study, "cnn"))
    [table] = section.tables
    assert table.rows[0] == ["2 name 2: class 0", "50", "90", "20.0", "75"]
    assert table.title == "2 of 3 named neurons cost a class accuracy: those that cost most"
    assert section.paragraphs[0] == (
        "The class that loses most accuracy: 75 % of its images show the neuron's name, 12.5 % by "
        "chance (2 neurons)."
    )
    assert [one.name for one in section.figures] == ["losing"]


def test_names_on_other_images_are_told_by_verdict(study):
    store_shift(study.bench().warehouse, shift_of("cnn"))
    [section] = experiments(subject_of(study, "cnn"))
    [table] = section.tables
    assert [row[:3] for row in table.rows] == [
        ["verified", "4", "100 / 15"],
        ["other", "4", "100 / 15"],
    ]
    assert section.figures[0].alt == "Scatter of 8 names, mostly below the diagonal or on it."


def test_names_that_no_other_image_shows_are_left_out(study):
    store_shift(study.bench().warehouse, nowhere_shown(shift_of("cnn")))
    assert experiments(subject_of(study, "cnn")) == []
