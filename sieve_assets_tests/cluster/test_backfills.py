"""What is told of a backfill, without a web server."""

import pytest

from sieve_assets.cluster.backfills import Backfills, Range, State


@pytest.mark.parametrize(
    ("status", "runs", "has_ended", "is_good"),
    [
        ("REQUESTED", {}, False, False),
        ("COMPLETED_SUCCESS", {"SUCCESS": 3}, True, True),
        ("COMPLETED_FAILED", {"SUCCESS": 3, "FAILURE": 1}, True, False),
        ("CANCELED", {"STARTED": 1}, False, False),
        ("FAILED", {"QUEUED": 1}, False, False),
    ],
)
def test_a_backfill_has_ended_when_its_runs_have(status, runs, has_ended, is_good):
    state = State(status, runs, "", 1.0)
    assert (state.has_ended, state.is_good) == (has_ended, is_good)


@pytest.fixture
def backfills(monkeypatch):
    """Answers with what `answers` holds, and keeps what it was asked."""
    backfills = Backfills("http://127.0.0.1:1")
    backfills.asked, backfills.answers = [], []

    def execute(request):
        backfills.asked.append(request.variable_values)
        return {"field": backfills.answers.pop(0)}

    monkeypatch.setattr(backfills._client, "execute", execute)
    return backfills


def test_ranges_of_assets_are_asked_for(backfills):
    backfills.answers.append({"__typename": "LaunchBackfillSuccess", "backfillId": "abc"})
    assert backfills.launch({"clusters": [Range("a|0", "a|5"), Range("b|0", "b|2")]}) == "abc"
    [asked] = backfills.asked[0]["asked"]["partitionsByAssets"]
    assert asked["assetKey"] == {"path": ["clusters"]}
    assert asked["partitions"]["ranges"] == [
        {"start": "a|0", "end": "a|5"},
        {"start": "b|0", "end": "b|2"},
    ]


def test_the_state_counts_runs(backfills):
    runs = [
        {"status": "STARTED", "startTime": 5.0, "endTime": None},
        {"status": "SUCCESS", "startTime": 3.0, "endTime": 7.0},
        {"status": "SUCCESS", "startTime": 4.0, "endTime": 9.5},
    ]
    backfills.answers.append({"status": "REQUESTED", "error": {"message": "odd"}, "runs": runs})
    assert backfills.state("abc") == State("REQUESTED", {"SUCCESS": 2, "STARTED": 1}, "odd", 6.5)


def test_a_refusal_is_told(backfills):
    backfills.answers.append({"__typename": "PythonError", "message": "no such asset"})
    with pytest.raises(ValueError, match=r"^Dagster at http://127\.0\.0\.1:1: .* no such asset"):
        backfills.launch({})


def test_nothing_has_taken_no_time(backfills):
    waiting = {"status": "QUEUED", "startTime": None, "endTime": None}
    backfills.answers.append({"status": "REQUESTED", "error": None, "runs": [waiting]})
    assert backfills.state("abc") == State("REQUESTED", {"QUEUED": 1}, "", 0.0)


def test_a_failure_is_told_once_by_its_cause(backfills):
    runs = [{"id": "a", "status": "FAILURE"}, {"id": "b", "status": "SUCCESS"}]
    runs.append({"id": "c", "status": "FAILURE"})
    backfills.answers.append({"runs": runs})
    cause = {"message": "ValueError: no images\n"}
    of_run = {"message": "Steps failed: ['clusters'].", "error": None}
    step = {"stepKey": "clusters", "error": {"message": "It raised.", "causes": [cause]}}
    backfills.answers += [{"events": [{}, step, of_run]}] * 2
    assert backfills.failures("f") == ["clusters: ValueError: no images"]
    assert backfills.asked[1:] == [{"id": "a"}, {"id": "c"}]

    backfills.answers += [{"runs": runs[:1]}, {"events": [of_run]}]
    assert backfills.failures("f") == ["Steps failed: ['clusters']."]
