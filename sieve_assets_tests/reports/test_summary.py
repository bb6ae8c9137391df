"""The summary is checked against counts of the stored rows."""

import io

from rich.console import Console

from sieve_assets.reports.summary import print_summary


def printed(bench, seconds) -> str:
    text = io.StringIO()
    print_summary(Console(file=text, width=160), bench.warehouse, bench.study, seconds, 12.0)
    return text.getvalue()


def test_summary_counts_what_is_stored(finished):
    bench = finished.bench()
    said = printed(bench, {"probe_pass": 3.4})
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


def test_summary_counts_pictures_and_says_seconds(finished):
    bench = finished.bench()
    said = printed(bench, {"probe_pass": 3.4})
    n_pictures = len(bench.warehouse.read("SELECT * FROM pictures"))
    n_links = len(bench.warehouse.read("SELECT * FROM generated_image_sets"))
    assert f"{n_pictures} in the bank" in said
    assert f"serve {n_links} tests" in said
    assert "probe_pass 3; everything: 12" in said
