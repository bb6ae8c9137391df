"""What a study is given is observed by target, and Dagster's marks follow from it."""

import dagster as dg
import pytest

from sieve_assets.assets.automation import given
from sieve_assets.assets.pipeline import STAGES
from sieve_assets.assets.sources import SOURCES
from sieve_assets.definitions import definitions_of
from sieve_assets_tests.changes import CHANGES, scale, touch, with_own
from sieve_assets_tests.studies import OF_CNN

# What changes -> the versions that change with it: by source, the targets.
EXPECTED = {
    "nothing": {},
    "the study moves to another folder": {},
    "β, so that other neurons are selected": {
        "report_settings": ["cnn", "vit"],
        "select_settings": ["cnn"],
    },
    "K (`n_concepts`)": {
        "hypothesize_settings": ["cnn", "vit"],
        "report_settings": ["cnn", "vit"],
    },
    "more pictures a concept (only those are drawn)": {
        "report_settings": ["cnn", "vit"],
        "verify_settings": ["cnn", "vit"],
    },
    "the concept set": {"concept_set": ["cnn", "vit"], "verify_settings": ["cnn", "vit"]},
    "the target's transform": {"report_settings": ["cnn"], "target_weights": ["cnn"]},
}


def changed(before, after):
    """The versions that differ, as names of sources with their targets."""
    found = {}
    for name in sorted(before):
        if before[name] != after[name]:
            source, _, model = name.partition(" of ")
            found.setdefault(source, []).append(model)
    return found


@pytest.mark.parametrize("what", list(EXPECTED))
def test_a_change_changes_the_version_of_what_it_concerns_and_of_no_other(copied, tmp_path, what):
    (tmp_path / "changed").mkdir()
    study = CHANGES[what](copied, tmp_path / "changed")

    assert changed(given(copied.bench()), given(study.bench())) == EXPECTED[what]


@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        ("scenes", touch, {"probe_set": ["cnn", "vit"]}),
        (
            "cnn",
            lambda at: scale(at, "layer4.0.bn2.weight", 1.5),
            {"target_weights": ["cnn"]},
        ),
        (
            "drawer",
            lambda at: scale(
                at / "vae" / "diffusion_pytorch_model.safetensors", "decoder.conv_out.weight", 0.5
            ),
            {"generator_model": ["cnn", "vit"], "verify_settings": ["cnn", "vit"]},
        ),
        (
            "clip",
            lambda at: scale(at / "open_clip_model.safetensors", "text_projection", -1.0),
            {"vision_language_model": ["cnn", "vit"]},
        ),
    ],
)
def test_changed_files_change_the_version_of_their_source(copied, tmp_path, kind, change, expected):
    (tmp_path / "same").mkdir()
    same = with_own(kind, lambda _: None)(copied, tmp_path / "same")
    versions = given(same.bench())

    own = {path.name: path for path in (tmp_path / "same").iterdir()}
    change(own[{"cnn": "cnn.safetensors"}.get(kind, kind)])

    assert changed(versions, given(same.bench())) == expected


def test_every_stage_is_given_what_its_recipe_depends_on():
    for stage in STAGES:
        assert set(stage.given) <= set(SOURCES)
        if stage.runs_models:
            assert {name for name in stage.given if name.endswith(("_weights", "_model"))}


def observed(study, instance):
    """Observe every source, as Dagster does; what is told of each asset and partition."""
    job = definitions_of(study.bench()).resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(name) for name in SOURCES],
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    return {
        (event.asset_key.path[-1], event.partition): event.asset_observation_data.asset_observation
        for event in result.get_asset_observation_events()
    }


def test_observing_tells_dagster_a_version_by_target(copied):
    with dg.DagsterInstance.ephemeral() as instance:
        before = observed(copied, instance)
        after = observed(copied.edited({OF_CNN: f"{OF_CNN}\nbeta = 1.9"}), instance)

    assert set(before) == {(name, model) for name in SOURCES for model in ("cnn", "vit")}
    differs = {key for key in before if before[key].data_version != after[key].data_version}
    assert differs == {("select_settings", "cnn"), ("report_settings", "cnn")}


def test_observing_tells_what_the_concept_set_is(copied):
    with dg.DagsterInstance.ephemeral() as instance:
        told = observed(copied, instance)["concept_set", "vit"].metadata
        record = instance.get_latest_data_version_record(dg.AssetKey("concept_set"))

    assert set(told) >= {"concepts", "from", "dropped", "cannot be drawn"}
    assert told["from"].value.endswith(" from concepts.txt (one concept a line)")
    assert str(told["concepts"].value) == told["from"].value.split()[0]
    assert record is not None
