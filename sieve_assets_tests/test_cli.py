import sys

import duckdb
import pytest
from click.testing import CliRunner

from sieve_assets.cli import main
from sieve_assets.stores.connections import DuckDBFile, LakeLostError, WarehouseBusyError

SECOND = "[targets.other]"


def check(file):
    return CliRunner().invoke(main, ["check", "--study", str(file)])


def change_second(study_folder, old, new):
    first, second = study_folder.file.read_text().split(SECOND)
    assert old in second
    study_folder.file.write_text(first + SECOND + second.replace(old, new))
    return study_folder.file


def test_right_targets_pass_one_line_each(checked_study):
    result = check(checked_study.file)
    assert result.exit_code == 0
    assert result.output.splitlines()[:2] == [
        "target small: ok, 8 neurons in 'layer4'",
        "target other: ok, 8 neurons in 'layer4'",
    ]


def test_the_concepts_are_told_with_where_from_and_what_is_odd(checked_study):
    (checked_study.root / "concepts.txt").write_text("dog\nthe\ndog\n")

    result = check(checked_study.file)

    assert result.exit_code == 0
    told = result.output.splitlines()[2:]
    assert told[:2] == ["concepts: ok, 2", "  from: 2 from concepts.txt (one concept a line)"]
    assert told[2].startswith("  dropped: 1: 'dog' in line 3 of concepts.txt")
    assert told[4].startswith("  cannot be drawn: 1: 'the' (a function word)")


@pytest.mark.parametrize(
    ("settings", "missing", "reason"),
    [
        ("n_frequent = 10", "wordfreq", "expected wordfreq for n_frequent"),
        ('wordnet = "entity.n.01"', "nltk", "expected nltk for wordnet"),
        ('classes_of = "small"', "none", "expected weights that name their classes"),
    ],
)
def test_concepts_that_cannot_be_had_are_refused_in_a_line(
    checked_study, monkeypatch, settings, missing, reason
):
    monkeypatch.setitem(sys.modules, missing, None)
    text = checked_study.file.read_text()
    checked_study.file.write_text(text.replace("[concepts]\n", f"[concepts]\n{settings}\n"))

    result = check(checked_study.file)

    assert result.exit_code == 1
    assert result.output.splitlines()[2].startswith(f"concepts: {reason}")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('layer = "layer4"', 'layer = "layr4"', "Did you mean layer4"),
        ("width = 8", "width = 9", "expected width = 9"),
        ("timm:resnet18", "timm:resnet81", "Did you mean resnet18"),
        ("n_classes = 3", "n_classes = 4", "fc"),
        ('"small.safetensors"', '"concepts.txt"', "concepts.txt"),
        ("[4, 4, 8, 8]", '"wide"', "network_args"),
        ("[4, 4, 8, 8]", "[4, 4, 8]", "small.safetensors"),
    ],
)
def test_what_the_network_refuses_is_said_in_one_line_beside_the_target_that_is_right(
    checked_study, old, new, reason
):
    result = check(change_second(checked_study, old, new))
    right, wrong, *_ = result.output.splitlines()
    assert result.exit_code == 1
    assert right.startswith("target small: ok")
    assert wrong.startswith("target other: ")
    assert reason in wrong


def test_imported_names_are_told_by_target_and_a_wrong_file_in_a_line(checked_study):
    file = checked_study.root / "milan.csv"
    imported = f'\n[compare.imported.milan]\nfile = "{file}"\n'
    checked_study.file.write_text(checked_study.file.read_text() + imported)
    file.write_text("model,neuron,description\nsmall,1,dog\nsmall,1,dog\nother,1,cat\nother,2,ox\n")

    right = check(checked_study.file)
    file.write_text("model,neuron,description\nsmall,8,dog\nother,1,cat\n")
    wrong = check(checked_study.file)

    assert right.exit_code == 0
    assert right.output.splitlines()[-2:] == [
        "compare.imported.milan: ok, 1 names of 1 neurons of small; 1 repeated",
        "compare.imported.milan: ok, 2 names of 2 neurons of other; 0 repeated",
    ]
    assert wrong.exit_code == 1
    first, second = wrong.output.splitlines()[-2:]
    assert first.startswith(f"compare.imported.milan: {file}, line 2: expected a neuron of layer4")
    assert second.endswith("1 names of 1 neurons of other; 0 repeated")


def test_a_study_file_that_is_refused_is_printed_without_a_traceback(study_folder):
    result = check(study_folder.change("width = 8", "width = 0"))
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "targets.small.width: expected 1 or more, got 0" in result.output


def test_the_study_file_may_be_named_by_the_environment(study_folder, monkeypatch):
    monkeypatch.setenv("SIEVE_STUDY", str(study_folder.root / "none.toml"))
    assert "none.toml" in CliRunner().invoke(main, ["check"]).output


@pytest.fixture
def finished_study(finished, tmp_path, monkeypatch):
    """The tiny study with its results, as the environment names it."""
    study = finished.changed(tmp_path)
    monkeypatch.setenv("SIEVE_STUDY", str(study.file))
    monkeypatch.setenv("SIEVE_DATA", str(study.data))
    return study


def test_mend_says_what_it_found(finished_study):
    picture = finished_study.table("pictures")["uri"].iloc[0]
    (finished_study.bench().images.root / picture).write_bytes(b"no picture")

    first, second = (CliRunner().invoke(main, ["mend"]).output for _ in range(2))

    assert "1 damaged or gone" in first
    assert f"removed {picture}" in first
    assert "0 damaged or gone" in second
    assert "removed" not in second


@pytest.mark.parametrize("command", ["demo", "mend", "plan", "stale"])
def test_tables_of_another_version_are_told_in_a_line(copied_study, monkeypatch, command):
    monkeypatch.setenv("SIEVE_STUDY", str(copied_study.file))
    monkeypatch.setenv("SIEVE_DATA", str(copied_study.data))
    with duckdb.connect(copied_study.bench().warehouse.at.path) as connection:
        connection.execute("UPDATE schema_version SET version = 1")
    result = CliRunner().invoke(main, [command])
    assert isinstance(result.exception, SystemExit)
    assert result.output.startswith("Error: Warehouse: expected schema version")
    assert "got 1. Run `sieve migrate`" in result.output


@pytest.mark.parametrize("error", [WarehouseBusyError("held"), LakeLostError("away")], ids=str)
@pytest.mark.usefixtures("finished_study")
def test_a_warehouse_that_cannot_be_asked_is_told_in_a_line(monkeypatch, error):
    def refuse(*_):
        raise error

    monkeypatch.setattr(DuckDBFile, "read", refuse)
    result = CliRunner().invoke(main, ["stale"])
    assert result.exit_code == 1
    assert result.output == f"Error: {error}\n"


def test_stale_says_what_is_stale_and_ends_as_asked(copied_study, monkeypatch):
    monkeypatch.setenv("SIEVE_STUDY", str(copied_study.file))
    monkeypatch.setenv("SIEVE_DATA", str(copied_study.data))

    fresh = CliRunner().invoke(main, ["stale", "--check"])
    copied_study.edited({"guidance = 3.0": "guidance = 2.0"})
    stale = CliRunner().invoke(main, ["stale", "vit"], env={"COLUMNS": "200"})
    checked = CliRunner().invoke(main, ["stale", "--check"])

    assert (fresh.exit_code, fresh.output) == (0, "Nothing is stale.\n")
    assert stale.exit_code == 0
    assert "generator.guidance: 3.0 → 2.0" in stale.output
    assert "cnn" not in stale.output
    assert checked.exit_code == 1


def test_plan_says_what_a_run_would_do_and_then_what_it_did(copied_study, monkeypatch):
    monkeypatch.setenv("SIEVE_STUDY", str(copied_study.file))
    monkeypatch.setenv("SIEVE_DATA", str(copied_study.data))
    monkeypatch.setenv("COLUMNS", "200")
    copied_study.forget("vit", "verified_concepts")

    first, second = (CliRunner().invoke(main, ["plan", *more]) for more in ([], ["vit"]))
    copied_study.of_model("vit", "verified_concepts")
    done = CliRunner().invoke(main, ["plan"])
    compared = CliRunner().invoke(main, ["plan", "--compare", "vit"])
    unknown = CliRunner().invoke(main, ["plan", "wit"])

    assert first.exit_code == second.exit_code == done.exit_code == 0
    assert "cnn: nothing to do" in first.output
    assert "verified_concepts" in first.output
    assert "cnn" not in second.output
    assert done.output.count("nothing to do") == 2
    assert "vit: planned, and happened" in done.output
    assert "vit: planned, and happened" in compared.output
    assert "nothing to do" not in compared.output
    assert "got ['wit']. They are cnn, vit." in unknown.output


def test_plan_names_the_target_that_cannot_be_planned(copied_study, monkeypatch):
    study = copied_study.edited({'layer = "layer4"': 'layer = "layer9"'})
    monkeypatch.setenv("SIEVE_STUDY", str(study.file))
    monkeypatch.setenv("SIEVE_DATA", str(study.data))

    result = CliRunner().invoke(main, ["plan"])

    assert result.exit_code == 1
    assert "cnn cannot be planned: target cnn:" in result.output
    assert "vit: nothing to do" in result.output


def test_stale_names_a_target_that_is_not_there(copied_study, monkeypatch):
    monkeypatch.setenv("SIEVE_STUDY", str(copied_study.file))

    result = CliRunner().invoke(main, ["stale", "wit"])

    assert result.exit_code == 1
    assert "got ['wit']. They are cnn, vit." in result.output


@pytest.fixture
def copied_study(finished, tmp_path):
    return finished.changed(tmp_path)
