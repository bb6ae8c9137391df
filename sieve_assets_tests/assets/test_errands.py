"""What stages drew and looked at is noted once, by whom and when."""

import logging
from datetime import UTC, datetime, timedelta

from sieve_assets.assets.errands import DRAWN, EMBEDDED, Errand


def test_a_note_says_what_was_added_for_whom_and_when(copied):
    errand = Errand(copied.bench(), "some_stage", "cnn", "some run", logging.getLogger(__name__))

    errand.note(DRAWN, 3, 300)
    errand.note(EMBEDDED, 5, 500)

    notes = copied.table("image_work", stage="some_stage").sort_values("recorded_at")
    now = datetime.now(UTC).replace(tzinfo=None)
    assert notes["recorded_at"].between(now - timedelta(minutes=10), now).all()
    assert notes.drop(columns="recorded_at").values.tolist() == [
        ["some_stage", "cnn", "some run", "drawn", 3, 300],
        ["some_stage", "cnn", "some run", "embedded", 5, 500],
    ]
