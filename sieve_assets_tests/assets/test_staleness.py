"""The report says exactly what is stale, and why; docs/operating.md, row by row."""

import dataclasses
import shutil

import pytest

from sieve_assets.assets import pipeline
from sieve_assets.assets.pipeline import STAGES
from sieve_assets.assets.staleness import (
    FAILED,
    FOLLOWS,
    MISSING,
    STALE,
    UNKNOWN,
    find_stale,
    ranges,
    stale_table,
)
from sieve_assets_tests.changes import CHANGES, marks_in, with_own
from sieve_assets_tests.studies import OF_CNN, SHOWN

IS_STALE, MAY_FOLLOW, NONE = "●", "→", "·"
ROWS = marks_in("operating.md", IS_STALE + MAY_FOLLOW + NONE)
NAMES = [stage.name for stage in STAGES]


def of(findings, model):
    """Of the stages of the table: what shows them follows."""
    return [one for one in findings if one.model == model and one.stage not in SHOWN]


def mark(findings, stage):
    states = {one.state for one in findings if one.stage == stage}
    if states & {STALE, MISSING}:
        return IS_STALE
    return MAY_FOLLOW if states else NONE


def test_the_table_has_every_change_that_is_tried():
    assert set(ROWS) == set(CHANGES)


@pytest.mark.parametrize("what", list(CHANGES))
def test_the_report_names_what_a_change_makes_stale_and_why(copied, tmp_path, what):
    folder = tmp_path / "changed"
    folder.mkdir()
    study = CHANGES[what](copied, folder)

    found = of(find_stale(study.bench()), "cnn")

    why, *marks = ROWS[what]
    assert [mark(found, name) for name in NAMES] == marks
    assert " / ".join(sorted({one.why for one in found if one.state != FOLLOWS})) == why.strip("–")
    for one in found:
        width = 6 if STAGES[NAMES.index(one.stage)].is_by_neuron else 0
        assert one.neurons == (tuple(range(6)) if width else (-1,))


def test_what_is_up_to_date_has_no_rows(finished):
    assert find_stale(finished.bench()) == []
    assert stale_table([]).empty


def test_one_targets_beta_makes_only_that_target_stale(copied):
    study = copied.edited({OF_CNN: f"{OF_CNN}\nbeta = 1.9"})

    found = find_stale(study.bench())

    [first] = [one for one in found if one.state == STALE]
    assert (first.model, first.stage, first.why) == ("cnn", "neuron_ratios", "beta: 1.12 → 1.9")
    assert {one.model for one in found} == {"cnn"}
    later = NAMES[NAMES.index("neuron_ratios") + 1 :]
    assert [one.stage for one in found if one.state == FOLLOWS] == [*later, *SHOWN]


def add_three(folder):
    for number, image in enumerate(sorted(folder.rglob("*.png"))[:3]):
        shutil.copy(image, image.with_name(f"added{number}.png"))


def remove_one(folder):
    min(folder.rglob("*.png")).unlink()


@pytest.mark.parametrize(
    ("change", "why"), [(add_three, "3 images added"), (remove_one, "1 image removed")]
)
def test_images_that_came_or_went_are_counted(copied, tmp_path, change, why):
    study = with_own("scenes", change)(copied, tmp_path)

    stale = [one for one in find_stale(study.bench()) if one.state == STALE]

    assert [(one.model, one.stage, one.why) for one in stale] == [
        (model, "probe_images", why) for model in ("cnn", "vit")
    ]


def test_another_version_of_a_stages_code_makes_it_stale(copied, monkeypatch):
    newer = [
        dataclasses.replace(one, version="9") if one.name == "clusters" else one for one in STAGES
    ]
    monkeypatch.setattr(pipeline, "STAGES", tuple(newer))

    stale = [one for one in find_stale(copied.bench(), ["vit"]) if one.state == STALE]

    assert [(one.stage, one.why) for one in stale] == [("clusters", "code version: 1 → 9")]


def test_what_was_made_again_with_another_result_makes_stale_what_read_it(copied):
    study = copied.edited({"n_samples = 6": "n_samples = 5"})
    study.of_model("cnn", "selected_samples")
    selected = study.table("selected_samples", model="cnn")["neuron"].unique()

    found = find_stale(study.bench(), ["cnn"])
    [stale] = [one for one in of(found, "cnn") if one.state == STALE]

    assert stale.stage == "patch_embeddings"
    assert list(stale.neurons) == list(selected)
    assert stale.why.startswith("its inputs were made again with another result: selected_samples")


def test_neurons_of_which_nothing_is_stored_are_missing(copied):
    copied.forget("vit", "clusters", neurons=[2, 3, 5])

    found = find_stale(copied.bench())

    assert [one for one in found if one.state == MISSING] == [found[0]]
    assert (found[0].stage, found[0].neurons) == ("clusters", (2, 3, 5))
    following = {one.stage: one.neurons for one in found if one.state == FOLLOWS}
    assert following["activation_rates"] == (2, 3, 5)
    assert following["verified_concepts"] == (-1,)


def test_what_cannot_be_told_is_said_and_hides_no_other_target(copied, tmp_path):
    bench = with_own("cnn", lambda _: None)(copied, tmp_path).bench()
    bench.study.targets["cnn"].weights.unlink()

    found = find_stale(bench)

    unknown = [one for one in found if one.state == UNKNOWN]
    assert {one.model for one in found} == {"cnn"}
    assert "probe_pass" in {one.stage for one in unknown}
    assert all("cnn.safetensors, where there is nothing" in one.why for one in unknown)


@pytest.mark.usefixtures("unlucky_three")
def test_a_failure_is_reported_with_its_reason(copied):
    copied.forget("cnn", "clusters", neurons=[1, 3])
    copied.of_model("cnn", "clusters", neurons=[1, 2, 3])

    [failed] = [one for one in find_stale(copied.bench()) if one.state == FAILED]

    assert (failed.model, failed.stage, failed.neurons) == ("cnn", "clusters", (3,))
    assert failed.why == "clusters: expected luck, got none."


def test_neurons_are_told_as_ranges():
    assert ranges([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"
    assert ranges([-1]) == "–"
    assert ranges([4]) == "4"
