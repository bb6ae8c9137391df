"""What is printed of ablation is what is stored."""

import io

import pytest
from rich.console import Console

from sieve_assets.reports.neuron_ablation_tables import print_neuron_ablation
from sieve_assets_tests.neuron_ablation_rows import neuron_ablation_of, store_neuron_ablation


@pytest.fixture
def printed(finished, tmp_path):
    """`printed(rows)` is what is printed once the rows are stored."""
    bench = finished.changed(tmp_path).bench()

    def of(rows):
        if rows is not None:
            store_neuron_ablation(bench.warehouse, rows)
        text = io.StringIO()
        print_neuron_ablation(Console(file=text, width=120), bench.warehouse, bench.study)
        return text.getvalue()

    return of


def test_neurons_come_by_what_they_cost_with_class_and_name(printed):
    lines = printed(neuron_ablation_of("cnn", 4)).splitlines()

    rows = [line.split() for line in lines if "class 0" in line]
    assert [row[0] for row in rows] == ["3", "2", "1", "0"]
    assert rows[0][1:] == ["name", "3:", "class", "0", "50", "90", "30.0", "75"]
    assert "cnn: 3 of 4 named neurons cost" in lines[0]


def test_the_share_of_named_classes_stands_beside_chance(printed):
    said = " ".join(printed(neuron_ablation_of("cnn", 4)).split())

    for measure in ("loses most accuracy", "falls most in its logit"):
        assert (
            f"the class that {measure}: 75 % of its images show the neuron's name, "
            "12.5 % by chance (3 neurons)"
        ) in said
    assert "vit" not in said


def test_where_nothing_is_known_no_share_is_told(printed):
    said = printed(neuron_ablation_of("vit", 3, is_known=False))

    assert "by chance (" not in said
    assert "–" in said


def test_nothing_is_printed_without_rows(printed):
    assert not printed(None)
