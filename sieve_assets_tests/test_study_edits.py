"""Single values of a study file, changed as a careful person would."""

import os
import tomllib

import pytest

from sieve_assets.study_edits import edit_study
from sieve_assets.study_file import load_study
from sieve_assets.study_problems import StudyError

COMMENTED = """\
# Our cats, 2024.
[generator]   # SD 1.5
size_px = 32  # as trained

steps = 2   # few
"pipeline" = 'drawer'
guidance = 3

"""


@pytest.fixture
def file(study_folder):
    """A study file in somebody's own order and with their notes."""
    text = study_folder.file.read_text()
    text = COMMENTED + text[: text.index("[generator]")]
    study_folder.file.write_text(text)
    load_study(study_folder.file)
    return study_folder.file


def beside(file):
    return sorted(path.name for path in file.parent.iterdir())


def test_a_value_changes_and_not_a_byte_around_it(file):
    before = file.read_bytes()

    edit_study(file, {"generator.steps": 50})

    assert file.read_bytes() == before.replace(b"steps = 2   # few", b"steps = 50   # few")
    assert load_study(file).generator.steps == 50


def test_a_value_of_a_target_is_named_by_all_its_sections(file):
    before = file.read_bytes()

    edit_study(file, {"targets.small.rule": "signed"})

    assert file.read_bytes() == before.replace(b'rule = "ratio"', b'rule = "signed"')
    assert load_study(file).targets["small"].rule == "signed"


def test_an_inline_table_stays_one(file):
    before = file.read_bytes()

    edit_study(file, {"targets.small.transform.resize_px": 48})

    assert file.read_bytes() == before.replace(b"{resize_px = 32,", b"{resize_px = 48,")


def test_several_values_are_changed_at_once(file):
    before = file.read_bytes()
    (file.parent / "words.txt").touch()

    edit_study(file, {"generator.steps": 9, "generator.size_px": 64, "concepts.file": "words.txt"})

    changes = ((b"= 2 ", b"= 9 "), (b"size_px = 32 ", b"size_px = 64 "), (b"concepts.", b"words."))
    for old, new in changes:
        assert before.count(old) == 1
        before = before.replace(old, new)
    assert file.read_bytes() == before


def test_values_that_need_each_other_are_judged_together(file):
    """Each alone names a probe set that the other has yet to make."""
    edit_study(file, {"targets.small.probe": "more", "probes.more.kind": "terrarium"})

    assert load_study(file).targets["small"].probe == "more"


def test_a_new_key_joins_its_section(file):
    edit_study(file, {"generator.n_images": 7})

    said = tomllib.loads(file.read_text())
    assert said["generator"]["n_images"] == 7
    assert said["generator"]["size_px"] == 32
    assert file.read_text().startswith(COMMENTED.rstrip("\n"))
    assert load_study(file).generator.n_images == 7


def test_a_section_that_was_not_there_is_made_and_the_rest_stays(file):
    before, said = file.read_text(), tomllib.loads(file.read_text())

    edit_study(file, {"select.beta": 2.5, "select.n_samples": 9})

    assert "select" not in said
    assert file.read_text().startswith(before)
    assert file.read_text()[len(before) :].split() == [
        "[select]",
        "beta",
        "=",
        "2.5",
        "n_samples",
        "=",
        "9",
    ]
    assert tomllib.loads(file.read_text()) == said | {"select": {"beta": 2.5, "n_samples": 9}}


def test_a_setting_without_a_section_comes_before_all_sections(file):
    said = tomllib.loads(file.read_text())

    edit_study(file, {"seed": 12})

    assert tomllib.loads(file.read_text()) == said | {"seed": 12}
    assert load_study(file).seed == 12
    assert "# Our cats, 2024." in file.read_text()


def test_saying_what_is_said_already_changes_nothing(file):
    before = file.read_bytes()

    edit_study(file, {"generator.steps": 2})

    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"generator.steps": 0}, "generator.steps: expected"),
        ({"generator.steps": "many"}, "generator.steps: expected a whole number"),
        ({"generator.stepps": 3}, "Did you mean steps"),
        ({"generatr.steps": 3}, "Did you mean generator"),
        ({"targets.small.probe": "nowhere"}, "nowhere"),
        ({"generator.size_px": 64, "generator.steps": -1}, "generator.steps: expected"),
    ],
)
def test_an_impossible_value_is_refused_and_the_file_stays_byte_for_byte(file, values, named):
    before, names = file.read_bytes(), beside(file)

    with pytest.raises(StudyError, match=named):
        edit_study(file, values)

    assert file.read_bytes() == before
    assert beside(file) == names


def test_a_file_that_is_no_toml_is_refused_and_stays(file):
    file.write_text("[generator\nsteps = 2\n")

    with pytest.raises(StudyError, match=r"sieve\.toml: expected a study file"):
        edit_study(file, {"generator.steps": 3})

    assert file.read_text() == "[generator\nsteps = 2\n"


def test_what_was_wrong_before_is_not_made_right_by_another_value(file):
    file.write_text(file.read_text().replace("guidance = 3", "guidance = -3"))
    before = file.read_bytes()

    with pytest.raises(StudyError, match=r"generator\.guidance"):
        edit_study(file, {"generator.steps": 3})

    assert file.read_bytes() == before


def test_a_missing_file_is_named_and_not_made(tmp_path):
    file = tmp_path / "sieve.toml"

    with pytest.raises(StudyError, match=r"sieve\.toml: expected a study file"):
        edit_study(file, {"generator.steps": 3})

    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_file_and_nothing_beside_it(file, monkeypatch):
    before, names = file.read_bytes(), beside(file)

    def refuse(_path, _target):
        raise OSError("No space left on device")

    monkeypatch.setattr(type(file), "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        edit_study(file, {"generator.steps": 3})

    assert file.read_bytes() == before
    assert beside(file) == names


def test_readers_meet_the_old_text_or_the_new_and_never_half(file):
    """The file is exchanged and not rewritten: one who has it open goes on with the old text."""
    with file.open() as opened:
        edit_study(file, {"generator.steps": 3})

        assert "steps = 2 " in opened.read()
        assert os.fstat(opened.fileno()).st_ino != file.stat().st_ino


def test_line_ends_permissions_and_a_link_stay(study_folder):
    file = study_folder.file
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    n_lines = file.read_bytes().count(b"\r\n")
    file.chmod(0o664)
    real = file.rename(file.with_name("real.toml"))
    file.symlink_to(real)

    edit_study(file, {"generator.steps": 3})

    assert file.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o664
    assert real.read_bytes().count(b"\r\n") == n_lines
    assert b"steps = 3\r\n" in real.read_bytes()


def test_a_refusal_names_the_study_file(study_folder):
    with pytest.raises(StudyError, match=r"/sieve\.toml: generator\.steps"):
        edit_study(study_folder.file, {"generator.steps": 0})


def test_a_file_that_is_not_utf8_is_refused(study_folder):
    file = study_folder.file
    file.write_bytes(b"# caf\xe9\n" + file.read_bytes())

    with pytest.raises(StudyError, match="can't decode byte"):
        edit_study(file, {"generator.steps": 3})


def test_a_setting_is_no_section(study_folder):
    with pytest.raises(StudyError, match="expected a section of settings"):
        edit_study(study_folder.file, {"generator.steps.x": 3})
