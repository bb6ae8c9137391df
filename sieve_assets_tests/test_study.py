import pytest
from pydantic import ValidationError

from sieve_assets.study import (
    Concepts,
    Generator,
    Hypothesize,
    Select,
    Verify,
)
from sieve_assets.study_file import load_study
from sieve_assets.study_problems import StudyError
from sieve_assets.study_targets import Directions, Target, Transform


def test_defaults_are_those_of_the_paper_where_it_gives_them():
    select = Select()
    assert (select.beta, select.n_samples, select.percentile) == (10, 20, 99)
    assert select.gate == "neuron"
    assert Hypothesize().n_concepts == 2


def test_every_setting_says_what_it_means():
    for section in (
        Transform,
        Directions,
        Target,
        Concepts,
        Generator,
        Select,
        Hypothesize,
        Verify,
    ):
        unexplained = [key for key, field in section.model_fields.items() if not field.description]
        assert unexplained == []


def test_every_default_of_the_method_names_its_source():
    for section in (Select, Hypothesize, Verify):
        for key, field in section.model_fields.items():
            assert "SIEVE" in field.description or "method.md" in field.description, key


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Select().beta = 4.0


def test_the_widest_target_gives_the_number_of_neurons(study_folder):
    text = study_folder.file.read_text()
    second = text[: text.index("[probes")].replace("targets.small", "targets.wide")
    study_folder.file.write_text(text + second.replace("width = 8", "width = 21"))
    assert load_study(study_folder.file).n_neurons == 21


@pytest.mark.parametrize("name", ["assets", "concepts"])
def test_a_target_is_not_called_like_a_folder_of_the_atlas(study_folder, name):
    study_folder.change("[targets.small]", f"[targets.{name}]")

    with pytest.raises(StudyError, match=rf"targets: expected .* Give {name} another name"):
        load_study(study_folder.file)


def test_concepts_come_from_somewhere():
    with pytest.raises(ValidationError, match="at least one source of concepts"):
        Concepts()
    assert Concepts(words=["owl"]).words == ["owl"]


def test_classes_are_those_of_a_target(study_folder):
    text = study_folder.file.read_text()
    study_folder.file.write_text(text.replace("[concepts]\n", '[concepts]\nclasses_of = "smal"\n'))

    with pytest.raises(StudyError, match=r"concepts: expected classes_of to name a target.*small"):
        load_study(study_folder.file)


@pytest.mark.parametrize("name", ["height", "generator", "negative_prompt"])
def test_arguments_that_follow_from_settings_are_refused(name):
    with pytest.raises(ValueError, match=f"arguments without {name}. These follow from steps"):
        Generator(pipeline="x", call_args={name: 1})


def test_what_a_generator_is_not_told_its_family_knows():
    settings = Generator(pipeline="x")

    assert (settings.steps, settings.guidance, settings.size_px) == (None, None, None)
    assert (settings.memory, settings.compile, settings.batch_size) == ("whole", False, None)


def test_looks_rise_to_the_number_of_pictures():
    found = Generator(pipeline="p", n_images=24, looks=[8, 16, 24])
    assert (found.looks, found.n_first) == ([8, 16, 24], 8)
    assert Generator(pipeline="p", n_images=7).n_first == 7


@pytest.mark.parametrize("looks", [[8, 16], [16, 8, 24], [8, 8, 24], [8, 24, 32]])
def test_looks_that_end_elsewhere_or_do_not_rise_are_refused(looks):
    with pytest.raises(ValidationError, match="rising numbers of pictures, the last of them n_im"):
        Generator(pipeline="p", n_images=24, looks=looks)


def test_looks_are_even_so_that_half_of_the_pictures_decide():
    with pytest.raises(ValidationError, match="multiple of 2"):
        Generator(pipeline="p", n_images=24, looks=[9, 24])
