"""The code location loads fast, holds every stage, and its tables are those that were promised."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from sieve_assets.assets.pipeline import EVALUATION, STAGES, stages_of
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.sources import SOURCES
from sieve_assets.definitions import definitions_of
from sieve_assets.study_problems import StudyError
from sieve_assets_tests.studies import WORLD_PROBE

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "torchvision", "diffusers", "open_clip", "transformers", "sklearn", "scipy")
REPORTS = {"stale_report", "plan_report"}
SITE = {"neuron_atlas", "target_report"}
TABLES = {
    "probe_images": (["probe", "image_id"], "uri label sha256"),
    "probe_activations": (["model", "neuron", "image_id"], "activation"),
    "neuron_ratios": (["model", "neuron"], "median p99 ratio rule beta status is_sparse"),
    "selected_samples": (["model", "neuron", "rank"], "image_id activation"),
    "patch_embeddings": (
        ["model", "neuron", "rank"],
        "image_id x0 y0 x1 y1 crop_retention uri embedding",
    ),
    "clusters": (["model", "neuron", "rank"], "cluster n_clusters silhouette"),
    "concept_hypotheses": (["model", "neuron", "cluster", "place"], "concept score"),
    "generated_image_sets": (
        ["model", "neuron", "cluster", "concept", "seed"],
        "generator uri",
    ),
    "activation_rates": (
        ["model", "neuron", "cluster", "concept"],
        "threshold n_images n_active activation_rate ci_low ci_high",
    ),
    "probe_embeddings": (["model"], "probe n_images weights_hash embeddings_uri"),
    "reference_pictures": (["model", "concept", "seed"], "generator picture_id uri"),
    "evidence": (["model", "neuron", "concept"], "activation_rate word_rank matched_ar score"),
    "verdicts": (["model", "neuron", "concept"], "q_value verdict reason is_complete"),
    "revised_names": (
        ["model", "neuron"],
        "concept is_new n_candidates score activation_rate matched_ar q_value verdict reason",
    ),
    "verdict_controls": (
        ["model", "control", "draw", "neuron", "concept"],
        "expected word_rank matched_ar score q_value verdict reason",
    ),
    "verified_concepts": (
        ["model", "neuron", "cluster", "concept"],
        "activation_rate initial_mean_ar final_mean_ar paper_kept n_hypotheses is_complete",
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_its_columns_and_one_row_a_key(finished, name):
    key, others = TABLES[name]
    rows = finished.table(name)

    assert set(rows.columns) >= {*key, *others.split()}
    assert len(rows) > 0
    assert not rows.duplicated(key).any()
    may_be_missing = {"ratio", "silhouette", "crop_retention", "label"}
    assert not rows[[*key, *set(others.split()) - may_be_missing]].isna().any(axis=None)


def test_every_stage_of_the_method_is_an_asset(finished):
    definitions = definitions_of(finished.bench())
    names = {key.to_user_string() for key in definitions.resolve_all_asset_keys()}

    assert {stage.name for stage in STAGES} == {"probe_pass", *TABLES}
    assert names == {*(stage.name for stage in STAGES), *SITE, *SOURCES, *REPORTS}
    assert definitions.executor == dg.in_process_executor


def test_a_study_of_the_embedded_world_has_the_stages_that_know_the_truth(finished, tmp_path):
    bench = finished.anew(tmp_path, WORLD_PROBE).bench()
    names = {key.to_user_string() for key in definitions_of(bench).resolve_all_asset_keys()}

    stages = {stage.name for stage in (*STAGES, *EVALUATION)}
    assert names == {*stages, *SITE, *SOURCES, *REPORTS}
    assert stages_of(bench.study)[:-2] == (*STAGES, *EVALUATION)
    assert stages_of(finished.bench().study)[:-2] == STAGES


def test_loading_the_code_location_loads_no_heavy_library(finished):
    code = f"import sys, sieve_assets.definitions; print(*({set(HEAVY)} & sys.modules.keys()))"

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "SIEVE_STUDY": str(finished.file)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == ""


def test_a_wrong_study_file_is_refused_when_the_location_loads(finished, tmp_path):
    study = finished.anew(tmp_path, {"steps = 2": 'steps = "two"', "beta = 1.12": "bete = 1.12"})

    with pytest.raises(StudyError) as refused:
        definitions_of(Workbench(study_file=str(study.file)))

    for word in ("sieve.toml", "generator.steps", "select.bete", "beta"):
        assert word in str(refused.value)


def test_a_bad_target_fails_by_itself_and_hides_no_other(finished, tmp_path):
    study = finished.anew(tmp_path, {'layer = "layer4"': 'layer = "layer9"'})

    study.of_model("cnn", "probe_images")
    with pytest.raises(LookupError, match=r"target cnn: expected .* layer = 'layer9'\..*layer4"):
        study.of_model("cnn", "probe_pass")
    study.of_model("vit", "probe_pass")
    study.of_model("vit", "probe_activations", "neuron_ratios")

    assert set(study.table("neuron_ratios")["model"]) == {"vit"}
    assert study.table("probe_passes")["model"].tolist() == ["vit"]


def test_a_wrong_width_is_refused_by_the_targets_first_pass(finished, tmp_path):
    study = finished.anew(tmp_path, {"width = 6": "width = 5"})
    study.of_model("cnn", "probe_images")

    with pytest.raises(ValueError, match=r"target cnn: expected width = 5 neurons .* got 6"):
        study.of_model("cnn", "probe_pass")
