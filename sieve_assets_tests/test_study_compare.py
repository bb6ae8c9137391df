"""What a study file says of other explainers."""

from pathlib import Path

import pytest

from sieve_assets.models.class_names import classes_of_neurons
from sieve_assets.study_compare import Imported
from sieve_assets.study_experiments import DomainShift
from sieve_assets.study_file import load_study
from sieve_assets.study_problems import StudyError

IMPORTED = '\n[compare.imported.milan]\nfile = "milan.csv"\n'

ROOT = Path(__file__).parents[1]


@pytest.fixture
def with_file(study_folder):
    (study_folder.root / "milan.csv").touch()
    study_folder.file.write_text(study_folder.file.read_text() + IMPORTED)
    return study_folder


def only_problem(file):
    with pytest.raises(StudyError) as caught:
        load_study(file)
    [problem] = caught.value.problems
    return problem


def test_without_a_section_nothing_is_compared(study_folder):
    assert load_study(study_folder.file).compare is None


def test_a_file_is_beside_the_study_and_may_name_targets_and_layer(with_file):
    with_file.change(
        '"milan.csv"', '"milan.csv"\ntargets = ["small"]\nlayer = "fc"\nfirst_neuron = 1'
    )

    [found] = load_study(with_file.file).compare.imported.values()

    assert found == Imported(
        file=with_file.root / "milan.csv", targets=["small"], layer="fc", first_neuron=1
    )


def test_a_target_that_is_not_there_is_refused_with_the_nearest(with_file):
    with_file.change('"milan.csv"', '"milan.csv"\ntargets = ["small", "smal"]')

    problem = only_problem(with_file.file)

    assert problem.key == "compare.imported.milan.targets[1]"
    assert problem.remedy == "Did you mean small? Targets here: small."


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"milan.csv"', '"milano.csv"', "compare.imported.milan.file"),
        ('"milan.csv"', '"milan.csv"\nfirst_neuron = 2', "compare.imported.milan.first_neuron"),
        ('"milan.csv"', '"milan.csv"\ntarget = "small"', "compare.imported.milan.target"),
        ("imported.milan]", 'imported."milan (b)"]', 'compare.imported."milan (b)"'),
    ],
)
def test_what_is_wrong_is_refused_with_its_key(with_file, old, new, key):
    assert only_problem(with_file.change(old, new)).key == key


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("betas = []", "compare.betas"),
        ("signed_betas = [3.0, 0.0]", "compare.signed_betas[1]"),
        ("betas = [inf]", "compare.betas[0]"),
    ],
)
def test_thresholds_to_try_are_some_and_above_0(study_folder, said, key):
    text = study_folder.file.read_text()
    study_folder.file.write_text(f"{text}\n[compare]\n{said}\n")
    assert only_problem(study_folder.file).key == key


def test_the_papers_thresholds_are_tried_unless_others_are_named(study_folder):
    study_folder.file.write_text(f"{study_folder.file.read_text()}\n[compare]\n")
    assert load_study(study_folder.file).compare.betas == [4.0, 6.0, 8.0, 10.0, 12.0]


def without_shifted(study):
    """Its probe sets but those of another kind."""
    others = set(study.compare.domain_shift.probes.values())
    return {name: probe for name, probe in study.probes.items() if name not in others}


def test_the_shipped_comparison_differs_from_the_demos_study_by_what_it_compares_alone():
    demo, compare = (load_study(ROOT / name) for name in ("sieve.toml", "compare.toml"))

    assert demo.compare is None
    assert compare.compare is not None
    own = {"compare": None, "probes": without_shifted(compare)}
    assert compare.model_copy(update=own) == demo


def test_every_file_that_the_shipped_one_imports_is_about_one_of_its_targets():
    study = load_study(ROOT / "compare.toml")

    assert study.compare.imported
    for one in study.compare.imported.values():
        rows = one.file.read_text(encoding="utf-8").splitlines()[1:]
        assert {row.split(",")[0] for row in rows} <= set(study.targets)


def test_the_shipped_study_of_classes_is_that_comparison_of_the_logits():
    compare, classes = (
        load_study(ROOT / name) for name in ("compare.toml", "compare_classes.toml")
    )
    [target] = classes.targets.values()
    same = {"layer", "reducer", "width", "maps", "rule", "class_names"}
    penultimate = compare.targets["terrarium_resnet"]

    assert target.model_dump(exclude=same) == penultimate.model_dump(exclude=same)
    assert (target.layer, target.width) == ("fc", len(classes_of_neurons(target)))
    ours = compare.model_copy(
        update={
            "targets": classes.targets,
            "probes": without_shifted(compare),
            "compare": compare.compare.model_copy(
                update={"imported": {}, "domain_shift": DomainShift()}
            ),
        }
    )
    assert classes == ours


def test_a_sentence_model_is_a_folder_beside_the_study_or_a_name_on_the_hub(study_folder):
    text = study_folder.file.read_text()
    (study_folder.root / "sentences").mkdir()
    for name, expected in {
        "sentences": study_folder.root / "sentences",
        "sentence-transformers/all-mpnet-base-v2": "sentence-transformers/all-mpnet-base-v2",
    }.items():
        study_folder.file.write_text(f'{text}\n[compare]\ntext_model = "{name}"\n')
        assert load_study(study_folder.file).compare.text_model == expected
    study_folder.file.write_text(f'{text}\n[compare]\ntext_model = "./sentence"\n')
    assert only_problem(study_folder.file).key == "compare.text_model"
