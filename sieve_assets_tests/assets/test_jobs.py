"""The jobs run what their descriptions say, through a real Dagster instance."""

import dagster as dg
import pytest

from sieve_assets.assets.conductor import RANGE_START
from sieve_assets.assets.jobs import REQUESTED_BY
from sieve_assets.assets.partitions import OF_A_MODEL
from sieve_assets.assets.staleness import find_stale
from sieve_assets.definitions import definitions_of
from sieve_assets.study_file import load_study
from sieve_assets_tests.studies import LAST, OF_CNN, QUIET, SHOWN, assert_same_rows

STORED = ("neuron_ratios", "clusters", "concept_hypotheses", "activation_rates")


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as one:
        yield one


def launch(study, instance, job, config=None, **options):
    """Run a job of the code location in this process."""
    found = definitions_of(study.bench()).get_job_def(job)
    [op] = found.nodes_in_topological_order
    config = {"ops": {op.name: {"config": config or {}}}, **QUIET}
    return found.execute_in_process(instance=instance, run_config=config, **options)


def launched(instance, result):
    """What a job's run launched: assets and first partition, in order."""
    runs = instance.get_runs(dg.RunsFilter(tags={REQUESTED_BY: result.run_id}))
    return [
        (
            {key.path[-1] for key in run.asset_selection},
            run.tags[RANGE_START],
        )
        for run in reversed(runs)
    ]


def test_only_what_is_stale_is_recomputed(copied, instance):
    study = copied.edited({OF_CNN: f"{OF_CNN}\nbeta = 1.9"})
    before = study.table("provenance")

    result = launch(study, instance, "recompute_stale")

    assert find_stale(study.bench()) == []
    after = study.table("provenance")
    redone = after[after["run_id"] != before["run_id"].reindex(after.index)]
    assert set(redone["model"]) == {"cnn"}
    assert {"probe_images", "probe_pass"}.isdisjoint(redone["stage"])
    [(assets, first), (verified, _)] = launched(instance, result)
    assert first == "cnn|0000"
    assert "neuron_ratios" in assets
    assert verified == set(LAST)


def test_nothing_stale_launches_nothing(copied, instance):
    result = launch(copied, instance, "recompute_stale")

    assert launched(instance, result) == []


def test_scattered_neurons_and_what_shows_them_are_recomputed_and_no_others(copied, instance):
    copied.forget("vit", "clusters", "concept_hypotheses", neurons=[1, 2, 4, 6])
    before = copied.table("provenance", model="vit")

    result = launch(copied, instance, "recompute_stale", {"targets": ["vit"], "neurons": [1, 4, 6]})

    assert [first for _, first in launched(instance, result)] == [
        "vit|0001",
        "vit|0004",
        "vit|0006",
        "vit",
    ]
    after = copied.table("provenance", model="vit")
    new = after[~after["run_id"].isin(before["run_id"])]
    assert sorted(set(new["neuron"])) == [OF_A_MODEL, 1, 4, 6]
    assert set(new["stage"][new["neuron"] == OF_A_MODEL]) == set(SHOWN)
    assert find_stale(copied.bench())[0].neurons == (2,)


def test_a_target_is_brought_up_to_date_by_its_partition(copied, instance):
    for model in ("cnn", "vit"):
        copied.forget(model, "activation_rates", "verified_concepts")

    launch(copied, instance, "everything_for_a_target", partition_key="vit")

    assert {one.model for one in find_stale(copied.bench())} == {"cnn"}


def test_damaged_files_are_found_and_made_again_if_that_is_asked_for(copied, instance):
    uri = copied.table("generated_image_sets", model="cnn")["uri"].iloc[0]
    file = copied.bench().images.root / uri
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])

    launch(copied, instance, "recompute_stale", {"check_files": True})

    assert file.read_bytes() == whole


def test_more_pictures_are_written_into_the_study_and_only_they_are_drawn(
    copied, finished, instance
):
    study = copied
    before = set(study.table("pictures")["picture_id"])

    launch(study, instance, "verify_again", {"n_images": 5})

    assert load_study(study.file).generator.n_images == 5
    assert set(study.table("activation_rates")["n_images"]) == {5}
    assert before < set(study.table("pictures")["picture_id"])
    assert_same_rows(study.table("clusters"), finished.table("clusters"), tolerance=0)
    assert find_stale(study.bench()) == []


def test_another_concept_set_names_the_same_clusters(copied, finished, tmp_path, instance):
    study = copied
    (tmp_path / "few.txt").write_text("dog\nsky\nwater\nbrick\n")

    launch(study, instance, "hypothesize_again", {"file": "few.txt", "targets": ["cnn"]})

    assert load_study(study.file).concepts.file == tmp_path / "few.txt"
    names = set(study.table("concept_hypotheses", model="cnn")["concept"])
    assert names <= {"dog", "sky", "water", "brick"}
    assert_same_rows(study.table("clusters"), finished.table("clusters"), tolerance=0)
    assert {one.model for one in find_stale(study.bench())} == {"vit"}


def test_an_impossible_value_is_refused_and_changes_nothing(copied, instance):
    text = copied.file.read_text()

    with pytest.raises(Exception, match=r"generator\.n_images"):
        launch(copied, instance, "verify_again", {"n_images": 0})

    assert copied.file.read_text() == text


def test_an_unknown_target_is_refused_by_name(copied, instance):
    with pytest.raises(dg.Failure, match=r"got \['cmm'\]\. They are \['cnn', 'vit'\]"):
        launch(copied, instance, "recompute_stale", {"targets": ["cmm"]})


def test_a_target_that_fails_fails_the_job_after_the_others_have_run(copied, instance):
    study = copied.edited({'layer = "layer4"': 'layer = "layer9"'})
    study.forget("vit", "verified_concepts")

    with pytest.raises(dg.Failure, match=r"cnn: probe_pass: .*layer9.*What was stored remains"):
        launch(study, instance, "recompute_stale")

    assert {one.model for one in find_stale(study.bench())} == {"cnn"}
