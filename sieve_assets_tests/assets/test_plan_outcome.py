"""What has happened since a plan was made, counted from tables, notes and files."""

import pandas as pd
import pytest

from sieve_assets.assets.plan_outcome import outcomes
from sieve_assets.assets.plans import make_plans
from sieve_assets_tests.studies import WORLD_PROBE

DRAWING = ("reference_pictures", "generated_image_sets")


@pytest.fixture
def planned_and_run(empty, tmp_path):
    """A small study with a known truth: planned before anything, then run."""
    study = empty.anew(tmp_path, WORLD_PROBE | {"n_images = 3": "n_images = 2"})
    make_plans(study.bench())
    return study


def happened(study, model):
    rows = outcomes(study.bench(), [model])[model]
    return {(row.stage, row.quantity): row.happened for row in rows.itertuples()}


def test_nothing_has_happened_before_the_run(planned_and_run):
    assert set(happened(planned_and_run, "cnn").values()) == {0}


def test_everything_is_counted_once_for_the_target_that_did_it(planned_and_run):
    study = planned_and_run.everything()

    cnn, vit = happened(study, "cnn"), happened(study, "vit")

    assert cnn["probe_images", "images to list"] == 9
    rendered = study.bench().rendered_probes
    sizes = sum(file.stat().st_size for file in rendered.rglob("*.png"))
    assert cnn["probe_images", "bytes"] == sizes
    noted = study.table("provenance", stage="probe_images", model="cnn")["seconds"].iloc[0]
    times = [file.stat().st_mtime for file in rendered.rglob("*.png")]
    assert cnn["probe_images", "seconds"] == pytest.approx(
        noted + max(times) - min(times), abs=1e-4
    )
    assert vit["probe_images", "bytes"] == 0, "a user's own folder"
    notes = study.table("provenance")
    for model, found in (("cnn", cnn), ("vit", vit)):
        seconds = notes[notes["model"] == model].groupby("stage")["seconds"].sum()
        for stage in ("probe_pass", "generated_image_sets"):
            assert found[stage, "seconds"] == pytest.approx(seconds[stage], abs=1e-4)
        looks = study.table("picture_activations", model=model)
        passes = [found[stage, "forward passes"] for stage in ("activation_rates", "evidence")]
        assert sum(passes) == len(looks)
        assert passes[0] == study.table("generated_image_sets", model=model)["picture_id"].nunique()
        patches = study.table("patch_embeddings", model=model)
        assert found["patch_embeddings", "forward passes"] == len(patches)
        assert found["patch_embeddings", "embeddings"] == patches["uri"].nunique()
    places = [(found, stage) for found in (cnn, vit) for stage in DRAWING]
    drawn = [found[stage, "pictures to draw"] for found, stage in places]
    assert sum(drawn) == len(study.table("pictures"))
    assert vit["reference_pictures", "pictures to draw"] == 0
    n_references = len(study.table("reference_pictures", model="vit"))
    assert vit["reference_pictures", "pictures in the bank"] == n_references
    embedded = [found["evidence", "embeddings"] for found in (cnn, vit)]
    assert sum(embedded) == len(study.table("picture_embeddings"))
    assert cnn["probe_embeddings", "embeddings"] == 9
    assert vit["probe_embeddings", "embeddings"] == 60, "another probe set"
    sizes = [found.get((stage, "bytes"), 0) for found, stage in places]
    root = study.bench().images.root
    uris = set(study.table("pictures")["uri"])
    assert sum(sizes) == sum((root / uri).stat().st_size for uri in uris)


def test_bytes_are_within_a_few_headers_of_the_plan(planned_and_run):
    rows = outcomes(planned_and_run.everything("vit").bench(), ["vit"])["vit"]

    of_bytes = rows[rows["quantity"] == "bytes"].set_index("stage")
    passed = of_bytes.loc["probe_pass"]
    assert passed["expected"] <= passed["happened"] <= passed["expected"] + 2 * 1000
    exact = of_bytes.loc["probe_activations"]
    assert exact["happened"] == exact["expected"]
    for stage in ("patch_embeddings", "generated_image_sets", "activation_rates"):
        one = of_bytes.loc[stage]
        assert one["expected"] / 4 < one["happened"] < 4 * one["expected"] + 4000


def test_only_the_latest_plan_counts(copied):
    copied.forget("cnn", "clusters")
    copied.forget("vit", "clusters", neurons=[3])
    make_plans(copied.bench())
    copied.of_model("cnn", "clusters")
    assert happened(copied, "cnn")["clusters", "partitions"] == 6
    copied.forget("cnn", "clusters", neurons=[2])

    make_plans(copied.bench(), ["cnn"])

    assert happened(copied, "cnn")["clusters", "partitions"] == 0
    assert len(copied.table("plans")) == 3
    assert set(outcomes(copied.bench())) == {"cnn", "vit"}


def test_a_target_without_a_plan_has_no_outcome(finished):
    assert outcomes(finished.bench()) == {}
    assert isinstance(finished.table("planned_work"), pd.DataFrame)
