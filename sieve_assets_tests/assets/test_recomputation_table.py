"""docs/recomputation.md, row by row: what a change makes a study compute again, seen by running it.

What has been computed again has a note of a new run. What is there before is the tiny study.
"""

import pytest

from sieve_assets.assets.pipeline import STAGES
from sieve_assets_tests.changes import CHANGES, marks_in, update

ALL, SOME, NONE = "●", "◐", "·"
ROWS = marks_in("recomputation.md", ALL + SOME + NONE)


def assert_redone(mark, before, after):
    """Every neuron was redone, or none, or just those that had another input."""
    notes = after.join(before.add_suffix("_before"))
    is_redone = notes["run_id"] != notes["run_id_before"]
    if mark == SOME:
        has_changed = notes["input_hash"] != notes["input_hash_before"]
        assert is_redone.tolist() == has_changed.tolist()
    else:
        assert set(is_redone) == {mark == ALL}


def test_the_table_has_every_change_that_is_tried():
    assert set(ROWS) == set(CHANGES)


@pytest.mark.parametrize("what", list(CHANGES))
def test_what_a_change_makes_a_study_compute_again(copied, tmp_path, what):
    folder = tmp_path / "changed"
    folder.mkdir()
    study = CHANGES[what](copied, folder)
    before = study.table("provenance", model="cnn")

    update(study, **({"batch_size": 5} if what == "batch size" else {}))

    after = study.table("provenance", model="cnn")
    for stage, mark in zip(STAGES, ROWS[what], strict=True):
        of_stage = (
            rows[rows["stage"] == stage.name].set_index("neuron") for rows in (before, after)
        )
        assert_redone(mark, *of_stage)
