"""What the UI asks of Dagster by GraphQL, for tests.

Not here: the processes that answer (see `server`).
"""

import http.client
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

LOCATION = "sieve_assets.definitions"
PATIENCE_S = 300.0
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
BACKFILL_ENDED = {"COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}
GOOD = {"COMPLETED", "COMPLETED_SUCCESS"}
"""Of a backfill that ended."""

_QUESTIONS = Path(__file__).with_suffix(".graphql").read_text()
_Found = TypeVar("_Found")


def until(look: Callable[[], _Found | None], what: str, *, seconds: float = PATIENCE_S) -> _Found:
    """What `look` finds, which may take a while.

    Raises:
        TimeoutError: It took too long.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"expected {what} within {seconds:.0f} s, got {found!r}")
        time.sleep(0.1)
    return found


@dataclass(frozen=True)
class Backfill:
    """A backfill, as it stood when it was asked for.

    Attributes:
        id: Dagster's name of it.
        status: Of it as a whole.
        runs: Its runs: runId, status, startTime and endTime (s), tags.
        error: What went wrong besides runs; empty if nothing.
    """

    id: str
    status: str
    runs: list[dict[str, Any]]
    error: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether it and all of its runs have."""
        return self.status in BACKFILL_ENDED and {run["status"] for run in self.runs} <= ENDED

    @property
    def run_ids(self) -> set[str]:
        return {run["runId"] for run in self.runs}


@dataclass(frozen=True)
class DagsterClient:
    """Asks a web server of this machine.

    Attributes:
        port: Where it listens.
    """

    port: int

    def ask(self, question: str, **variables: Any) -> dict[str, Any]:
        """What GraphQL answers to an operation of `dagster_client.graphql`.

        Raises:
            AssertionError: It refuses.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        body = json.dumps({"query": _QUESTIONS, "operationName": question, "variables": variables})
        try:
            connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
            reply = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert not reply.get("errors"), f"expected an answer, got {reply['errors']}"
        [answer] = reply["data"].values()
        kind = answer["__typename"]
        refused = kind.endswith(("Error", "NotFound", "NotSupported", "Failure", "Conflict"))
        assert not refused, f"expected no refusal, got {kind}: {answer.get('message')}"
        return answer

    def is_loaded(self) -> bool:
        """Whether the code location is there.

        Raises:
            AssertionError: It is wrong.
        """
        try:
            entries = self.ask("Locations")["locationEntries"]
        except OSError:  # the server does not listen yet
            return False
        loaded = [entry["locationOrLoadError"] for entry in entries]
        for one in filter(None, loaded):
            is_right = one["__typename"] == "RepositoryLocation"
            assert is_right, f"expected {LOCATION} to load, got:\n{one.get('message')}"
        return bool(loaded) and all(loaded)

    def reload(self) -> None:
        """Load the code location anew, as after the study file has changed."""
        loaded = self.ask("Reload", name=LOCATION)["locationOrLoadError"]
        assert loaded["__typename"] == "RepositoryLocation", loaded

    def backfill(self, keys: Mapping[str, Sequence[str]]) -> str:
        """Launch a backfill of stages over partition keys of each, as the UI does; its id."""
        asked: dict[str, Any] = {"assetSelection": [{"path": [stage]} for stage in keys]}
        if len({tuple(some) for some in keys.values()}) == 1:
            asked["partitionNames"] = list(next(iter(keys.values())))
        else:
            asked["partitionsByAssets"] = [
                {
                    "assetKey": {"path": [stage]},
                    "partitions": {"ranges": [{"start": key, "end": key} for key in some]},
                }
                for stage, some in keys.items()
            ]
            del asked["assetSelection"]
        return self.ask("LaunchBackfill", asked=asked)["backfillId"]

    def backfill_state(self, backfill: str) -> Backfill:
        state = self.ask("Backfill", id=backfill)
        error = (state["error"] or {}).get("message", "")
        return Backfill(state["id"], state["status"], state["runs"], error)

    def ended_backfill(self, backfill: str) -> Backfill:
        """The backfill, once it and its runs have ended."""

        def ended() -> Backfill | None:
            state = self.backfill_state(backfill)
            return state if state.has_ended else None

        return until(ended, f"backfill {backfill} to end")

    def cancelled_backfill(self, backfill: str) -> Backfill:
        """Cancel a backfill; as it is once it and its runs have ended.

        Asks again if need be: the daemon, while it works on a backfill, overwrites its status.
        """

        def ended() -> Backfill | None:
            state = self.backfill_state(backfill)
            if state.status == "REQUESTED":
                self.ask("CancelBackfill", id=backfill)
            return state if state.has_ended else None

        return until(ended, f"backfill {backfill} to be cancelled")

    def retry_backfill(self, backfill: str) -> str:
        """Re-execute what a backfill left undone; the id of the new one."""
        return self.ask("RetryBackfill", id=backfill)["backfillId"]

    def runs(self) -> list[dict[str, Any]]:
        """All runs, the latest first."""
        return self.ask("Runs")["results"]

    def run(self, run_id: str) -> dict[str, Any]:
        return self.ask("Run", id=run_id)

    def ended_run(self, run_id: str) -> dict[str, Any]:
        """The run, once it has ended."""

        def ended() -> dict[str, Any] | None:
            run = self.run(run_id)
            return run if run["status"] in ENDED else None

        return until(ended, f"run {run_id} to end")

    def retry_run(self, run_id: str) -> str:
        """Re-execute a failed run from the step that failed; the id of the new one."""
        return self.ask("RetryRun", id=run_id)["run"]["runId"]

    def terminate(self, run_id: str) -> None:
        self.ask("Terminate", id=run_id)

    def said_by(self, run_id: str) -> list[str]:
        """The messages of a run's events."""
        events = self.ask("Messages", id=run_id)["events"]
        return [event.get("message") or "" for event in events]

    def process_of(self, run_id: str) -> int:
        """Process id of a run that has started."""
        [process] = re.findall(
            r"Started process for run \(pid: (\d+)\)", " ".join(self.said_by(run_id))
        )
        return int(process)

    def wipe(self, *stages: str) -> None:
        """Let Dagster forget what was materialized of stages; what is stored stays."""
        ranges = [{"assetKey": {"path": [stage]}} for stage in stages]
        self.ask("Wipe", ranges=ranges)

    def statuses(self, stage: str) -> dict[str, str]:
        """Every partition of a stage: materialized, failed, materializing or unmaterialized."""
        node = self.ask("PartitionStatuses", key={"path": [stage]})
        *first, last = [one["partitionKeys"] for one in node["partitionKeysByDimension"]]
        partitions = node["assetPartitionStatuses"]
        if not first:
            return _by_key(partitions)
        found = {f"{model}|{neuron}": "unmaterialized" for model in first[0] for neuron in last}
        for one in partitions["ranges"]:
            start, end = (first[0].index(one[f"primaryDim{e}Key"]) for e in ("Start", "End"))
            for model in first[0][start : end + 1]:
                statuses = _by_key(one["secondaryDim"])
                found |= {f"{model}|{neuron}": status for neuron, status in statuses.items()}
        return found

    def latest(self, stage: str, key: str) -> dict[str, Any]:
        """Metadata of a partition's last materialization, with `runId`; empty if there is none."""
        node = self.ask("Latest", key={"path": [stage]}, partition=key)
        [event] = node["latestMaterializationByPartition"]
        if event is None:
            return {}
        entries = {
            entry["label"]: entry.get("text", entry.get("intValue"))
            for entry in event["metadataEntries"]
        }
        return entries | {"runId": event["runId"]}


def _by_key(statuses: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The status of each key; one that failed is also counted as unmaterialized, or still there."""
    kinds = ("unmaterialized", "materialized", "failed", "materializing")
    return {key: kind for kind in kinds for key in statuses[f"{kind}Partitions"]}
