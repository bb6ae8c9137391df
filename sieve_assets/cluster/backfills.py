"""Backfills through Dagster's web server, as its UI launches them.

Not here: who does the runs.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gql import Client, GraphQLRequest
from gql.transport.requests import RequestsHTTPTransport

ENDED = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "COMPLETED", "FAILED", "CANCELED"}
GOOD = {"COMPLETED_SUCCESS", "COMPLETED"}
AT_WORK = {"STARTING", "STARTED", "CANCELING"}
_PATIENCE_S = 60
_LAUNCH = """
mutation ($asked: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $asked) {
    __typename
    ... on Error { message }
    ... on LaunchBackfillSuccess { backfillId }
  }
}
"""
_STATE = """
query ($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on Error { message }
    ... on PartitionBackfill {
      status
      error { message }
      runs(limit: 10000) { id status startTime endTime }
    }
  }
}
"""
_SAID = """
query ($id: ID!) {
  logsForRun(runId: $id) {
    __typename
    ... on Error { message }
    ... on EventConnection {
      events {
        ... on ExecutionStepFailureEvent { stepKey error { message causes { message } } }
        ... on RunFailureEvent { message error { message causes { message } } }
      }
    }
  }
}
"""


class Range(NamedTuple):
    """Partitions from one to another, both among them."""

    start: str
    end: str


class State(NamedTuple):
    """How far a backfill is."""

    status: str
    """Of it as a whole."""
    runs: Mapping[str, int]
    """How many runs have each status."""
    problem: str
    """What went wrong besides runs; empty if nothing."""
    took_s: float
    """From the start of the first run to the end of the last so far (s); 0 before that."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing is done for it any more."""
        return self.status in ENDED and not any(self.runs.get(one) for one in (*AT_WORK, "QUEUED"))

    @property
    def is_good(self) -> bool:
        """Whether it ended and all of it is there."""
        return self.has_ended and self.status in GOOD


class Backfills:
    """Asks a web server.

    Attributes:
        url: Of the Dagster UI.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        transport = RequestsHTTPTransport(f"{url}/graphql", timeout=_PATIENCE_S, retries=5)
        self._client = Client(transport=transport)

    def launch(self, ranges: Mapping[str, Sequence[Range]]) -> str:
        """Launch one of assets by name; its id.

        Raises:
            ValueError: Dagster refuses.
        """
        asked = {
            "partitionsByAssets": [
                {
                    "assetKey": {"path": [asset]},
                    "partitions": {"ranges": [one._asdict() for one in some]},
                }
                for asset, some in ranges.items()
            ]
        }
        return self._asked(_LAUNCH, {"asked": asked})["backfillId"]

    def state(self, backfill: str) -> State:
        """How far one is.

        Raises:
            ValueError: There is none of that id.
        """
        found = self._asked(_STATE, {"id": backfill})
        problem = (found["error"] or {}).get("message", "")
        started = [run["startTime"] for run in found["runs"] if run["startTime"]]
        ended = [run["endTime"] for run in found["runs"] if run["endTime"]]
        return State(
            found["status"],
            Counter(run["status"] for run in found["runs"]),
            problem,
            max(ended) - min(started) if started and ended else 0.0,
        )

    def failures(self, backfill: str) -> list[str]:
        """Why its runs failed, each reason once.

        Raises:
            ValueError: There is none of that id.
        """
        runs = self._asked(_STATE, {"id": backfill})["runs"]
        failed = [run["id"] for run in runs if run["status"] == "FAILURE"]
        said = [self._asked(_SAID, {"id": run})["events"] for run in failed]
        return list(dict.fromkeys(reason for events in said for reason in _reasons(events)))

    def _asked(self, question: str, variables: dict[str, Any]) -> Mapping[str, Any]:
        [answer] = self._client.execute(
            GraphQLRequest(question, variable_values=variables)
        ).values()
        if message := answer.get("message"):
            raise ValueError(f"Dagster at {self.url}: expected an answer, got: {message}")
        return answer


def _reasons(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a failed run said: of its steps, or of itself if none began."""
    failed = [one for one in events if one.get("error") or one.get("message")]
    steps = [one for one in failed if one.get("stepKey")]
    return [_reason(one) for one in steps or failed]


def _reason(event: Mapping[str, Any]) -> str:
    error = event["error"] or {"message": event["message"], "causes": []}
    causes = [error, *error["causes"]]
    step = event.get("stepKey")
    return (f"{step}: " if step else "") + causes[-1]["message"].strip()
