"""The demo is tested as a user runs it, on the tiny study and into a real Dagster instance."""

import dagster as dg
import pytest

from sieve_assets import demo
from sieve_assets.assets.pipeline import STAGES
from sieve_assets.assets.plans import make_plans
from sieve_assets.assets.resources import Workbench
from sieve_assets_tests.studies import SHOWN


@pytest.fixture
def surroundings(finished, tmp_path, monkeypatch):
    """The environment that `make demo` sets, for the tiny study."""
    home = tmp_path / "dagster_home"
    home.mkdir()
    study = finished.anew(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("SIEVE_STUDY", str(study.file))
    monkeypatch.setenv("SIEVE_DATA", str(study.data))
    return study


def materialized(stage: str) -> set[str]:
    with dg.DagsterInstance.get() as instance:
        return instance.get_materialized_partitions(dg.AssetKey(stage))


def n_runs() -> int:
    with dg.DagsterInstance.get() as instance:
        return instance.get_runs_count()


def test_runs_are_recorded_beside_the_results_unless_it_is_said_where(
    finished, tmp_path, monkeypatch
):
    bench = finished.anew(tmp_path).bench()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "not" / "there"))
    assert demo.dagster_home(bench) == tmp_path / "not" / "there"
    assert (tmp_path / "not" / "there" / "dagster.yaml").is_file()

    monkeypatch.delenv("DAGSTER_HOME")
    home = demo.dagster_home(bench)
    assert home == bench.folder / "dagster_home"
    with dg.DagsterInstance.get() as instance:
        assert instance.root_directory == str(home)
        assert not instance.telemetry_enabled

    own = "telemetry:\n  enabled: true\n"
    (home / "dagster.yaml").write_text(own)
    demo.dagster_home(bench)
    assert (home / "dagster.yaml").read_text() == own


@pytest.mark.usefixtures("surroundings")
def test_demo_materializes_every_stage_of_every_neuron_and_does_nothing_again(capsys, monkeypatch):
    demo.run()
    study = Workbench().study
    neurons = sum(target.width for target in study.targets.values())
    for stage in STAGES:
        expected = neurons if stage.is_by_neuron else len(study.targets)
        assert len(materialized(stage.name)) == expected, stage.name
    said = capsys.readouterr().out
    for part in ("Neurons", "Hypotheses", "Pictures", "Seconds a stage", "make ui"):
        assert part in said

    before = n_runs()
    for model in ("target", "vision_language", "generator"):
        monkeypatch.setattr(Workbench, model, lambda *_: pytest.fail("a model was loaded"))
    demo.run()
    assert n_runs() == before
    assert "Seconds a stage: all were up to date" in capsys.readouterr().out


def test_what_was_planned_is_printed_beside_what_happened_and_once(surroundings, capsys):
    make_plans(surroundings.bench())

    demo.run()
    first = capsys.readouterr().out
    demo.run()

    for model in ("cnn", "vit"):
        assert f"{model}: planned, and happened" in first
    assert "pictures to draw" in first
    assert "planned, and happened" not in capsys.readouterr().out


def test_a_change_starts_at_the_first_stage_that_it_makes_stale_and_pages_tell_it(surroundings):
    demo.run()
    before, file = n_runs(), surroundings.file
    file.write_text(file.read_text().replace("beta = 1.12", "beta = 1.1200001"))

    demo.run()

    with dg.DagsterInstance.get() as instance:
        runs = instance.get_runs(limit=n_runs() - before)[::-1]
    names = [stage.name for stage in STAGES]
    later = names[names.index("neuron_ratios") : names.index("verified_concepts")]
    chosen = [{key.path[-1] for key in run.asset_selection} for run in runs]
    assert chosen == [{*later}, {*SHOWN}]
    redone = surroundings.table("provenance", run_id=runs[0].run_id)
    assert set(redone["stage"]) == {"neuron_ratios"}, "whose result was the same"


def test_target_that_fails_is_named_and_hides_no_other(surroundings, capsys):
    file = surroundings.file
    file.write_text(file.read_text().replace('layer = "layer4"', 'layer = "layer9"'))
    with pytest.raises(SystemExit):
        demo.run()
    said = " ".join(capsys.readouterr().out.split())
    assert "cnn failed: probe_pass" in said
    assert "layer9" in said
    assert materialized("verified_concepts") == {"vit"}
