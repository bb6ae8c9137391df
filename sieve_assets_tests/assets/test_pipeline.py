"""The order of the stages, and which of them a study has."""

import itertools

import pytest

from sieve_assets.assets import evaluate
from sieve_assets.assets.pipeline import EVALUATION, STAGES, stages_of
from sieve_assets.assets.stages import Stage
from sieve_assets.study_file import load_study
from sieve_assets_tests.studies import OF_CNN, WORLD_PROBE

ALL = (*STAGES, *EVALUATION)
SITE = ["neuron_atlas", "target_report"]
"""What tells of the others, at the end of a study without a comparison."""


def before_the_site(study):
    """The stages of a study, but for the last, which make the site."""
    stages = stages_of(study)
    assert [one.name for one in stages[-2:]] == SITE
    return stages[:-2]


def test_a_stage_comes_after_all_that_it_reads():
    seen = set()
    for stage in ALL:
        assert {one.name for one in stage.reads} <= seen, stage.name
        seen.add(stage.name)


def test_no_stage_stands_twice_nor_fills_anothers_table():
    for names in ([stage.name for stage in ALL], [stage.table for stage in ALL]):
        assert len(set(names)) == len(names) == 19


def test_every_stage_but_the_last_is_read_by_a_later_one():
    read = {one.name for stage in ALL for one in stage.reads}
    ends = {"revised_names", "verdict_controls", "truth_agreement"}

    assert {stage.name for stage in ALL} - read == ends
    last = [stage for stage in ALL if stage.name in ends]
    before = {one.name for stage in last for one in stage.ancestors()}
    assert {stage.name for stage in ALL} - before == ends


def test_groups_follow_each_other_in_the_order_of_the_method():
    ordered = [stage for stage in ALL if stage.name != "reference_pictures"]  # it needs nothing
    groups = [name for name, _ in itertools.groupby(ordered, lambda stage: stage.group)]

    assert groups == ["select", "hypothesize", "verify", "evaluate"]


def test_nothing_of_the_method_reads_the_known_truth():
    known = {stage.name for stage in EVALUATION}

    for stage in STAGES:
        assert not known & {one.name for one in stage.ancestors()}, stage.name


def test_stages_are_those_that_the_modules_of_the_method_define():
    defined = {value.name for value in vars(evaluate).values() if isinstance(value, Stage)}

    assert {stage.name for stage in EVALUATION} <= defined <= {stage.name for stage in ALL}


def test_a_study_of_images_whose_truth_is_not_known_has_no_evaluation(finished):
    assert before_the_site(finished.bench().study) == STAGES


def test_one_target_on_the_embedded_world_is_enough_for_an_evaluation(finished, tmp_path):
    study = finished.anew(tmp_path, WORLD_PROBE).bench().study

    assert WORLD_PROBE[OF_CNN] != OF_CNN
    assert before_the_site(study) == ALL


@pytest.mark.parametrize(("probe", "expected"), [("scenes", ALL), ("photos", STAGES)])
def test_only_the_probe_sets_of_targets_count(study_folder, probe, expected):
    study_folder.change('probe = "scenes"', f'probe = "{probe}"')
    study = load_study(study_folder.file)

    assert set(study.probes) == {"scenes", "photos"}
    assert before_the_site(study) == expected
