"""What is printed of names and classes is what is stored, in lines that a terminal can show."""

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from sieve_assets.reports.class_tables import class_methods, print_class_agreement
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.compared_rows import METHODS, TWENTY, comparison_of, store_comparison

WIDTH = 120
PAPERS = {
    "network": "torchvision:resnet50@IMAGENET1K_V1",
    "layer": "fc",
    "n_classes": None,
    "weights": None,
}
CHOSEN = ("first", "kept", "verified")


@pytest.fixture
def study(finished, tmp_path):
    return finished.changed(tmp_path)


def agreement_of(model, explainers, *, has_text=True):
    """Rows whose figures all differ; nobody has a verified name but SIEVE."""
    rows = []
    for number, explainer in enumerate(explainers, start=1):
        for place, chosen in enumerate(CHOSEN):
            is_there = chosen != "verified" or explainer == "sieve"
            clip = 0.7 + number / 100 + place / 10 if is_there else np.nan
            text = clip - 0.4 if has_text else np.nan
            rows.append(
                {
                    "model": model,
                    "explainer": explainer,
                    "chosen": chosen,
                    "n_neurons": 40,
                    "n_named": (40 - number) * is_there,
                    "coverage": (40 - number) / 40 * is_there,
                    **spread("clip", clip),
                    **spread("text", text),
                    "same_share": number / 40 if is_there else np.nan,
                    "text_model": "sentences/tiny" if has_text else None,
                }
            )
    return pd.DataFrame(rows)


def spread(space, mean):
    others = {"low": mean - 0.02, "high": mean + 0.03}
    ends = {f"{space}_cos_{end}": value for end, value in others.items()}
    return {f"{space}_cos": mean, **ends, f"{space}_others": mean - 0.1}


def store(study, model, explainers, **options):
    rows = agreement_of(model, explainers, **options)
    warehouse, scores = study.bench().warehouse, pd.DataFrame()
    store_comparison(warehouse, comparison_of(model, explainers), scores)
    warehouse.replace(Replacement("class_agreement", rows, pd.DataFrame({"model": [model]})))
    return rows


def printed(study, **targets):
    bench, text = study.bench(), io.StringIO()
    changed = {
        name: target.model_copy(update=targets.get(name, {}))
        for name, target in bench.study.targets.items()
    }
    settings = bench.study.model_copy(update={"targets": changed})
    print_class_agreement(Console(file=text, width=WIDTH), bench.warehouse, settings)
    return text.getvalue().splitlines()


def row_of(lines, name):
    [line] = [one for one in lines if one.startswith(f"{name}  ")]
    return line.removeprefix(name).split()


def test_a_row_says_the_stored_cosines_and_shares(study):
    store(study, "cnn", ["www", "sieve"])

    lines = printed(study)

    assert row_of(lines, "WWW") == [
        *("98", ".710", "(.69–.74)", ".610", ".310", "(.29–.34)", ".210", "2"),
        *(".810", ".410", "–", "–"),
    ]
    assert row_of(lines, "SIEVE")[-2:] == [".920", ".520"]
    assert any("cnn: names against those of its 40 classes" in line for line in lines)
    assert "by sentences/tiny" in " ".join(" ".join(lines).split())


def test_without_a_sentence_model_its_columns_are_left_out_and_it_is_said(study):
    store(study, "cnn", ["www", "sieve"], has_text=False)

    lines = printed(study)

    assert row_of(lines, "WWW") == ["98", ".710", "(.69–.74)", ".610", "2", ".810", "–"]
    said = " ".join(" ".join(lines).split())
    assert "No column of a sentence model: the study names none" in said


def test_a_cosine_below_zero_keeps_its_sign_and_ends_are_rounded(study):
    rows = agreement_of("cnn", ["www"])
    ends = ["clip_cos", "clip_cos_low", "clip_cos_high"]
    rows.loc[rows["chosen"] == "first", ends] = [-0.127, -0.136, 0.009]
    warehouse = study.bench().warehouse
    store_comparison(warehouse, comparison_of("cnn", ["www"]), pd.DataFrame())
    warehouse.replace(Replacement("class_agreement", rows, pd.DataFrame({"model": ["cnn"]})))

    assert row_of(printed(study), "WWW")[1:3] == ["-.127", "(-.14–.01)"]


def test_the_order_is_that_of_the_other_tables(study):
    store(study, "cnn", METHODS)
    rows = class_methods(study.bench().warehouse, "cnn")
    assert rows["called"].tolist()[:4] == [
        *("SIEVE", "SIEVE without crops", "SIEVE without Select"),
        "CLIP-Dissect WPMI",
    ]
    assert rows["kind"].tolist()[-1] == "control"


def test_the_papers_cosines_stand_beside_ours_for_its_targets_only(study):
    store(study, "cnn", ["sieve", "www"])
    store(study, "vit", ["sieve", "www"])

    lines = printed(study, vit=PAPERS)

    ours, papers = "\n".join(lines).split("vit: names")
    assert "paper" not in ours
    assert row_of(papers.splitlines(), "SIEVE")[-2:] == [".785/.791", ".445/.455"]
    said = " ".join(papers.split())
    assert "Table 1, ResNet-50 on ImageNet" in said
    assert "not here: Network Dissection .707, .326" in said


@pytest.mark.parametrize("explainers", [["sieve"], METHODS, TWENTY], ids=len)
def test_lines_fit_a_terminal_of_120_columns_and_no_figure_is_cut(study, explainers):
    store(study, "cnn", explainers)
    store(study, "vit", explainers)

    lines = printed(study, vit=PAPERS)

    assert max(map(len, lines)) <= WIDTH
    assert not any("…" in line for line in lines)


def test_targets_that_are_no_classes_print_nothing(study):
    store_comparison(study.bench().warehouse, comparison_of("cnn", METHODS), pd.DataFrame())
    assert printed(study) == []
