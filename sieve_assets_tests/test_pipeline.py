"""What whole studies stored, against loops over the paper's equations, for every neuron.

On the tiny study, on the embedded world's own study made smaller, and on what `make demo` stored.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sieve_assets.assets import probe
from sieve_assets.assets.resources import Workbench
from sieve_assets_tests import recomputation as again
from sieve_assets_tests.studies import BY_NEURON, FIRST, StudyRun, assert_same_rows

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "sieve.toml"
FEWER = {
    "n_images = 12000": "n_images = 2000",
    "n_images = 24": "n_images = 3",
    "n_reference = 60": "n_reference = 4\nn_controls = 0\nrevise = false",
}
PERCENTILE_ROUNDING = 3e-7
"""Relative: a percentile may round to the float32 beside."""
SCORE_ROUNDING = 1e-6
"""Absolute: text embeddings are float32."""


def is_demo_there() -> bool:
    """Whether `make demo` has finished here, and nothing it depends on has changed since."""
    if "SIEVE_DATA" in os.environ:
        return True
    bench = Workbench(study_file=str(SHIPPED))
    if not bench.warehouse.at.path.exists():
        return False
    made_from = [SHIPPED, *(ROOT / "data" / "terrarium").rglob("*")]
    made_from += [*(ROOT / "sieve_assets").rglob("*.py"), *(ROOT / "sieve_assets").rglob("*.sql")]
    if bench.warehouse.at.path.stat().st_mtime < max(path.stat().st_mtime for path in made_from):
        return False
    done = bench.warehouse.read("SELECT DISTINCT model FROM verified_concepts WHERE is_complete")
    return set(done["model"]) == set(bench.study.targets)


def run_smaller(folder: Path) -> StudyRun:
    """The shipped study with its models, on fewer images and pictures, without controls."""
    (folder / "data").mkdir()
    (folder / "data" / "terrarium").symlink_to(ROOT / "data" / "terrarium")
    return StudyRun(SHIPPED, ROOT / "data").anew(folder, FEWER).everything()


@pytest.fixture(scope="module", params=["tiny", "smaller", *(["demo"] if is_demo_there() else [])])
def bench(request, tmp_path_factory) -> Workbench:
    """A finished study."""
    if request.param == "tiny":
        return request.getfixturevalue("finished").bench()
    if request.param == "smaller":
        return run_smaller(tmp_path_factory.mktemp("smaller")).bench()
    return Workbench(study_file=str(SHIPPED))


@pytest.fixture(params=[0, 1], ids=["first target", "second target"])
def model(request, bench) -> str:
    """Each target of the study."""
    return sorted(bench.study.targets)[request.param]


@pytest.fixture(scope="module")
def selections(bench) -> dict[tuple[str, int], dict[str, Any]]:
    """What should have been stored of each neuron's preference, from its activations."""
    count = bench.study.select.n_samples
    return {
        (model, neuron): again.selection_of(bench, model, list(activations.values()))
        | {"strongest": again.strongest_of(activations, count), "activations": activations}
        for model in bench.study.targets
        for neuron, activations in again.activations_of(bench, model)
    }


def stored(bench, table, model):
    return bench.warehouse.read(f"SELECT * FROM {table} WHERE model = $1", [model])  # noqa: S608


def test_medians_percentiles_ratios_and_statuses(bench, model, selections):
    rows = stored(bench, "neuron_ratios", model).set_index("neuron")
    status = stored(bench, "neuron_status", model).set_index("neuron")["status"]

    assert sorted(rows.index) == list(range(bench.study.targets[model].width))
    for neuron, found in rows.iterrows():
        expected = selections[model, neuron]
        for name in ("median", "p99", "ratio"):
            np.testing.assert_allclose(
                found[name], expected[name], rtol=PERCENTILE_ROUNDING, err_msg=f"{name} {neuron}"
            )
        assert found["status"] == expected["status"], neuron
        assert (status[neuron] in {"verified", "unverified"}) == (found["status"] == "selected")


def test_strongest_images(bench, model, selections):
    samples = stored(bench, "selected_samples", model).sort_values(["neuron", "rank"])

    for neuron in range(bench.study.targets[model].width):
        expected = selections[model, neuron]
        best = expected["strongest"] if expected["status"] == "selected" else []
        found = samples[samples["neuron"] == neuron]
        assert found["image_id"].tolist() == best, neuron
        activations = expected["activations"]
        assert found["activation"].tolist() == [activations[one] for one in best]


def test_scores_of_every_cluster_with_every_concept(bench, model):
    concepts = again.concepts_of(bench)
    template = bench.study.concepts.template
    texts = bench.vision_language.embed_texts([template.replace("{}", one) for one in concepts])
    hypotheses = stored(bench, "concept_hypotheses", model).sort_values("place")
    found = {
        place: rows[["concept", "score"]].to_numpy().tolist()
        for place, rows in hypotheses.groupby(["neuron", "cluster"])
    }

    clusters = again.clusters_of(bench, model)
    assert set(found) == set(clusters)
    for place, patches in clusters.items():
        scores = again.scores_of(patches, texts.astype(np.float64))
        best = sorted(scores, reverse=True)[: bench.study.hypothesize.n_concepts]
        by_name = dict(zip(concepts, scores, strict=True))
        assert [score for _, score in found[place]] == pytest.approx(best, abs=SCORE_ROUNDING)
        for concept, score in found[place]:
            assert by_name[concept] == pytest.approx(score, abs=SCORE_ROUNDING), place


def test_thresholds_and_activation_rates(bench, model, selections):
    answers = again.picture_answers(bench, model)
    pictures = again.pictures_of(bench, model)
    hypotheses = stored(bench, "concept_hypotheses", model)
    rates = stored(bench, "activation_rates", model).set_index(["neuron", "cluster", "concept"])

    tested = hypotheses[["neuron", "cluster", "concept"]].itertuples(index=False, name=None)
    assert set(pictures) == set(rates.index) == set(tested)
    for place, found in rates.iterrows():
        threshold = selections[model, place[0]]["p99"]
        assert len(pictures[place]) == found["n_images"] == bench.study.generator.n_images
        assert found["threshold"] == pytest.approx(threshold, rel=PERCENTILE_ROUNDING)
        expected = again.rate_of(answers, pictures[place], place[0], threshold)
        assert found["activation_rate"] == found["n_active"] / found["n_images"] == expected, place


def test_mean_rates_before_and_after_the_filter(bench, model):
    rates = stored(bench, "activation_rates", model)
    rows = stored(bench, "verified_concepts", model).merge(
        rates, on=["model", "neuron", "cluster", "concept"], suffixes=("", "_tested")
    )
    initial, kept, final = again.filtered(rows["activation_rate_tested"].tolist())

    assert len(rows) == len(rates) == rows["n_hypotheses"][0]
    assert rows["activation_rate"].tolist() == rows["activation_rate_tested"].tolist()
    assert rows["initial_mean_ar"].tolist() == pytest.approx([initial] * len(rows), abs=1e-12)
    assert rows["paper_kept"].tolist() == kept
    assert rows["final_mean_ar"].tolist() == pytest.approx([final] * len(rows), abs=1e-12)
    assert rows["is_complete"].all()


def test_neurons_one_by_one_in_another_order_and_other_batches_change_nothing(
    finished, tmp_path, monkeypatch
):
    """Up to rounding, 1e-4 at most: another batch gives activations other last bits."""
    monkeypatch.setattr(probe, "SHARD_IMAGES", 16)
    study = finished.anew(tmp_path)
    study.of_model("cnn", *FIRST, batch_size=7)
    for neuron in (4, 1, 5, 3, 0, 2):
        study.of_model("cnn", *BY_NEURON, neurons=[neuron], batch_size=5)
    study.of_model("cnn", "verified_concepts")

    for table in (
        *("neuron_activations", "neuron_ratios", "selected_samples", "patch_embeddings"),
        *("clusters", "concept_hypotheses", "activation_rates", "verified_concepts"),
    ):
        found, expected = study.table(table), finished.table(table, model="cnn")
        unequal = ["uri", "embedding"] if table == "patch_embeddings" else []
        assert_same_rows(
            found.drop(columns=unequal), expected.drop(columns=unequal), tolerance=1e-4
        )
    embeddings = [
        np.stack(list(one.table("patch_embeddings", model="cnn")["embedding"]))
        for one in (study, finished)
    ]
    np.testing.assert_allclose(*embeddings, atol=1e-4)
    pictures = finished.table("generated_image_sets", model="cnn")["picture_id"]
    assert study.table("generated_image_sets")["picture_id"].tolist() == pictures.tolist()
