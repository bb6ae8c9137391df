"""The paper's cosines belong to the final layers of its own tables, and to no others."""

import pytest

from sieve_assets.reports.paper_classes import _CLASSES, paper_classes
from sieve_assets.study_file import load_study
from sieve_assets_tests.paper_inputs import lay_out

FINAL = {
    "table1": {"resnet50_fc": "Table 1"},
    "table2": {"vit_b_16_head": "Table 2"},
    "table3": {"resnet18_places_fc": "Table 3"},
    "table4": {"resnet50_ablation_fc": "Table 1"},
    "table5": {},
    "table6": {"resnet18_eurosat_fc": "Table 6", "resnet18_places_fc": "Table 3"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return lay_out(tmp_path_factory.mktemp("paper"))


@pytest.mark.parametrize("table", FINAL)
def test_each_table_is_found_by_the_final_layer_of_its_study(folder, table):
    found = {
        name: paper_classes(target)
        for name, target in load_study(folder / f"{table}.toml").targets.items()
    }
    titles = {name: one.title.partition(",")[0] for name, one in found.items() if one}
    assert titles == FINAL[table]


def test_cosines_are_between_chance_and_one_and_mpnets_are_the_lower_ones(folder):
    for table in _CLASSES.values():
        for clip, mpnet in (pair for pairs in table.cosines.values() for pair in pairs):
            assert 0.6 < clip < 1
            assert mpnet is None or 0.2 < mpnet < clip
    target = load_study(folder / "table1.toml").targets["resnet50_fc"]
    assert paper_classes(target.model_copy(update={"directions": object()})) is None
    assert paper_classes(target.model_copy(update={"layer": "layer4"})) is None
