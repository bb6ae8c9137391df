"""What is printed of a comparison is what is stored, in lines that a terminal can show."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from sieve_assets.reports.comparison_tables import print_comparison
from sieve_assets_tests.compared_rows import (
    METHODS,
    SCORES,
    TWENTY,
    comparison_of,
    scores_of,
    store_comparison,
)

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


def printed(study, width=WIDTH, **targets):
    """What is printed, as lines, of the tiny study with some targets said to be others."""
    bench, text = study.bench(), io.StringIO()
    changed = {
        name: target.model_copy(update=targets.get(name, {}))
        for name, target in bench.study.targets.items()
    }
    settings = bench.study.model_copy(update={"targets": changed})
    print_comparison(Console(file=text, width=width), bench.warehouse, settings)
    return text.getvalue().splitlines()


def store(study, model, explainers, **options):
    known = options.get("is_known", True)
    rows = comparison_of(model, explainers, **options)
    store_comparison(study.bench().warehouse, rows, scores_of(model, None if known else {}))
    return rows.set_index("explainer")


def row_of(lines, name):
    """The cells of the row that begins with a name."""
    [line] = [one for one in lines if re.match(rf"{re.escape(name)}  +", one)]
    return line.removeprefix(name).split()


def test_a_row_says_the_stored_shares_in_percent_and_the_intervals(study):
    store(study, "cnn", METHODS)

    lines = printed(study)

    # WWW is the first row made: a share of 1/20, 38 of 40 neurons named.
    assert row_of(lines, "WWW") == [
        *("38", "95", "5.0", "(3–8)", "48", "35.0", "32", "45.0"),
        *("24", "10.0", "87.5", "5", "15", "25", "2", "2"),
    ]
    assert row_of(lines, "oracle")[:4] == ["26", "65", "35.0", "(33–38)"]


def test_sieve_and_its_ablations_are_on_top_and_controls_apart_at_the_end(study):
    store(study, "cnn", METHODS)

    lines = [line.rstrip() for line in printed(study)]

    start = next(place for place, line in enumerate(lines) if line.startswith("SIEVE "))
    blocks = "\n".join(lines[start:]).split("\n\n")[:3]
    names = [[re.split("  +", line)[0] for line in block.splitlines()] for block in blocks]
    assert names == [
        ["SIEVE", "SIEVE without crops", "SIEVE without Select"],
        ["CLIP-Dissect WPMI", "FALCON", "imported (milan_b)", "WWW"],
        ["at random", "oracle", "oracle, narrower"],
    ]


def test_where_no_truth_is_known_there_are_no_columns_of_it_and_no_scores(study):
    store(study, "cnn", METHODS, is_known=False)

    lines = printed(study)

    assert len(row_of(lines, "WWW")) == 11
    assert not any("recall recall" in line or "which number" in line for line in lines)


def test_what_is_not_there_is_a_dash_and_a_little_is_not_nothing(study):
    rows = comparison_of("cnn", ["www"])
    rows[["verified_coverage", "equal_coverage", "true_verified"]] = [0.0, np.nan, np.nan]
    rows[["verified_ar", "equal_ar", "sieve_equal_ar"]] = np.nan
    rows["kept_coverage"] = 0.0004
    store_comparison(study.bench().warehouse, rows, scores_of("cnn"))

    cells = row_of(printed(study), "WWW")

    assert cells[4] == "<1"
    assert cells[6:11] == ["0", "–", "–", "–", "–"]
    assert cells[13] == "–"


@pytest.mark.parametrize("explainers", [["sieve"], METHODS, TWENTY], ids=len)
def test_lines_fit_a_terminal_of_120_columns_and_no_figure_is_cut(study, explainers):
    store(study, "cnn", explainers)
    store(study, "vit", explainers, is_known=False)

    lines = printed(study, vit=PAPERS)

    assert max(map(len, lines)) <= WIDTH
    assert not any("…" in line for line in lines)
    assert len([line for line in lines if line.startswith("SIEVE ")]) >= 2


def test_a_long_name_gives_way_and_figures_do_not(study):
    long = f"imported ({'a_long_name_' * 8})"
    store(study, "cnn", ["sieve", long])

    lines = printed(study)

    assert max(map(len, lines)) <= WIDTH
    assert row_of(lines, "SIEVE")[:4] == ["38", "95", "25.0", "(23–28)"]


def test_the_papers_figures_stand_beside_ours_for_its_targets_only(study):
    store(study, "cnn", METHODS, is_known=False)
    store(study, "vit", METHODS, is_known=False)

    lines = printed(study, vit=PAPERS)

    ours, papers = "\n".join(lines).split("vit: 40 neurons")
    assert row_of(papers.splitlines(), "SIEVE")[-3:] == ["85.7", "/", "86.3"]
    assert row_of(papers.splitlines(), "imported (milan_b)")[-1] == "46.1"
    assert row_of(papers.splitlines(), "SIEVE without crops")[-1] == "–"
    assert "paper" not in ours.split("filter")[0]
    said = " ".join(papers.split())
    assert "Table 1, ResNet-50 on ImageNet" in said
    assert "not here: Network Dissection 45.0, imported (dnd) 51.5, CLIP-Dissect soft" in said


def test_scores_stand_the_best_first_with_their_intervals_by_whose_names(study):
    store(study, "cnn", METHODS)

    lines = printed(study)

    start = next(place for place, line in enumerate(lines) if "which number" in line)
    heading, sizes, _, *rows = lines[start + 1 : start + 4 + len(SCORES)]
    assert heading.split("  ")[-1].strip() == "SIEVE"
    assert sizes.split() == [
        *("score", "90", "names,", "30", "true", "60", "names,", "20", "true"),
        *("20", "names,", "6", "true"),
    ]
    assert [row.split("  ")[0] for row in rows] == ["score", "AR", "CoSy's AUC", "verdict"]
    areas = "0.710 (0.69–0.74) 0.740 (0.72–0.77) 0.780 (0.76–0.81)"
    assert row_of(lines, "AR") == areas.split()


def test_a_target_without_rows_is_named(study):
    lines = printed(study)

    for model in ("cnn", "vit"):
        assert f"{model}: no method has named a neuron" in lines
