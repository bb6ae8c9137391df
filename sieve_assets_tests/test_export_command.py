"""`sieve export` as a user calls it, in the folder of a study."""

import pytest
from click.testing import CliRunner

from sieve_assets.cli import main
from sieve_assets.reports.atlas.exports import export_files, verified_of


@pytest.fixture
def export(named, tmp_path, monkeypatch):
    """`export(*arguments)` runs the command on the named study."""
    monkeypatch.setenv("SIEVE_STUDY", str(named.file))
    monkeypatch.setenv("SIEVE_DATA", str(named.data))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, ["export", *arguments])


def written(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_files_of_all_targets_are_written_and_told(export, named, tmp_path):
    result = export()

    assert result.exit_code == 0, result.output
    warehouse = named.bench().warehouse
    files = {
        f"{model}/{name}": content
        for model in ("cnn", "vit")
        for name, content in export_files(warehouse, model).items()
    }
    assert written(tmp_path / "export") == files
    assert result.output.splitlines() == [
        f"export/{model}: {len(verified_of(warehouse, model))} verified names"
        for model in ("cnn", "vit")
    ]


def test_a_target_can_be_chosen_and_again_gives_the_same(export, tmp_path):
    assert export("vit", "--out", "mine/here").exit_code == 0
    before = written(tmp_path)
    assert export("vit", "--out", "mine/here").exit_code == 0

    assert written(tmp_path) == before
    assert {name.split("/verified")[0] for name in before if "README" not in name} == {
        "mine/here/vit"
    }


def test_an_unknown_target_is_refused_before_anything_is_written(export, tmp_path):
    result = export("vit", "nobody")

    assert result.exit_code == 1
    assert result.output.startswith("Error: results: expected a target that was looked at")
    assert "got 'nobody'. There are: cnn, vit." in result.output
    assert written(tmp_path) == {}


def test_a_folder_without_results_is_refused_and_stays_as_it_is(export, monkeypatch, tmp_path):
    monkeypatch.setenv("SIEVE_DATA", str(tmp_path / "none"))

    result = export()

    assert result.exit_code == 1
    assert "none/sieve.duckdb, got no warehouse. Run `sieve run` first" in result.output
    assert list(tmp_path.iterdir()) == []
