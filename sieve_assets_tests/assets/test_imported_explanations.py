"""Names from files as a stage: rows, staleness, and what a wrong file leaves alone."""

import pytest

from sieve_assets.assets.imported_explanations import explainer_of
from sieve_assets.assets.staleness import find_stale, stale_table

STAGE = "imported_explanations"
MILAN = "neuron,description,score\n5,a dog,0.5\n0,grass,1\n5,an animal,0.75\n"
SAMPLE = "model,neuron,description\nvit,7,sky\ncnn,5,cat\ncnn,5,fish\n"
COMPARE = """
[compare.imported.milan]
file = "{root}/milan.csv"
targets = ["cnn"]

[compare.imported.sample]
file = "{root}/sample.csv"
"""


@pytest.fixture
def study(finished, tmp_path):
    """The tiny study with its results, and two files of names for it."""
    (tmp_path / "milan.csv").write_text(MILAN)
    (tmp_path / "sample.csv").write_text(SAMPLE)
    return finished.changed(
        tmp_path, {"n_reference = 4\n": f"n_reference = 4\n{COMPARE.format(root=tmp_path)}"}
    )


def rows_of(study, model):
    rows = study.table(STAGE, model=model).sort_values(["explainer", "neuron", "place"])
    return rows.drop(columns="model").astype(object).where(rows.notna(), None).to_numpy().tolist()


def stale(study):
    found = stale_table(find_stale(study.bench()))
    return found[found["stage"] == STAGE]


def test_each_file_is_an_explainer_with_its_names_in_order(study):
    for model in ("cnn", "vit"):
        study.of_model(model, STAGE)

    assert rows_of(study, "cnn") == [
        [0, "imported (milan)", 0, "grass", 1.0],
        [5, "imported (milan)", 0, "an animal", 0.75],
        [5, "imported (milan)", 1, "a dog", 0.5],
        [5, "imported (sample)", 0, "cat", None],
        [5, "imported (sample)", 1, "fish", None],
    ]
    assert rows_of(study, "vit") == [[7, "imported (sample)", 0, "sky", None]]
    shown = study.table("explanations", model="vit")
    assert shown[shown["explainer"] == explainer_of("sample")]["concept"].tolist() == ["sky"]


def test_a_second_run_writes_nothing(study):
    study.of_model("cnn", STAGE)
    noted = study.table("provenance", model="cnn", stage=STAGE)
    study.of_model("cnn", STAGE)
    assert study.table("provenance", model="cnn", stage=STAGE).equals(noted)


def test_another_content_is_stale_for_the_targets_of_the_file_and_the_same_elsewhere_is_not(
    study, tmp_path
):
    for model in ("cnn", "vit"):
        study.of_model(model, STAGE)
    assert stale(study).empty

    (tmp_path / "milan.csv").write_text(MILAN + "1,brick,2\n")
    assert [*stale(study)["target"]] == ["cnn"]
    study.of_model("cnn", STAGE)
    assert [1, "imported (milan)", 0, "brick", 2.0] in rows_of(study, "cnn")
    assert stale(study).empty

    (tmp_path / "moved.csv").write_bytes((tmp_path / "milan.csv").read_bytes())
    moved = study.edited({"/milan.csv": "/moved.csv"})
    assert stale(moved).empty


@pytest.mark.parametrize("change", ["first_neuron = 1", 'layer = "layer3"'])
def test_how_a_file_is_read_makes_its_names_stale(study, change):
    study.of_model("cnn", STAGE)
    other = study.edited({'targets = ["cnn"]': f'targets = ["cnn"]\n{change}'})
    found = stale(other)
    assert "cnn" in [*found["target"]]


def test_a_file_that_is_taken_out_takes_its_names_along(study):
    study.of_model("cnn", STAGE)
    other = study.edited({"[compare.imported.milan]": "[compare.imported.maia]"})
    other.of_model("cnn", STAGE)
    assert {row[1] for row in rows_of(other, "cnn")} == {"imported (maia)", "imported (sample)"}


def test_a_wrong_file_leaves_what_is_stored(study, tmp_path):
    study.of_model("cnn", STAGE)
    before = rows_of(study, "cnn")
    (tmp_path / "milan.csv").write_text("neuron,description\n6,dog\n")

    result = study.of_model("cnn", STAGE, raise_on_error=False)

    assert not result.success
    [failure] = [event for event in result.all_events if event.is_step_failure]
    said = str(failure.event_specific_data.error)
    assert "milan.csv, line 2: expected a neuron of layer4, a whole number from 0 to 5" in said
    assert rows_of(study, "cnn") == before


def test_without_files_there_are_no_names(finished, tmp_path):
    study = finished.changed(tmp_path, {"n_reference = 4\n": "n_reference = 4\n\n[compare]\n"})

    study.of_model("cnn", STAGE)

    assert study.table(STAGE).empty
    assert len(study.table("provenance", model="cnn", stage=STAGE)) == 1
