"""The paper's figures belong to the targets of its own tables, and to no others."""

import pytest

from sieve_assets.reports.paper_figures import _STEPS, _TABLES, paper_steps, paper_table
from sieve_assets.study_file import load_study
from sieve_assets_tests.paper_inputs import lay_out

SHOWN = {
    "table1": {"resnet50": "Table 1"},
    "table2": {"vit_b_16": "Table 2"},
    "table3": {"resnet18_places": "Table 3"},
    "table4": {"resnet50_ablation": "Table 1"},
    "table6": {"resnet18_eurosat": "Table 6", "resnet18_places": "Table 3"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return lay_out(tmp_path_factory.mktemp("paper"))


@pytest.mark.parametrize("table", SHOWN)
def test_each_table_is_found_by_the_penultimate_layer_of_its_study(folder, table):
    found = {
        name: paper_table(target)
        for name, target in load_study(folder / f"{table}.toml").targets.items()
    }
    titles = {name: one.title.partition(",")[0] for name, one in found.items() if one}
    assert titles == SHOWN[table]


def test_the_tiny_study_and_directions_are_nobodys(finished, folder):
    for target in finished.bench().study.targets.values():
        assert paper_table(target) is None
    target = load_study(folder / "table1.toml").targets["resnet50"]
    assert paper_table(target.model_copy(update={"directions": object()})) is None
    assert paper_table(target.model_copy(update={"network": "torchvision:resnet50"})) is None
    assert paper_table(target.model_copy(update={"layer": "layer3"})) is None


def test_figures_are_percent_and_sieve_is_above_all_others_as_the_paper_says():
    for table in _TABLES.values():
        values = {name: max(some) for name, some in table.mean_ar.items()}
        assert all(1 < value < 100 for some in table.mean_ar.values() for value in some)
        assert max(values, key=values.get) == "sieve"


def test_figures_that_stand_in_two_places_of_the_paper_agree():
    """Table 4's last row and Table 5's at beta = 10 are Table 1's; Table 6 repeats Table 3's."""
    tables = {one.title[:7]: one.mean_ar for one in _TABLES.values()}
    assert tables["Table 1"]["sieve"][-1] == 86.29
    assert _STEPS.ablation["SIEVE"] == _STEPS.by_beta[10.0] == 86.29
    common_words = {name: values[-1] for name, values in tables["Table 3"].items()}
    assert common_words["clip_dissect_soft_wpmi"] == 56.90
    assert common_words["www"] == 46.79
    assert common_words["sieve"] == 84.40


@pytest.mark.parametrize("table", ["table4", "table5"])
def test_steps_and_thresholds_are_of_the_resnet50_of_their_studies(folder, table):
    targets = load_study(folder / f"{table}.toml").targets
    found = {name for name, target in targets.items() if paper_steps(target) is _STEPS}
    assert found == {name for name in targets if not name.endswith("_fc")}
    other = load_study(folder / "table3.toml").targets["resnet18_places"]
    assert paper_steps(other) is None


def test_every_step_adds_something_in_the_paper_and_thresholds_hardly():
    assert _STEPS.ablation["baseline"] < min(_STEPS.partial)
    assert max(_STEPS.partial) < _STEPS.ablation["SIEVE"]
    assert max(_STEPS.by_beta.values()) - min(_STEPS.by_beta.values()) < 1
