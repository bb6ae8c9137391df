"""The studies of the paper's tables: they load, say the paper's settings, and run."""

import re
import shutil

import pytest
import torch
import torchvision

from sieve_assets.models.class_names import classes_of_neurons
from sieve_assets.stores.concept_lists import listings, names_of
from sieve_assets.stores.explanation_files import read_names
from sieve_assets.study_file import load_study
from sieve_assets.study_problems import StudyError
from sieve_assets_tests.paper_inputs import STUDIES, WORDS, lay_out, save_checkpoints
from sieve_assets_tests.studies import BY_NEURON, FIRST, JUDGED, StudyRun
from sieve_assets_tests.text_checkpoints import save_sentence_model

FILES = sorted(STUDIES.glob("*.toml"))
TABLES = [file.stem for file in FILES]

# Models that are fetched, and sizes that take long, for tests to run.
SMALLER = {
    '"stabilityai/stable-diffusion-xl-base-1.0"': '"../drawer"',
    'variant = "fp16"\nprecision = "float16"': "steps = 2\nsize_px = 64\nn_images = 3",
    '"ViT-B-16-quickgelu:openai"': '"../clip"',
    '"sentence-transformers/all-mpnet-base-v2"': '"../sentences"',
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return lay_out(tmp_path_factory.mktemp("paper"))


@pytest.fixture(scope="module")
def studies(folder):
    return {table: load_study(folder / f"{table}.toml") for table in TABLES}


def test_there_is_a_study_for_each_table():
    assert [f"table{number}" for number in range(1, 7)] == TABLES


@pytest.mark.parametrize("table", TABLES)
def test_a_study_says_the_papers_settings(studies, table):
    study = studies[table]

    assert study.profile == "paper"
    select, hypothesize, generator = study.select, study.hypothesize, study.generator
    assert (select.beta, select.n_samples, select.percentile) == (10, 20, 99)
    assert (select.gate, select.normalise, select.held_out_share) == ("neuron", "none", 0)
    assert hypothesize.n_concepts == 2
    assert (generator.n_images, generator.prompt, generator.negative_prompt) == (50, "{}", "")
    assert generator.pipeline == "stabilityai/stable-diffusion-xl-base-1.0"
    assert study.concepts.template == "{}"
    assert study.vision_language.model == "ViT-B-16-quickgelu:openai"
    assert names_of(listings(study.concepts, lambda _: ())) == WORDS.split()


EXPECTED = {
    "table1": {"resnet50": "layer4", "resnet50_fc": "fc"},
    "table2": {"vit_b_16": "encoder.ln", "vit_b_16_head": "heads.head"},
    "table3": {"resnet18_places": "layer4", "resnet18_places_fc": "fc"},
    "table4": {"resnet50_ablation": "layer4", "resnet50_ablation_fc": "fc"},
    "table5": dict.fromkeys(
        ["resnet50", *(f"resnet50_beta{beta}" for beta in (4, 6, 8, 12))], "layer4"
    ),
    "table6": {
        "resnet18_eurosat": "layer4",
        "resnet18_eurosat_fc": "fc",
        "resnet18_places": "layer4",
        "resnet18_places_fc": "fc",
    },
}


def test_the_targets_are_the_penultimate_layer_and_the_final_one(studies):
    found = {
        table: {name: target.layer for name, target in study.targets.items()}
        for table, study in studies.items()
    }
    assert found == EXPECTED


def test_every_layer_is_there_and_as_wide_as_said(studies):
    targets = {name: one for study in studies.values() for name, one in study.targets.items()}
    for target in targets.values():
        name = target.network.removeprefix("torchvision:").partition("@")[0]
        with torch.device("meta"):
            network = torchvision.models.get_model(name, num_classes=target.n_classes or 1000)
        widths = [value.shape[0] for value in network.get_submodule(target.layer).parameters()]
        assert widths[-1] == target.width


def test_table_5_differs_in_beta_alone(studies):
    study = studies["table5"]
    betas = [target.beta or study.select.beta for target in study.targets.values()]
    others = {
        target.model_copy(update={"beta": None}).model_dump_json()
        for target in study.targets.values()
    }

    assert betas == [4, 6, 8, 10, 12]
    assert len(others) == 1


def test_a_target_of_one_name_is_the_same_in_every_table(studies):
    shared = [(name, one) for study in studies.values() for name, one in study.targets.items()]
    models = {study.model_dump_json(include=MADE_ALIKE) for study in studies.values()}
    compared = {
        (name, study.compare.model_dump_json())
        for study in studies.values()
        for name in study.targets
        if study.compare
    }

    for name, target in shared:
        assert {one.model_dump_json() for other, one in shared if other == name} == {
            target.model_dump_json()
        }
        assert sum(other == name for other, _ in compared) <= 1
    assert len(models) == 1


MADE_ALIKE = {"concepts", "vision_language", "generator", "select", "hypothesize", "verify"}


def test_table_1_has_the_papers_other_explainers(studies):
    study = studies["table1"]
    assert study.compare.dissection.broden.name == "broden1_224"
    found = {
        (name, model): read_names(study, name, model).rows["concept"].tolist()
        for name in study.compare.imported
        for model in study.targets
    }
    assert found == {
        ("milan_b", "resnet50"): ["Purple, red and blue fluorescent objects", "Rounded objects"],
        ("milan_b", "resnet50_fc"): ["Fish in pictures"],
        ("dnd", "resnet50"): ["spiral objects", "circular objects", "dogs", "birds"],
        ("dnd", "resnet50_fc"): [],
        ("dnd_fc", "resnet50"): [],
        ("dnd_fc", "resnet50_fc"): ["fishing and catching fish", "toilet tissue"],
    }


def test_the_final_layers_neurons_are_classes_with_names_and_a_model_that_compares_them(studies):
    firsts = {}
    for table, study in studies.items():
        for name, target in study.targets.items():
            if classes := classes_of_neurons(target):
                firsts[table, name] = classes[0]
                assert study.compare.text_model == "sentence-transformers/all-mpnet-base-v2"
    assert firsts == {
        ("table1", "resnet50_fc"): "fish 0, Piscis 0",
        ("table2", "vit_b_16_head"): "fish 0, Piscis 0",
        ("table3", "resnet18_places_fc"): "big bar",
        ("table4", "resnet50_ablation_fc"): "fish 0, Piscis 0",
        ("table6", "resnet18_eurosat_fc"): "crop 0",
        ("table6", "resnet18_places_fc"): "big bar",
    }


def test_only_the_sweep_of_beta_compares_with_nothing(studies):
    assert [table for table, study in studies.items() if study.compare is None] == ["table5"]


@pytest.mark.parametrize("file", FILES, ids=TABLES)
def test_what_a_study_needs_is_on_the_page_that_says_where_to_get_it(file):
    page = (STUDIES / "README.md").read_text()
    told = re.findall(r"\| `(data/[^`]*)` \|", page)
    needed = re.findall(r'^\w+ = "\.\./(data/[^"]*)"', file.read_text(), re.MULTILINE)

    assert needed
    assert [path for path in needed if not any(path.startswith(one) for one in told)] == []
    ignored = (STUDIES.parent / ".gitignore").read_text().splitlines()
    assert {f"{'/'.join(path.split('/')[:2])}/" for path in needed} <= {*ignored}


@pytest.mark.parametrize("file", FILES, ids=TABLES)
def test_what_is_not_there_is_refused_with_its_key(file, tmp_path):
    (tmp_path / "studies").mkdir()
    alone = shutil.copy(file, tmp_path / "studies" / file.name)

    with pytest.raises(StudyError) as caught:
        load_study(alone)

    assert {"a file", "a folder"} >= {
        one.expected.split(" at ")[0] for one in caught.value.problems
    }
    assert "concepts.file" in {one.key for one in caught.value.problems}


def test_table_6_runs_from_eurosats_files_to_verdicts(finished, tmp_path):
    """The other tables differ from it in networks that are fetched."""
    file = lay_out(tmp_path) / "table6.toml"
    save_checkpoints(tmp_path / "data" / "checkpoints")
    for model in ("clip", "drawer"):
        shutil.copytree(finished.file.parent / model, tmp_path / model)
    save_sentence_model(tmp_path / "sentences")
    text = file.read_text()
    # Random weights tell pictures apart a little only: whatever is not constant is selected.
    for old, new in SMALLER.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    file.write_text(text.replace("width = 512", "width = 512\nbeta = 1.0", 1))
    run = StudyRun(file, tmp_path / "studies" / "data")

    run.of_model("resnet18_eurosat", *FIRST)
    run.of_model("resnet18_eurosat", *BY_NEURON, neurons=[0, 1])
    run.of_model("resnet18_eurosat", *JUDGED, "neuron_atlas")

    images = run.table("probe_images")
    assert images["label"].value_counts().to_dict() == {"Forest": 12, "River": 12}
    assert len(run.table("selected_samples")) >= 20
    named, kept = (run.table(table) for table in ("concept_hypotheses", "verified_concepts"))
    assert {*named["concept"]} <= {*WORDS.split()}
    assert len(kept) == len(named) >= 2
    assert run.table("pictures").groupby("prompt").size().unique().tolist() == [3]
    assert {*run.table("verdicts")["verdict"]} <= {"verified", "refuted", "untestable", "ambiguous"}
    assert len(run.table("verdicts")) == named.groupby(["neuron", "concept"]).ngroups
