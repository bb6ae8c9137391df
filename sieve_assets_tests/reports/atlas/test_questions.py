"""The questions that pages show are those that they were made from, and any DuckDB answers them."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from sieve_assets.assets.neuron_atlas import READS
from sieve_assets.reports.atlas import questions
from sieve_assets.reports.atlas.questions import ASKED, as_asked

ALL = {**ASKED, "Provenance": questions.PROVENANCE, "Failures": questions.FAILURES}
STAGES = [one.name for one in READS]


def by_hand(finished, sql):
    """What a shell of DuckDB answers, of the file itself."""
    with duckdb.connect(str(finished.bench().warehouse.at.path), read_only=True) as connection:
        return connection.execute(sql).df()


def as_text(rows):
    """Rows that can be compared, arrays included."""
    return rows.map(lambda one: one.tolist() if isinstance(one, np.ndarray) else one).astype(str)


@pytest.mark.parametrize("what", ALL)
@pytest.mark.parametrize(("model", "neurons"), [("cnn", [4]), ("vit", [0, 7])])
def test_a_shown_question_gives_what_the_page_was_made_of(finished, what, model, neurons):
    parameters = {"model": model, "neurons": neurons}
    if "$stages" in ALL[what]:
        parameters["stages"] = STAGES
    told = as_asked(ALL[what], parameters)
    assert "$" not in told
    found, expected = (
        by_hand(finished, told),
        finished.bench().warehouse.read(ALL[what], parameters),
    )
    assert list(found.columns) == list(expected.columns)
    pd.testing.assert_frame_equal(as_text(found), as_text(expected), check_dtype=False)


def test_nearly_every_question_has_an_answer_on_a_tiny_study(finished):
    answered = {
        what
        for what, sql in ASKED.items()
        if len(by_hand(finished, as_asked(sql, {"model": "cnn", "neurons": [4]})))
    }
    assert answered == set(ASKED) - {"Known truth"}


def test_a_quote_in_a_value_stays_in_the_value():
    assert as_asked(" SELECT $model ", {"model": "o'hare"}) == "SELECT 'o''hare'"
    with duckdb.connect() as connection:
        for value in ("o'hare", "'; DROP TABLE x; --", "'", "''", ""):
            [answer] = connection.execute(as_asked("SELECT $model", {"model": value})).fetchone()
            assert answer == value


def test_lists_are_lists_of_their_values():
    parameters = {"neurons": [3, 12], "stages": ["a'b", "c"]}
    assert as_asked("$neurons; $stages", parameters) == "[3, 12]; ['a''b', 'c']"
    assert as_asked("$neurons", {"neurons": []}) == "[]"
