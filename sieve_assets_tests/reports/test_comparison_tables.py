"""What is printed of a comparison is what is stored, SIEVE first and the controls last."""

import io

import pytest
from rich.console import Console

from sieve_assets.reports.comparison_tables import CONTROLS, print_comparison


def printed(study, model, width=160):
    text = io.StringIO()
    print_comparison(Console(file=text, width=width), study.bench().warehouse, model)
    return text.getvalue()


def cells_of(line):
    return [cell.strip() for cell in line.split("│")[1:-1]]


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_every_method_has_its_row_with_its_stored_shares(methods, model):
    rows = methods.table("method_comparison", model=model).set_index("explainer")
    said = printed(methods, model).split("which number")[0]
    lines = [cells_of(line) for line in said.splitlines() if line.startswith("│")]

    found = {cells[0]: cells for cells in lines}

    assert set(found) == {name.replace("_", " ") for name in rows.index}
    for name, row in rows.iterrows():
        cells = found[name.replace("_", " ")]
        assert cells[1] == f"{100 * row['coverage']:.0f}"
        assert cells[2].split()[0] == f"{100 * row['mean_ar']:.0f}"
        assert cells[5] == f"{100 * row['verified_coverage']:.0f}"
        assert len(cells) == (13 if model == "cnn" else 9)


def test_sieve_is_first_and_the_controls_are_last(methods):
    said = printed(methods, "cnn").split("which number")[0]
    names = [cells_of(line)[0] for line in said.splitlines() if line.startswith("│")]

    assert names[0] == "sieve"
    assert all(name.startswith("sieve without") for name in names[1:4])
    present = [name for name in CONTROLS if name in names]
    assert names[-len(present) :] == present


def test_areas_are_printed_where_the_truth_is_known(methods):
    rows = methods.table("score_truth", labels="words and controls").set_index("score")
    said = printed(methods, "cnn").split("which number")[1]
    found = {
        cells[0]: cells[1]
        for cells in (cells_of(line) for line in said.splitlines() if line.startswith("│"))
    }

    for name, row in rows.iterrows():
        expected = "–" if row.isna()["auroc"] else f"{row['auroc']:.3f}"
        assert found[name.replace("_", " ")].split()[0] == expected
    assert "which number" not in printed(methods, "vit")


def test_nothing_is_printed_of_a_target_that_was_not_compared(finished):
    assert printed(finished, "cnn") == ""
