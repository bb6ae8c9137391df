"""The summary is checked against counts of the stored rows."""

import io

import pandas as pd
from rich.console import Console

from sieve_assets.reports.summary import print_summary
from sieve_assets.stores.schema import tables
from sieve_assets.stores.warehouse import Replacement


def printed(bench, seconds) -> str:
    text = io.StringIO()
    print_summary(Console(file=text, width=160), bench.warehouse, bench.study, seconds, 12.0)
    return text.getvalue()


VERDICTS = ("verified", "refuted", "ambiguous", "untestable")
MODELS = ("cnn", "vit")
_OF_MODEL = "SELECT * FROM verdicts WHERE model = $1"


def test_summary_counts_what_is_stored(finished):
    bench = finished.bench()
    said = printed(bench, {"probe_pass": 3.4}).split("Verdicts by evidence")[0]
    ratios = bench.warehouse.read("SELECT * FROM neuron_ratios")
    verified = bench.warehouse.read("SELECT * FROM verified_concepts")
    for model in bench.study.targets:
        row = [line for line in said.splitlines() if f" {model} " in line]
        neurons, hypotheses = (line.replace("│", " ").split() for line in row)
        of_model = ratios[ratios["model"] == model]
        statuses = [
            (of_model["status"] == name).sum() for name in ("selected", "low_contrast", "dead")
        ]
        assert neurons[1:5] == [str(len(of_model)), *map(str, statuses)]
        mine = verified[verified["model"] == model]
        assert hypotheses[1:3] == [str(len(mine)), str(mine["paper_kept"].sum())]
        assert hypotheses[3] == f"{100 * mine['activation_rate'].mean():.1f}"
        kept = mine.loc[mine["paper_kept"], "activation_rate"]
        assert hypotheses[5] == f"{100 * kept.mean():.1f}"


def test_summary_counts_verdicts_by_target(finished):
    bench = finished.bench()
    said = printed(bench, {}).split("Verdicts by evidence")[1].split("Pictures:")[0]
    lines = [line for line in said.splitlines() if line.startswith("│")]
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]
    found = {name: counts for name, *counts in cells}

    verdicts = {model: bench.warehouse.read(_OF_MODEL, [model]) for model in sorted(MODELS)}
    for name in VERDICTS:
        expected = [str((rows["verdict"] == name).sum()) for rows in verdicts.values()]
        assert found[name] == expected
    verified = [rows[rows["verdict"] == "verified"] for rows in verdicts.values()]
    expected = [str(rows["neuron"].nunique()) for rows in verified]
    assert found["neurons with a verified name"] == expected
    assert not any("true" in name for name in found), "nothing is known of these images"


def test_summary_counts_pictures_and_says_seconds(finished):
    bench = finished.bench()
    said = printed(bench, {"probe_pass": 3.4})
    n_pictures = len(bench.warehouse.read("SELECT * FROM pictures"))
    n_links = len(bench.warehouse.read("SELECT * FROM generated_image_sets"))
    assert f"{n_pictures} in the bank" in said
    assert f"serve {n_links} tests" in said
    assert "probe_pass 3; everything: 12" in said


def test_summary_holds_verdicts_against_the_truth_where_it_is_known(finished, tmp_path):
    bench = finished.changed(tmp_path).bench()
    assert "known truth" not in printed(bench, {})
    row = dict.fromkeys(tables()["truth_agreement"].columns.names, 0.5) | {
        "model": "cnn",
        "n_neurons": 3,
        "n_hypotheses": 77,
        "n_nameless": 5,
        "n_graded": 0,
        "mean_abs_ar_error": 0.123,
        "constant_error": 0.456,
        "kept_precision": None,
        "is_complete": True,
    }
    rows = pd.DataFrame([row])
    bench.warehouse.replace(Replacement("truth_agreement", rows, rows[["model"]]))

    said = printed(bench, {}).split("known truth")[1]

    lines = [line for line in said.splitlines() if line.startswith("│")]
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]
    assert cells[:3] == [
        ["hypotheses", "77"],
        ["mean error of AR", "12.3 %"],
        ["that of the best constant", "45.6 %"],
    ]
    assert [value for _, value in cells[3:]] == [*["50.0 %"] * 4, "–"]
