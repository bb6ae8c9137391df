from pathlib import Path

import pytest

from sieve_assets.study_file import load_study, study_path
from sieve_assets.study_problems import StudyError

ROOT = Path(__file__).parents[1]


def refused(file):
    with pytest.raises(StudyError) as caught:
        load_study(file)
    return caught.value


def only_problem(file):
    (problem,) = refused(file).problems
    return problem


def test_a_right_file_gives_settings_with_absolute_paths(study_folder):
    study = load_study(study_folder.file)
    assert study.targets["small"].weights == study_folder.root / "small.safetensors"
    assert study.probes["photos"].path == study_folder.root / "photos"
    assert study.vision_language.model == study_folder.root / "clip"
    assert study.targets["small"].network_args == {"channels": [4, 4, 8, 8], "layers": [1, 1, 1, 1]}


def test_the_working_folder_does_not_matter(study_folder, monkeypatch):
    monkeypatch.chdir(study_folder.root)
    assert load_study(Path("sieve.toml")) == load_study(study_folder.file)


def test_every_problem_is_listed_at_once(study_folder):
    study_folder.change("width = 8", "widht = 8")
    study_folder.change('network = "timm:resnet18"', 'network = "resnet18"')
    study_folder.change('probe = "scenes"', 'probe = "scene"')
    study_folder.change('file = "concepts.txt"', 'file = "concept.txt"')
    study_folder.change("steps = 2", "steps = 0")
    error = refused(study_folder.file)
    keys = {problem.key for problem in error.problems}
    assert keys == {
        "targets.small.width",
        "targets.small.widht",
        "targets.small.network",
        "targets.small.probe",
        "concepts.file",
        "generator.steps",
    }
    lines = str(error).splitlines()
    assert len(lines) == len(keys)
    assert all(line.startswith(f"{study_folder.file}: ") for line in lines)
    assert all(": expected " in line and ", got " in line for line in lines)


def test_a_bad_target_hides_no_other(study_folder):
    text = study_folder.file.read_text()
    second = text[: text.index("[probes")].replace("targets.small", "targets.other")
    study_folder.file.write_text(text + second.replace("width = 8", "width = 0"))
    study_folder.file.write_text(study_folder.file.read_text().replace("width = 8", 'width = "8"'))
    keys = [problem.key for problem in refused(study_folder.file).problems]
    assert keys == ["targets.small.width", "targets.other.width"]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("width = 8", "width = ", "line 8, column 9"),
        ("[concepts]", "[concepts", "line 21, column 10"),
        ('layer = "layer4"', "layer = layer4", "line 6, column 9"),
    ],
)
def test_a_syntax_error_has_its_line_and_column(study_folder, old, new, place):
    problem = only_problem(study_folder.change(old, new))
    assert problem.key == place


@pytest.mark.parametrize(
    ("old", "new"),
    [("width = 8", "width = 8\nwidth = 9"), ("[concepts]", "[probes.scenes]\n[concepts]")],
)
def test_a_duplicate_is_refused(study_folder, old, new):
    problem = only_problem(study_folder.change(old, new))
    assert "keep one of the two" in problem.remedy
    assert problem.key.startswith("line ")


@pytest.mark.parametrize(
    ("old", "new", "key", "expected", "remedy"),
    [
        ("width = 8", "width = 8.5", "targets.small.width", "a whole number", "Number of neurons"),
        ("width = 8", "width = true", "targets.small.width", "a whole number", "Number of"),
        ('rule = "ratio"', "rule = 1", "targets.small.rule", "'ratio' or 'signed'", "Choices"),
        ("steps = 2", "steps = -2", "generator.steps", "1 or more", "Denoising steps"),
        ("guidance = 3", "guidance = inf", "generator.guidance", "a finite number", "guidance"),
        ("resize_px = 32", "resize_px = 31", "targets.small.transform.crop_px", "31", "smaller"),
        ("std = [0.5, 0.5, 0.5]", "std = [0.5, 0.5]", "targets.small.transform.std[2]", "a", "Add"),
        ("std = [0.5,", "std = [0,", "targets.small.transform.std[0]", "more than 0.0", "Divides"),
        ("steps = 2", 'steps = 2\nprompt = "{} {}"', "generator.prompt", "{} exactly once", "{}"),
        ("[targets.small]", '[targets."a|b"]', 'targets."a|b"', "a name of letters", "rename it"),
        ('kind = "folder"', 'kind = "foldr"', "probes.photos.kind", "'terrarium'", "mean folder?"),
        ('kind = "folder"', "", "probes.photos.kind", "a value", "Add it"),
        ('path = "photos"', 'path = "photo"', "probes.photos.path", "a folder at", "mean photos?"),
        ('path = "photos"', "", "probes.photos.path", "a value", "Add it"),
        (
            'model = "clip"',
            'model = "./klip"',
            "vision_language.model",
            "a folder at",
            "mean clip?",
        ),
        ('probe = "scenes"', 'probe = "scene"', "targets.small.probe", "name of a", "mean scenes?"),
        ("[concepts]", "[concept]\n[concepts]", "concept", "a known key", "mean concepts"),
        (
            "[concepts]",
            "[select]\nbetta = 4\n[concepts]",
            "select.betta",
            "a known key",
            "mean beta",
        ),
        (
            "[concepts]",
            "[select]\nbeta = -4\n[concepts]",
            "select.beta",
            "more than 0",
            "Default: 10",
        ),
        ('maps = "feature_map"', 'maps = "patch_map"', "targets.small.maps", "'f", "feature_map?"),
    ],
)
def test_a_bad_value_is_refused_with_key_and_remedy(study_folder, old, new, key, expected, remedy):
    problem = only_problem(study_folder.change(old, new))
    assert problem.key == key
    assert expected in problem.expected
    assert remedy in problem.remedy


def test_a_study_without_targets_is_refused(study_folder):
    text = study_folder.file.read_text()
    study_folder.file.write_text("[targets]\n" + text[text.index("[probes") :])
    assert only_problem(study_folder.file).key == "targets"


def test_a_missing_section_is_refused_by_its_name(study_folder):
    text = study_folder.file.read_text()
    study_folder.file.write_text(text[: text.index("[generator]")])
    assert only_problem(study_folder.file).key == "generator"


def test_a_missing_file_is_refused_with_what_to_do(tmp_path):
    error = refused(tmp_path / "sieve.toml")
    assert "No such file" in str(error)
    assert "SIEVE_STUDY" in str(error)


def test_a_folder_instead_of_a_file_is_refused(tmp_path):
    assert "directory" in str(refused(tmp_path))


def test_a_file_that_is_not_text_is_refused(tmp_path):
    file = tmp_path / "sieve.toml"
    file.write_bytes(b"a = '\xff'")
    assert "utf-8" in str(refused(file))


def test_the_paper_profile_makes_the_papers_choices(study_folder):
    text = study_folder.file.read_text()
    study_folder.file.write_text(f'profile = "paper"\n{text}')
    study = load_study(study_folder.file)
    assert (study.generator.n_images, study.generator.prompt) == (50, "{}")
    assert study.select.held_out_share == 0
    assert study.select.beta == 10
    assert study.hypothesize.n_concepts == 2


def test_what_the_file_says_goes_before_its_profile(study_folder):
    study_folder.change("steps = 2", "steps = 2\nn_images = 7")
    text = study_folder.file.read_text()
    study_folder.file.write_text(f'profile = "paper"\n{text}\n[select]\nheld_out_share = 0.2\n')
    study = load_study(study_folder.file)
    assert study.generator.n_images == 7
    assert study.select.held_out_share == 0.2
    assert study.generator.steps == 2


def test_a_section_of_the_wrong_type_is_refused_in_the_paper_profile_too(study_folder):
    text = study_folder.file.read_text()
    study_folder.file.write_text(f'profile = "paper"\nselect = 3\n{text}')
    assert only_problem(study_folder.file).expected == "a table"


def test_the_study_file_is_named_by_the_environment_or_in_the_working_folder(monkeypatch):
    monkeypatch.setenv("SIEVE_STUDY", "/elsewhere/my.toml")
    assert study_path() == Path("/elsewhere/my.toml")
    monkeypatch.delenv("SIEVE_STUDY")
    assert study_path() == Path("sieve.toml")


def test_the_shipped_study_loads_where_its_files_are(tmp_path):
    for file in ("terrarium_resnet/model.safetensors", "terrarium_vit/model.safetensors"):
        weights = tmp_path / "data" / "terrarium" / file
        weights.parent.mkdir(parents=True)
        weights.touch()
    for folder in ("clip", "generator"):
        (tmp_path / "data" / "terrarium" / folder).mkdir()
    for file in ("concepts.txt", "class_names.txt"):
        (tmp_path / "data" / "terrarium" / file).touch()
    (tmp_path / "sieve.toml").write_text((ROOT / "sieve.toml").read_text())
    study = load_study(tmp_path / "sieve.toml")
    assert set(study.targets) == {"terrarium_resnet", "terrarium_vit"}
    assert study.n_neurons >= 64
