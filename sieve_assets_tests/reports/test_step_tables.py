"""What is printed of steps and thresholds is what is stored, in lines that a terminal can show."""

import io
import re

import pytest
from rich.console import Console

from sieve_assets.reports.step_tables import print_steps
from sieve_assets_tests.step_rows import ablation_of, store_steps, sweep_of

WIDTH = 120
PAPERS = {
    "network": "torchvision:resnet50@IMAGENET1K_V1",
    "layer": "layer4",
    "n_classes": None,
    "weights": None,
}


@pytest.fixture
def study(finished, tmp_path):
    return finished.changed(tmp_path)


def printed(study, **targets):
    """What is printed, as lines, of the tiny study with some targets said to be others."""
    bench, text = study.bench(), io.StringIO()
    changed = {
        name: target.model_copy(update=targets.get(name, {}))
        for name, target in bench.study.targets.items()
    }
    settings = bench.study.model_copy(update={"targets": changed})
    print_steps(Console(file=text, width=WIDTH), bench.warehouse, settings)
    return text.getvalue().splitlines()


def store(study, model, **options):
    store_steps(study.bench().warehouse, ablation_of(model, **options), sweep_of(model, **options))


def row_of(lines, name):
    """The cells of the row that begins with a name."""
    [line] = [one for one in lines if re.match(rf"{re.escape(name)}  +", one)]
    return line.removeprefix(name).split()


def test_an_ablations_row_has_marks_shares_and_intervals(study):
    store(study, "cnn")

    lines = printed(study)

    assert row_of(lines, "SIEVE")[:6] == ["x", "x", "x", "x", "90", "80.0"]
    assert row_of(lines, "without clusters and crops") == [
        *("x", "–", "–", "x", "60", "42.5", "(40–46)", "35", "84.0", "(82–87)", "40", "45"),
    ]
    assert row_of(lines, "baseline")[:4] == ["–"] * 4


def test_a_thresholds_row_has_counts_shares_and_intervals_and_the_own_one_a_star(study):
    store(study, "cnn")

    lines = printed(study)

    assert row_of(lines, "4") == [
        *("34", "85", "68", "30.0", "(28–33)", "17", "80.0", "(78–83)"),
        *("21", "95.0", "(93–98)", "20", "50", "70"),
    ]
    assert row_of(lines, "10 *")[:2] == ["16", "40"]
    assert sum("*" in line for line in lines) == 2


def test_where_nothing_is_selected_and_no_truth_known_there_are_dashes(study):
    warehouse = study.bench().warehouse
    unknown = ablation_of("cnn", is_known=False)
    store_steps(warehouse, unknown, sweep_of("cnn", [4.0, 1e7], is_known=False))

    lines = printed(study)

    assert row_of(lines, "1e+07") == ["0", "0", "0", "–", "0", "–", "0", "–"]
    assert len(row_of(lines, "baseline")) == 10
    assert not any("true true" in " ".join(line.split()) for line in lines)


def test_the_papers_figures_stand_beside_ours_for_its_target_only(study):
    store(study, "cnn")
    store(study, "vit")

    lines = printed(study, vit=PAPERS)

    told = "\n".join(lines)
    ours, papers, own_sweep, papers_sweep = re.split(r"(?m)^(?=cnn:|vit:)", told)[1:]
    assert row_of(papers.splitlines(), "SIEVE")[-1] == "86.3"
    assert row_of(papers.splitlines(), "baseline")[-1] == "45.6"
    assert row_of(papers.splitlines(), "without Select")[-1] == "–"
    assert "77.9 / 81.5 / 72.9" in " ".join(papers.split())
    assert "Table 4, ResNet-50" in " ".join(papers.split())
    assert [row_of(papers_sweep.splitlines(), one)[-1] for one in ("4", "10 *", "12")] == [
        *("86.0", "86.3", "86.0"),
    ]
    assert "Table 5, ResNet-50" in " ".join(papers_sweep.split())
    assert "paper\n" not in ours
    assert "Table 5" not in own_sweep


def test_lines_fit_a_terminal_of_120_columns_and_no_figure_is_cut(study):
    for model in ("cnn", "vit"):
        store(study, model)

    lines = printed(study, cnn=PAPERS, vit=PAPERS)

    assert max(map(len, lines)) <= WIDTH
    assert not any("…" in line for line in lines)


def test_of_a_target_without_rows_nothing_is_said(study):
    assert printed(study) == []
